"""Which frames train and which are held out, as a value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from segwright.core import DataError
from segwright.data.dataset import Dataset
from segwright.data.split.grouping import Grouping

PARTS = ("train", "validation", "calibration", "test")
AGAIN = "run `segwright split` again"


@dataclass(frozen=True)
class PartCounts:
    """What a part holds: frames, groups, pixels of each class by name, void pixels."""

    frames: int
    groups: int
    class_pixels: Mapping[str, int]
    void_pixels: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "frames": self.frames,
            "groups": self.groups,
            "class_pixels": dict(self.class_pixels),
            "void_pixels": self.void_pixels,
        }


@dataclass(frozen=True)
class Split:
    """Part -> stems, sorted. Every group (the frames that share a key of `by`) lies in one part.

    `by` is None where the user said that frames are independent, or where the split was taken over from elsewhere:
    then `origin` says from where. `blocks` are the settings that cut time or a scene (see `Grouping.to_json`).
    `left_out` holds stems that are too near to another part, or that no list named. `fold` counts from 0 where the
    split is one of several folds. `dataset_hash` and `class_hash` are those of the dataset it was made from; `held_out`
    says which groups were put where by hand; `notes` what a part lacks.
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
    blocks: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    fold: int | None = None
    origin: str | None = None

    @property
    def grouping(self) -> Grouping:
        """What the split goes by."""
        return Grouping.from_json(self.by, self.blocks)

    @property
    def place(self) -> str:
        """How messages name it: split, or split fold 2."""
        return "split" if self.fold is None else f"split fold {self.fold}"

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
            raise DataError.of("split", "has no such part", allowed=", ".join(self.parts), found=part, fix=AGAIN)
        return self.parts[part]

    def made_from(self, dataset: Dataset) -> bool:
        """Whether the dataset still is, byte for byte, what the split was made from."""
        return self.dataset_hash == dataset.content_hash
