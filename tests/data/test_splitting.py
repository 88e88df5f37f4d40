from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label
from skimage.morphology import h_maxima

from segwright.core import ClassSpec, ClassTable, ConfigError, LabelMap
from segwright.data import instances_from_label_map
from segwright.data.splitting import heights_of, split_touching

TABLE = ClassTable(
    (ClassSpec(0, "background"), ClassSpec(1, "nucleus", "thing"), ClassSpec(2, "tissue")), background="background"
)
DISKS = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39), st.integers(2, 9)), min_size=1, max_size=6)


def disks(*places: tuple[int, int, int], side: int = 40) -> np.ndarray:
    rows, columns = np.ogrid[:side, :side]
    ids = np.zeros((side, side), np.uint8)
    for row, column, radius in places:
        ids[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = 1
    return ids


def test_two_disks_that_touch__are_two_objects_and_it_is_said() -> None:
    found = split_touching(LabelMap(disks((20, 12, 7), (20, 25, 7)), TABLE))
    assert len(found.objects) == 2
    (region,) = found.regions
    assert region.is_split
    assert region.members == (0, 1)
    assert region.weakest_px is not None
    assert region.weakest_px >= 1
    assert len(split_touching(LabelMap(disks((20, 12, 7), (20, 25, 7)), TABLE), 6).objects) == 1


def test_stuff__is_left_out_and_counted() -> None:
    ids = disks((10, 10, 5))
    ids[30:] = 2
    found = split_touching(LabelMap(ids, TABLE))
    assert [one.class_id for one in found.objects] == [1]
    assert found.left_out_px == 400


def test_void__is_no_edge_and_stays() -> None:
    ids = disks((20, 20, 8))
    ids[19:22, 19:22] = 255
    found = split_touching(LabelMap(ids, TABLE), 0.5)
    assert len(found.objects) == 1
    assert found.objects.void is not None
    assert found.objects.void.sum() == 9


def test_frame_of_one_class__is_one_object() -> None:
    assert len(split_touching(LabelMap(np.ones((8, 9), np.uint8), TABLE)).objects) == 1


@settings(max_examples=40)
@given(DISKS, st.sampled_from([0.5, 1.0, 2.0]))
def test_objects__share_out_the_pixels_of_their_regions(places, depth: float) -> None:
    labels = LabelMap(disks(*places), TABLE)
    found = split_touching(labels, depth)
    times = np.zeros(labels.ids.shape, int)
    for one in found.objects:
        times[one.box.slices] += one.mask
    assert (times == (labels.ids == 1)).all()
    assert len(found.regions) == len(instances_from_label_map(labels))
    assert [at for region in found.regions for at in region.members] == list(range(len(found.objects)))
    assert len(split_touching(labels, depth * 2).objects) <= len(found.objects)


@settings(max_examples=40)
@given(DISKS)
def test_number_of_objects__is_that_of_h_maxima(places) -> None:
    """Heights in whole px, for which scikit-image's h-maxima are exact."""
    import segwright.data.splitting as splitting

    labels = LabelMap(disks(*places), TABLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitting, "heights_of", lambda *given: np.floor(heights_of(*given)))
        found = split_touching(labels, 1.0)
    for region in found.regions:
        one = next(row for row in instances_from_label_map(labels) if row.box == region.box)
        heights = np.pad(np.where(one.mask, np.floor(heights_of(one, ~labels.valid, labels.size)), 0), 1)
        expected = label(h_maxima(heights.astype(np.uint8), 1), connectivity=2).max()
        if sum(row.box == region.box for row in found.regions) == 1:
            assert len(region.members) == max(1, expected)


def test_what_cannot_be__is_refused() -> None:
    labels = LabelMap(disks((10, 10, 5)), TABLE)
    with pytest.raises(ConfigError, match=r"split depth: is out of range(.|\n)*above 0 px"):
        split_touching(labels, 0)
    with pytest.raises(ConfigError, match=r"has no class of things(.|\n)*--things"):
        split_touching(LabelMap(labels.ids, ClassTable.of(["background", "a"])))
