"""Several crops in one picture: CutMix and mosaic. Labels follow their pixels, void included; any pixel type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segwright.core import Box, Size

Sample = tuple[npt.NDArray, npt.NDArray[np.uint8]]
SMALLEST, LARGEST = 0.25, 0.75  # of a side


def cutmix_box(size: Size, rng: np.random.Generator) -> Box:
    """Where the other crop goes: a rectangle of a quarter to three quarters of each side, anywhere inside.

    Source: French et al. 2020 (CutMix for segmentation), after Yun et al. 2019.
    """
    tall, wide = (max(1, round(float(rng.uniform(SMALLEST, LARGEST) * side))) for side in (size.height, size.width))
    top, left = int(rng.integers(size.height - tall + 1)), int(rng.integers(size.width - wide + 1))
    return Box(top, left, top + tall, left + wide)


def put(under: Sample, over: Sample, box: Box) -> Sample:
    """`under` with `over`, which is as large as `box`, in its place."""
    (pixels, channels), (new_pixels, new_channels) = same_bands([under, over])
    pixels, channels = pixels.copy(), channels.copy()
    pixels[box.slices], channels[box.slices] = new_pixels, new_channels
    return pixels, channels


def mosaic_sizes(size: Size, rng: np.random.Generator) -> list[Size]:
    """The sizes of four crops that fill one of `size`: top left, top right, bottom left, bottom right.

    Source: Bochkovskiy et al. 2020 (YOLOv4), without their borders.
    """
    top, left = (
        min(side - 1, max(1, round(float(rng.uniform(0.3, 0.7) * side)))) for side in (size.height, size.width)
    )
    return [Size(tall, wide) for tall in (top, size.height - top) for wide in (left, size.width - left)]


def mosaic(parts: Sequence[Sample]) -> Sample:
    """Four crops of the sizes of `mosaic_sizes` as one."""
    parts = same_bands(parts)
    rows = [[np.concatenate([parts[row][kind], parts[row + 1][kind]], axis=1) for row in (0, 2)] for kind in (0, 1)]
    return np.concatenate(rows[0]), np.concatenate(rows[1])


def same_bands(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with as many bands each: beside RGB crops, one of a grey frame has its band three times."""
    most = max(pixels.shape[2] for pixels, _ in samples)
    return [
        (np.repeat(pixels, most, axis=2) if pixels.shape[2] < most else pixels, labels) for pixels, labels in samples
    ]
