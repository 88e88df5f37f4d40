"""From light to an 8-bit frame: lens, exposure, sensor. Session and line leave their own fixed traces."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.demo.frames.looks import Look
from segwright.demo.frames.spec import FrameSpec, random_stream
from segwright.demo.frames.texture import Field, in_colour

PATTERN_STREAM, SESSION_STREAM, FRAME_STREAM = 1, 2, 3


@lru_cache(maxsize=8)
def lens_field(size: Size, vignette: float) -> Field:
    """How much light the lens passes: 1 in the middle, `1 - vignette` in the corners; (height, width)."""
    x = np.linspace(-1, 1, size.width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, size.height, dtype=np.float32)[:, None]
    field = 1 - np.float32(vignette / 2) * (x * x + y * y)
    field.flags.writeable = False
    return field


@lru_cache(maxsize=2)
def session_field(spec: FrameSpec, line: str, session: int, look: Look) -> Field:
    """Lens, gain and white balance of one session, (height, width, 3), with dust on the lens: soft dark specks that
    stay where they are from frame to frame.
    """
    random = random_stream(spec, line, SESSION_STREAM, session)
    field = np.array(lens_field(spec.size, look.vignette))
    for _speck in range(int(random.integers(2, 7))):
        x, y = (float(random.uniform(0, side)) for side in (spec.size.width, spec.size.height))
        radius = float(random.uniform(2.5, 6.0)) * spec.scale
        rows, columns = np.ogrid[: spec.size.height, : spec.size.width]
        distance2 = np.minimum(((columns - x) ** 2 + (rows - y) ** 2) / radius**2, 4)
        field *= (1 - float(random.uniform(0.05, 0.12)) * np.exp(-(distance2**2))).astype(np.float32)
    gain = look.gain * float(random.uniform(0.96, 1.04))
    passed = in_colour(field, [gain * balance for balance in look.white_balance])
    passed.flags.writeable = False
    return passed


@lru_cache(maxsize=4)
def pattern_noise(spec: FrameSpec, line: str, amplitude: float) -> Field:
    """The sensor's fixed pattern: columns and single pixels that read a little high or low; (height, width)."""
    random = random_stream(spec, line, PATTERN_STREAM)
    columns = random.standard_normal((1, spec.size.width), dtype=np.float32)
    pixels = random.standard_normal((spec.size.height, spec.size.width), dtype=np.float32)
    field = np.float32(amplitude) * (np.float32(0.6) * columns + np.float32(0.8) * pixels)
    field.flags.writeable = False
    return field


def exposed(light: Field, look: Look, lens: Field) -> Field:
    """The frame before noise, (height, width, 3), 1 is full scale: blurred, then `lens` passes its share."""
    soft = cv2.GaussianBlur(light, (0, 0), look.blur_sigma_px)
    soft *= lens
    soft += np.float32(look.black)
    return soft


def developed(clean: Field, look: Look, pattern: Field, random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Sensor noise on the exposed frame, cut to 8 bits: shot and read noise, colour noise two pixels wide."""
    height, width = clean.shape[:2]
    sigma = cv2.sqrt(cv2.extractChannel(clean, 1) * np.float32(look.shot_noise) + np.float32(look.read_noise**2))
    noise = random.standard_normal((height, width), dtype=np.float32) * sigma
    noise += pattern
    coarse = random.standard_normal((-(-height // 2), -(-width // 2), 3), dtype=np.float32)
    colour = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    colour *= np.float32(0.7 * look.read_noise)
    colour += clean
    colour += cv2.merge([noise, noise, noise])
    return np.asarray(cv2.convertScaleAbs(np.maximum(colour, 0, out=colour), alpha=255.0), dtype=np.uint8)
