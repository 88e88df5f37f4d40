"""Frames in CIELAB, where equal distances look equally different."""

from __future__ import annotations

import torch
from torch import Tensor

# sRGB to XYZ under the daylight illuminant D65, and that illuminant's white (IEC 61966-2-1, CIE 1931 2 degrees).
XYZ_OF_RGB = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
WHITE = (0.95047, 1.0, 1.08883)


def lab_of_rgb(rgb: Tensor) -> Tensor:
    """L* 0..100, a*, b* (batch, 3, height, width) of sRGB in 0..1. Equal to scikit-image's `rgb2lab`.

    Source: CIE 1976 L*a*b*; the constants are scikit-image's.
    """
    linear = torch.where(rgb > 0.04045, ((rgb.clamp(min=0) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = torch.einsum("oc,bchw->bohw", linear.new_tensor(XYZ_OF_RGB), linear)
    share = xyz / linear.new_tensor(WHITE).reshape(3, 1, 1)
    bent = torch.where(share > 0.008856, share.clamp(min=1e-6) ** (1 / 3), 7.787 * share + 16 / 116)
    x, y, z = bent.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)
