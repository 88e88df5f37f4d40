"""Sets of drawn frames on disk: drawn on several workers, one table, and a manifest that says they are whole."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import cv2

from segwright.core import ArtefactError

MANIFEST = "manifest.json"
FEWEST = 8  # frames that processes of their own pay for
Task = tuple[str, int]  # a line and a number: one frame
Written = TypeVar("Written")


def on_workers(write: Callable[[Task], Written], tasks: Sequence[Task], workers: int) -> Iterator[Written]:
    """What `write` says of each task, in their order; with more than one worker, fresh processes do the work."""
    if workers <= 1 or len(tasks) < FEWEST:
        yield from map(write, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(workers, len(tasks)), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.imap(write, tasks, chunksize=4)


def is_complete(root: Path, manifest: Mapping[str, Any], rule: str, fix: str) -> bool:
    """Whether the folder holds all of what `manifest` describes.

    Raises:
        ArtefactError: it holds a whole set of another `spec`; `rule` and `fix` are what the error says.
    """
    path = root / MANIFEST
    if not path.exists():
        return False
    found = json.loads(path.read_text(encoding="utf-8"))
    if found == manifest:
        return True
    allowed, there = json.dumps(manifest["spec"]), json.dumps(found.get("spec"))
    raise ArtefactError.of(str(root), rule, allowed=allowed, found=there, fix=fix)


def write_manifest(root: Path, manifest: Mapping[str, Any]) -> None:
    """The last file of a set: a folder that has one is complete."""
    _write_bytes(root / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())


def write_table(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """A CSV with a row a frame and the columns of the first one."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    _write_bytes(path, text.getvalue().encode())


def _write_bytes(path: Path, data: bytes) -> None:
    """Write under a temporary name, then rename: a file that is there is whole."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(data)
    unfinished.replace(path)
