"""One walk over a folder: every file below it, loops and dead links found once and reported together."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from segwright.core import DataError, Problem, raise_collected
from segwright.data.codecs import SUFFIXES


@dataclass(frozen=True)
class Listing:
    """The files below `root`, as sorted relative posix paths; hidden files and folders are left out."""

    root: Path
    files: tuple[str, ...]

    @cached_property
    def images(self) -> tuple[str, ...]:
        """The files whose suffix names an image format."""
        return tuple(name for name in self.files if PurePosixPath(name).suffix.lower() in SUFFIXES)

    @cached_property
    def by_folder(self) -> dict[str, tuple[str, ...]]:
        """Folder -> its image files; "." is the root itself."""
        folders: dict[str, list[str]] = defaultdict(list)
        for name in self.images:
            folders[str(PurePosixPath(name).parent)].append(name)
        return {folder: tuple(names) for folder, names in folders.items()}

    def path(self, name: str) -> Path:
        """Where the listed file `name` lies."""
        return self.root / name


def list_files(root: Path) -> Listing:
    """Walk a folder, following links to folders.

    Raises:
        DataError: not a folder; links that lead in circles; links that lead nowhere. All of them at once.
    """
    if not root.is_dir():
        found = "a file" if root.exists() else "nothing there"
        raise DataError.of(
            str(root),
            "is not a folder of frames",
            allowed="a folder, a .zip, a COCO .json, a CVAT .xml, a .geojson",
            found=found,
            fix="check the path",
        )
    problems: list[Problem] = []
    files = tuple(sorted(_walk(root, root, frozenset({root.resolve()}), problems)))
    raise_collected(problems)
    return Listing(root, files)


def _walk(root: Path, folder: Path, above: frozenset[Path], problems: list[Problem]) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(
            Problem(
                str(folder),
                "cannot be opened",
                "a readable folder",
                error.strerror or str(error),
                fix="check that you may read it, or move it away",
            )
        )
        return
    for entry in entries:
        if entry.name.startswith((".", "__MACOSX")):
            continue
        path = Path(entry.path)
        try:
            entry.stat()
        except OSError as error:
            problems.append(_bad_link(path, error))
            continue
        if not entry.is_dir():
            yield path.relative_to(root).as_posix()
        elif not entry.is_symlink():
            yield from _walk(root, path, above | {path.resolve()}, problems)
        elif path.resolve() in above:
            problems.append(
                Problem(
                    str(path),
                    "is a link to a folder that contains it",
                    "links that lead out of the circle",
                    str(path.resolve()),
                    "remove the link",
                )
            )
        else:
            yield from _walk(root, path, above | {path.resolve()}, problems)


def _bad_link(path: Path, error: OSError) -> Problem:
    return Problem(
        str(path),
        "is a link that leads nowhere",
        "links to existing files",
        error.strerror or str(error),
        "restore what it points to, or remove the link",
    )


def stem_of(name: str) -> str:
    """A relative posix path without its suffix, in composed Unicode (macOS stores names decomposed)."""
    return unicodedata.normalize("NFC", str(PurePosixPath(name).with_suffix("")))
