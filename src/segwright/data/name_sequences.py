"""Frames of one recording, told by their names: what stands before the last number is the same for all of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from segwright.data.columns import columns_from_pattern, named_groups
from segwright.data.dataset import Dataset

COLUMN = "sequence"
# 0006R0_f00930 and 0001TP_008550: the name of a recording, a separator, a letter or none, the frame's number
PATTERN = rf"(?P<{COLUMN}>[^/]+?)[_-]?[a-z]?\d+$"
SHOWN = 4


@dataclass(frozen=True)
class CutSequences:
    """The frames with a column `sequence` out of their names by `pattern`, and in words what parts cut them."""

    dataset: Dataset
    pattern: str
    note: str


def cut_sequences(dataset: Dataset, part: str) -> CutSequences | None:
    """Sequences that a published split, the column `part`, puts on both sides; None where names tell none that it cuts.

    Names tell sequences where each has two frames or more in the mean, and there are at least two: a set whose frames
    are all called img_001 is one sequence, and one of single photographs is none.
    """
    from segwright.core import DataError

    try:
        rows = named_groups([frame.stem for frame in dataset.frames], PATTERN, str(dataset.root))
    except DataError:  # names without a number
        return None
    frames = Counter(row[COLUMN] for row in rows.values())
    parts: dict[str, set[str]] = defaultdict(set)
    for frame in dataset.frames:
        parts[rows[frame.stem][COLUMN]].add(frame.columns.get(part, ""))
    cut = {name: sides for name, sides in parts.items() if len(sides) > 1}
    if not cut or len(frames) < 2 or len(dataset) < 2 * len(frames):
        return None
    shown = [f"{name} ({', '.join(sorted(sides))})" for name, sides in sorted(cut.items())[:SHOWN]]
    more = f" and {len(cut) - SHOWN} more" if len(cut) > SHOWN else ""
    note = (
        f"the published parts (column {part}) cut what the file names show as one sequence: {', '.join(shown)}{more}. "
        f"Its neighbours would be on both sides, so the column {COLUMN} was taken out of the names; correct "
        "data.columns_from where that is not what belongs together"
    )
    return CutSequences(columns_from_pattern(dataset, PATTERN), PATTERN, note)
