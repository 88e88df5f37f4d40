"""Coarse logits to pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import Size
from segwright.infer.objects.paste import pasted


def whole(logits: np.ndarray, covers: tuple[float, float, float, float], size: Size, **how: float) -> np.ndarray:
    """The mask over the whole frame."""
    mask = np.zeros((size.height, size.width), bool)
    window = pasted(logits.astype(np.float32), covers, size, **how)
    if window is not None:
        (top, left), inside = window
        mask[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return mask


def by_torch(logits: np.ndarray, covers: tuple[float, float, float, float], size: Size) -> np.ndarray:
    """The same by torch's grid_sample, as detectron2 pastes masks, for pixels whose centre lies inside."""
    torch = pytest.importorskip("torch")
    x_min, y_min, x_max, y_max = covers
    across = (torch.arange(size.width, dtype=torch.float64) + 0.5 - x_min) / (x_max - x_min) * 2 - 1
    down = (torch.arange(size.height, dtype=torch.float64) + 0.5 - y_min) / (y_max - y_min) * 2 - 1
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1)[None]
    source = torch.from_numpy(logits)[None, None].double()
    fine = torch.nn.functional.grid_sample(source, grid, padding_mode="border", align_corners=False)[0, 0]
    inside = (down.abs() < 1)[:, None] & (across.abs() < 1)[None]
    return ((fine > 0) & inside).numpy()


def test_pasted__one_cell_covers_its_own_pixels_and_a_box_of_half_pixels_only_the_centres_inside() -> None:
    logits = np.array([[1.0]])
    assert whole(logits, (1, 1, 3, 3), Size(4, 4)).sum() == 4
    assert whole(logits, (1.6, 1, 3, 3), Size(4, 4)).sum() == 2


def test_pasted__resampling_comes_before_the_threshold_so_a_slope_is_not_a_staircase() -> None:
    cells = np.add.outer(np.arange(4.0), np.arange(4.0)) - 3.0
    mask = whole(cells, (0, 0, 32, 32), Size(32, 32))
    edge = mask.argmax(axis=1)[4:28]
    assert np.abs(np.diff(edge)).max() == 1, "the edge of a 45 degree slope moves a pixel a row"


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_pasted__equals_torch_grid_sample(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, columns)).astype(np.float32)
    x_min, y_min = rng.uniform(-5, 15, 2)
    covers = (x_min, y_min, x_min + rng.uniform(1, 20), y_min + rng.uniform(1, 20))
    ours, theirs = whole(logits, covers, Size(17, 23)), by_torch(logits, covers, Size(17, 23))
    assert np.count_nonzero(ours ^ theirs) == 0


@pytest.mark.parametrize("covers", [(3, 3, 3, 9), (9, 3, 3, 9), (np.nan, 0, 4, 4), (0, 0, np.inf, 4)])
def test_pasted__a_box_without_area_holds_nothing(covers: tuple[float, float, float, float]) -> None:
    assert pasted(np.ones((2, 2), np.float32), covers, Size(8, 8)) is None


def test_pasted__only_the_window_of_the_object_is_made() -> None:
    logits = np.full((256, 256), -9, np.float32)
    logits[100:104, 40:44] = 9
    window = pasted(logits, (0, 0, 8192, 8192), Size(8192, 8192))
    assert window is not None
    assert window[1].size < (6 * 32) ** 2 + 1
