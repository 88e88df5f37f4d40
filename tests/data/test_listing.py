"""The walk over a folder: links are followed, circles and dead ends are told together."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from segwright.core import DataError
from segwright.data import open_dataset
from segwright.data.listing import list_files, stem_of
from tests.data.pictures import index_folder


def test_list_files__sorted_without_hidden(tmp_path: Path) -> None:
    root = index_folder(tmp_path)
    (root / ".DS_Store").touch()
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "x.png").touch()
    assert list_files(root).files == ("classes.txt", "images/a.png", "images/b.png", "masks/a.png", "masks/b.png")


def test_list_files__follows_links_out_of_the_root(tmp_path: Path) -> None:
    real = index_folder(tmp_path / "real")
    root = tmp_path / "set"
    root.mkdir()
    for name in ("images", "masks", "classes.txt"):
        (root / name).symlink_to(real / name)
    assert len(open_dataset(root)) == 2


def test_list_files__circles_and_dead_links_are_told_together(tmp_path: Path) -> None:
    root = index_folder(tmp_path / "set")
    (root / "images" / "again").symlink_to(root)
    (root / "masks" / "dead.png").symlink_to(root / "nowhere.png")
    (root / "self.png").symlink_to(root / "self.png")
    with pytest.raises(DataError, match="contains it") as caught:
        open_dataset(root)
    rules = [problem.rule for problem in caught.value.problems]
    assert rules.count("is a link that leads nowhere") == 2
    assert "is a link to a folder that contains it" in rules
    assert all(problem.fix for problem in caught.value.problems)


def test_list_files__not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)is not a folder of frames.*nothing there"):
        list_files(tmp_path / "nothing")


def test_stem_of__composes_unicode() -> None:
    assert stem_of(unicodedata.normalize("NFD", "é/ü.b.png")) == "é/ü.b"


def test_open_dataset__pairs_across_unicode_forms(tmp_path: Path) -> None:
    root = index_folder(tmp_path, ("é",))
    (root / "images" / "é.png").rename(root / "images" / (unicodedata.normalize("NFD", "é") + ".png"))
    assert [frame.stem for frame in open_dataset(root).frames] == ["é"]
