"""Laws of the surface scores, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ClassTable, ConfigError, DataError, LabelMap
from segwright.evaluate.surface import (
    SurfaceCounts,
    class_scores,
    count_surfaces,
    count_volume_surfaces,
    overall_scores,
    score_surfaces,
)
from segwright.evaluate.surface.distances import _nearest_compiled, _nearest_plain
from segwright.evaluate.surface.outline import Outlines
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs, random_map

SQUARE = np.zeros((12, 14), np.uint8)
SQUARE[4:8, 4:9] = 1


@settings(max_examples=40)
@given(map_pairs(void_truth=False, void_prediction=False))
def test_count_surfaces__swapping_the_maps_swaps_the_sides(maps) -> None:
    there = count_surfaces(*map(labels, maps)).frames[0]
    back = count_surfaces(*map(labels, reversed(maps))).frames[0]
    for name in ("surface", "surface_within", "distance_sum", "hd95"):
        assert np.array_equal(getattr(there, name), getattr(back, name)[..., ::-1]), name


@settings(max_examples=40)
@given(map_pairs(void_prediction=False))
def test_score_surfaces__perfect_is_one_and_absent_is_none(maps) -> None:
    _, truth = maps
    perfect = labels(np.where(truth == VOID, 1, truth))
    rows = score_surfaces(perfect, labels(truth), tolerances_px=(0, 1))
    for spec in CLASSES:
        row, there = rows[spec.name], bool((truth == spec.class_id).any())
        assert (row["nsd@0"], row["nsd@1"], row["hd95"], row["assd"]) == ((1, 1, 0, 0) if there else (None,) * 4)
        assert (row["surface_images"], row["one_sided"]) == (int(there), 0)


@settings(max_examples=40)
@given(map_pairs(), st.integers(0, 2**31))
def test_count_surfaces__whatever_stands_at_void_changes_nothing(maps, seed) -> None:
    prediction, truth = maps
    at_void = truth == VOID
    other = prediction.copy()
    other[at_void] = np.random.default_rng(seed).choice([0, 1, 2, VOID], int(at_void.sum()))
    assert count_surfaces(labels(other), labels(truth)) == count_surfaces(labels(prediction), labels(truth))


def test_count_volume_surfaces__whatever_stands_at_void_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    truth = rng.choice([0, 1, 2, VOID], (4, 5, 6))
    prediction = rng.integers(0, 3, truth.shape)
    other = np.where(truth == VOID, rng.integers(0, 3, truth.shape), prediction)
    assert count_volume_surfaces(other, truth, CLASSES) == count_volume_surfaces(prediction, truth, CLASSES)


@pytest.mark.parametrize("shift", [1, 2, 3])
@pytest.mark.parametrize("step", [1.0, 0.1, 0.7])
def test_score_surfaces__a_shift_is_within_its_own_length(shift, step) -> None:
    maps = labels(np.roll(SQUARE, shift, axis=1)), labels(SQUARE)
    # 3 x 0.1 is more than 0.3 by its last digit: that is rounding, and the surface is within
    length = round(shift * step, 1)
    row = score_surfaces(*maps, tolerances_px=(length, 0.05), spacing=(step, step))["scratch"]
    assert row[f"nsd@{length:g}"] == 1.0
    assert row["nsd@0.05"] < 1.0  # type: ignore[operator]
    assert row["hd95"] == pytest.approx(shift * step)


@settings(max_examples=40)
@given(map_pairs())
def test_count_surfaces__grows_with_the_tolerance_and_stays_a_share(maps) -> None:
    counts = count_surfaces(*map(labels, maps), tolerances_px=(0, 1, 2, 5))
    row = counts.frames[0]
    assert (np.diff(row.surface_within, axis=0) >= 0).all()
    assert (row.surface_within <= row.surface).all()


@settings(max_examples=20)
@given(st.lists(map_pairs(), min_size=3, max_size=4), st.randoms())
def test_surface_counts__merge_in_any_order(frames, random) -> None:
    parts = [count_surfaces(*map(labels, maps), stem=str(index)) for index, maps in enumerate(frames)]
    whole = sum(parts[1:], parts[0])
    random.shuffle(parts)
    merged = parts[0] + sum(parts[2:], parts[1])
    assert merged == whole
    assert class_scores(merged) == class_scores(whole)
    assert overall_scores(merged) == overall_scores(whole)


def test_surface_counts__pool_surfaces_and_average_distances() -> None:
    small = np.zeros_like(SQUARE)
    small[2, 2] = 1
    frames = [(np.roll(SQUARE, 2, axis=1), SQUARE), (np.roll(small, 4, axis=0), small), (SQUARE, np.zeros_like(SQUARE))]
    parts = [count_surfaces(*map(labels, maps), stem=str(index)) for index, maps in enumerate(frames)]
    counts = parts[0] + parts[1] + parts[2]
    row, rows = class_scores(counts)["scratch"], [class_scores(part)["scratch"] for part in parts]
    within, whole = (
        math.fsum(getattr(part.frames[0], name)[at].sum() for part in parts)
        for name, at in (("surface_within", (0, 1)), ("surface", 1))
    )
    assert row["nsd@1"] == pytest.approx(within / whole, abs=1e-12)
    assert row["hd95"] == (rows[0]["hd95"] + rows[1]["hd95"]) / 2  # type: ignore[operator]
    assert row["assd"] == (rows[0]["assd"] + rows[1]["assd"]) / 2  # type: ignore[operator]
    assert (row["surface_images"], row["one_sided"]) == (3, 1)
    assert (rows[2]["nsd@3"], rows[2]["hd95"], rows[2]["assd"]) == (0.0, None, None)
    assert overall_scores(counts)["hd95"] == row["hd95"]


def test_class_scores__name_each_tolerance_in_full() -> None:
    row = score_surfaces(labels(SQUARE), labels(SQUARE), tolerances_px=(2, 0.5, 1.0000001, 1.0000002))["scratch"]
    assert [name for name in row if name.startswith("nsd")] == ["nsd@0.5", "nsd@1.0000001", "nsd@1.0000002", "nsd@2"]


def test_score_surfaces__one_pixel_and_one_class() -> None:
    rows = score_surfaces(labels([[1]]), labels([[1]]))
    assert rows["scratch"]["nsd@1"] == 1.0
    assert rows["dent"]["hd95"] is None
    counts = count_surfaces(labels([[1]]), labels([[VOID]]))
    assert counts.images() == [0, 0, 0]
    assert overall_scores(counts) == dict.fromkeys(("nsd@1", "nsd@2", "nsd@3", "hd95", "assd"))
    # a lone pixel is cut off at each of its four corners by half a diagonal
    assert count_surfaces(labels([[1]]), labels([[1]])).frames[0].surface[1, 0] == pytest.approx(2 * math.sqrt(2))


def test_count_surfaces__arrays_need_not_be_contiguous() -> None:
    rng = np.random.default_rng(5)
    wide = [random_map(rng, (40, 60)) for _ in range(2)]
    cut = [LabelMap(ids[::2, ::3], CLASSES) for ids in wide]
    assert count_surfaces(*cut) == count_surfaces(*(labels(ids[::2, ::3].copy()) for ids in wide))
    volumes = [rng.integers(0, 3, (6, 8, 10)) for _ in range(2)]
    turned = [volume.transpose(2, 0, 1)[::2] for volume in volumes]
    copied = [np.ascontiguousarray(volume).astype(np.int8) for volume in turned]
    assert count_volume_surfaces(*turned, CLASSES) == count_volume_surfaces(*copied, CLASSES)


def test_count_surfaces__sixteen_bits() -> None:
    wide = ClassTable.of(["background", "dent"], void_id=65535)
    maps = [LabelMap(np.roll(SQUARE, shift, axis=0).astype(np.uint16), wide) for shift in (1, 0)]
    narrow = [LabelMap(each.ids.astype(np.uint8), wide) for each in maps]
    counts = count_surfaces(*maps)
    assert counts == count_surfaces(*narrow)
    assert class_scores(counts)["dent"]["nsd@1"] == 1.0


@settings(max_examples=40)
@given(map_pairs(), st.sampled_from([(1.0, 1.0), (2.0, 0.3)]))
def test_nearest__is_the_same_with_and_without_compiled_kernels(maps, spacing) -> None:
    pytest.importorskip("numba")
    sides = [Outlines.of(ids, CLASSES).elements(0) for ids in maps]
    for one, other in itertools.permutations(sides):
        if len(other) and len(one):
            found = _nearest_compiled(one, other, spacing)
            assert found.tolist() == pytest.approx(_nearest_plain(one, other, spacing).tolist(), rel=1e-14, abs=0)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 0.4, 1.1)])
def test_nearest__is_the_same_in_volumes(spacing) -> None:
    pytest.importorskip("numba")
    rng = np.random.default_rng(1)
    sides = [
        Outlines.of((rng.random((9, 11, 13)) < share).astype(np.uint8), CLASSES).elements(1) for share in (0.3, 0.001)
    ]
    for one, other in itertools.permutations(sides):
        found = _nearest_compiled(one, other, spacing)
        assert found.tolist() == pytest.approx(_nearest_plain(one, other, spacing).tolist(), rel=1e-14, abs=0)


def test_count_surfaces__refuses_another_size_and_what_is_no_length() -> None:
    with pytest.raises(DataError, match="is not of the truth's size"):
        count_surfaces(labels([[0, 1]]), labels([[0], [1]]))
    with pytest.raises(ConfigError, match="is not a length for each axis") as caught:
        count_surfaces(labels([[0]]), labels([[0]]), tolerances_px=(1, -1), spacing=(1, 0))
    assert len(caught.value.problems) == 2


def test_count_volume_surfaces__refuses_everything_wrong_at_once() -> None:
    with pytest.raises(DataError, match="is not of the truth's shape") as caught:
        count_volume_surfaces(np.full((2, 2, 2), 7), np.full((1, 4, 2), -1), CLASSES)
    assert [problem.found for problem in caught.value.problems] == ["7", "-1, -1", "(2, 2, 2)"]
    with pytest.raises(DataError, match="is not a volume of class ids"):
        count_volume_surfaces(np.zeros((2, 2)), np.zeros((0, 2, 2), int), CLASSES)


def test_surface_counts__refuse_what_does_not_add_up() -> None:
    one = count_surfaces(labels([[1]]), labels([[1]]))
    with pytest.raises(DataError, match="is counted twice"):
        _ = one + one
    with pytest.raises(ValueError, match="same classes, tolerances and dimensions"):
        _ = one + SurfaceCounts(CLASSES, one.tolerances, 3)
