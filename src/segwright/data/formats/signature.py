"""Files of one annotation tool among all files of a folder, told by words that each of them has."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Collection
from pathlib import Path

from segwright.data.listing import Listing


def files_like(listing: Listing, suffix: str | tuple[str, ...], looks_right: Callable[[Path], bool]) -> list[str]:
    """The files that end in `suffix` (one of them), whatever its case, and look right; in the order of the listing."""
    return [name for name in listing.files if name.lower().endswith(suffix) and looks_right(listing.path(name))]


def holds_all(path: Path, words: Collection[bytes]) -> bool:
    """Whether the file has every word somewhere; it is mapped, so a file of gigabytes takes no memory."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return all(data.find(word) >= 0 for word in words)
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False


def start_of(path: Path, length: int) -> bytes:
    """The first `length` bytes; none of a file that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(length)
    except OSError:
        return b""
