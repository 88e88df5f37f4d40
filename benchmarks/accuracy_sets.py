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


SETS: dict[str, RealSet] = {
    "tiles": RealSet(
        "defect_magnetic_tile",
        "tile by tile, six exposures of a tile together",
        Grouping("tile_group_inferred"),
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
        "the dusk sequence held out whole; stretches of 1,000 numbers of the two day sequences validate",
        Grouping("stretch"),
        {"train": 0.85, "validation": 0.15, "test": 0.0},
        {"test": ["sequence:0001TP"]},
        {"columns_from": r"/(?P<stretch>(?P<sequence>[^_/]+)_f?0\d\d)"},
    ),
    "isbi": RealSet(
        "medical_isbi2012",
        "blocks of five neighbouring sections",
        Grouping("section", block="5"),
        data={
            "format": "binary_masks",
            "options": {"inverted": True, "foreground": "membrane", "background": "cell"},
            "columns_from": r"(?P<section>\d+)$",
        },
        augment=ALL_FLIPS,
    ),
    "cvc": RealSet(
        "medical_cvc_clinicdb",
        "sequence by sequence",
        Grouping("sequence_inferred"),
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
