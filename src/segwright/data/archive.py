"""A .zip as a folder: unpacked once into the cache, after every name and size in it has been checked."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from segwright.core import DataError, Problem, raise_collected

CACHE_VARIABLE = "SEGWRIGHT_CACHE"
_ALWAYS_ALLOWED_BYTES = 2**30
_LARGEST_RATIO = 100


def unpacked(archive: Path) -> Path:
    """The folder that holds the files of a .zip; the same bytes are unpacked only once.

    It lies in the cache (SEGWRIGHT_CACHE, else XDG_CACHE_HOME, else ~/.cache), never beside the archive. A single top
    folder is entered.

    Raises:
        DataError: not a whole .zip; entries that lead out of it, are links, encrypted or double; too large unpacked.
    """
    try:
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        target = cache_folder() / "archives" / digest[:32]
        if not target.is_dir():
            _unpack(archive, target)
    except (OSError, zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise DataError.of(
            str(archive), "cannot be unpacked", allowed="a whole .zip", found=str(error), fix="export or copy it again"
        ) from error
    inside = [path for path in target.iterdir() if not path.name.startswith((".", "__MACOSX"))]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target


def cache_folder() -> Path:
    """Where files are kept that can be made again: SEGWRIGHT_CACHE, else XDG_CACHE_HOME, else ~/.cache."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segwright"


def _unpack(archive: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as file, tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as temporary:
        raise_collected(_problems(file, archive))
        unfinished = Path(temporary) / "files"
        unfinished.mkdir()
        for entry in file.infolist():
            if entry.is_dir():
                continue
            path = unfinished / entry.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            with file.open(entry) as packed, path.open("wb") as out:  # stops at the declared size, checks the CRC
                shutil.copyfileobj(packed, out)
        unfinished.rename(target)


def _problems(file: zipfile.ZipFile, archive: Path) -> Iterator[Problem]:
    fix = "do not trust this archive; export it again from its source"
    seen: set[str] = set()
    for entry in file.infolist():
        name = entry.filename
        parts = PurePosixPath(name).parts
        if name.startswith(("/", "\\")) or ".." in parts or "\\" in name or ":" in parts[0]:
            yield Problem(f"{archive}: {name}", "leads out of the archive", "paths below its own root", name, fix)
        if stat.S_ISLNK(entry.external_attr >> 16):
            yield Problem(f"{archive}: {name}", "is a link", "files and folders", "a symbolic link", fix)
        if entry.flag_bits & 1:
            yield Problem(f"{archive}: {name}", "is encrypted", "plain entries", "a password", "unpack it yourself")
        if name in seen:
            yield Problem(f"{archive}: {name}", "is in the archive twice", "each name once", name, fix)
        seen.add(name)
    total = sum(entry.file_size for entry in file.infolist())
    limit = max(_ALWAYS_ALLOWED_BYTES, _LARGEST_RATIO * archive.stat().st_size)
    if total > limit:
        allowed = f"{limit:,} bytes: 1 GiB, or {_LARGEST_RATIO} times the archive"
        yield Problem(
            str(archive), "is too large unpacked", allowed, f"{total:,} bytes", "unpack it yourself, if genuine"
        )
