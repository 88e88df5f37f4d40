"""Surface scores against the surface-distance package, on the same arrays in the same process.

    python benchmarks/scores_surface.py

prints seconds and ratios, and the machine they were measured on. Ours counts every class of the table, background
included; the package is asked for each of these classes in turn, or for the one class where the row says so. It gives
nsd at 2 and hd95, ours nsd at 1, 2 and 3, hd95 and assd.
"""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np
import surface_distance

from segwright.core import ClassTable, LabelMap
from segwright.evaluate.kernels import compiled
from segwright.evaluate.surface import class_scores, count_volume_surfaces, score_surfaces

TURNS = 7
HEIGHT, WIDTH = 540, 960
EDGE = 96  # of the volume


def main() -> None:
    """Print each row with its ratio."""
    found = rows()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}, numba {'yes' if compiled() else 'no'}"
    )
    for what, ours, theirs in found:
        print(f"{what:<64} ours {ours * 1e3:9.2f} ms   peer {theirs * 1e3:9.2f} ms   {theirs / ours:7.1f} x")


def rows() -> list[tuple[str, float, float]]:
    """(what, our seconds, the package's seconds): medians of seven turns, both warm, taken in turn."""
    found = []
    for what, classes, sigma in (
        ("one object", 2, 120.0),
        ("many blobs", 2, 25.0),
        ("8 classes", 8, 60.0),
    ):
        truth, prediction = _frames(classes, sigma)
        table = ClassTable.of([f"class {index}" for index in range(classes)])
        maps = LabelMap(prediction, table), LabelMap(truth, table)
        ours, theirs = _medians(
            lambda maps=maps: score_surfaces(*maps),
            lambda prediction=prediction, truth=truth, classes=classes: [
                _peer(prediction == each, truth == each) for each in range(classes)
            ],
        )
        found.append((f"nsd, hd95 of {WIDTH}x{HEIGHT}, {what}, every class", ours, theirs))
        if classes == 2:
            one = _medians(
                lambda maps=maps: score_surfaces(*maps),
                lambda prediction=prediction, truth=truth: _peer(prediction == 1, truth == 1),
            )
            found.append((f"nsd, hd95 of {WIDTH}x{HEIGHT}, {what}, peer one class only", *one))
    truth, prediction = _volumes()
    table = ClassTable.of(["background", "organ"])
    ours, theirs = _medians(
        lambda: class_scores(count_volume_surfaces(prediction, truth, table)),
        lambda: [_peer(prediction == each, truth == each) for each in (0, 1)],
    )
    found.append((f"nsd, hd95 of {EDGE}x{EDGE}x{EDGE} voxels, every class", ours, theirs))
    return found


def _peer(prediction: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # scipy names of older days
        found = surface_distance.compute_surface_distances(truth, prediction, (1,) * truth.ndim)
    return (
        surface_distance.compute_surface_dice_at_tolerance(found, 2),
        surface_distance.compute_robust_hausdorff(found, 95),
    )


def _medians(*calls: Callable[[], object]) -> list[float]:
    """Median seconds of each call, after one that warms up, the calls taken in turn."""
    for call in calls:
        call()
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(TURNS):
        for call, taken in zip(calls, seconds, strict=True):
            started = time.perf_counter()
            call()
            taken.append(time.perf_counter() - started)
    return [median(taken) for taken in seconds]


def _frames(classes: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Truth, and a prediction whose outlines wander around it; every class takes part of the frame."""
    rng = np.random.default_rng(0)
    heights = cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH)), (0, 0), sigma)
    wander = cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH)), (0, 0), 8)
    levels = np.linspace(0, 1, classes + 1)[1:-1] if classes > 2 else [0.85]
    noisy = heights + 0.05 * heights.std() / wander.std() * wander
    limits = np.quantile(heights, levels)
    return np.digitize(heights, limits).astype(np.uint8), np.digitize(noisy, limits).astype(np.uint8)


def _volumes() -> tuple[np.ndarray, np.ndarray]:
    """A ball, and an ellipsoid a little aside."""
    z, y, x = np.meshgrid(*(np.arange(EDGE) - EDGE / 2,) * 3, indexing="ij")
    truth = z**2 + y**2 + x**2 < (EDGE / 3) ** 2
    prediction = (z - 2) ** 2 + (1.1 * y) ** 2 + (x + 1) ** 2 < (EDGE / 3) ** 2
    return truth.astype(np.uint8), prediction.astype(np.uint8)


if __name__ == "__main__":
    main()
