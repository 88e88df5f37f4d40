"""A .zip is read as a folder, or refused before a byte of it is written."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from segwright.core import DataError
from segwright.data import open_dataset
from segwright.data.archive import CACHE_VARIABLE, unpacked
from tests.data.pictures import index_folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def _zipped(root: Path, archive: Path, below: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(root.rglob("*")):
            file.write(path, f"{below}{path.relative_to(root)}")
    return archive


@pytest.mark.parametrize("below", ["", "export/"])
def test_open_dataset__zip_as_its_folder(tmp_path: Path, cache: Path, below: str) -> None:
    root = index_folder(tmp_path / "set", ("a", "b c", "ü"))
    archive = _zipped(root, tmp_path / "set.zip", below)
    dataset = open_dataset(archive)
    assert dataset.content_hash == open_dataset(root).content_hash
    first = {path: path.stat().st_mtime_ns for path in cache.rglob("*.png")}
    assert len(first) == 6
    open_dataset(archive)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.png")} == first


@pytest.mark.parametrize(
    "name", ["../evil.txt", "a/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:/evil.txt", "a\\..\\..\\evil.txt"]
)
def test_unpacked__zip_slip_is_refused_and_nothing_written(tmp_path: Path, cache: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        file.writestr(entry, "evil")
        file.writestr("fine.txt", "fine")
    with pytest.raises(DataError, match=r"(?s)leads out of the archive.*do not trust"):
        unpacked(tmp_path / "a.zip")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "a.zip"]


def test_unpacked__links_doubles_and_slips_are_told_together(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
        file.writestr("../x", "")
        file.writestr("twice", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("twice", "2")
    with pytest.raises(DataError, match="is a link") as caught:
        unpacked(tmp_path / "a.zip")
    assert [problem.rule for problem in caught.value.problems] == [
        "is a link",
        "leads out of the archive",
        "is in the archive twice",
    ]


def test_unpacked__bomb_is_refused_before_unpacking(tmp_path: Path, cache: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for at in range(11):
            with file.open(f"{at}.bin", "w", force_zip64=True) as out:
                for _ in range(10):
                    out.write(bytes(10_000_000))
    with pytest.raises(DataError, match=r"(?s)too large unpacked.*1,100,000,000 bytes"):
        unpacked(tmp_path / "a.zip")
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_unpacked__damaged_archives_are_refused(tmp_path: Path, cache: Path) -> None:
    archive = _zipped(index_folder(tmp_path / "set"), tmp_path / "a.zip")
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpacked(archive)
    flipped = bytearray(data)
    flipped[200] ^= 0xFF
    archive.write_bytes(flipped)
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpacked(archive)
    assert not [path for path in cache.rglob("*") if path.is_file()]
