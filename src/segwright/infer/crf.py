"""A dense conditional random field: pixels that lie near each other and look alike should be called alike.

Source: Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials" (NIPS
2011): mean field with Potts compatibility and two Gaussian kernels, one of places and one of places and colours, each
normalised symmetrically. The first is filtered as it stands, the second on a permutohedral lattice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, ConfigError, DataError, Image, Size
from segwright.infer.lattice import Lattice, lattice_of

Floats = npt.NDArray[np.float32]
LEAST_PROBABILITY = 1e-5  # a class is never ruled out for good
MOST_BANDS = 4  # a lattice of more dimensions has nearly a corner of its own for each pixel
# A block's core, and the longest side that is taken whole: of noise in 19 classes, 1,024 px wide and high, 0.9 GB were
# held beside the probabilities.
CORE_PX, WHOLE_PX = 512, 1024


@dataclass(frozen=True)
class Crf:
    """How strongly neighbours pull. Lengths are standard deviations; levels are of 0..255, whatever the pixel type.

    near_px, near_weight: the kernel of places alone, which takes away specks.
    far_px, levels, alike_weight: the kernel of places and colours, which draws outlines to edges of the picture.
    """

    iterations: int = 5
    near_px: float = 3.0
    near_weight: float = 3.0
    far_px: float = 60.0
    levels: float = 10.0
    alike_weight: float = 5.0

    def __post_init__(self) -> None:
        lengths = (self.near_px, self.far_px, self.levels)
        if self.iterations < 1 or min(lengths) < 1 or min(self.near_weight, self.alike_weight) < 0:
            raise ConfigError.of(
                "cleanup.crf",
                "has a number out of range",
                allowed="iterations, near_px, far_px and levels of 1 or more; weights of 0 or more",
                found=str(self),
                fix="correct it in segwright.yaml, or cleanup.crf=true for the usual numbers",
            )

    @property
    def margin_px(self) -> int:
        """How far around a block pixels are read too: two standard deviations of the wider kernel, within reason."""
        return int(min(2 * max(self.far_px, self.near_px), CORE_PX // 2))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Crf:
        return Crf(**data)


def refine(
    probabilities: Floats, image: Image, crf: Crf, full_scale: float = 255.0, valid: npt.NDArray[np.bool_] | None = None
) -> Floats:
    """Probabilities (channels, height, width) after mean field on the picture they belong to, as float32.

    `full_scale` is the pixel value that stands for white. Pixels that are not `valid` (height, width) pull nobody and
    keep their probabilities. Frames with a side above 1,024 px are worked on in blocks that see 2 `far_px` around them.

    Raises:
        DataError: a picture of another size, or of more than four bands.
    """
    _check(probabilities, image)
    output = np.empty_like(probabilities, np.float32)
    for core, seen in _blocks(image.size, crf.margin_px):
        inner = Box(core.top - seen.top, core.left - seen.left, core.bottom - seen.top, core.right - seen.left)
        shown = None if valid is None else valid[seen.slices]
        answer = _mean_field(probabilities[:, *seen.slices], image.pixels[seen.slices], crf, 255 / full_scale, shown)
        output[:, *core.slices] = answer[:, *inner.slices]
    if valid is not None:
        output[:, ~valid] = probabilities[:, ~valid]
    return output


def refined_bands(
    bands: Iterator[tuple[int, Floats]], image: Image, crf: Crf, full_scale: float
) -> Iterator[tuple[int, Floats]]:
    """Bands of whole rows from the top (first row, (channels, rows, width)), each after `refine`.

    Rows wait until those below that their blocks see have come; no more than a row of blocks is held.
    """
    rows = list(
        dict.fromkeys(
            (core.top, core.bottom, seen.top, seen.bottom) for core, seen in _blocks(image.size, crf.margin_px)
        )
    )
    held, first = None, 0
    pending = iter(rows)
    wanted = next(pending)
    for top, band in bands:
        held = band.copy() if held is None else np.concatenate([held, band], axis=1)
        while wanted is not None and wanted[3] <= top + band.shape[1]:
            core_top, core_bottom, seen_top, seen_bottom = wanted
            strip = held[:, seen_top - first : seen_bottom - first]
            shown = Image(np.ascontiguousarray(image.pixels[seen_top:seen_bottom]), image.bands)
            yield core_top, _strip(strip, shown, crf, full_scale)[:, core_top - seen_top : core_bottom - seen_top]
            wanted = next(pending, None)
            if wanted is not None:
                held, first = held[:, wanted[2] - first :], wanted[2]


def _strip(strip: Floats, image: Image, crf: Crf, full_scale: float) -> Floats:
    """One row of blocks: cut along its width only."""
    _check(strip, image)
    output = np.empty_like(strip)
    for (left, right), (seen_left, seen_right) in _cuts(strip.shape[2], crf.margin_px):
        seen = slice(seen_left, seen_right)
        answer = _mean_field(strip[:, :, seen], image.pixels[:, seen], crf, 255 / full_scale, None)
        output[:, :, left:right] = answer[:, :, left - seen_left : right - seen_left]
    return output


def _check(probabilities: Floats, image: Image) -> None:
    if Size(*probabilities.shape[1:]) != image.size:
        raise DataError.of(
            "frame", "has another size than its probabilities", allowed=str(Size(*probabilities.shape[1:])),
            found=str(image.size), fix="refine the probabilities of this frame",
        )  # fmt: skip
    if len(image.bands) > MOST_BANDS:
        raise DataError.of(
            "cleanup.crf", "cannot tell what looks alike in so many bands", allowed=f"up to {MOST_BANDS} bands",
            found=f"{len(image.bands)}: {', '.join(image.bands)}", fix="cleanup.crf=false",
        )  # fmt: skip


def _blocks(size: Size, margin_px: int) -> Iterator[tuple[Box, Box]]:
    """(core, what it sees) of each block, row by row; the cores cover the frame once."""
    for (top, bottom), (seen_top, seen_bottom) in _cuts(size.height, margin_px):
        for (left, right), (seen_left, seen_right) in _cuts(size.width, margin_px):
            yield Box(top, left, bottom, right), Box(seen_top, seen_left, seen_bottom, seen_right)


def _cuts(length: int, margin_px: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    step = length if length <= WHOLE_PX else CORE_PX
    for start in range(0, length, step):
        end = min(start + step, length)
        yield (start, end), (max(0, start - margin_px), min(length, end + margin_px))


def _mean_field(
    probabilities: Floats, pixels: npt.NDArray, crf: Crf, to_levels: float, valid: npt.NDArray[np.bool_] | None
) -> Floats:
    """Probabilities (channels, height, width) after `iterations` updates of all pixels at once."""
    channels, height, width = probabilities.shape
    flat = probabilities.reshape(channels, -1).T
    unary = np.log(np.maximum(flat, LEAST_PROBABILITY), dtype=np.float32)
    seen = None if valid is None else valid.reshape(-1, 1).astype(np.float32)
    kernels = []
    if crf.near_weight:
        near = partial(_blurred, shape=(height, width), sigma_px=crf.near_px)
        kernels.append((crf.near_weight, near, _norm(near, len(flat), seen)))
    if crf.alike_weight:
        alike = _lattice(pixels, crf, to_levels).filter
        kernels.append((crf.alike_weight, alike, _norm(alike, len(flat), seen)))
    current = _softmax(unary.copy())
    for _ in range(crf.iterations):
        energy = unary.copy()
        for weight, kernel, norm in kernels:
            energy += np.float32(weight) * norm * kernel(norm * current)
        current = _softmax(energy)
    return np.ascontiguousarray(current.T).reshape(channels, height, width)


def _lattice(pixels: npt.NDArray, crf: Crf, to_levels: float) -> Lattice:
    height, width, bands = pixels.shape
    features = np.empty((height, width, 2 + bands), np.float32)
    features[..., 0] = np.arange(width, dtype=np.float32)[None] / np.float32(crf.far_px)
    features[..., 1] = np.arange(height, dtype=np.float32)[:, None] / np.float32(crf.far_px)
    np.multiply(pixels, np.float32(to_levels / crf.levels), out=features[..., 2:], casting="unsafe")
    return lattice_of(features.reshape(-1, 2 + bands))


def _norm(kernel: Any, count: int, seen: Floats | None) -> Floats:
    """One over the root of what the kernel makes of ones, (pixels, 1); 0 for pixels that are not seen."""
    ones = np.ones((count, 1), np.float32) if seen is None else seen
    norm = 1 / np.sqrt(np.maximum(kernel(ones), 1e-12))
    return (norm if seen is None else norm * seen).astype(np.float32)


def _blurred(values: Floats, *, shape: tuple[int, int], sigma_px: float) -> Floats:
    """A Gaussian over places, (pixels, channels); outside the frame there is nothing."""
    side = 2 * round(4 * sigma_px) + 1
    planes = np.ascontiguousarray(values).reshape(*shape, -1)
    blurred = cv2.GaussianBlur(planes, (side, side), sigma_px, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(blurred, np.float32).reshape(values.shape)


def _softmax(energy: Floats) -> Floats:
    """In place, over the channels (pixels, channels): channel by channel, as rows of so few numbers sum up slowly."""
    largest = energy[:, 0].copy()
    for channel in range(1, energy.shape[1]):
        np.maximum(largest, energy[:, channel], out=largest)
    energy -= largest[:, None]
    np.exp(energy, out=energy)
    total = energy[:, 0].copy()
    for channel in range(1, energy.shape[1]):
        total += energy[:, channel]
    energy /= total[:, None]
    return energy
