"""How each press line and each lighting photographs: the domains of the worked example."""

from __future__ import annotations

import math
from dataclasses import dataclass

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Brushing:
    """One layer of surface texture: streaks `along_px` long and `across_px` wide, in relative brightness (1 sigma)."""

    along_px: float
    across_px: float
    amplitude: float
    scales: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """A press line: what its metal, belt, optics and sensor do to a frame. Light values are 0 black to 1 saturated."""

    metal: Colour
    brushing: tuple[Brushing, ...]
    brushing_deg: float
    cloudiness: float
    belt: Colour
    weave_px: float
    weave_amplitude: float
    light_deg: float
    white_balance: Colour
    gain: float
    black: float
    blur_sigma_px: float
    vignette: float
    distortion: float
    shot_noise: float
    read_noise: float
    pattern_noise: float

    @property
    def brushing_amplitude(self) -> float:
        """One sigma of the whole texture, relative."""
        return math.hypot(*(layer.amplitude for layer in self.brushing))


@dataclass(frozen=True, slots=True)
class Light:
    """A light setup: how strongly slopes shade, how uneven it is, how it glares."""

    direction: float
    tilt_loss: float
    gradient: float
    streak: float
    glare_patches: float
    shadow: float
    shadow_blur_px: float


LOOKS = {
    "press-1": Look(
        metal=(0.56, 0.575, 0.60),
        brushing=(Brushing(60, 1.0, 0.030), Brushing(160, 2.6, 0.026, scales=True)),
        brushing_deg=4.0,
        cloudiness=0.035,
        belt=(0.120, 0.125, 0.135),
        weave_px=6.0,
        weave_amplitude=0.30,
        light_deg=-125.0,
        white_balance=(0.98, 1.0, 1.03),
        gain=1.0,
        black=0.012,
        blur_sigma_px=0.55,
        vignette=0.16,
        distortion=-0.010,
        shot_noise=0.00016,
        read_noise=0.006,
        pattern_noise=0.003,
    ),
    "press-2": Look(
        metal=(0.64, 0.625, 0.585),
        brushing=(Brushing(26, 1.2, 0.034), Brushing(70, 3.4, 0.030, scales=True)),
        brushing_deg=88.0,
        cloudiness=0.05,
        belt=(0.135, 0.185, 0.165),
        weave_px=8.5,
        weave_amplitude=0.22,
        light_deg=-60.0,
        white_balance=(1.04, 1.0, 0.93),
        gain=0.94,
        black=0.02,
        blur_sigma_px=0.7,
        vignette=0.26,
        distortion=0.012,
        shot_noise=0.00026,
        read_noise=0.009,
        pattern_noise=0.004,
    ),
    "press-3": Look(
        metal=(0.54, 0.545, 0.53),
        brushing=(Brushing(34, 1.2, 0.025), Brushing(110, 4.0, 0.024, scales=True), Brushing(2.2, 2.2, 0.005)),
        brushing_deg=38.0,
        cloudiness=0.047,
        belt=(0.203, 0.211, 0.198),
        weave_px=5.3,
        weave_amplitude=0.175,
        light_deg=-140.0,
        white_balance=(0.985, 1.017, 0.955),
        gain=1.045,
        black=0.028,
        blur_sigma_px=0.86,
        vignette=0.278,
        distortion=-0.0185,
        shot_noise=0.00037,
        read_noise=0.0115,
        pattern_noise=0.0048,
    ),
}

LIGHTS = {
    "ring": Light(
        direction=0.55, tilt_loss=0.55, gradient=0.05, streak=0.03, glare_patches=0.45, shadow=0.38, shadow_blur_px=9.0
    ),
    "bar": Light(
        direction=1.0, tilt_loss=0.25, gradient=0.30, streak=0.20, glare_patches=1.1, shadow=0.62, shadow_blur_px=4.0
    ),
}
