"""The reference implementation, one class at a time, and volumes to compare on."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import surface_distance as reference

from segwright.core import ClassTable

# Tolerances and shares are met to a billionth: what lies on the limit is within, whatever the last digit says.
ON_THE_LIMIT = 1 + 1e-9


def peer_scores(
    prediction: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...], tolerances: tuple[float, ...]
) -> dict:
    """What surface-distance gives for two bool masks, neither of them empty."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # scipy names of older days
        found = reference.compute_surface_distances(truth, prediction, spacing)
    of_truth, of_prediction = reference.compute_average_surface_distance(found)
    areas = found["surfel_areas_pred"], found["surfel_areas_gt"]
    distances = found["distances_pred_to_gt"], found["distances_gt_to_pred"]
    total = sum((distance * area).sum() for distance, area in zip(distances, areas, strict=True))
    return {
        **{
            f"nsd@{each:g}": reference.compute_surface_dice_at_tolerance(found, each * ON_THE_LIMIT)
            for each in tolerances
        },
        "assd": total / sum(area.sum() for area in areas),
        "assd_of_prediction": of_prediction,
        "assd_of_truth": of_truth,
        "surface": [area.sum() for area in areas],
        "hd95": sorted({reference.compute_robust_hausdorff(found, 95 / limit) for limit in (ON_THE_LIMIT, 1.0)}),
    }


def assert_is_peers(row: dict, expected: dict) -> None:
    """Every score to 1e-9; the percentile at 95 %, or just before where 95 % of the surface is reached exactly."""
    for name, value in expected.items():
        if name == "surface":
            continue
        if name == "hd95":
            assert any(abs(row[name] - each) <= 1e-9 for each in value), (row[name], value)
        else:
            assert abs(row[name] - value) <= 1e-9, name


def read_nifti(path: Path) -> tuple[np.ndarray, tuple[float, ...]]:
    """The class ids (depth, height, width) and spacing, mm, of a NIfTI-1 file of little-endian integers."""
    data = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(data, "<i2", 3, 42)
    kind = {2: "<u1", 4: "<i2", 8: "<i4", 256: "<i1", 512: "<u2"}[int(np.frombuffer(data, "<i2", 1, 70)[0])]
    start = int(np.frombuffer(data, "<f4", 1, 108)[0])
    voxels = np.frombuffer(data, kind, int(np.prod(shape)), start).reshape(shape, order="F")
    spacing = np.frombuffer(data, "<f4", 3, 80).astype(float)
    return voxels.transpose(2, 1, 0), tuple(spacing[::-1].tolist())


HIPPOCAMPUS = ClassTable.of(["background", "anterior", "posterior"])
