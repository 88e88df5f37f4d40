"""What another camera, lamp or day would do to a crop. float32 in, float32 out, 0..1, in place where it can."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Crop = npt.NDArray[np.float32]
NOISE_TABLE = 1 << 20


@dataclass(frozen=True, slots=True)
class ColourRanges:
    """Largest change of each effect and, in `share`, how often it is used. 0 switches an effect off."""

    gain: float = 0.35  # overall exposure, as +- log2 steps x this
    gamma: float = 0.35
    contrast: float = 0.3
    channel_gain: float = 0.12  # white balance
    saturation: float = 0.5
    light_gradient: float = 0.3  # a lamp to one side
    blur_px: float = 1.2
    sharpen: float = 0.8
    noise: float = 0.04
    jpeg_quality: int = 40  # lowest quality
    share: float = 0.5
    glare: float = 0.0  # how often a saturated patch is put on; marks under it keep their label

    @property
    def changes_anything(self) -> bool:
        """Whether any effect can come about."""
        return max(self.share, self.glare) > 0


def vary_colour(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    """The crop `(height, width, bands)` as another camera might have seen it; clipped to 0..1."""
    for effect in (_gain, _light_gradient, _gamma, _contrast, _channel_gain, _saturation, _focus, _noise, _jpeg):
        if rng.random() < ranges.share:
            crop = effect(crop, ranges, rng)
            np.clip(crop, 0.0, 1.0, out=crop)
    if ranges.glare > 0 and rng.random() < ranges.glare:
        np.clip(_glare(crop, rng), 0.0, 1.0, out=crop)
    return crop


def _glare(crop: Crop, rng: np.random.Generator) -> Crop:
    """A specular patch: light that is the same in every band and saturates in its middle.

    Where real glare is painted void a network is never told what it is, and may call it anything; this one is told.
    """
    height, width = crop.shape[:2]
    long, wide = rng.uniform(0.06, 0.2) * min(height, width), rng.uniform(0.03, 0.08) * min(height, width)
    angle, row, column = rng.uniform(0, np.pi), rng.uniform(0, height), rng.uniform(0, width)
    down = (np.arange(height, dtype=np.float32) - np.float32(row))[:, np.newaxis]
    right = (np.arange(width, dtype=np.float32) - np.float32(column))[np.newaxis, :]
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along, across = (right * cosine + down * sine) / np.float32(long), (down * cosine - right * sine) / np.float32(wide)
    light = np.float32(rng.uniform(0.8, 2.0)) * np.exp(-np.minimum(along**2 + across**2, np.float32(18)))
    crop += light[:, :, np.newaxis]
    return crop


def _gain(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    crop *= np.float32(2.0 ** rng.uniform(-2 * ranges.gain, 2 * ranges.gain))
    return crop


def _gamma(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    return _like(crop, cv2.pow(crop, float(np.exp(rng.uniform(-ranges.gamma, ranges.gamma)))))


def _contrast(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    mean = crop.mean(dtype=np.float64)
    factor = 1.0 + rng.uniform(-ranges.contrast, ranges.contrast)
    crop *= np.float32(factor)
    crop += np.float32(mean * (1.0 - factor))
    return crop


def _channel_gain(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    if crop.shape[2] == 1:
        return crop  # one band has no white balance
    crop *= (1.0 + rng.uniform(-ranges.channel_gain, ranges.channel_gain, crop.shape[2])).astype(np.float32)
    return crop


def _saturation(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    if crop.shape[2] != 3:
        return crop
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.float32)[:, :, np.newaxis]
    factor = np.float32(max(0.0, 1.0 + rng.uniform(-2 * ranges.saturation, ranges.saturation)))
    crop -= grey
    crop *= factor
    crop += grey
    return crop


def _light_gradient(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    height, width = crop.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, np.newaxis] * np.float32(np.sin(angle))
    columns = np.linspace(-1, 1, width, dtype=np.float32)[np.newaxis, :] * np.float32(np.cos(angle))
    crop *= (1.0 + np.float32(rng.uniform(0, ranges.light_gradient)) * (rows + columns))[:, :, np.newaxis]
    return crop


def _focus(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    """Blur or sharpen, never both."""
    if rng.random() < 0.6:
        sigma = rng.uniform(0.2, max(ranges.blur_px, 0.21))
        return _like(crop, cv2.GaussianBlur(crop, (0, 0), sigma))
    soft = _like(crop, cv2.GaussianBlur(crop, (0, 0), 1.0))
    edges = crop - soft
    edges *= np.float32(rng.uniform(0, ranges.sharpen))
    crop += edges
    return crop


def _noise(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    """Gaussian noise cut from one table at a random place: a tenth of the time that drawing it anew takes."""
    table = _noise_table()
    start = int(rng.integers(max(1, len(table) - crop.size)))
    noise = np.resize(table[start : start + crop.size], crop.shape)
    crop += noise * np.float32(rng.uniform(0, ranges.noise))
    return crop


@cache
def _noise_table() -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(NOISE_TABLE, dtype=np.float32)


def _jpeg(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    if crop.shape[2] not in (1, 3) or rng.random() < 0.5:
        return crop
    quality = int(rng.integers(ranges.jpeg_quality, 96))
    coded = cv2.imencode(".jpg", np.round(crop * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)
    assert decoded is not None  # it was encoded one line above
    return _like(crop, decoded) / np.float32(255)


def _like(crop: Crop, pixels: npt.NDArray) -> Crop:
    """OpenCV's answer as float32 with the axis it drops where there is one band."""
    return np.asarray(pixels, np.float32).reshape(crop.shape)
