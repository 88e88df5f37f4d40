"""Frames without labels in training: they are cropped as the others, and a teacher alone speaks of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import torch

from segwright.core import ClassTable, DataError, Listener, Note
from segwright.data import Dataset, EmptyMask, Frame
from segwright.data.images import ImageFile
from segwright.data.listing import list_files, stem_of
from segwright.train.distillation import UNLABELLED_CHANNEL
from segwright.train.feed import Batch, Feed


def unlabelled_frames(folder: Path, classes: ClassTable, held_out: Collection[str], listener: Listener) -> Dataset:
    """The image files below `folder`, void all over; those that are, byte for byte, held-out frames are left out.

    `held_out` are hashes as `Dataset.image_hashes` gives them.

    Raises:
        DataError: no folder, or no image in it that is not held out.
    """
    listing = list_files(folder)
    void = EmptyMask(classes.void_id)
    frames = tuple(Frame(stem_of(name), ImageFile(listing.path(name)), void) for name in listing.images)
    found = Dataset(folder, classes, frames, "unlabelled")
    foreign = set(found.stems_among(held_out))
    kept = [frame.stem for frame in frames if frame.stem not in foreign]
    if not kept:
        raise DataError.of(
            f"distill.unlabelled: {folder}",
            "has no frame to learn from",
            allowed="image files that are not held out for validation, calibration or test",
            found=f"{len(frames)} image files, {len(foreign)} of them held-out frames",
            fix="name another folder, or leave distill.unlabelled out",
        )
    if foreign:
        text = f"{len(foreign)} unlabelled frames are held-out ones and were left out; {len(kept)} are learned from"
        listener(Note("reading", text, "warning"))
    return found.only(kept)


class MixedFeed:
    """Batches whose last crops come from frames without labels; `feeds` share the slots of each batch."""

    def __init__(self, labelled: Feed, unlabelled: Feed) -> None:
        self._labelled, self._unlabelled = labelled, unlabelled

    hard: None = None  # where the loss is high says nothing of frames without labels

    @property
    def waited_seconds(self) -> float:
        """The time that training had to wait for crops."""
        return self._labelled.waited_seconds + self._unlabelled.waited_seconds

    def batch(self, step: int, side: int | None = None) -> Batch:
        """The labelled crops of a step: what statistics are taken from."""
        return self._labelled.batch(step, side)

    def batches(self, first_step: int, last_step: int) -> Iterator[Batch]:
        """The batches of steps `first_step` to `last_step - 1`, in order."""
        pairs = zip(
            self._labelled.batches(first_step, last_step), self._unlabelled.batches(first_step, last_step), strict=True
        )
        for labelled, unlabelled in pairs:
            nobody = torch.full_like(unlabelled.target, UNLABELLED_CHANNEL)
            frames, target = (
                torch.cat([labelled.frames, unlabelled.frames]),
                torch.cat([labelled.target, nobody]),
            )
            yield Batch(labelled.step, frames, target)


def divided(batch: int, share: float) -> tuple[range, range]:
    """The slots of labelled and of unlabelled crops; each has at least one."""
    unlabelled = min(batch - 1, max(1, round(share * batch)))
    return range(batch - unlabelled), range(batch - unlabelled, batch)
