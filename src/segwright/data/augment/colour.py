"""What another camera, lamp or day would do to a crop. float32 in, float32 out, 0..1, in place where it can.

8-bit and 16-bit frames of any number of bands become such crops. Saturation needs three bands, JPEG one or three, white
balance more than one; other crops they leave alone. Float frames have no full scale: the plan switches all of it off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.data.augment.light import glare, light_gradient, shadow
from segwright.data.augment.sensor import banding, gaussian, hot_pixels, motion_blur, sensor_noise

Crop = npt.NDArray[np.float32]
BEST_JPEG = 96
# Of exact zeros OpenCV takes a power fifty times as slowly; the power of this is still black.
LEAST_LIGHT = 1e-12
GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue, as in OpenCV


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
    jpeg_quality: int = 40  # lowest quality; 96 and above: never
    share: float = 0.5
    glare: float = 0.0  # how often a saturated patch is put on; marks under it keep their label
    shadow: float = 0.0  # how often a shadow falls on the crop; marks in it keep their label
    motion_blur_px: float = 0.0
    sensor_noise: float = 0.0  # shot and read noise; 1 is a small sensor at high gain
    banding: float = 0.0  # rows or columns with an offset; 1 is up to 3 % of full scale
    hot_pixels: float = 0.0  # 1 is up to five in ten thousand

    @property
    def changes_anything(self) -> bool:
        """Whether any effect can come about."""
        return max(self.share, self.glare, self.shadow) > 0


def vary_colour(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    """The crop `(height, width, bands)` as another camera might have seen it; clipped to 0..1."""
    for effect in _effects(ranges):
        if rng.random() < ranges.share:
            crop = effect(crop, ranges, rng)
            np.clip(crop, 0.0, 1.0, out=crop)
    for how_often, light in ((ranges.shadow, shadow), (ranges.glare, glare)):
        if how_often > 0 and rng.random() < how_often:
            np.clip(light(crop, rng), 0.0, 1.0, out=crop)
    return crop


Effect = Callable[[Crop, ColourRanges, np.random.Generator], Crop]


def _effects(ranges: ColourRanges) -> list[Effect]:
    """The effects that are on, in the order of light, lens, sensor and file; no number is drawn for the others."""
    strengths: list[tuple[float, Effect]] = [
        (ranges.gain, _gain),
        (ranges.light_gradient, _light_gradient),
        (ranges.gamma, _gamma),
        (ranges.contrast, _contrast),
        (ranges.channel_gain, _channel_gain),
        (ranges.saturation, _saturation),
        (max(ranges.blur_px, ranges.sharpen), _focus),
        (ranges.motion_blur_px, lambda crop, ranges, rng: motion_blur(crop, ranges.motion_blur_px, rng)),
        (ranges.sensor_noise, lambda crop, ranges, rng: sensor_noise(crop, ranges.sensor_noise, rng)),
        (ranges.banding, lambda crop, ranges, rng: banding(crop, ranges.banding, rng)),
        (ranges.hot_pixels, lambda crop, ranges, rng: hot_pixels(crop, ranges.hot_pixels, rng)),
        (ranges.noise, _noise),
        (max(0, BEST_JPEG - ranges.jpeg_quality), _jpeg),
    ]
    return [effect for strength, effect in strengths if strength > 0]


def _gain(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    crop *= np.float32(2.0 ** rng.uniform(-2 * ranges.gain, 2 * ranges.gain))
    return crop


def _gamma(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    exponent, flat = float(np.exp(rng.uniform(-ranges.gamma, ranges.gamma))), _flat(crop)
    cv2.max(flat, LEAST_LIGHT, dst=flat)  # type: ignore[call-overload]  # a number is a scalar to OpenCV
    return _like(crop, cv2.pow(flat, exponent, dst=flat))


def _contrast(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    flat = _flat(crop)
    mean = cv2.mean(flat)[0]
    factor = 1.0 + rng.uniform(-ranges.contrast, ranges.contrast)
    return _like(crop, cv2.addWeighted(flat, factor, flat, 0.0, mean * (1.0 - factor), dst=flat))


def _channel_gain(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    if crop.shape[2] == 1:
        return crop  # one band has no white balance
    gains = (1.0 + rng.uniform(-ranges.channel_gain, ranges.channel_gain, crop.shape[2])).astype(np.float32)
    for band, gain in enumerate(gains):
        crop[:, :, band] *= gain
    return crop


def _saturation(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    if crop.shape[2] != 3:
        return crop
    factor = max(0.0, 1.0 + rng.uniform(-2 * ranges.saturation, ranges.saturation))
    # factor * (crop - grey) + grey, of all bands at once
    return _like(crop, cv2.transform(crop, factor * np.eye(3) + (1.0 - factor) * GREY))


def _light_gradient(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    return light_gradient(crop, ranges.light_gradient, rng)


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
    noise = gaussian(crop.shape, rng)
    noise *= np.float32(rng.uniform(0, ranges.noise))
    crop += noise
    return crop


def _jpeg(crop: Crop, ranges: ColourRanges, rng: np.random.Generator) -> Crop:
    if crop.shape[2] not in (1, 3) or rng.random() < 0.5:
        return crop
    quality = int(rng.integers(ranges.jpeg_quality, BEST_JPEG))
    coded = cv2.imencode(".jpg", np.round(crop * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)
    assert decoded is not None  # it was encoded one line above
    return _like(crop, decoded) / np.float32(255)


def _flat(crop: Crop) -> Crop:
    """The same memory, bands beside each other in a row: OpenCV's arithmetic knows four bands at most."""
    return crop.reshape(len(crop), -1)


def _like(crop: Crop, pixels: npt.NDArray) -> Crop:
    """OpenCV's answer as float32 with the axis it drops where there is one band."""
    return np.asarray(pixels, np.float32).reshape(crop.shape)
