"""What a user may do to a store, by mistake or on purpose, and what is said then."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, DataError, LabelMap, adopt
from segwright.data import Dataset, IndexMask, open_dataset, write_label_map
from segwright.data.store import Author, Store, create_store, import_dataset, open_store, relabel, restore, verify
from segwright.data.store.log import Header
from tests.data.formats import test_geotiff as geotiff
from tests.data.formats import test_volumes as volumes

ME = Author("ada")


@pytest.fixture
def store(dataset: Dataset, tmp_path: Path) -> Store:
    """A store of one version."""
    made = create_store(tmp_path / "frames.store")
    import_dataset(dataset, made, ME)
    return made


def _folder(store: Store) -> Path:
    return Path(store.place.uri)


def test_open_store__a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no dataset store") as caught:
        open_store(tmp_path)
    assert caught.value.problems[0].found == "a folder of something else"


def test_images_lost__is_said_once_and_the_same_import_heals(store: Store, dataset: Dataset) -> None:
    shutil.rmtree(_folder(store) / "blobs.lance")
    with pytest.raises(DataError, match="has lost its table of images and labels") as caught:
        store.dataset()
    assert len(caught.value.problems) == len(verify(store).problems) == 1
    again = create_store(store.place.uri)
    assert import_dataset(dataset, again, ME) is None
    assert verify(again).problems == ()


def test_log_lost__is_not_begun_anew_over_the_images(store: Store) -> None:
    shutil.rmtree(_folder(store) / "log.lance")
    with pytest.raises(DataError, match="no log of its versions"):
        create_store(store.place.uri)


def test_newer_schema__says_that_segwright_is_older(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = {**store.log().headers[0].to_json(), "schema_version": 2}
    monkeypatch.setattr(Header, "to_json", lambda _: newer)
    import_new = replace(store.dataset(), frames=())
    with pytest.raises(DataError, match="was written by a newer segwright"):
        import_dataset(import_new, store, ME, replace=True)
    with pytest.raises(DataError, match="pip install --upgrade segwright"):
        open_store(store.place.uri).dataset()


def test_moved__opens_and_verifies_elsewhere(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.move(store.place.uri, tmp_path / "elsewhere" / "ümzug mit leer.store")
    assert verify(open_store(moved)).problems == ()
    assert open_dataset(f"{moved}@1").shows_images_of(dataset.content_hash)


def test_no_frames_left__is_a_version(store: Store, dataset: Dataset) -> None:
    version = import_dataset(replace(dataset, frames=()), store, ME, replace=True)
    assert version is not None
    assert len(version.removed) == 3
    assert len(store.dataset()) == 0
    assert store.to_arrow().num_rows == 0
    assert store.to_arrow(1).num_rows == 3


def test_unlabelled__stays_without_labels_until_they_come(dataset: Dataset, tmp_path: Path) -> None:
    store = create_store(tmp_path / "frames.store")
    bare = replace(dataset, frames=tuple(replace(frame, mask=None) for frame in dataset.frames))
    import_dataset(bare, store, ME)
    assert [frame.mask for frame in store.dataset().frames] == [None] * 3
    assert store.state().frames.labelled == 0
    version = import_dataset(dataset, store, ME)
    assert version is not None
    assert len(version.changed) == 3
    assert verify(store).problems == ()


def test_wide_ids__of_sixteen_bits_come_back(dataset: Dataset, tmp_path: Path) -> None:
    table = ClassTable.of(["background", *(f"part {number}" for number in range(400))], void_id=65535)
    ids = np.arange(14 * 19, dtype=np.uint16).reshape(14, 19)
    ids[0, 0] = 65535
    write_label_map(tmp_path / "wide.png", LabelMap(adopt(ids), table))
    frame = replace(dataset.frames[0], mask=IndexMask(tmp_path / "wide.png"))
    store = create_store(tmp_path / "wide.store")
    import_dataset(replace(dataset, classes=table, frames=(frame,)), store, ME)
    assert np.array_equal(store.dataset().read_labels(store.dataset().frames[0]).ids, ids)
    relabel(store, {"part 1": "void", "part 2": "part 3"}, ME)
    again = store.dataset().read_labels(store.dataset().frames[0]).ids
    expected = np.where(ids == 2, 65535, np.where(ids == 3, 4, ids))
    assert np.array_equal(again, expected)


def test_relabel__the_background_becomes_void_or_another_class(store: Store, dataset: Dataset) -> None:
    before = dataset.read_labels(dataset.frame("a")).ids
    assert relabel(store, {"background": "void"}, ME) is not None
    after = store.dataset()
    assert after.classes.background is None
    assert np.array_equal(after.read_labels(after.frame("a")).ids, np.where(before == 0, 255, before))
    assert restore(store, 1, ME) is not None
    assert relabel(store, {"background": "surface"}, ME) is not None
    assert store.dataset().classes.background == "surface"


def test_relabel__every_class_void_is_refused(store: Store, dataset: Dataset) -> None:
    with pytest.raises(Exception, match="has no classes"):
        relabel(store, dict.fromkeys(dataset.classes.names, "void"), ME)


def test_restore__across_a_change_of_classes(store: Store, dataset: Dataset) -> None:
    relabel(store, {"dent": "scratch", "oil": "void"}, ME)
    version = restore(store, 1, ME)
    assert version is not None
    assert version.set_aside == ()
    again = store.dataset()
    assert again.classes == dataset.classes
    for frame in dataset.frames:
        assert again.read_labels(again.frame(frame.stem)) == dataset.read_labels(frame)


def test_tag__a_flipped_number_is_found(store: Store) -> None:
    store.tag("v1")
    (file,) = (path for path in (_folder(store) / "log.lance" / "data").glob("*.lance") if b'"v1"' in path.read_bytes())
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b'"version": 1', b'"version": 2'))
    assert verify(open_store(store.place.uri)).problems


@pytest.mark.parametrize("kind", ["slices of a volume", *(f"windows of {n} bands" for n in (1, 2, 3, 5))])
def test_pictures_without_a_file_of_their_own__come_back(tmp_path: Path, kind: str) -> None:
    if kind == "slices of a volume":
        dataset = open_dataset(volumes.pairs(tmp_path / "data"), classes=volumes.TABLE)
    else:
        image = geotiff.pixels(np.uint16, int(kind.split()[-2]))
        root = geotiff.rasters(tmp_path / "data", image)
        dataset = open_dataset(root, classes=geotiff.TABLE, options={"window_px": 16})
    store = create_store(tmp_path / "frames.store")
    import_dataset(dataset, store, ME)
    again = store.dataset()
    for frame in dataset.frames:
        assert again.read_image(again.frame(frame.stem)) == dataset.read_image(frame)
        assert again.read_labels(again.frame(frame.stem)) == dataset.read_labels(frame)
    assert import_dataset(dataset, store, ME) is None
    assert verify(store).problems == ()
