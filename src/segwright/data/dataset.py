"""Labelled frames as one value: what every later stage reads."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from segwright.core import ClassTable, DataError, Image, InstanceSet, LabelMap, PanopticMap
from segwright.core import instances_from_panoptic as things_of
from segwright.data.images import ImageSource, file_digest
from segwright.data.lazy_frames import LazyFrames
from segwright.data.masks import InstanceSource, MaskSource, PanopticSource
from segwright.data.workers import in_threads

_HALF = 32
FRAME_DIGITS = 16  # of one frame: by chance two of a million agree in less than one of ten million sets


@dataclass(frozen=True)
class Frame:
    """One picture: its name, where its pixels and its labels come from, and what is known about it.

    `stem` is unique in a dataset: the posix path below the root without suffix and without a folder that only says
    "images". `columns` hold what a split may go by: line, camera, sequence, tile. `mask` is None where nobody labelled.
    """

    stem: str
    image: ImageSource
    mask: MaskSource | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelledFrame:
    """Upright pixels and the class ids that belong to them, of one size."""

    image: Image
    labels: LabelMap


@dataclass(frozen=True)
class Dataset:
    """Frames in a fixed order with their class table; nothing is decoded until it is asked for.

    `notes` say what was found but left out, how much of it, and why. `reason` says what the format was recognised by;
    it is empty where nobody had to tell, and is no part of what the dataset is.
    """

    root: Path
    classes: ClassTable
    frames: Sequence[Frame]
    format: str
    notes: tuple[str, ...] = ()
    reason: str = field(default="", compare=False)

    def __len__(self) -> int:
        return len(self.frames)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        frames = self.frames
        return frames.places if isinstance(frames, LazyFrames) else {row.stem: at for at, row in enumerate(frames)}

    def frame(self, stem: str) -> Frame:
        """The frame of this stem.

        Raises:
            DataError: no such frame.
        """
        try:
            return self.frames[self._places[stem]]
        except KeyError:
            raise _unknown_stems(self, [stem]) from None

    def read(self, frame: Frame) -> LabelledFrame:
        """Decode a frame and its labels, upright, at native size; each file is opened and decoded once.

        Raises:
            DataError: a file is damaged, the labels do not fit, or the frame has none.
        """
        image, shape = frame.image.read()
        return LabelledFrame(image, _labels_of(frame).read(shape, self.classes))

    def read_image(self, frame: Frame) -> Image:
        """Decode a frame without its labels."""
        return frame.image.read()[0]

    def read_labels(self, frame: Frame) -> LabelMap:
        """The labels of a frame; no pixel of the image is decoded.

        Raises:
            DataError: a file is damaged, the labels do not fit, or the frame has none.
        """
        return _labels_of(frame).read(frame.image.shape(), self.classes)

    def read_instances(self, frame: Frame) -> InstanceSet:
        """The objects of a frame, crowds among them; of segments, those of thing classes.

        Raises:
            DataError: as `read_labels`, or labels that say which class a pixel is, but not which object.
        """
        labels = _labels_of(frame)
        if isinstance(labels, InstanceSource):
            return labels.read_instances(frame.image.shape(), self.classes)
        if isinstance(labels, PanopticSource):
            return things_of(labels.read_panoptic(frame.image.shape(), self.classes))
        raise _without(frame, "objects", "use instances_from_label_map: each connected region becomes an object")

    def read_panoptic(self, frame: Frame) -> PanopticMap:
        """The segments of a frame.

        Raises:
            DataError: as `read_labels`, or labels that do not divide the frame into segments.
        """
        labels = _labels_of(frame)
        if isinstance(labels, PanopticSource):
            return labels.read_panoptic(frame.image.shape(), self.classes)
        raise _without(frame, "segments", "use panoptic_from_instances, or panoptic_from_label_map")

    def only(self, stems: Iterable[str]) -> Dataset:
        """The frames of these stems, in the dataset's own order.

        Raises:
            DataError: a stem that no frame has.
        """
        wanted = set(stems)
        unknown = sorted(wanted - self._places.keys())
        if unknown:
            raise _unknown_stems(self, unknown)
        return replace(self, frames=tuple(self.frames[at] for stem, at in self._places.items() if stem in wanted))

    def with_columns(self, rows: Mapping[str, Mapping[str, str]]) -> Dataset:
        """The same frames knowing more: `rows` maps a stem to its new columns, which win over old ones of that name.

        Raises:
            DataError: a stem that no frame has.
        """
        unknown = sorted(rows.keys() - self._places.keys())
        if unknown:
            raise _unknown_stems(self, unknown)
        frames = (replace(frame, columns={**frame.columns, **rows.get(frame.stem, {})}) for frame in self.frames)
        return replace(self, frames=tuple(frames))

    @property
    def column_names(self) -> tuple[str, ...]:
        """Every column that some frame has, sorted."""
        frames = self.frames
        if isinstance(frames, LazyFrames):
            return tuple(sorted({name for at in range(len(frames)) for name in frames.columns(at)}))
        return tuple(sorted({name for frame in frames for name in frame.columns}))

    @cached_property
    def content_hash(self) -> str:
        """64 hexadecimal digits that say what the dataset is; where the files lie does not matter.

        The first 32 follow everything: names, image bytes, labels, columns and class table. The last 32 follow the
        images' bytes alone, so that whoever keeps only this text can still tell whether the same images are asked
        about, under whatever names, columns and labels: see `shows_images_of`.
        """
        total = hashlib.sha256(self.classes.content_hash.encode())
        images = []
        for frame, (image, labels) in zip(self.frames, self._hashes, strict=True):
            total.update(repr((frame.stem, image + labels, sorted(frame.columns.items()))).encode())
            images.append(image)
        return total.hexdigest()[:_HALF] + hashlib.sha256("".join(sorted(images)).encode()).hexdigest()[:_HALF]

    @cached_property
    def image_hashes(self) -> Mapping[str, str]:
        """Stem -> 16 hexadecimal digits that follow the bytes of its image alone."""
        rows = zip(self.frames, self._hashes, strict=True)
        return {frame.stem: image[:FRAME_DIGITS] for frame, (image, _) in rows}

    def stems_among(self, image_hashes: Collection[str]) -> tuple[str, ...]:
        """The frames whose images are among these, byte for byte, by stem; nothing is read where there are none."""
        known = set(image_hashes)
        return tuple(stem for stem, own in self.image_hashes.items() if own in known) if known else ()

    @cached_property
    def _hashes(self) -> tuple[tuple[str, str], ...]:
        """Of each frame, the hashes of its image and of its labels."""
        return tuple(in_threads(_frame_hashes, self.frames))

    def shows_images_of(self, content_hash: str | None) -> bool:
        """Whether these are, byte for byte, the images of the dataset with this `content_hash`, no more and no fewer.

        False for None: of such a dataset nothing is known.
        """
        return content_hash is not None and content_hash[_HALF:] == self.content_hash[_HALF:]


def _labels_of(frame: Frame) -> MaskSource:
    if frame.mask is None:
        raise DataError.of(str(frame.image), "has no labels", allowed="a labelled frame", fix="label it, or predict")
    return frame.mask


def _without(frame: Frame, what: str, fix: str) -> DataError:
    rule = f"has labels that say which class a pixel is, and no {what}"
    return DataError.of(str(frame.image), rule, allowed=f"a frame with {what}", found="class ids", fix=fix)  # type: ignore[return-value]


def _frame_hashes(frame: Frame) -> tuple[str, str]:
    """Of the image's bytes, and of everything that decides the labels."""
    masks = () if frame.mask is None else frame.mask.files
    digest = "unlabelled" if frame.mask is None else frame.mask.digest
    return frame.image.digest, "".join([*(file_digest(path) for path in masks), digest])


def _unknown_stems(dataset: Dataset, stems: list[str]) -> DataError:
    known = ", ".join(frame.stem for frame in dataset.frames[:5]) + (" ..." if len(dataset) > 5 else "")
    return DataError.of(  # type: ignore[return-value]
        str(dataset.root),
        f"has no frame of {len(stems)} of the names asked for",
        allowed=known,
        found=", ".join(stems[:10]) + (" ..." if len(stems) > 10 else ""),
        fix="run `segwright split` again on this dataset",
    )
