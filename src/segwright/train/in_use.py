"""One process at a time trains a run: two would write over each other's checkpoints."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segwright.core import ArtefactError, SegwrightError

try:
    import fcntl
except ImportError:  # Windows keeps a file from others while it is open for writing, in its own way
    fcntl = None  # type: ignore[assignment]

LOCK = ".training"


class InUse(ArtefactError):
    """Another process trains this run: nothing is wrong with it, nor with what was asked for."""


@contextmanager
def training_alone(folder: Path) -> Iterator[None]:
    """Within: no other process trains the run in `folder`. The system lets go of it when this process ends, however.

    On a disk that cannot lock files, as some network disks, nobody is kept out.

    Raises:
        InUse: another process does.
    """
    if fcntl is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    with path.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _in_use(folder, _said_by(path)) from None
        except OSError:  # no locks to be had here
            yield
            return
        handle.seek(0)
        handle.truncate()
        handle.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        handle.flush()
        yield  # the file stays: another process may have it open already


def _said_by(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _in_use(folder: Path, who: str) -> SegwrightError:
    return InUse.of(
        str(folder),
        "is being trained by another process",
        allowed="one at a time",
        found=who or "a lock on it",
        fix="wait until it has ended, or end it first; --run NAME trains another run beside it",
    )
