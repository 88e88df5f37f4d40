"""What changed between two sets of labels: counts checked by eye, laws, and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segwright.core import ClassSpec, ClassTable, DataError, LabelMap, adopt
from segwright.data import Dataset, Frame, IndexMask, write_label_map
from segwright.evaluate.mask_diff import diff_datasets, diff_masks, write_diff_page
from segwright.evaluate.mask_diff.datasets import joint_classes
from segwright.evaluate.mask_diff.page import changed_frames
from tests.data.formats.test_conformance import labelled

CLASSES = ClassTable.of(["background", "scratch", "dent"])


def labels(rows) -> LabelMap:
    return LabelMap(np.array(rows, np.uint8), CLASSES)


maps = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: st.tuples(
        *(arrays.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, 255])) for _ in range(2))
    )
)


def test_diff_masks__from_and_to():
    found = diff_masks(labels([[0, 1, 255, 2]]), labels([[1, 1, 0, 255]]))
    assert found.pixels.tolist() == [[0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
    assert found.changed_px == 3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([[1, 1, 1, 0, 0]], [[1, 0, 1, 0, 0]], (0, 0, 1, 0)),
        ([[1, 0, 1, 0, 0]], [[1, 1, 1, 0, 0]], (0, 0, 0, 1)),
        ([[1, 0, 0, 0, 0]], [[0, 0, 0, 1, 0]], (1, 1, 0, 0)),
        ([[1, 1, 0, 0, 1]], [[1, 1, 0, 0, 1]], (0, 0, 0, 0)),
    ],
)
def test_diff_masks__components(old, new, expected):
    row = diff_masks(labels(old), labels(new)).classes[0]
    assert (row.added, row.removed, row.split, row.merged) == expected


def test_diff_masks__a_square_moved_by_two_pixels():
    before, after = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    before[5:11, 5:11], after[5:11, 7:13] = 1, 1
    row = diff_masks(labels(before), labels(after)).classes[0]
    assert row.mean_shift_px is not None
    assert 0.5 < row.mean_shift_px < 2
    assert row.shift_quantile_px(1) == 2
    assert diff_masks(labels(before), labels(before)).classes[0].mean_shift_px == 0


def test_diff_masks__another_size_is_refused():
    with pytest.raises(DataError, match="size"):
        diff_masks(labels([[0]]), labels([[0, 1]]))


@given(maps)
def test_diff_masks__there_and_back_are_mirror_images(pair):
    old, new = (labels(ids) for ids in pair)
    there, back = diff_masks(old, new), diff_masks(new, old)
    assert np.array_equal(there.pixels, back.pixels.T)
    for one, other in zip(there.classes, back.classes, strict=True):
        assert (one.added, one.split) == (other.removed, other.merged)
        assert np.array_equal(one.shifts, other.shifts)


@given(maps, maps)
def test_diff_masks__counts_of_parts_add_up(first, second):
    one, other = (diff_masks(*(labels(ids) for ids in pair)) for pair in (first, second))
    assert (one + other).changed_px == one.changed_px + other.changed_px
    assert ((one + other).classes[1]).added == one.classes[1].added + other.classes[1].added


@given(maps)
def test_diff_masks__nothing_changes_in_itself(pair):
    found = diff_masks(labels(pair[0]), labels(pair[0]))
    assert found.changed_px == 0
    assert all((row.added, row.removed, row.split, row.merged) == (0, 0, 0, 0) for row in found.classes)


def _changed(dataset: Dataset, folder: Path) -> Dataset:
    first = dataset.frames[0]
    ids = np.array(dataset.read_labels(first).ids)
    ids[2:6, 9:12] = 1
    path = folder / "corrected.png"
    write_label_map(path, LabelMap(adopt(ids), dataset.classes))
    corrected = replace(first, mask=IndexMask(path), columns={"line": "one"})
    unlabelled = replace(dataset.frames[1], mask=None)
    return replace(dataset, frames=(corrected, unlabelled, replace(dataset.frames[2], stem="new")))


def test_diff_datasets__says_everything_that_changed(tmp_path):
    old = labelled(tmp_path, void=True)
    new = _changed(old, tmp_path)
    found = diff_datasets(old, new)
    assert (found.added, found.removed, found.unlabelled) == (("new",), ("line 2/c",), ("line 2/b ü",))
    (row,) = found.changes
    assert (row.stem, row.changed_px, row.columns) == ("a", 12, {"line": (None, "one")})
    assert found.to_json()["pixels"]["counts"][0][1] == 12
    write_diff_page(tmp_path / "diff.html", found, changed_frames(old, new, found))
    text = (tmp_path / "diff.html").read_text()
    assert "data:image/jpeg" in text
    assert "http://" not in text
    assert "https://" not in text


def test_diff_datasets__classes_are_matched_by_name(tmp_path):
    old = labelled(tmp_path, void=False)
    specs = (ClassSpec(0, "background"), ClassSpec(3, "scratch", "thing"), ClassSpec(9, "rust"))
    table = ClassTable(specs, 255, "background")
    ids = np.array(old.read_labels(old.frames[0]).ids)
    path = tmp_path / "other.png"
    write_label_map(path, LabelMap(adopt(np.where(ids == 1, 3, np.where(ids == 2, 9, 0)).astype(np.uint8)), table))
    new = replace(old, classes=table, frames=(Frame("a", old.frames[0].image, IndexMask(path)),))
    found = diff_datasets(replace(old, frames=old.frames[:1]), new)
    assert set(found.classes.names) == {"background", "scratch", "rust", "dent", "oil"}
    assert found.total is not None
    channel = found.classes.channel
    assert found.total.pixels[channel("dent"), channel("rust")] == int((ids == 2).sum())
    assert found.total.pixels[channel("scratch"), channel("scratch")] == int((ids == 1).sum())


def test_diff_datasets__a_frame_of_another_size_is_said_and_not_compared(tmp_path):
    old, other = labelled(tmp_path, void=False), tmp_path / "small.png"
    write_label_map(other, LabelMap(np.zeros((3, 4), np.uint8), old.classes))
    from segwright.data import ImageFile
    from tests.data.pictures import noise, save

    save(tmp_path / "small image.png", noise(3, 4))
    new = replace(old, frames=(Frame("a", ImageFile(tmp_path / "small image.png"), IndexMask(other)),))
    found = diff_datasets(replace(old, frames=old.frames[:1]), new)
    assert found.compared == 0
    assert "its size changed from 19x14 to 4x3" in found.notes[0]
    assert found.changes[0].image_changed


def test_joint_classes__keep_the_new_ids():
    old, new = ClassTable.of(["a", "b"]), ClassTable((ClassSpec(0, "b"), ClassSpec(1, "c")))
    assert {spec.name: spec.class_id for spec in joint_classes(old, new)} == {"b": 0, "c": 1, "a": 2}
