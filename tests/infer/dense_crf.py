"""Frames for the CRF, mean field by brute force, and what pydensecrf2 answers on the same frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SEEDS = (0, 1, 2)
SETTINGS: dict[str, dict[str, Any]] = {
    "usual": {"iterations": 5, "near_px": 3.0, "near_weight": 3.0, "far_px": 60.0, "levels": 10.0, "alike_weight": 5.0},
    "strong": {
        "iterations": 10,
        "near_px": 1.0,
        "near_weight": 3.0,
        "far_px": 80.0,
        "levels": 13.0,
        "alike_weight": 4.0,
    },
    "wide": {"iterations": 5, "near_px": 5.0, "near_weight": 3.0, "far_px": 8.0, "levels": 20.0, "alike_weight": 5.0},
}


def noisy_frame(seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """(RGB (24, 28, 3), probabilities (3, 24, 28)): three coloured regions, both with noise."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:24, :28]
    region = (columns > 14 + 4 * np.sin(rows / 4)).astype(int)
    region[(rows - 12) ** 2 + (columns - 6) ** 2 < 20] = 2
    colours = np.array([[60, 80, 100], [120, 110, 90], [90, 60, 60]])[region]
    pixels = np.clip(colours + random.normal(0, 9, (24, 28, 3)), 0, 255).astype(np.uint8)
    logits = 1.2 * np.eye(3)[region] + random.normal(0, 1, (24, 28, 3))
    odds = np.exp(logits)
    return pixels, (odds / odds.sum(axis=2, keepdims=True)).transpose(2, 0, 1).astype(np.float32)


def exact_mean_field(
    probabilities: npt.NDArray, pixels: npt.NDArray, *, iterations: int, near_px: float, near_weight: float,
    far_px: float, levels: float, alike_weight: float,
) -> npt.NDArray[np.float64]:  # fmt: skip
    """Mean field with every pair of pixels, in float64: section 2 of the paper, symmetric normalisation."""
    channels, height, width = probabilities.shape
    rows, columns = np.mgrid[:height, :width]
    places = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(float)
    colours = pixels.reshape(height * width, -1) / levels
    kernels = [
        (near_weight, _gaussian(places / near_px)),
        (alike_weight, _gaussian(np.concatenate([places / far_px, colours], axis=1))),
    ]
    unary = np.log(np.maximum(probabilities.reshape(channels, -1).T.astype(float), 1e-5))
    pull = sum(weight * kernel / np.sqrt(np.outer(kernel.sum(1), kernel.sum(1))) for weight, kernel in kernels)
    current = _softmax(unary)
    for _ in range(iterations):
        current = _softmax(unary + pull @ current)
    return current.T.reshape(channels, height, width)


def _gaussian(features: npt.NDArray) -> npt.NDArray[np.float64]:
    return np.exp(-0.5 * ((features[:, None] - features[None]) ** 2).sum(axis=2))


def _softmax(energy: npt.NDArray) -> npt.NDArray[np.float64]:
    odds = np.exp(energy - energy.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


# --- end of what needs only numpy

# pydensecrf2 1.1 (DenseCRF2D, symmetric normalisation, on Python 3.11 with numpy 2): its mean absolute difference from
# `exact_mean_field` on each of SEEDS, and its probabilities at row 12, column 14.
PYDENSECRF_ERROR = {
    "usual": (3.061e-4, 4.776e-4, 2.749e-4),
    "strong": (3.673e-4, 3.149e-4, 1.864e-4),
    "wide": (1.475e-2, 5.302e-3, 5.654e-3),
}
PYDENSECRF_USUAL = ((0.9601, 0.0374, 0.0025), (0.9956, 0.0004, 0.0040), (0.9993, 0.0004, 0.0003))
