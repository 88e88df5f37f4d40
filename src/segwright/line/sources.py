"""Where frames come from: a folder, read once or followed while a camera fills it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from segwright.core import ArtefactError
from segwright.data.codecs import SUFFIXES

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One frame to inspect: its name within the source (a relative path, `cam1/0001.jpg`) and its file."""

    name: str
    path: Path


@dataclass(frozen=True)
class FolderSource:
    """Image files below `folder`, sorted by name; hidden files and linked folders are left out.

    With `follow` the iteration never ends by itself: the folder is looked at every `poll_seconds`, and a file is
    taken once it has not changed between two looks, so that one still being written is not read half.
    """

    folder: Path
    follow: bool = False
    poll_seconds: float = 1.0
    sleep: Sleep = time.sleep

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            found = "a file" if self.folder.exists() else "nothing there"
            raise ArtefactError.of(
                str(self.folder),
                "is not a folder of frames",
                allowed="a folder",
                found=found,
                fix="check the path, or name the folder the camera writes to",
            )

    def count(self) -> int | None:
        """How many frames there are now; None where more may come."""
        return None if self.follow else sum(1 for _ in self._files())

    def __iter__(self) -> Iterator[SourceFrame]:
        return self._followed() if self.follow else self._files()

    def _files(self) -> Iterator[SourceFrame]:
        names = []
        for folder, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            images = (name for name in files if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."))
            names += [(Path(folder) / name).relative_to(self.folder).as_posix() for name in images]
        for name in sorted(names):
            yield SourceFrame(name, self.folder / name)

    def _followed(self) -> Iterator[SourceFrame]:
        taken: set[str] = set()
        before: dict[str, tuple[int, int] | None] = {}
        while True:
            now = {frame.name: _stamp(frame.path) for frame in self._files() if frame.name not in taken}
            for name in (name for name, stamp in now.items() if name in before and before[name] == stamp):
                taken.add(name)
                yield SourceFrame(name, self.folder / name)
            before = now
            self.sleep(self.poll_seconds)


def _stamp(path: Path) -> tuple[int, int] | None:
    """(size, time of the last change in ns), or None for a file that cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
