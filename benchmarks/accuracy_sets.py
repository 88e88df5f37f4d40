"""The real sets of benchmarks/accuracy.py: how each is opened, what stays together, what is held out.

Nothing here was chosen by a score: groups follow each set's own account of how its frames came about (a tile under six
exposures, a video sequence, a block of neighbouring sections), flips follow what the camera can see.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwright.data import Dataset, Grouping, Split, make_split, open_dataset, read_split, write_split

THIRDS = {"train": 0.55, "validation": 0.15, "test": 0.3}
ALL_FLIPS = {"valid_flips": ["horizontal", "vertical"]}


@dataclass(frozen=True)
class RealSet:
    """A folder of the shared data, its settings in a project file, and its split into train, validation and test.

    `grouping` None: frames are independent pictures. `said` is the split in words.
    """

    folder: str
    said: str
    grouping: Grouping | None = None
    fractions: dict[str, float] = field(default_factory=lambda: dict(THIRDS))
    held_out: dict[str, list[str]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)

    @property
    def flips(self) -> list[str]:
        """The flips that give another possible frame."""
        return self.augment.get("valid_flips", ["horizontal"])


SETS: dict[str, RealSet] = {
    "tiles": RealSet(
        "defect_magnetic_tile",
        "tile by tile, six exposures of a tile together",
        # lint (SEG033) finds that what is listed as tile 191 is the sixth exposure of tile 190
        Grouping("tile_group_inferred if num != '348888' else '190'"),
        augment=ALL_FLIPS,
    ),
    "crackforest": RealSet(
        "defect_crackforest",
        "image by image",
        data={"format": "mat_masks", "options": {"set": "crackforest"}},
        augment=ALL_FLIPS,
    ),
    "camvid": RealSet(
        "semantic_camvid",
        "a sequence a part: one by day trains, one by day validates, the one at dusk is held out",
        Grouping("sequence"),
        {"train": 1.0, "validation": 0.0, "test": 0.0},
        {"validation": ["0006R0"], "test": ["0001TP"]},
        {"columns_from": r"/(?P<sequence>[^_/]+)_f?\d+$"},
    ),
    "isbi": RealSet(
        "medical_isbi2012",
        "blocks of five neighbouring sections; sections nearer than 2 to another part are left out",
        Grouping("section", block="5", gap="2"),
        data={
            "format": "binary_masks",
            "options": {"inverted": True, "foreground": "membrane", "background": "cell"},
            "columns_from": r"(?P<section>\d+)$",
        },
        augment=ALL_FLIPS,
    ),
    "cvc": RealSet(
        "medical_cvc_clinicdb",
        "sequence by sequence; the first three, which look alike where they meet, train together",
        Grouping("sequence_inferred"),
        {"train": 1.0, "validation": 0.0, "test": 0.0},
        {"validation": ["4"], "test": ["5"]},
        data={
            "format": "binary_masks",
            "options": {"cut": 128, "foreground": "polyp", "images": "Original", "masks": "Ground Truth"},
        },
        augment=ALL_FLIPS,
    ),
    "drive": RealSet(
        "medical_drive",
        "image by image, outside the field of view is void",
        data={"format": "binary_masks", "options": {"foreground": "vessel"}},
    ),
}


def open_set(name: str, root: Path, work: Path) -> tuple[Dataset, Split, Path]:
    """The set's frames, its split (seed 0), and the file that the split is kept in."""
    chosen = SETS[name]
    dataset = open_dataset(root / chosen.folder, **chosen.data)
    path = (work / f"{name}-split.json").resolve()
    if path.is_file():
        return dataset, read_split(path), path
    made = make_split(
        dataset,
        by=chosen.grouping,
        fractions=chosen.fractions,
        held_out=chosen.held_out,
        frames_are_independent=chosen.grouping is None,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_split(path, made)
    return dataset, made, path
