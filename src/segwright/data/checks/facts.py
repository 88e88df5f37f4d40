"""One pass over a dataset: each frame is decoded once, and what rules need to know of it is kept in a few kilobytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from segwright.core import Image, LabelMap, Listener, Problem, SegwrightError, silent, tracked
from segwright.data.checks.label_facts import LabelFacts, look_at_labels
from segwright.data.checks.mask_values import MaskValues, look_at_mask
from segwright.data.checks.near.descriptor import thumbnail
from segwright.data.codecs import FrameShape
from segwright.data.dataset import Dataset, Frame
from segwright.data.masks import BinaryMask
from segwright.data.workers import in_threads


@dataclass(frozen=True)
class FrameFacts:
    """What is known of one frame.

    `problems` say why it could not be read; then `picture`, `labels` and the digests are missing. `image_digest` is of
    the decoded pixels, so that the same picture in another file has the same one; `label_digest` of the class ids.
    `picture` is the grey thumbnail, None also where the frame shows nothing. `mask` is known where a mask file is read
    by a grey level, or could not be read.
    """

    stem: str
    place: str
    columns: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    labelled: bool = True
    mask: MaskValues | None = None
    image_digest: str = ""
    label_digest: str = ""
    picture: npt.NDArray[np.uint8] | None = None
    labels: LabelFacts | None = None
    size: str = ""

    @property
    def subject(self) -> str:
        """The content a finding about this frame is remembered by; its name where it could not be read."""
        return f"{self.image_digest} {self.label_digest}" if self.image_digest else f"unread {self.stem}"


def gather(dataset: Dataset, listener: Listener = silent) -> tuple[FrameFacts, ...]:
    """The facts of every frame, in the dataset's order; files that cannot be read are facts too."""
    answers = in_threads(lambda frame: look_at(dataset, frame), dataset.frames)
    return tuple(tracked(answers, listener, "linting", len(dataset)))


def look_at(dataset: Dataset, frame: Frame) -> FrameFacts:
    """The facts of one frame; its files are decoded once, and masks that are cut or refused a second time."""
    place = place_of(frame)
    try:
        if frame.mask is None:
            image, labels = dataset.read_image(frame), None
        else:
            read = dataset.read(frame)
            image, labels = read.image, read.labels
    except SegwrightError as error:
        return FrameFacts(frame.stem, place, frame.columns, error.problems, mask=_refused_values(dataset, frame))
    return FrameFacts(
        stem=frame.stem,
        place=place,
        columns=frame.columns,
        labelled=labels is not None,
        mask=look_at_mask(frame.mask, FrameShape(image.size)) if isinstance(frame.mask, BinaryMask) else None,
        image_digest=_image_digest(image),
        label_digest="" if labels is None else _label_digest(labels),
        picture=thumbnail(image),
        labels=None if labels is None else look_at_labels(labels),
        size=str(image.size),
    )


def place_of(frame: Frame) -> str:
    """The file to open to see a finding: the mask file where there is one, else the image."""
    files = () if frame.mask is None else frame.mask.files
    return str(files[0] if len(files) == 1 else frame.image)


def _refused_values(dataset: Dataset, frame: Frame) -> MaskValues | None:
    """What a mask file that was refused holds, where the image's size at least can be told."""
    if frame.mask is None:
        return None
    try:
        return look_at_mask(frame.mask, FrameShape(dataset.read_image(frame).size))
    except SegwrightError:
        return None


def _image_digest(image: Image) -> str:
    total = hashlib.blake2b(repr((image.pixels.shape, str(image.pixels.dtype))).encode(), digest_size=16)
    total.update(cast("bytes", image.pixels.data))
    return total.hexdigest()


def _label_digest(labels: LabelMap) -> str:
    total = hashlib.blake2b(repr((labels.ids.shape, labels.classes.content_hash)).encode(), digest_size=16)
    total.update(cast("bytes", labels.ids.astype(np.uint16).data))
    return total.hexdigest()
