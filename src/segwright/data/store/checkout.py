"""A version as a plain folder to work in, that knows where it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from segwright.core import ArtefactError, Listener, Note, SegwrightError, silent
from segwright.data.exporting import Exported, export_dataset
from segwright.data.opening import open_dataset
from segwright.data.store.importing import Base, digests_of
from segwright.data.store.log import Log, Version
from segwright.data.store.store import Store

MARKER = ".segwright-checkout.json"
SCHEMA = "segwright/checkout"


@dataclass(frozen=True)
class CheckedOut:
    """Where a folder came from: the store's address, the version's number and commit.

    `own` are the later versions that were imported from the folder: what they brought is in it, and no one else's work.
    `frames` are the digests of what was written, read again: formats lose shapes or columns, and a frame that still
    reads so was not touched.
    """

    store: str
    version: int
    commit: str
    own: tuple[tuple[int, str], ...] = ()  # number, commit
    frames: Mapping[str, str] = field(default_factory=dict)

    def base(self, log: Log, *, overwrite: bool = False) -> Base | None:
        """The frames as the folder had them when it was last one with the store; None where that is another store."""
        if not all(
            number <= len(log) and log.headers[number - 1].commit == commit
            for number, commit in ((self.version, self.commit), *self.own)
        ):
            return None
        return Base(log.state(self.version, [number for number, _ in self.own]), self.frames, overwrite)


def checkout(
    store: Store,
    folder: Path,
    version: str | int | None = None,
    *,
    format: str = "index_png",  # noqa: A002  # the word users know
    listener: Listener = silent,
) -> tuple[CheckedOut, Exported]:
    """Write a version into a new folder. Importing the folder again then knows what was changed since by others.

    Raises:
        DataError: no such version, or the folder exists.
        ConfigError: an unknown format.
    """
    log = store.log()
    number = log.number_of(store.place.version if version is None else version, str(store.place))
    written = export_dataset(store.dataset(number), folder, format, listener=listener)
    origin = CheckedOut(store.place.uri, number, log.headers[number - 1].commit)
    if written.folder.is_dir():
        origin = replace(origin, frames=_as_written(written, listener))
        _write(written.folder, origin)
    return origin, written


def _as_written(written: Exported, listener: Listener) -> dict[str, str]:
    """The digest of each frame as the folder gives it; none, with a warning, where it cannot be read back."""
    try:
        return digests_of(open_dataset(written.folder, format=written.format), listener)
    except SegwrightError as error:
        rule = error.problems[0].rule
        text = f"{written.folder} cannot be read back ({rule}): what is imported from it counts as changed"
        listener(Note("checkout", text, "warning"))
        return {}


def imported_from(folder: Path, origin: CheckedOut, version: Version) -> None:
    """Note in a checkout that a version was imported from it: the next import is not in conflict with this one.

    Raises:
        ArtefactError: the folder cannot be written.
    """
    try:
        touched = {*version.added, *version.changed}
        left = {stem: digest for stem, digest in origin.frames.items() if stem not in touched}
        own = (*origin.own, (version.number, version.header.commit))
        _write(folder, replace(origin, own=own, frames=left))
    except OSError as error:
        rule = f"cannot be told that version {version.number} was imported from it"
        fix = f"check out version {version.number} into a new folder before you work on"
        raise ArtefactError.of(str(folder / MARKER), rule, allowed="writing", found=str(error), fix=fix) from error


def _write(folder: Path, origin: CheckedOut) -> None:
    content = {"schema": SCHEMA, "schema_version": 1, **asdict(origin)}
    temporary = folder / f"{MARKER}.tmp"
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / MARKER)


def checked_out(folder: Path) -> CheckedOut | None:
    """Where a folder came from; None where it is no checkout.

    Raises:
        ArtefactError: its marker cannot be read.
    """
    path = folder / MARKER
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        own = tuple((int(number), str(commit)) for number, commit in content["own"])
        frames = dict(content["frames"])
        return CheckedOut(str(content["store"]), int(content["version"]), str(content["commit"]), own, frames)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError.of(
            str(path), "is not the marker of a checkout", allowed=SCHEMA, found=str(error)[:200],
            fix="remove the file: the folder is then imported against the newest version",
        ) from error  # fmt: skip
