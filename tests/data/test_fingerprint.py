"""The fingerprint's numbers against numpy, and the void contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import DataError, Size
from segwright.data import Dataset, Fingerprint, Frame, ImageFile, IndexMask, fingerprint, open_dataset
from tests.data.pictures import CLASSES, index_folder, mask_of, noise, save


def _dataset(tmp_path: Path, *pairs: tuple[np.ndarray, np.ndarray]) -> Dataset:
    frames = []
    for at, (pixels, ids) in enumerate(pairs):
        image, mask = save(tmp_path / f"i{at}.png", pixels), save(tmp_path / f"m{at}.png", ids)
        frames.append(Frame(f"f{at}", ImageFile(image), IndexMask(mask)))
    return Dataset(tmp_path, CLASSES, tuple(frames), "test")


def test_fingerprint__mean_and_std_equal_numpy(tmp_path: Path) -> None:
    first, second = noise(20, 30, seed=1), noise(12, 14, seed=2)
    found = fingerprint(_dataset(tmp_path, (first, mask_of(20, 30)), (second, mask_of(12, 14))))
    values = np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)]) / 255
    assert found.mean == pytest.approx(values.mean(axis=0), abs=1e-5)
    assert found.std == pytest.approx(values.std(axis=0), abs=1e-5)
    assert (found.size_min, found.size_median, found.size_max) == (Size(12, 14), Size(16, 22), Size(20, 30))


def test_fingerprint__void_counts_nowhere_else(tmp_path: Path) -> None:
    pixels, ids = noise(20, 30), mask_of(20, 30, scratch=(3, 3))
    ids[10:] = 255
    changed = pixels.copy()
    changed[10:] = 0
    first = fingerprint(_dataset(tmp_path / "a", (pixels, ids)))
    assert first == fingerprint(_dataset(tmp_path / "b", (changed, ids)))
    assert first.void_fraction == 0.5
    assert first.classes["background"].pixels == 299


def test_fingerprint__components_areas_and_widths(tmp_path: Path) -> None:
    ids = mask_of(40, 60)
    ids[5, 5:25] = 1  # one pixel thin
    ids[10:13, 5:25] = 1  # three
    ids[30:40, 0:10] = 2  # ten, at the corner
    ids[20, 50], ids[21, 51] = 2, 2  # diagonal neighbours are one component
    found = fingerprint(_dataset(tmp_path, (noise(40, 60), ids))).classes
    assert (found["scratch"].components, found["scratch"].median_area_px, found["scratch"].median_width_px) == (
        2,
        40,
        2,
    )
    assert (found["dent"].components, found["dent"].median_area_px, found["dent"].median_width_px) == (2, 51, 5)
    assert found["dent"].frames_present == 1


def test_fingerprint__absent_class_has_no_medians(tmp_path: Path) -> None:
    found = fingerprint(_dataset(tmp_path, (noise(8, 8), mask_of(8, 8)))).classes["dent"]
    assert (found.pixels, found.components, found.median_area_px, found.median_width_px) == (0, 0, None, None)


def test_fingerprint__twelve_bits_in_sixteen_span_zero_to_one(tmp_path: Path) -> None:
    pixels = noise(20, 20, bands=1, dtype=np.uint16) >> 4
    found = fingerprint(_dataset(tmp_path, (pixels, mask_of(20, 20))))
    assert found.scale == 1 / 4095
    assert found.mean[0] == pytest.approx(0.5, abs=0.05)


def test_fingerprint__grey_beside_rgb_is_rgb(tmp_path: Path) -> None:
    grey, colour = noise(9, 9, bands=1), noise(9, 9)
    found = fingerprint(_dataset(tmp_path, (grey, mask_of(9, 9)), (colour, mask_of(9, 9))))
    assert found.bands == ("red", "green", "blue")
    both = np.concatenate([np.repeat(grey.reshape(-1, 1), 3, axis=1), colour.reshape(-1, 3)]) / 255
    assert found.mean == pytest.approx(both.mean(axis=0), abs=1e-5)


def test_fingerprint__different_depths_are_refused(tmp_path: Path) -> None:
    deep = noise(9, 9, bands=1, dtype=np.uint16)
    with pytest.raises(DataError, match=r"(?s)different pixel kinds.*1 of uint16 grey or RGB such as f0"):
        fingerprint(_dataset(tmp_path, (deep, mask_of(9, 9)), (noise(9, 9), mask_of(9, 9))))


def test_fingerprint__every_unreadable_frame_is_told(tmp_path: Path) -> None:
    dataset = open_dataset(index_folder(tmp_path / "set", ("a", "b", "c")))
    for name in ("a", "c"):
        (tmp_path / "set" / "images" / f"{name}.png").write_bytes(b"no")
    with pytest.raises(DataError, match="is not an image") as caught:
        fingerprint(dataset)
    assert len(caught.value.problems) == 2
    assert fingerprint(dataset, ["b"]).frames == 1
    with pytest.raises(DataError, match="has no frames to look at"):
        fingerprint(dataset, [])


def test_fingerprint__json_round_trip(shared_data: Path) -> None:
    found = fingerprint(open_dataset(shared_data / "defect_magnetic_tile"))
    assert Fingerprint.from_json(found.to_json()) == found
    assert found.bands == ("grey",)
    assert found.classes["MT_Blowhole"].frames_present == 71
    assert found.classes["MT_Uneven"].frames_present == 62
