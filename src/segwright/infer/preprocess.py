"""From a frame to what the network reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import GREY, RGB, ConfigError, DataError, Image

# The statistics torchvision and timm publish for encoders trained on ImageNet, in 0..1 units, RGB.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """`(pixel * scale - mean) / std`, band by band: the numbers the network was trained on.

    `scale` belongs to pixels of `dtype`: a frame of another type is refused, because a 16-bit frame scaled as an
    8-bit one is a wrong answer without an error. `mean` and `std` are in units after scaling, one a band.
    """

    bands: tuple[str, ...] = RGB
    scale: float = 1 / 255
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    dtype: str = "uint8"

    def __post_init__(self) -> None:
        for name in ("bands", "mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        one_a_band = len(self.mean) == len(self.std) == len(self.bands) > 0
        if not one_a_band or min(self.std) <= 0 or self.scale <= 0 or self.dtype not in ("uint8", "uint16", "float32"):
            raise ConfigError.of(
                "preprocessing",
                "does not fit its bands",
                allowed="one mean and one std above 0 a band, a scale above 0, dtype uint8, uint16 or float32",
                found=f"bands {self.bands}, mean {self.mean}, std {self.std}, scale {self.scale}, dtype {self.dtype}",
                fix="give one mean and one std for each band, or train again: the plan measures them",
            )

    def apply(self, image: Image) -> npt.NDArray[np.float32]:
        """The network's input (bands, height, width), float32. A grey frame fills all three bands of an RGB network.

        Raises:
            DataError: the frame has other bands or another pixel type than the network was trained on.
        """
        self.check(image)
        output = np.empty((len(self.bands), *image.pixels.shape[:2]), np.float32)
        for band in range(len(self.bands)):
            source = image.pixels[..., 0 if image.bands == GREY else band]
            np.multiply(source, np.float32(self.scale / self.std[band]), out=output[band], dtype=np.float32)
            output[band] -= np.float32(self.mean[band] / self.std[band])
        return output

    def check(self, image: Image) -> None:
        """Raise DataError where `apply` would refuse the frame."""
        if image.bands != self.bands and not (image.bands == GREY and self.bands == RGB):
            raise DataError.of(
                "frame",
                "has other bands than the network was trained on",
                allowed=", ".join(self.bands) + (" (or one grey band)" if self.bands == RGB else ""),
                found=", ".join(image.bands),
                fix="convert the frame, or train on frames with these bands",
            )
        if image.pixels.dtype != self.dtype:
            raise DataError.of(
                "frame",
                "has another pixel type than the network was trained on",
                allowed=self.dtype,
                found=str(image.pixels.dtype),
                fix=f"convert the frame to {self.dtype}, or train on {image.pixels.dtype} frames",
            )

    def to_json(self) -> dict[str, object]:
        return {
            "bands": list(self.bands),
            "scale": self.scale,
            "mean": list(self.mean),
            "std": list(self.std),
            "dtype": self.dtype,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Preprocessing:
        return Preprocessing(data["bands"], data["scale"], data["mean"], data["std"], data["dtype"])
