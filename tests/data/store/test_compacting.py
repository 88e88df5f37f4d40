"""A compacted store is the same store in fewer files, also for those who had it open, and after a kill."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from segwright.core import DataError
from segwright.data import Dataset
from segwright.data.store import Author, Store, compact, create_store, import_dataset, open_store, verify

SCRIPT = """
import sys
from segwright.data.store import compact, open_store
store = open_store(sys.argv[1])
print("begun", flush=True)
compact(store)
print("done", flush=True)
"""


def many(dataset: Dataset, place: Path, versions: int = 6) -> Store:
    """A store with one frame more, or one column changed, in each version."""
    store = create_store(place)
    for number in range(versions):
        frame = dataset.frames[number % len(dataset)]
        one = replace(dataset, frames=(replace(frame, columns={**frame.columns, "pass": str(number)}),))
        assert import_dataset(one, store, Author("ada", f"step {number}")) is not None
    store.tag("v1", 2)
    return store


def content(store: Store) -> list[object]:
    """Everything that a version is, for each of them."""
    versions = store.log().versions()
    return [(row, store.dataset(row.number).content_hash) for row in versions]


def test_compact__fewer_files_and_every_version_as_it_was(dataset: Dataset, tmp_path: Path) -> None:
    store = many(dataset, tmp_path / "frames.store")
    before, labels = content(store), store.dataset(2).read_labels(store.dataset(2).frames[0])
    found = compact(store)
    assert found.files_before > found.files_after == 2
    assert found.bytes_before is not None
    assert found.unnamed == 0
    again = open_store(tmp_path / "frames.store")
    assert content(again) == before
    assert again.dataset(2).read_labels(again.dataset(2).frames[0]) == labels
    assert verify(again).problems == ()
    assert compact(again).files_before == 2


def test_compact__who_had_it_open_reads_on(dataset: Dataset, tmp_path: Path) -> None:
    store = many(dataset, tmp_path / "frames.store")
    reader, log = open_store(tmp_path / "frames.store").dataset(), store.log()
    first = reader.frames[0]
    _ = first.image.file_bytes()
    compact(store)
    for frame in reader.frames:
        assert reader.read(frame).image is not None
    assert len(log.state(len(log)).frames) == len(dataset)
    assert import_dataset(dataset, store, Author("bob")) is not None
    assert len(log.steps()) == len(store.log()) - 1


def test_compact__bytes_of_no_version_stay(dataset: Dataset, tmp_path: Path) -> None:
    from segwright.data.store.blobs import write_blobs

    store = many(dataset, tmp_path / "frames.store", versions=2)
    write_blobs(store.place, [("f" * 64, "image", b"begun")])
    assert compact(store).unnamed == 1
    assert store.blobs.read("f" * 64) == b"begun"


def test_compact__an_empty_store(tmp_path: Path) -> None:
    found = compact(create_store(tmp_path / "empty.store"))
    assert (found.files_after, found.unnamed) == (0, 0)


def test_compact__a_store_without_its_bytes_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    import shutil

    store = many(dataset, tmp_path / "frames.store", versions=2)
    shutil.rmtree(tmp_path / "frames.store" / "blobs.lance")
    with pytest.raises(DataError, match=r"(?s)has lost its table of images.*fix:"):
        compact(store)


def test_compact__killed_at_many_moments(dataset: Dataset, tmp_path: Path) -> None:
    place = tmp_path / "frames.store"
    before = content(many(dataset, place))
    ended = False
    for step in range(30):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(place)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        assert process.stdout is not None
        with process, process.stdout:
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.003 * step * step)
            process.send_signal(signal.SIGKILL)
            ended = "done" in process.stdout.read()
        store = open_store(place)
        assert content(store) == before
        assert verify(store).problems == ()
        if ended:
            break
    assert ended, "even the longest wait did not let it end"
    assert compact(open_store(place)).files_after == 2


def test_frames__are_made_when_asked_for_and_travel(dataset: Dataset, tmp_path: Path) -> None:
    frames = many(dataset, tmp_path / "frames.store").dataset().frames
    assert frames[0] is frames[0]
    assert frames[-1] is frames[len(frames) - 1]
    assert tuple(frames) == frames[:] == frames
    assert [frame.stem for frame in frames[1:]] == [frame.stem for frame in frames][1:]
    with pytest.raises(IndexError, match="frame 9 of 3"):
        frames[9]
    travelled = pickle.loads(pickle.dumps(frames))
    assert [frame.stem for frame in travelled] == [frame.stem for frame in frames]
    assert [frame.columns for frame in travelled] == [frame.columns for frame in frames]
