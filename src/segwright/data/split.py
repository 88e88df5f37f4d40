"""Which frames train and which are held out: a value, its readable file, and the check that it still holds."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segwright.core import DataError, Problem
from segwright.data.dataset import Dataset

PARTS = ("train", "validation", "calibration", "test")
SCHEMA = "segwright/split"
SCHEMA_VERSION = 1
_SHOWN = 8
_AGAIN = "run `segwright split` again"


@dataclass(frozen=True)
class PartCounts:
    """What a part holds: frames, groups, pixels of each class by name, void pixels."""

    frames: int
    groups: int
    class_pixels: Mapping[str, int]
    void_pixels: int


@dataclass(frozen=True)
class Split:
    """Part -> stems, sorted. Every group (the frames that share a value of the column `by`) lies in one part.

    `by` is None where the user said that frames are independent. `dataset_hash` and `class_hash` are those of the
    dataset it was made from; `held_out` says which groups were put where by hand; `notes` what a part lacks.
    """

    parts: Mapping[str, tuple[str, ...]]
    by: str | None
    seed: int
    dataset_hash: str
    class_hash: str
    fractions: Mapping[str, float] = field(default_factory=dict)
    held_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: Mapping[str, PartCounts] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def content_hash(self) -> str:
        """A hash of who is where: equal parts, equal hash, however they were made."""
        rows = [self.by, [[part, sorted(stems)] for part, stems in sorted(self.parts.items())]]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()

    def stems(self, part: str) -> tuple[str, ...]:
        """The stems of a part.

        Raises:
            DataError: the split has no such part.
        """
        if part not in self.parts:
            raise DataError.of("split", "has no such part", allowed=", ".join(self.parts), found=part, fix=_AGAIN)
        return self.parts[part]

    def made_from(self, dataset: Dataset) -> bool:
        """Whether the dataset still is, byte for byte, what the split was made from."""
        return self.dataset_hash == dataset.content_hash

    def to_json(self) -> dict[str, object]:
        """The split as it stands in split.json."""
        counts = {
            part: {
                "frames": count.frames,
                "groups": count.groups,
                "class_pixels": dict(count.class_pixels),
                "void_pixels": count.void_pixels,
            }
            for part, count in self.counts.items()
        }
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "by": self.by,
            "seed": self.seed,
            "fractions": dict(self.fractions),
            "held_out": {part: list(values) for part, values in self.held_out.items()},
            "dataset_hash": self.dataset_hash,
            "class_hash": self.class_hash,
            "counts": counts,
            "notes": list(self.notes),
            "parts": {part: list(stems) for part, stems in self.parts.items()},
        }

    @staticmethod
    def from_json(data: Mapping) -> Split:
        """The split that `to_json` gave."""
        counts = {part: PartCounts(**row) for part, row in data.get("counts", {}).items()}
        return Split(
            parts={part: tuple(stems) for part, stems in data["parts"].items()},
            by=data["by"],
            seed=data["seed"],
            dataset_hash=data["dataset_hash"],
            class_hash=data["class_hash"],
            fractions=data.get("fractions", {}),
            held_out={part: tuple(values) for part, values in data.get("held_out", {}).items()},
            counts=counts,
            notes=tuple(data.get("notes", ())),
        )


def write_split(path: Path | str, split: Split) -> None:
    """Write a split as JSON that people can read and diff; to a temporary name, then one rename."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(split.to_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError.of(
            str(path), "cannot be written", found=error.strerror or str(error), fix="choose another folder"
        ) from error


def read_split(path: Path | str) -> Split:
    """The split in a file; whether it fits a dataset is what `verify_split` tells.

    Raises:
        DataError: missing, not JSON, or not a split of this schema version.
    """
    make = "run `segwright split DATA --by COLUMN --out split.json`"
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError.of(str(path), "does not exist", allowed="a split file", fix=make) from None
    except (OSError, ValueError) as error:
        raise DataError.of(str(path), "is not a split file", allowed="JSON", found=str(error), fix=make) from error
    schema = (data.get("schema"), data.get("schema_version")) if isinstance(data, dict) else (None, None)
    if schema != (SCHEMA, SCHEMA_VERSION):
        found = f"{schema[0]} {schema[1]}"
        raise DataError.of(
            str(path), "is not a split of this version", allowed=f"{SCHEMA} {SCHEMA_VERSION}", found=found, fix=make
        )
    try:
        return Split.from_json(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError.of(str(path), "is a damaged split file", found=f"no {error}", fix=make) from error


def verify_split(dataset: Dataset, split: Split) -> list[Problem]:
    """Everything that keeps a split from holding on a dataset: empty where it holds.

    Checked: stems that are no frames, frames that are in no part or in two, groups on both sides, another class table.
    """
    return [
        *foreign_frames(dataset, split),
        *_overlaps(split),
        *_straddling(dataset, split),
        *_other_classes(dataset, split),
    ]


def foreign_frames(dataset: Dataset, split: Split) -> Iterator[Problem]:
    """Names in the split that are no frames of the dataset, and frames that are in no part."""
    stems = {frame.stem for frame in dataset.frames}
    placed = {stem for part in split.parts.values() for stem in part}
    for names, rule in (
        (placed - stems, "frames of the split are not in the dataset"),
        (stems - placed, "frames of the dataset are in no part of the split"),
    ):
        if names:
            yield Problem("split", f"{len(names)} {rule}", str(dataset.root), _few(sorted(names)), _AGAIN)


def _overlaps(split: Split) -> Iterator[Problem]:
    times = Counter(stem for stems in split.parts.values() for stem in stems)
    twice = sorted(stem for stem, count in times.items() if count > 1)
    if twice:
        yield Problem(
            "split", f"{len(twice)} frames are in more than one part", "one part a frame", _few(twice), _AGAIN
        )


def _straddling(dataset: Dataset, split: Split) -> Iterator[Problem]:
    if split.by is None:
        return
    part_of = {stem: part for part, stems in split.parts.items() for stem in stems}
    sides: dict[str, set[str]] = defaultdict(set)
    unnamed = []
    for frame in dataset.frames:
        if split.by not in frame.columns:
            unnamed.append(frame.stem)
        elif frame.stem in part_of:
            sides[frame.columns[split.by]].add(part_of[frame.stem])
    if unnamed:
        fix = (
            "say in segwright.yaml where the column comes from (data.columns_from: '(?P<"
            f"{split.by}>...)', or data.columns_csv), as --columns or --columns-csv told `segwright split`"
        )
        rule = f"{len(unnamed)} frames have no column '{split.by}', by which the split was made"
        yield Problem("split", rule, ", ".join(dataset.column_names) or "no column", _few(unnamed), fix)
    both = sorted(value for value, parts in sides.items() if len(parts) > 1)
    if both:
        rule = f"{len(both)} values of '{split.by}' are on both sides: scores would be of frames seen in training"
        yield Problem("split", rule, "each value in one part", _few(both), _AGAIN)


def _other_classes(dataset: Dataset, split: Split) -> Iterator[Problem]:
    if split.class_hash != dataset.classes.content_hash:
        yield Problem(
            "split", "was made with another class table", split.class_hash[:12], dataset.classes.describe(), _AGAIN
        )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
