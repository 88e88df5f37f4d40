"""How fast a dataset store is, beside a plain folder and `cp -r`, and how it holds at a hundred thousand frames.

python benchmarks/store.py scale|import|read|all [--folder DIR] [--frames N] [--scale N]
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from segwright.core import ClassTable, Image, LabelMap, adopt
from segwright.data import Dataset, open_dataset, write_image, write_label_map
from segwright.data.store import Author, Change, FrameRow, Store, create_store, import_dataset, open_store, verify

CLASSES = ClassTable.of(["background", "scratch", "dent", "discoloration"])
ME = Author("benchmark", "measured")
HEIGHT, WIDTH = 1080, 1920


def main() -> None:
    """Run the parts asked for and print a line each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("scale", "import", "read", "all"))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "segwright-store-benchmark")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--scale", type=int, default=100_000)
    parser.add_argument("--reads", type=int, default=500)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    if asked.part in ("scale", "all"):
        scale(asked.folder / "scale.store", asked.scale)
    if asked.part in ("import", "all"):
        imports(asked.folder, asked.frames)
    if asked.part in ("read", "all"):
        reads(asked.folder, asked.frames, asked.reads)


def scale(place: Path, frames: int) -> None:
    """Each question to a log of many frames and 21 versions, in a process of its own."""
    if not place.exists():
        _in_process(_fill, place, frames)
    for name, question in QUESTIONS.items():
        runs = [_in_process(_asked, place, name) for _ in range(1 if question is _small_commit else 3)]
        seconds, busy, megabytes = (median(values) for values in zip(*runs, strict=True))
        print(f"{frames:,} frames: {name:28s} {seconds:6.2f} s, {busy:6.2f} s CPU, +{megabytes:.0f} MB", flush=True)


def _in_process(function: Callable[..., Any], *values: Any) -> Any:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *values).result()


def _fill(place: Path, frames: int) -> None:
    """Rows without bytes, then 20 commits of 100 frames."""
    store = create_store(place)
    rows = [_row(f"press-{at % 3}/frame{at:07d}", str(at), str(at % 5)) for at in range(frames)]
    base = store.log().state(0)
    store.commit([Change(row.stem, "", row) for row in rows], CLASSES, base, ME)
    for number in range(20):
        _corrected(store, number, min(100, frames))


def _row(stem: str, seed: str, camera: str) -> FrameRow:
    image, labels = (hashlib.sha256(f"{kind}{seed}".encode()).hexdigest() for kind in ("image", "labels"))
    return FrameRow(stem, image, ".jpg", HEIGHT, WIDTH, 1, labels, "ids", (("camera", camera),))


def _corrected(store: Store, seed: int, count: int) -> None:
    base = store.state()
    digests = base.frames.digests
    changes = []
    for stem in random.Random(seed).sample(base.frames.stems, count):
        row = base.frames[stem]
        labels = hashlib.sha256(f"{seed} {stem}".encode()).hexdigest()
        changes.append(Change(stem, digests[stem], replace(row, labels=labels)))
    store.commit(changes, CLASSES, base, ME)


def _small_commit(store: Store) -> None:
    _corrected(store, int(time.time()), 100)


QUESTIONS: dict[str, Callable[[Store], Any]] = {
    "log of every version": lambda store: store.log().versions(),
    "numbers of a version": lambda store: (store.state().frames.labelled, store.state().frames.column_names),
    "opened as a dataset": lambda store: store.dataset(),
    "as an Arrow table": lambda store: store.to_arrow(),
    "tag": lambda store: store.tag("v1"),
    "commit of 100 frames on top": _small_commit,
}


def _asked(place: Path, name: str) -> tuple[float, float, float]:
    """Seconds, seconds of CPU, and the megabytes that the process grew by."""
    store = open_store(place)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, busy = time.perf_counter(), time.process_time()
    kept = QUESTIONS[name](store)
    seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    del kept
    return seconds, busy, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def imports(folder: Path, frames: int) -> None:
    """Import of JPEG + PNG beside `cp -r` and beside reading, hashing and writing the same bytes; then verify."""
    source = _folder(folder / "frames", frames)
    size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file()) / 2**20
    plain = 0.0
    for name, action in (
        ("cp -r", lambda to: subprocess.run(["cp", "-r", str(source), str(to)], check=True)),
        ("read, hash, write", lambda to: _copied(source, to)),
        ("import", lambda to: import_dataset(open_dataset(source), create_store(to), ME)),
    ):
        runs = [_timed(action, folder / f"written {name}") for _ in range(5)]
        once, synced, busy = (median(values) for values in zip(*runs, strict=True))
        plain = once if name.startswith("read") else plain
        ratio = f", {once / plain:.1f} x reading, hashing and writing" if name == "import" else ""
        print(
            f"{name}: {once:.2f} s ({synced:.2f} on disk), {busy:.2f} s CPU, {size / once:.0f} MB/s, "
            f"{frames / once:.0f} frames/s{ratio}",
            flush=True,
        )
    store = open_store(folder / "written import")
    begun = time.perf_counter()
    found = verify(store)
    seconds = time.perf_counter() - begun
    print(f"verify: {seconds:.2f} s, {size / seconds:.0f} MB/s, {len(found.problems)} problems", flush=True)


def _copied(source: Path, to: Path) -> None:
    """Each file read, hashed and written: the least that a store by content hash has to do."""
    for path in source.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            hashlib.sha256(data).hexdigest()
            target = to / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def _timed(action: Callable[[Path], Any], to: Path) -> tuple[float, float, float]:
    """Seconds, seconds until it lies on the disk, and seconds of CPU, children's included."""
    shutil.rmtree(to, ignore_errors=True)
    os.sync()
    begun, busy = time.perf_counter(), _busy()
    action(to)
    seconds, busy = time.perf_counter() - begun, _busy() - busy
    os.sync()
    return seconds, time.perf_counter() - begun, busy


def _busy() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def reads(folder: Path, frames: int, count: int) -> None:
    """Random frames, image and labels decoded, in turn from the folder and from the store."""
    place = folder / "written import"
    if not place.exists():
        import_dataset(open_dataset(_folder(folder / "frames", frames)), create_store(place), ME)
    sides = {"folder": open_dataset(folder / "frames"), "store": open_store(place).dataset()}
    stems = [frame.stem for frame in sides["folder"].frames]
    for what in ("image and labels", "labels"):
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for round_ in range(3):
            chosen = random.Random(round_).choices(stems, k=count)
            for name, dataset in sides.items():
                seconds[name].append(_read(dataset, chosen, images=what != "labels"))
        each = {name: median(values) / count * 1000 for name, values in seconds.items()}
        ratio = each["folder"] / each["store"]
        print(
            f"{what}: folder {each['folder']:.1f} ms, store {each['store']:.1f} ms a frame: {ratio:.2f} x", flush=True
        )


def _read(dataset: Dataset, stems: list[str], *, images: bool) -> float:
    begun = time.perf_counter()
    for stem in stems:
        frame = dataset.frame(stem)
        if images:
            dataset.read(frame)
        else:
            dataset.read_labels(frame)
    return time.perf_counter() - begun


def _folder(folder: Path, frames: int) -> Path:
    """Frames of a textured part with a few regions, as JPEG + index PNG."""
    if not folder.exists():
        (folder / "images").mkdir(parents=True)
        (folder / "masks").mkdir()
        (folder / "classes.txt").write_text("0 background\n1 scratch\n2 dent\n3 discoloration\n", encoding="utf-8")
        for number in range(frames):
            pixels, ids = _frame(np.random.default_rng(number))
            write_image(folder / "images" / f"{number:05d}.jpg", Image(adopt(pixels)))
            write_label_map(folder / "masks" / f"{number:05d}.png", LabelMap(adopt(ids), CLASSES))
    return folder


def _frame(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    coarse = rng.integers(60, 200, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    pixels = coarse + rng.integers(0, 16, (HEIGHT, WIDTH, 1), dtype=np.uint8)
    ids = np.zeros((HEIGHT, WIDTH), np.uint8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for class_id in rng.integers(1, 4, 12):
        top, left, radius = rng.integers(0, HEIGHT), rng.integers(0, WIDTH), rng.integers(10, 90)
        ids[(rows - top) ** 2 + (columns - left) ** 2 * int(class_id) < radius**2] = class_id
    return pixels, ids


if __name__ == "__main__":
    sys.exit(main())
