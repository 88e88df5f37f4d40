"""A dataset is a value: frames by name, columns, a content hash that follows what matters."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from segwright.core import DataError, Size
from segwright.data import Dataset, Frame, ImageFile, open_dataset
from tests.data.pictures import CLASSES, index_folder, mask_of, noise, save


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return open_dataset(index_folder(tmp_path / "set", ("a", "b", "c")))


def test_read__pixels_and_labels_of_one_size(dataset: Dataset) -> None:
    labelled = dataset.read(dataset.frame("b"))
    assert labelled.image.size == labelled.labels.size == Size(6, 8)
    assert labelled.labels == dataset.read_labels(dataset.frame("b"))
    assert labelled.image == dataset.read_image(dataset.frame("b"))
    assert labelled.labels.area_px("scratch") == 1


def test_frame__unknown_name(dataset: Dataset) -> None:
    with pytest.raises(DataError, match=r"(?s)has no frame of 1 of the names.*a, b, c.*found:   z"):
        dataset.frame("z")


def test_only__keeps_order_and_refuses_strangers(dataset: Dataset) -> None:
    assert [frame.stem for frame in dataset.only(["c", "a"]).frames] == ["a", "c"]
    with pytest.raises(DataError, match="x, y"):
        dataset.only(["a", "x", "y"])


def test_with_columns__new_win_over_old(dataset: Dataset) -> None:
    told = dataset.with_columns({"a": {"line": "1", "lamp": "x"}}).with_columns({"a": {"line": "2"}})
    assert told.frame("a").columns == {"line": "2", "lamp": "x"}
    assert told.column_names == ("lamp", "line")
    assert dataset.column_names == ()
    with pytest.raises(DataError, match="names asked for"):
        dataset.with_columns({"nobody": {}})


def test_read__frame_without_labels(tmp_path: Path) -> None:
    image = save(tmp_path / "a.png", noise(4, 4))
    dataset = Dataset(tmp_path, CLASSES, (Frame("a", ImageFile(image)),), "index_png")
    assert dataset.read_image(dataset.frames[0]).size == Size(4, 4)
    for read in (dataset.read, dataset.read_labels):
        with pytest.raises(DataError, match=r"(?s)has no labels.*fix:"):
            read(dataset.frames[0])


def test_content_hash__follows_pixels_labels_columns_and_classes_not_places(tmp_path: Path) -> None:
    first = open_dataset(index_folder(tmp_path / "one"))
    assert open_dataset(index_folder(tmp_path / "two")).content_hash == first.content_hash
    assert first.with_columns({"a": {"line": "1"}}).content_hash != first.content_hash
    assert first.only(["a"]).content_hash != first.content_hash
    save(tmp_path / "two" / "masks" / "a.png", mask_of(dent=(1, 1)))
    assert open_dataset(tmp_path / "two").content_hash != first.content_hash
    (tmp_path / "one" / "classes.txt").write_text("0 background\n1 crack\n2 dent\n")
    assert open_dataset(tmp_path / "one").content_hash != first.content_hash


def test_shows_images_of__names_columns_and_labels_do_not_matter_but_pixels_do(tmp_path: Path) -> None:
    first = open_dataset(index_folder(tmp_path / "one"))
    told = first.with_columns({"a": {"line": "1"}})
    assert told.shows_images_of(first.content_hash)
    save(tmp_path / "two" / "images" / "z.png", noise(6, 8, seed=0))
    save(tmp_path / "two" / "images" / "b.png", noise(6, 8, seed=1))
    for name in ("z", "b"):
        save(tmp_path / "two" / "masks" / f"{name}.png", mask_of(dent=(1, 1)))
    assert open_dataset(tmp_path / "two", classes=CLASSES).shows_images_of(told.content_hash)
    assert not first.only(["a"]).shows_images_of(first.content_hash)
    assert not first.shows_images_of(None)
    save(tmp_path / "two" / "images" / "b.png", noise(6, 8, seed=2))
    assert not open_dataset(tmp_path / "two", classes=CLASSES).shows_images_of(first.content_hash)


def test_stems_among__the_same_bytes_under_any_name(tmp_path: Path) -> None:
    first = open_dataset(index_folder(tmp_path / "one"))
    hashes = first.image_hashes
    assert {len(digits) for digits in hashes.values()} == {16}
    second = first.only(["b"])
    assert second.stems_among(hashes.values()) == ("b",)
    assert second.stems_among([hashes["a"]]) == ()
    assert second.stems_among([]) == ()
    assert first.content_hash == open_dataset(tmp_path / "one").content_hash


def test_content_hash__file_that_went_away(dataset: Dataset) -> None:
    dataset.frames[1].image.path.unlink()
    with pytest.raises(DataError, match=r"b\.png: cannot be read"):
        _ = dataset.content_hash


def test_dataset__travels_to_another_process(dataset: Dataset) -> None:
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.content_hash == dataset.content_hash
    assert np.array_equal(copy.read(copy.frames[0]).labels.ids, dataset.read(dataset.frames[0]).labels.ids)
