"""A run's folder: taken by one command alone, and given back where nothing was learned in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from segwright.core import ArtefactError
from segwright.train.in_use import LOCK, InUse, training_alone
from segwright.train.run import PLAN_FILE, Run


@dataclass(frozen=True)
class Wanted:
    """Where a new run is to lie: `folder`, or runs/NAME, or the first of runs/NAME-2, -3, ... that is free."""

    runs: Path
    name: str
    folder: Path | None = None

    def taken(self) -> Path:
        """The folder. One that nobody named is made here, so that another command cannot take it too.

        Raises:
            ArtefactError: no folder can be made there.
        """
        return claimed(self.runs, self.name) if self.folder is None else self.folder


def claimed(runs: Path, name: str) -> Path:
    """runs/NAME, or the first of runs/NAME-2, -3, ... that did not exist, made by this call and by no other.

    Raises:
        ArtefactError: no folder can be made there.
    """
    require_folder(runs)
    for number in count(1):
        folder = runs / (name if number == 1 else f"{name}-{number}")
        with _said(folder), suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise AssertionError  # numbers do not end


def require_folder(folder: Path) -> None:
    """Make `folder` where it is not there yet.

    Raises:
        ArtefactError: it cannot be made, or is a file.
    """
    with _said(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _said(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtefactError.of(
            str(folder),
            "cannot be the folder of a run",
            allowed="a folder that is there, or can be made",
            found=error.strerror or str(error),
            fix="segwright train --run FOLDER, where there is room and the right to write",
        ) from error


@contextmanager
def given_back(run: Run, *, made: bool) -> Iterator[None]:
    """Within: an error that comes before anything was learned takes the new run's plan away, and the folder it `made`.

    The same command can then be typed again once what it says is mended. Where anything else lies in the folder all
    of it stays, and so it does after an interruption: its plan can be gone on with.
    """
    digest = run.plan_hash
    try:
        yield
    except Exception:
        with suppress(InUse, OSError), training_alone(run.path):
            _take_away(run, digest, made=made)
        raise


def _take_away(run: Run, digest: str, *, made: bool) -> None:
    own = {PLAN_FILE, LOCK}
    if {path.name for path in run.path.iterdir()} - own or Run(run.path, run.plan).plan_hash != digest:
        return
    for name in own:
        (run.path / name).unlink(missing_ok=True)
    if made:
        run.path.rmdir()
