"""Which object of this frame is which one that was expected: the assignment whose masks share the most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from segwright.core import Instance
from segwright.infer.objects.overlap import shared_px

Pair = tuple[int, int]


def associated(expected: Sequence[Instance], found: Sequence[Instance], least_iou: float) -> list[Pair]:
    """(place in `expected`, place in `found`) of what belongs together, by the first; each place at most once.

    Of all assignments within a class the one with the largest sum of mask IoU is taken, which is not what taking the
    best pair first gives. Pairs below `least_iou`, and pairs without a common pixel, belong to nobody.

    Source: Kuhn (1955), by scipy's `linear_sum_assignment`; checked against all assignments in the tests.
    """
    pairs: list[Pair] = []
    for class_id in sorted({one.class_id for one in expected} & {one.class_id for one in found}):
        rows = [at for at, one in enumerate(expected) if one.class_id == class_id]
        columns = [at for at, one in enumerate(found) if one.class_id == class_id]
        iou = mask_iou([expected[at] for at in rows], [found[at] for at in columns], least_iou)
        for row, column in zip(*linear_sum_assignment(iou, maximize=True), strict=True):
            if iou[row, column] > 0:
                pairs.append((rows[row], columns[column]))
    return sorted(pairs)


def mask_iou(some: Sequence[Instance], others: Sequence[Instance], least: float = 0.0) -> npt.NDArray[np.float64]:
    """IoU of each mask of `some` with each of `others`, (some, others); 0 where it is below `least`.

    Pixels are counted only where boxes meet and where the areas leave `least` within reach.
    """
    iou = np.zeros((len(some), len(others)))
    if not iou.size:
        return iou
    edges, other_edges = _edges(some), _edges(others)
    areas, other_areas = (np.array([one.area_px for one in side], np.float64) for side in (some, others))
    reach = np.minimum.outer(areas, other_areas) >= least * np.maximum.outer(areas, other_areas)
    meets = np.logical_and.reduce(
        [edges[:, None, at] < other_edges[None, :, at + 2] for at in (0, 1)]
        + [edges[:, None, at + 2] > other_edges[None, :, at] for at in (0, 1)]
    )
    for row, column in np.argwhere(reach & meets):
        shared = shared_px(some[row], others[column])
        value = shared / (areas[row] + other_areas[column] - shared)
        iou[row, column] = value if value >= least else 0.0
    return iou


def _edges(objects: Sequence[Instance]) -> npt.NDArray[np.int64]:
    return np.array([(one.box.top, one.box.left, one.box.bottom, one.box.right) for one in objects], np.int64)
