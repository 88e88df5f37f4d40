from __future__ import annotations

from itertools import count

import pytest

from segwright.core import ArtefactError
from segwright.line import FolderSource


def put(folder, name: str, data: bytes = b"x") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_folder_source__images_below_the_folder_sorted_by_name(tmp_path):
    for name in ("b.png", "a/2.JPG", "a/1.jpg", "notes.txt", ".hidden.png", ".cache/c.png"):
        put(tmp_path, name)
    source = FolderSource(tmp_path)
    assert [frame.name for frame in source] == ["a/1.jpg", "a/2.JPG", "b.png"]
    assert source.count() == 3


def test_folder_source__refuses_a_folder_that_is_none(tmp_path):
    with pytest.raises(ArtefactError, match="is not a folder of frames"):
        FolderSource(tmp_path / "nowhere")


def test_folder_source__followed_takes_a_file_once_it_has_stopped_growing(tmp_path):
    put(tmp_path, "first.png")
    looks = count(1)

    def sleep(_seconds: float) -> None:
        look = next(looks)
        if look <= 2:
            put(tmp_path, "growing.png", b"x" * look)
        if look == 6:
            raise KeyboardInterrupt

    source = FolderSource(tmp_path, follow=True, sleep=sleep)
    frames = iter(source)
    assert source.count() is None
    assert [(frame.name, frame.path.stat().st_size) for frame in (next(frames), next(frames))] == [
        ("first.png", 1),
        ("growing.png", 2),
    ]
    with pytest.raises(KeyboardInterrupt):
        next(frames)
