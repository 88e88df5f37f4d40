"""The difference of two datasets: which frames came and went, and what changed in the labels of those in both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from segwright.core import ClassTable, DataError, LabelMap, Listener, adopt, raise_collected, silent, tracked
from segwright.data import Dataset, Frame
from segwright.data.images import file_digest
from segwright.data.workers import in_threads
from segwright.evaluate.mask_diff.frame import ClassDiff, MaskDiff, diff_masks


@dataclass(frozen=True)
class FrameChange:
    """A frame in both datasets whose labels, picture or columns differ; `masks` is None where no pixel changed."""

    stem: str
    masks: MaskDiff | None
    image_changed: bool = False
    columns: Mapping[str, tuple[str | None, str | None]] | None = None

    @property
    def changed_px(self) -> int:
        """Pixels whose label differs."""
        return 0 if self.masks is None else self.masks.changed_px


@dataclass(frozen=True)
class DatasetDiff:
    """From `old` to `new`: frames by name, changes ranked by changed pixels, and their sum.

    `classes` has the classes of both, matched by name. `labelled` and `unlabelled` are frames that got labels or lost
    them. `compared` counts the frames whose labels were compared; `total` is None where there are none.
    """

    names: tuple[str, str]
    classes: ClassTable
    added: tuple[str, ...]
    removed: tuple[str, ...]
    labelled: tuple[str, ...]
    unlabelled: tuple[str, ...]
    changes: tuple[FrameChange, ...]
    compared: int
    total: MaskDiff | None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The difference as plain values; a class that never had an outline in both has no shift."""
        names = [*self.classes.names, "void"]
        return {
            "old": self.names[0],
            "new": self.names[1],
            "frames": {
                "added": list(self.added), "removed": list(self.removed), "labelled": list(self.labelled),
                "unlabelled": list(self.unlabelled), "compared": self.compared,
                "changed": sum(row.masks is not None for row in self.changes),
            },
            "pixels": None if self.total is None else {
                "labels": names, "rows": "old", "columns": "new", "counts": self.total.pixels.tolist(),
            },
            "classes": {} if self.total is None else {
                spec.name: _class_json(row)
                for spec, row in zip(self.classes.foreground, self.total.classes, strict=True)
            },
            "changes": [
                {
                    "stem": row.stem, "changed_px": row.changed_px, "image_changed": row.image_changed,
                    "columns": {name: list(pair) for name, pair in (row.columns or {}).items()},
                }
                for row in self.changes
            ],
            "notes": list(self.notes),
        }  # fmt: skip


def _class_json(row: ClassDiff) -> dict[str, Any]:
    return {
        "components_added": row.added,
        "components_removed": row.removed,
        "components_split": row.split,
        "components_merged": row.merged,
        "boundary_shift_mean_px": row.mean_shift_px,
        "boundary_shift_p95_px": row.shift_quantile_px(0.95),
    }


def diff_datasets(
    old: Dataset, new: Dataset, *, names: tuple[str, str] = ("old", "new"), listener: Listener = silent
) -> DatasetDiff:
    """What changed from one dataset to the other; frames are matched by stem, classes by name.

    Labels whose sources are the same are not read. Frames whose picture has another size now are told in `notes` and
    not compared.

    Raises:
        DataError: labels that cannot be read; all of them.
    """
    classes = joint_classes(old.classes, new.classes)
    before, after = ({frame.stem: frame for frame in one.frames} for one in (old, new))
    shared = sorted(before.keys() & after.keys())
    both = [stem for stem in shared if before[stem].mask is not None and after[stem].mask is not None]
    same_table = old.classes.content_hash == new.classes.content_hash
    read = [stem for stem in both if not same_table or _source(before[stem]) != _source(after[stem])]
    sides = _Sides(old, new, classes)
    answers = tracked(in_threads(sides.diff, read), listener, "diff", len(read))
    found = dict(zip(read, answers, strict=True))
    problems = [problem for answer in found.values() if isinstance(answer, DataError) for problem in answer.problems]
    raise_collected(problems)
    masks = {stem: answer for stem, answer in found.items() if isinstance(answer, MaskDiff)}
    notes = [answer for answer in found.values() if isinstance(answer, str)]
    rows = (_change(before[stem], after[stem], masks.get(stem)) for stem in shared)
    changes = sorted((row for row in rows if row is not None), key=lambda row: (-row.changed_px, row.stem))
    return DatasetDiff(
        names=names,
        classes=classes,
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        labelled=tuple(stem for stem in shared if before[stem].mask is None and after[stem].mask is not None),
        unlabelled=tuple(stem for stem in shared if before[stem].mask is not None and after[stem].mask is None),
        changes=tuple(changes),
        compared=len(both) - len(notes),
        total=_sum(masks.values()),
        notes=tuple(notes),
    )


def _sum(parts: Iterable[MaskDiff]) -> MaskDiff | None:
    rows = list(parts)
    return reduce(lambda one, other: one + other, rows) if rows else None


@dataclass(frozen=True)
class _Sides:
    """Both datasets, and the class table both are read in."""

    old: Dataset
    new: Dataset
    classes: ClassTable

    def maps(self, stem: str) -> tuple[LabelMap, LabelMap]:
        """The labels of a frame in both, in the joint class table."""
        before, after = (in_classes(side.read_labels(side.frame(stem)), self.classes) for side in (self.old, self.new))
        return before, after

    def diff(self, stem: str) -> MaskDiff | DataError | str:
        try:
            before, after = self.maps(stem)
        except DataError as error:
            return error
        if before.size != after.size:
            return f"{stem}: its size changed from {before.size} to {after.size}; its labels were not compared"
        return diff_masks(before, after)


def _change(before: Frame, after: Frame, masks: MaskDiff | None) -> FrameChange | None:
    """The row of one frame, or None where nothing changed."""
    kept = masks if masks is not None and masks.changed_px else None
    image = before.image.digest != after.image.digest
    names = before.columns.keys() | after.columns.keys()
    pairs = {name: (before.columns.get(name), after.columns.get(name)) for name in sorted(names)}
    columns = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return FrameChange(before.stem, kept, image, columns) if kept or image or columns else None


def _source(frame: Frame) -> tuple | None:
    """What decides a frame's labels: the digest of its source, and of the mask files it reads."""
    return None if frame.mask is None else (frame.mask.digest, *(file_digest(path) for path in frame.mask.files))


def joint_classes(old: ClassTable, new: ClassTable) -> ClassTable:
    """The classes of both tables, matched by name: the new table's, then those that only the old one has."""
    gone = [spec for spec in old if spec.name not in new.names]
    taken = {*new.ids, new.void_id}
    specs = list(new.classes)
    for spec in gone:
        free = spec.class_id if spec.class_id not in taken else next(n for n in range(65536) if n not in taken)
        taken.add(free)
        specs.append(replace(spec, class_id=free))
    wide = max(spec.class_id for spec in specs) > 255
    return ClassTable(tuple(specs), 65535 if wide else new.void_id, new.background or old.background)


def in_classes(labels: LabelMap, classes: ClassTable) -> LabelMap:
    """The same labels in a class table that has all their classes by name."""
    table = np.zeros(65536, classes.id_type)
    for spec in labels.classes:
        table[spec.class_id] = classes[spec.name].class_id
    table[labels.classes.void_id] = classes.void_id
    return LabelMap(adopt(table[labels.ids]), classes)


def changed_maps(old: Dataset, new: Dataset, found: DatasetDiff, stem: str) -> tuple[LabelMap, LabelMap]:
    """The labels of one frame before and after, in the class table of the difference."""
    return _Sides(old, new, found.classes).maps(stem)
