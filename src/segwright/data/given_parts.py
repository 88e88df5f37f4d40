"""The column `part`: which part of a split a frame is in, where whoever published the frames said so.

Every format that knows (folders, lists, files called train or val) gives this one column, and calls the parts as a
split does. `segwright split DATA --from column:part` takes them over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PART = "part"
# What other tools call the parts. A list called trainval holds two of ours, and is none of them.
PART_NAMES = {
    "train": "train", "training": "train", "tr": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test", "ts": "test",
    "cal": "calibration", "calib": "calibration", "calibration": "calibration",
}  # fmt: skip


def part_column(name: str) -> dict[str, str]:
    """The column `part` of a frame in a folder, list or file of this name: ours for `val` is `validation`.

    Names that are no part (`trainval`, `train_extra`) stay as they are; none, and `default`, give no column.
    """
    return {} if name in ("", "default") else {PART: PART_NAMES.get(name.lower(), name)}


def written_part(columns: Mapping[str, str], otherwise: str) -> str:
    """The part a frame is written to; `otherwise` where its column `part` says something else, such as a workpiece."""
    value = columns.get(PART, "")
    return value if value in PART_NAMES.values() else otherwise


def says_parts(values: Iterable[str]) -> bool:
    """Whether values of a column are those of a split that somebody made, and no grouping of frames."""
    found = {value.lower() for value in values}
    return bool(found) and found <= PART_NAMES.keys()
