import numpy as np
import pytest

from segwright.demo.frames import knobs
from segwright.demo.frames.annotator import brush_width_px, normals, outlined, wandering


def straight(count: int = 100) -> np.ndarray:
    return np.stack([np.arange(count) * 2.0, np.full(count, 50.0)], axis=1)


def test_normals__stand_upright_on_a_level_path():
    assert normals(straight()) == pytest.approx(np.tile([0.0, 1.0], (100, 1)))


def test_wandering__is_off_by_the_stated_rms_and_smoothly():
    path = wandering(np.random.default_rng(1), straight(), step_px=2.0)
    offset = path[:, 1] - 50
    assert np.sqrt((offset**2).mean()) == pytest.approx(knobs.BRUSH_JITTER_RMS_PX)
    assert np.abs(np.diff(offset)).max() < knobs.BRUSH_JITTER_RMS_PX


def test_brush_width__is_three_pixels_until_the_scratch_is_wider():
    assert brush_width_px(1.0) == 3
    assert brush_width_px(4.0) == 5


def test_outlined__moves_an_outline_by_about_a_pixel():
    rows, columns = np.mgrid[:80, :80].astype(np.float32)
    distance = 25 - np.hypot(rows - 40, columns - 40)
    painted = outlined(distance, np.random.default_rng(2))
    wrong = painted != (distance > 0)
    assert wrong.any()
    assert np.abs(distance[wrong]).max() < 5 * knobs.OUTLINE_JITTER_RMS_PX
