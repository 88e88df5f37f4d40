"""A version as a plain folder to work in, that knows where it came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from segwright.core import ArtefactError, Listener, silent
from segwright.data.exporting import Exported, export_dataset
from segwright.data.store.store import Store

MARKER = ".segwright-checkout.json"
SCHEMA = "segwright/checkout"


@dataclass(frozen=True)
class CheckedOut:
    """Where a folder came from: the store's address, the version's number and commit."""

    store: str
    version: int
    commit: str


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
    content = {
        "schema": SCHEMA,
        "schema_version": 1,
        **{name: getattr(origin, name) for name in ("store", "version", "commit")},
    }
    if written.folder.is_dir():
        (written.folder / MARKER).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return origin, written


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
        return CheckedOut(content["store"], content["version"], content["commit"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError.of(
            str(path), "is not the marker of a checkout", allowed=SCHEMA, found=str(error)[:200],
            fix="remove the file: the folder is then imported against the newest version",
        ) from error  # fmt: skip
