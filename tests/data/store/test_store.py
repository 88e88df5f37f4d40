"""A store's versions: what goes in comes out, who changed what, and two writers at once."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassSpec, ClassTable, ConfigError, DataError, LabelMap, adopt
from segwright.data import Dataset, Frame, IndexMask, open_dataset, write_label_map
from segwright.data.store import (
    Author,
    Base,
    Store,
    create_store,
    import_dataset,
    open_store,
    place_of,
    relabel,
    restore,
    verify,
)

ME = Author(who="ada", why="first labels", tool="test")


def _imported(dataset: Dataset, folder: Path) -> Store:
    store = create_store(folder / "frames.store")
    assert import_dataset(dataset, store, ME) is not None
    return store


def _with_labels(dataset: Dataset, folder: Path, ids: Mapping[str, np.ndarray]) -> Dataset:
    """The dataset with other labels for some frames."""
    frames = []
    for frame in dataset.frames:
        mask = frame.mask
        if frame.stem in ids:
            path = folder / f"{frame.stem}.png"
            write_label_map(path, LabelMap(adopt(ids[frame.stem]), dataset.classes))
            mask = IndexMask(path)
        frames.append(replace(frame, mask=mask))
    return replace(dataset, frames=tuple(frames))


def _same(ours: Dataset, theirs: Dataset) -> None:
    assert ours.classes == theirs.classes
    assert {frame.stem for frame in ours.frames} == {frame.stem for frame in theirs.frames}
    for frame in ours.frames:
        other = theirs.frame(frame.stem)
        assert ours.read_labels(frame) == theirs.read_labels(other)
        assert ours.read_image(frame) == theirs.read_image(other)
        assert frame.columns == other.columns


def test_import__everything_comes_back(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    _same(dataset, store.dataset())
    _same(dataset, open_dataset(tmp_path / "frames.store"))
    assert open_dataset(f"{tmp_path}/frames.store@1").format == "store@1"
    assert store.dataset().shows_images_of(dataset.content_hash)


def test_import__shapes_come_back_as_they_were_drawn(drawn, tmp_path):
    again = _imported(drawn, tmp_path).dataset()
    _same(drawn, again)
    for frame in drawn.frames:
        assert drawn.read_instances(frame) == again.read_instances(again.frame(frame.stem))


def test_import__the_log_says_who_when_why_and_what(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    (version,) = store.log().versions()
    assert (version.number, version.header.who, version.header.why) == (1, "ada", "first labels")
    assert version.header.when.startswith("20")
    assert set(version.added) == {frame.stem for frame in dataset.frames}


def test_import__nothing_changed_makes_no_version(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    blobs = store.blobs.known()
    assert import_dataset(dataset, store, ME) is None
    assert len(store.log()) == 1
    assert store.blobs.known() == blobs


def test_import__a_corrected_mask_is_the_one_change(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    before = store.dataset()
    shape = dataset.read_labels(dataset.frames[0]).ids.shape
    corrected = _with_labels(dataset, tmp_path, {"a": np.full(shape, 2, np.uint8)})
    version = import_dataset(corrected, store, ME)
    assert version is not None
    assert (version.added, version.changed, version.removed) == ((), ("a",), ())
    _same(corrected, store.dataset(2))
    _same(before, store.dataset(1))


def test_import__frames_that_are_not_there_stay_unless_replaced(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    fewer = replace(dataset, frames=dataset.frames[:1])
    assert import_dataset(fewer, store, ME) is None
    version = import_dataset(fewer, store, ME, replace=True)
    assert version is not None
    assert len(version.removed) == 2
    assert len(store.dataset()) == 1


def test_import__all_problems_at_once_and_no_version(dataset, tmp_path):
    store = create_store(tmp_path / "frames.store")
    for frame in dataset.frames[:2]:
        assert frame.image.path is not None
        frame.image.path.write_bytes(b"nothing")
    with pytest.raises(DataError) as caught:
        import_dataset(dataset, store, ME)
    assert len(caught.value.problems) == 2
    assert len(store.log()) == 0


def test_import__classes_are_matched_by_name(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    table = ClassTable((ClassSpec(0, "dent", "thing"), ClassSpec(9, "background")), 200, "background")
    ids = np.array([[0, 9, 200]], np.uint8).repeat(14, 0).repeat(7, 1)[:, :19]
    path = tmp_path / "other.png"
    write_label_map(path, LabelMap(adopt(ids), table))
    other = replace(dataset, classes=table, frames=(Frame("new", dataset.frames[0].image, IndexMask(path)),))
    assert import_dataset(other, store, ME) is not None
    found = store.dataset().read_labels(store.dataset().frame("new")).ids
    assert np.array_equal(found, np.select([ids == 0, ids == 9], [2, 0], 255))


def test_import__an_unknown_class_is_refused_or_added(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    table = ClassTable((*dataset.classes.classes, ClassSpec(7, "rust")), 255, "background")
    other = replace(dataset, classes=table, frames=())
    with pytest.raises(ConfigError, match="classes the store does not know"):
        import_dataset(other, store, ME)
    assert import_dataset(other, store, ME, add_classes=True) is not None
    assert store.dataset().classes["rust"].class_id == 7
    assert store.dataset(1).classes == dataset.classes


def test_tag__names_a_version_and_moves(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    assert store.tag("v1") == 1
    assert open_store(f"{tmp_path}/frames.store@v1").dataset().format == "store@1"
    assert store.log().versions()[0].tags == ("v1",)
    import_dataset(replace(dataset, frames=dataset.frames[:1]), store, ME, replace=True)
    assert store.tag("v1") == 2
    store.untag("v1")
    with pytest.raises(DataError, match="no such version"):
        store.dataset("v1")
    with pytest.raises(DataError, match="no name for a version"):
        store.tag("12")


def test_restore__an_old_version_becomes_the_newest(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    import_dataset(replace(dataset, frames=dataset.frames[:1]), store, ME, replace=True)
    version = restore(store, 1, ME)
    assert version is not None
    assert version.number == 3
    _same(dataset, store.dataset())
    assert restore(store, 1, ME) is None


def test_relabel__classes_are_merged_renamed_and_made_void(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    version = relabel(store, {"oil": "void", "dent": "scratch", "scratch": "mark"}, ME)
    assert version is not None
    assert store.dataset(1).classes == dataset.classes
    again = store.dataset()
    assert again.classes.describe() == "0 background, 1 mark, 255 void"
    before = dataset.read_labels(dataset.frames[0]).ids
    expected = np.where(before == 2, 1, np.where(before == 5, 255, before))
    assert np.array_equal(again.read_labels(again.frame("a")).ids, expected)


def test_relabel__unknown_class(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    with pytest.raises(ConfigError, match="did you mean 'scratch'"):
        relabel(store, {"scratsh": "void"}, ME)


def test_commit__the_slower_of_two_writers_is_told_and_loses_nothing(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    base = store.state()
    shape = dataset.read_labels(dataset.frames[0]).ids.shape
    mine, theirs = (_with_labels(dataset, tmp_path / str(id_), {"a": np.full(shape, id_, np.uint8)}) for id_ in (1, 2))
    assert import_dataset(theirs, store, Author(who="bob"), base=Base(base)) is not None
    with pytest.raises(DataError, match="1 frames were changed by version 2 by bob while you worked"):
        import_dataset(mine, store, ME, base=Base(base))
    assert store.dataset().read_labels(store.dataset().frame("a")).area_px("dent") == 14 * 19
    version = store.log().versions()[2]
    assert version.set_aside == ("a",)
    assert import_dataset(mine, store, ME) is not None  # once more, now knowing of the other's
    assert store.dataset().read_labels(store.dataset().frame("a")).area_px("scratch") == 14 * 19


def test_commit__many_writers_lose_nothing(dataset, tmp_path):
    store = create_store(tmp_path / "frames.store")
    errors = []

    def write(number: int) -> None:
        frames = tuple(replace(frame, stem=f"{number}/{frame.stem}") for frame in dataset.frames)
        try:
            import_dataset(replace(dataset, frames=frames), store, Author(who=str(number)))
        except DataError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(store.dataset()) == 18
    assert len(store.log()) == 6
    assert verify(store).problems == ()


def test_to_arrow__is_read_by_polars_and_duckdb(dataset, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    table = _imported(dataset, tmp_path).to_arrow(with_bytes=True)
    assert polars.from_arrow(table).filter(polars.col("column.line") == "two").height == 2
    assert duckdb.sql('select count(*) from "table" where labels is not null').fetchall() == [(3,)]
    first = dataset.frames[0].image.path
    assert first is not None
    assert table["image_bytes"][0].as_py() == first.read_bytes()


def test_blobs__go_to_another_process_by_name(dataset, tmp_path):
    store = _imported(dataset, tmp_path)
    frame = pickle.loads(pickle.dumps(store.dataset().frames[0]))
    assert frame.image.read()[0] == store.dataset().read_image(store.dataset().frames[0])


def test_open_store__nothing_there(tmp_path):
    with pytest.raises(DataError, match="is no dataset store"):
        open_store(tmp_path / "nowhere")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.txt").write_text("")
    with pytest.raises(DataError, match="holds other files"):
        create_store(tmp_path / "x")


def test_place_of__version_and_remote():
    assert (place_of("a/b.store@3").uri, place_of("a/b.store@3").version) == ("a/b.store", "3")
    assert place_of(Path("s3://bucket/x@v1")).uri == "s3://bucket/x"
    assert place_of("me@host/x").version is None
