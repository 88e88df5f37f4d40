"""`verify`: every byte of a store looked at again, against the hashes that the log names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from segwright.core import DataError, Listener, Problem, silent, tracked
from segwright.data.store import labels as codec
from segwright.data.store.importing import IMAGE
from segwright.data.store.log import Header, Log, rows_hash
from segwright.data.store.place import LOG_TABLE
from segwright.data.store.store import Store
from segwright.data.store.tables import read_table
from segwright.data.workers import in_threads

AGAIN = "import the frame again from its source: the right bytes are added beside the damaged ones"


@dataclass(frozen=True)
class Verified:
    """What was looked at, and everything that is wrong."""

    versions: int
    blobs: int
    problems: tuple[Problem, ...]


def verify(store: Store, listener: Listener = silent) -> Verified:
    """Hash every image and label again, and every version's rows; tell what is damaged, missing or altered.

    A flipped bit in an image, in labels, in a version's rows or header is found. Bytes that no version names (of an
    interrupted import) are no problem.
    """
    problems: list[Problem] = []
    try:
        log = store.log()
    except DataError as error:
        return Verified(0, 0, error.problems)
    problems += _log_problems(store, log)
    sound: set[str] = set()
    count = 0
    try:
        answers = in_threads(_checked, store.blobs.every())
        for blob, fine in tracked(answers, listener, "verify", store.blobs.count(), "blobs"):
            count += 1
            sound |= {blob} if fine else set()
            if not fine:
                place = f"{store.place}: bytes {blob[:12]}"
                problems.append(Problem(place, "are not what was written", blob[:12], "another hash", AGAIN))
    except (DataError, OSError, ValueError) as error:
        place, fix = str(store.place), "copy the store back from a backup, or import again into a new one"
        problems.append(Problem(place, "has a table that cannot be read whole", "", str(error)[:300], fix))
    problems += _missing(store, log, sound)
    return Verified(len(log), count, tuple(problems))


def _checked(blob: tuple[str, str, bytes]) -> tuple[str, bool]:
    content_hash, kind, data = blob
    try:
        found = hashlib.sha256(data).hexdigest() if kind == IMAGE else codec.hash_of(kind, codec.content_of(data))
    except ValueError:
        return content_hash, False
    return content_hash, found == content_hash


def _missing(store: Store, log: Log, sound: set[str]) -> Iterator[Problem]:
    """Frames of some version whose image or labels are gone or damaged."""
    lost: dict[str, tuple[str, int]] = {}
    for version, state in log.history():
        for stem in (*version.added, *version.changed):
            row = state.frames[stem]
            for name in (row.image, row.labels):
                if name is not None and name not in sound:
                    lost.setdefault(name, (stem, version.number))
    for name, (stem, number) in lost.items():
        place = f"{store.place}@{number}: {stem}"
        yield Problem(place, "has an image or labels whose bytes are damaged or gone", name[:12], "none sound", AGAIN)


def _log_problems(store: Store, log: Log) -> Iterator[Problem]:
    """Versions whose rows are not those their header was made for, and headers whose parent is not in the log."""
    table = read_table(store.place.table(LOG_TABLE), store.options).to_pylist()
    rows: dict[str, list[Mapping]] = {}
    for row in table:
        if row["kind"] == "frame":
            rows.setdefault(row["commit"], []).append(row)
    known = {""}
    fix = "the log was altered or damaged: copy the store back from a backup"
    for number, commit in enumerate(log.commits, start=1):
        header: Header = commit.header
        place = f"{store.place}@{number}"
        if rows_hash(rows.get(header.commit, [])) != header.rows_hash:
            rule = "has rows that are not those it was made with"
            yield Problem(place, rule, header.rows_hash[:12], "other rows", fix)
        if header.parent_hash not in known:
            yield Problem(place, "follows a version that is not in the log", header.parent_hash[:12], "none", fix)
        known.add(header.content_hash)
    for row in table:
        if row["kind"] == "commit" and json.loads(row["header"])["id"] != row["commit"]:
            yield Problem(str(store.place), "has a header of another version", row["commit"][:12], "another", fix)
