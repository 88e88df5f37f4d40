"""What a dataset looks like in numbers: what a training plan is resolved from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import (
    GREY,
    RGB,
    ClassTable,
    DataError,
    Image,
    LabelMap,
    Listener,
    SegwrightError,
    Size,
    raise_collected,
    silent,
    tracked,
)
from segwright.data.checking import tell_void
from segwright.data.dataset import Dataset, Frame
from segwright.data.regions import measured_regions
from segwright.data.workers import in_threads


@dataclass(frozen=True)
class ClassFingerprint:
    """One class over all frames. A component is 8-connected; its width is the diameter of the largest disk of pixels
    that fits in it (1 for a one-pixel line). Medians are None where the class is absent."""

    pixels: int
    frames_present: int
    components: int
    median_area_px: float | None
    median_width_px: float | None


@dataclass(frozen=True)
class Fingerprint:
    """Numbers over some frames of a dataset. Void pixels count in `void_fraction` and nowhere else.

    Sizes are taken side by side: the median height with the median width. `mean` and `std`, one a band, are of pixel
    values times `scale`: one over the type's range for 8 bits, over the smallest power of two minus one that covers
    the values for 16 bits (a 12-bit sensor spans 0..1), over the largest magnitude for floats.
    """

    frames: int
    size_min: Size
    size_median: Size
    size_max: Size
    bands: tuple[str, ...]
    dtype: str
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: Mapping[str, ClassFingerprint]
    void_fraction: float

    def to_json(self) -> dict[str, object]:
        """The fingerprint as plain values; sizes are [height, width]."""
        return {
            "frames": self.frames,
            **{name: [size.height, size.width] for name, size in self._sizes().items()},
            "bands": list(self.bands),
            "dtype": self.dtype,
            "scale": self.scale,
            "mean": list(self.mean),
            "std": list(self.std),
            "classes": {name: asdict(row) for name, row in self.classes.items()},
            "void_fraction": self.void_fraction,
        }

    @staticmethod
    def from_json(data: Mapping) -> Fingerprint:
        """The fingerprint that `to_json` gave."""
        return Fingerprint(
            frames=data["frames"],
            size_min=Size(*data["size_min"]),
            size_median=Size(*data["size_median"]),
            size_max=Size(*data["size_max"]),
            bands=tuple(data["bands"]),
            dtype=data["dtype"],
            scale=data["scale"],
            mean=tuple(data["mean"]),
            std=tuple(data["std"]),
            classes={name: ClassFingerprint(**row) for name, row in data["classes"].items()},
            void_fraction=data["void_fraction"],
        )

    def _sizes(self) -> dict[str, Size]:
        return {"size_min": self.size_min, "size_median": self.size_median, "size_max": self.size_max}


@dataclass(frozen=True)
class _FrameNumbers:
    """One frame's share of a fingerprint; sums are over valid pixels, in raw units, one value a band."""

    size: Size
    bands: tuple[str, ...]
    dtype: str
    valid_px: int
    void_px: int
    total: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]
    largest: float
    pixels: npt.NDArray[np.int64]
    areas: tuple[npt.NDArray, ...]
    widths: tuple[npt.NDArray, ...]


def fingerprint(dataset: Dataset, stems: Iterable[str] | None = None, listener: Listener = silent) -> Fingerprint:
    """The numbers of the frames `stems`, or of all; frames that are void all over are told as a note.

    Raises:
        DataError: no frames, frames that cannot be read, or frames of different pixel types or bands; all at once.
    """
    frames = dataset.frames if stems is None else dataset.only(stems).frames
    if not frames:
        raise DataError.of(
            str(dataset.root),
            "has no frames to look at",
            allowed="at least one",
            found="0",
            fix="name a folder with labelled frames, or a part of the split that has some",
        )

    def looked_at(frame: Frame) -> _FrameNumbers | SegwrightError:
        try:
            labelled = dataset.read(frame)
        except SegwrightError as error:
            return error
        return _numbers(labelled.image, labelled.labels)

    answers = list(tracked(in_threads(looked_at, frames), listener, "looking", len(frames)))
    errors = [answer for answer in answers if isinstance(answer, SegwrightError)]
    raise_collected(problem for error in errors for problem in error.problems)
    numbers = [answer for answer in answers if isinstance(answer, _FrameNumbers)]
    _check_alike(dataset, tuple(frames), numbers)
    tell_void([frame.stem for frame, row in zip(frames, numbers, strict=True) if row.valid_px == 0], listener)
    return _merged(numbers, dataset.classes)


def _numbers(image: Image, labels: LabelMap) -> _FrameNumbers:
    valid = labels.valid
    total, squares = _sums(image.pixels, valid)
    regions = [measured_regions(labels.ids == class_id) for class_id in labels.classes.ids]
    counts = np.bincount(labels.ids.ravel(), minlength=max(labels.classes.ids) + 1)
    valid_px = int(np.count_nonzero(valid))
    return _FrameNumbers(
        size=labels.size,
        bands=image.bands,
        dtype=str(image.pixels.dtype),
        valid_px=valid_px,
        void_px=labels.size.area_px - valid_px,
        total=total,
        squares=squares,
        largest=0.0 if image.pixels.dtype == np.uint8 else _largest(image.pixels, valid),
        pixels=counts[list(labels.classes.ids)],
        areas=tuple(found.areas for found in regions),
        widths=tuple(found.widths for found in regions),
    )


def _sums(pixels: npt.NDArray, valid: npt.NDArray[np.bool_]) -> tuple[npt.NDArray, npt.NDArray]:
    """Sum and sum of squares of each band over the valid pixels, in double precision."""
    mask = valid.view(np.uint8)
    count = np.count_nonzero(valid)
    moments = [cv2.meanStdDev(np.ascontiguousarray(pixels[..., band]), mask=mask) for band in range(pixels.shape[2])]
    mean = np.array([float(mean[0, 0]) for mean, _ in moments])
    std = np.array([float(std[0, 0]) for _, std in moments])
    return mean * count, (std**2 + mean**2) * count


def _largest(pixels: npt.NDArray, valid: npt.NDArray[np.bool_]) -> float:
    """The largest magnitude among the valid pixels; 0 where there are none."""
    return float(max((np.abs(pixels[..., band][valid]).max(initial=0) for band in range(pixels.shape[2])), default=0))


def _check_alike(dataset: Dataset, frames: tuple[Frame, ...], numbers: list[_FrameNumbers]) -> None:
    """Grey beside RGB is fine (grey is repeated); anything else that differs cannot share one preprocessing."""
    kinds: dict[str, list[str]] = {}
    for frame, row in zip(frames, numbers, strict=True):
        bands = "grey or RGB" if row.bands in (GREY, RGB) else ", ".join(row.bands)
        kinds.setdefault(f"{row.dtype} {bands}", []).append(frame.stem)
    if len(kinds) > 1:
        found = "; ".join(f"{len(stems)} of {kind} such as {stems[0]}" for kind, stems in kinds.items())
        raise DataError.of(
            str(dataset.root),
            "holds frames of different pixel kinds",
            allowed="one pixel type and one set of bands",
            found=found,
            fix="convert the odd ones, or keep them in a dataset of their own",
        )


def _merged(numbers: list[_FrameNumbers], classes: ClassTable) -> Fingerprint:
    bands = RGB if {row.bands for row in numbers} == {GREY, RGB} else numbers[0].bands
    scale = _scale(numbers[0].dtype, max(row.largest for row in numbers))
    valid_px = sum(row.valid_px for row in numbers)
    void_px = sum(row.void_px for row in numbers)
    total = sum((np.broadcast_to(row.total, len(bands)) for row in numbers), np.zeros(len(bands)))
    squares = sum((np.broadcast_to(row.squares, len(bands)) for row in numbers), np.zeros(len(bands)))
    mean = total / max(valid_px, 1)
    std = np.sqrt(np.maximum(squares / max(valid_px, 1) - mean**2, 0))
    heights, widths = [row.size.height for row in numbers], [row.size.width for row in numbers]
    return Fingerprint(
        frames=len(numbers),
        size_min=Size(min(heights), min(widths)),
        size_median=Size(int(np.median(heights)), int(np.median(widths))),
        size_max=Size(max(heights), max(widths)),
        bands=bands,
        dtype=numbers[0].dtype,
        scale=scale,
        mean=tuple(round(float(value) * scale, 6) for value in mean),
        std=tuple(round(float(value) * scale, 6) for value in std),
        classes={name: _class_numbers(numbers, channel) for channel, name in enumerate(classes.names)},
        void_fraction=round(void_px / (valid_px + void_px), 6),
    )


def _scale(dtype: str, largest: float) -> float:
    if dtype == "uint8":
        return 1 / 255
    if dtype == "uint16":
        return 1 / (2 ** max(8, int(largest).bit_length()) - 1)
    return 1 / largest if largest > 1 else 1.0


def _class_numbers(numbers: list[_FrameNumbers], channel: int) -> ClassFingerprint:
    areas = np.concatenate([row.areas[channel] for row in numbers])
    widths = np.concatenate([row.widths[channel] for row in numbers])
    return ClassFingerprint(
        pixels=int(sum(row.pixels[channel] for row in numbers)),
        frames_present=sum(bool(row.pixels[channel]) for row in numbers),
        components=len(areas),
        median_area_px=float(np.median(areas)) if len(areas) else None,
        median_width_px=round(float(np.median(widths)), 2) if len(widths) else None,
    )
