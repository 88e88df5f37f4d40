"""Random erasing: a patch of a crop is taken away, and nobody is asked what was there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SMALLEST, LARGEST = 0.02, 0.2  # of the crop's area
LONGEST_RATIO = 3.0


def erase(
    pixels: npt.NDArray, channels: npt.NDArray[np.uint8], rng: np.random.Generator, *, void: int
) -> tuple[npt.NDArray, npt.NDArray[np.uint8]]:
    """The crop with a rectangle of its own mean colour, which is void in the labels; of any pixel type.

    A patch that kept its labels would ask for marks nobody can see.

    Source: Zhong et al. 2020 (random erasing), with void in place of the old label.
    """
    height, width = channels.shape
    area = rng.uniform(SMALLEST, LARGEST) * height * width
    ratio = np.exp(rng.uniform(-np.log(LONGEST_RATIO), np.log(LONGEST_RATIO)))
    tall, wide = (max(1, min(side, round(float(length)))) for side, length in
                  ((height, np.sqrt(area * ratio)), (width, np.sqrt(area / ratio))))  # fmt: skip
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    window = slice(top, top + tall), slice(left, left + wide)
    pixels, channels = pixels.copy(), channels.copy()
    mean = pixels.mean(axis=(0, 1), dtype=np.float64)
    pixels[window] = (mean if pixels.dtype.kind == "f" else np.rint(mean)).astype(pixels.dtype)
    channels[window] = void
    return pixels, channels
