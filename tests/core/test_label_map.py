"""Class ids as a value: no unknown id gets in, none is ever made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segwright.core import Box, ClassSpec, ClassTable, DataError, LabelMap, Size

TABLE = ClassTable.of(["background", "scratch", "dent"])
SPARSE = ClassTable((ClassSpec(3, "a"), ClassSpec(40, "b"), ClassSpec(200, "c")), void_id=7)

id_maps = hnp.arrays(
    st.sampled_from([np.uint8, np.uint16]),
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from([3, 40, 200, 7]),
)


def test_label_map__refuses_unknown_ids_and_counts_them() -> None:
    ids = np.array([[0, 1, 7], [7, 9, 255]], np.uint8)
    with pytest.raises(DataError, match="3 pixels have ids that are not in the class table") as caught:
        LabelMap(ids, TABLE)
    problem = caught.value.problems[0]
    assert (problem.allowed, problem.found) == ("0 background, 1 scratch, 2 dent, 255 void", "7, 9")


def test_label_map__wide_ids_do_not_wrap_to_known_ones() -> None:
    with pytest.raises(DataError, match="1 pixels have ids"):
        LabelMap(np.array([[0, 257]], np.uint16), TABLE)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.zeros((2, 2), np.int64), "uint8 or uint16, got int64"),
        (np.zeros((2, 2), bool), "got bool"),
        (np.zeros((2, 2, 1), np.uint8), r"\(height, width\)"),
        (np.zeros((0, 2), np.uint8), "at least one pixel"),
    ],
)
def test_label_map__refuses_other_arrays(ids: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelMap(ids, TABLE)


def test_label_map__is_read_only_and_independent_of_its_source() -> None:
    source = np.zeros((2, 2), np.uint8)
    labels = LabelMap(source, TABLE)
    source[:] = 9
    assert labels.area_px("background") == 4
    with pytest.raises(ValueError, match="read-only"):
        labels.ids[0, 0] = 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(labels)


def test_label_map__counts_and_masks() -> None:
    labels = LabelMap(np.array([[0, 1, 255], [2, 1, 1]], np.uint8), TABLE)
    assert labels.area_px("scratch") == 3
    assert labels.void_fraction == pytest.approx(1 / 6)
    assert labels.valid.tolist() == [[True, True, False], [True, True, True]]
    assert labels.mask("scratch", "dent").tolist() == [[False, True, False], [True, True, True]]


def test_label_map__an_empty_list_of_classes_masks_nothing() -> None:
    assert not LabelMap(np.array([[0, 255]], np.uint8), TABLE).mask().any()


@given(id_maps, st.integers(1, 20), st.integers(1, 20))
def test_label_map__resize_invents_no_id(ids: np.ndarray, height: int, width: int) -> None:
    labels = LabelMap(ids, SPARSE)
    resized = labels.resized(Size(height, width))
    assert resized.size == Size(height, width)
    assert set(np.unique(resized.ids)) <= set(np.unique(ids))


@given(id_maps, st.integers(1, 4))
def test_label_map__resize_up_by_a_whole_factor_repeats_pixels(ids: np.ndarray, factor: int) -> None:
    labels = LabelMap(ids, SPARSE)
    larger = labels.resized(Size(ids.shape[0] * factor, ids.shape[1] * factor))
    assert np.array_equal(larger.ids, np.kron(ids, np.ones((factor, factor), ids.dtype)))
    assert larger.resized(labels.size) == labels


@given(id_maps)
def test_label_map__equal_by_value_not_by_type(ids: np.ndarray) -> None:
    assert LabelMap(ids, SPARSE) == LabelMap(ids.astype(np.uint16), SPARSE)
    assert LabelMap(ids, SPARSE).resized(Size(*ids.shape)) == LabelMap(ids, SPARSE)


def test_label_map__another_table_is_another_value() -> None:
    ids = np.zeros((1, 1), np.uint8)
    assert LabelMap(ids, TABLE) != LabelMap(ids, ClassTable.of(["background", "scratch"]))


@given(id_maps)
def test_label_map__channels_are_positions_in_the_table(ids: np.ndarray) -> None:
    channels = LabelMap(ids, SPARSE).channels(void_as=-1)
    back = np.array([*SPARSE.ids, SPARSE.void_id])[channels]
    assert np.array_equal(back, ids)


def test_label_map__crop_is_half_open_and_must_lie_inside() -> None:
    labels = LabelMap(np.array([[0, 1, 255], [2, 1, 1]], np.uint8), TABLE)
    assert labels.crop(Box(0, 1, 2, 3)).ids.tolist() == [[1, 255], [1, 1]]
    with pytest.raises(ValueError, match="does not lie inside a frame of 3x2"):
        labels.crop(Box(0, 0, 3, 3))
