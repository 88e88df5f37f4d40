"""Which cells are asked for which object: equal to the published code's loops, written here from their definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segwright.models.instance import InstanceTargets, SOLOv2Options
from segwright.models.instance.solov2.assignment import assign, centres_of
from tests.models.instance.scenes import scene, targets

OPTIONS = SOLOv2Options(grids=(12, 8, 4), sizes_px=((1, 14), (10, 30), (20, 90)), centre=0.4)


def by_loops(truth: InstanceTargets, options: SOLOv2Options) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """`solov2_head.py: solov2_target_single`: classes of all cells, -1 for none; (cell, object) pairs in its order."""
    height, width = truth.ignored.shape
    classes, asked, offset = [], [], 0
    for grid, (smallest, largest) in zip(options.grids, options.sizes_px, strict=True):
        level = np.full((grid, grid), -1)
        for number in range(len(truth)):
            x_min, y_min, x_max, y_max = truth.boxes[number].tolist()
            if not smallest <= np.sqrt((x_max - x_min) * (y_max - y_min)) <= largest:
                continue
            assert truth.masks is not None
            y, x = np.nonzero(truth.masks[number].numpy())
            centre_x, centre_y = x.mean() + 0.5, y.mean() + 0.5
            half_x, half_y = 0.5 * (x_max - x_min) * options.centre, 0.5 * (y_max - y_min) * options.centre
            column, row = int(centre_x / width * grid), int(centre_y / height * grid)
            top = max(0, int((centre_y - half_y) / height * grid), row - 1)
            down = min(grid - 1, int((centre_y + half_y) / height * grid), row + 1)
            left = max(0, int((centre_x - half_x) / width * grid), column - 1)
            right = min(grid - 1, int((centre_x + half_x) / width * grid), column + 1)
            level[top : down + 1, left : right + 1] = truth.channels[number]
            asked += [(offset + i * grid + j, number) for i in range(top, down + 1) for j in range(left, right + 1)]
        classes.append(level.ravel())
        offset += grid**2
    return np.concatenate(classes), asked


@pytest.mark.parametrize("seed", range(4))
def test_assign__equals_the_loops(seed: int) -> None:
    _, truth = scene(seed, size=96, objects=5)
    expected, asked = by_loops(truth, OPTIONS)
    found = assign(truth, OPTIONS)
    assert found.channels.tolist() == expected.tolist()
    assert sorted(zip(found.cell.tolist(), found.target.tolist(), strict=True)) == sorted(asked)
    assert bool(found.judged.all())


def test_assign__an_empty_cell_that_is_mostly_ignored_is_not_judged() -> None:
    masks = torch.zeros(1, 48, 48, dtype=torch.bool)
    masks[0, 4:12, 4:12] = True
    ignored = torch.zeros(48, 48, dtype=torch.bool)
    ignored[:24] = True
    ignored[4:12, 4:12] = False
    options = SOLOv2Options(grids=(4,), sizes_px=((1, 100),))
    found = assign(targets(masks, [1], ignored), options)
    assert found.judged.tolist() == [True] + [False] * 7 + [True] * 8  # the first holds the object
    assert found.channels.tolist() == [1] + [-1] * 15


def test_assign__objects_beyond_all_sizes_are_asked_for_all_the_same() -> None:
    masks = torch.zeros(2, 64, 64, dtype=torch.bool)
    masks[0, 5:7, 5:7] = True
    masks[1, 2:62, 8:62] = True
    options = SOLOv2Options(grids=(8, 4), sizes_px=((10, 20), (20, 30)))
    found = assign(targets(masks, [0, 1]), options)
    assert set(found.target.tolist()) == {0, 1}
    assert {int(cell) < 64 for cell, target in zip(found.cell, found.target, strict=True) if target == 0} == {True}


def test_assign__no_objects_leave_all_cells_empty() -> None:
    _, truth = scene(0)
    none = InstanceTargets(truth.channels[:0], truth.boxes[:0], truth.masks[:0], truth.ignored)
    found = assign(none, OPTIONS)
    assert len(found.cell) == 0
    assert set(found.channels.tolist()) == {-1}


def test_centres__of_boxes_where_there_are_no_masks() -> None:
    boxes = torch.tensor([[2.0, 4, 6, 5]])
    only = InstanceTargets(torch.tensor([0]), boxes, None, torch.zeros(8, 8, dtype=torch.bool))
    assert centres_of(only).tolist() == [[4.0, 4.5]]
