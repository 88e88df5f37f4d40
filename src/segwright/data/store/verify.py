"""`verify`: every byte of a store looked at again, against the hashes that the log names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from segwright.core import DataError, Listener, Problem, silent, tracked
from segwright.data.store import labels as codec
from segwright.data.store.importing import IMAGE
from segwright.data.store.log import Log
from segwright.data.store.rows import rows_hash
from segwright.data.store.store import Store
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
        problems += _log_problems(store, log)
    except DataError as error:
        return Verified(0, 0, error.problems)
    sound: set[str] = set()
    count = 0
    try:
        store.blobs.require()
        answers = in_threads(_checked, store.blobs.every())
        for blob, fine in tracked(answers, listener, "verify", store.blobs.count(), "blobs"):
            count += 1
            sound |= {blob} if fine else set()
            if not fine:
                place = f"{store.place}: bytes {blob[:12]}"
                problems.append(Problem(place, "are not what was written", blob[:12], "another hash", AGAIN))
    except DataError as error:
        return Verified(len(log), count, (*problems, *error.problems))
    except (OSError, ValueError) as error:
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
    named = list(zip(*(log.rows.table[name].to_pylist() for name in ("stem", "image", "labels")), strict=True))
    for number, step in enumerate(log.steps(), start=1):
        for at in (*step.added.tolist(), *step.changed.tolist()):
            stem, *names = named[at]
            for name in names:
                if name is not None and name not in sound:
                    lost.setdefault(name, (stem, number))
    for name, (stem, number) in lost.items():
        place = f"{store.place.uri}@{number}: {stem}"
        yield Problem(place, "has an image or labels whose bytes are damaged or gone", name[:12], "none sound", AGAIN)


def _log_problems(store: Store, log: Log) -> Iterator[Problem]:
    """Versions whose rows are not those their header was made for, and headers whose parent is not in the log."""
    known = {""}
    fix = "the log was altered or damaged: copy the store back from a backup"
    for number, header in enumerate(log.headers, start=1):
        place = f"{store.place.uri}@{number}"
        if rows_hash(log.rows.of_commit(number - 1).to_pydict()) != header.rows_hash:
            rule = "has rows that are not those it was made with"
            yield Problem(place, rule, header.rows_hash[:12], "other rows", fix)
        if header.parent_hash not in known:
            yield Problem(place, "follows a version that is not in the log", header.parent_hash[:12], "none", fix)
        known.add(header.content_hash)
