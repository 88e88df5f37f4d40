"""Counting and scoring beside the peers: the same arrays, one process, one core; medians of seven warm runs.

    python benchmarks/scores.py                 # everything; some minutes
    python benchmarks/scores.py --only pixels boundary
    python benchmarks/scores.py --frames 100 1000   # folders of that many frames, for peak memory

A ratio above 1 is ours being faster. Peers that cannot be installed beside us (mmsegmentation, the DAVIS code,
panopticapi) are timed as their published functions count, written down here from their definition.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch
from torchmetrics.functional.classification import multiclass_jaccard_index

from segwright.core import ClassTable, LabelMap
from segwright.evaluate import count_boundaries, count_pixels

Row = tuple[str, float, float]
REPEATS = 7


def main() -> None:
    """Measure what was asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--frames", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--size", default="2048x1024", help="of the frames whose memory is measured")
    parser.add_argument("--out", type=Path, help="write the table here too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    lines = [f"# Scores beside the peers, {dt.date.today()}", "", f"Machine: {machine()}.", ""]
    lines += ["| what | segwright | peer | peer / segwright |", "|---|---|---|---|"]
    for part in arguments.only:
        for what, ours, theirs in PARTS[part]():
            lines.append(f"| {what} | {1e3 * ours:.2f} ms | {1e3 * theirs:.2f} ms | {theirs / ours:.1f} |")
            print(lines[-1], flush=True)
    if "memory" in arguments.only:
        lines += ["", *memory_lines(arguments.frames, arguments.size)]
    print("\n".join(lines))
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def seconds(work: Callable[[], object]) -> float:
    """The median of seven runs after two that are not counted."""
    times = []
    for _ in range(REPEATS + 2):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return median(times[2:])


def scene(height: int, width: int, classes: int, seed: int) -> np.ndarray:
    """Smooth regions about 120 px across, uint8."""
    coarse = np.random.default_rng(seed).random((height // 120, width // 120, classes)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).argmax(axis=2).astype(np.uint8)


def maps(height: int, width: int, classes: int) -> tuple[LabelMap, LabelMap]:
    """A truth with a void strip, and a prediction that is two pixels off, and wrong in an eighth of the frame."""
    truth = scene(height, width, classes, 1)
    prediction = np.roll(truth, 2, axis=1)
    prediction[: height // 8] = scene(height, width, classes, 2)[: height // 8]
    truth[-height // 20 :] = 255
    table = ClassTable.of([f"class {number}" for number in range(classes)])
    return LabelMap(prediction, table), LabelMap(truth, table)


# --- pixels -----------------------------------------------------------------------------------------------------------
def pixel_rows() -> Iterator[Row]:
    """The confusion of 2048x1024 maps, 19 classes and void."""
    prediction, truth = maps(1024, 2048, 19)
    ours = seconds(lambda: count_pixels(prediction, truth))
    tensors = [torch.from_numpy(side.ids.astype(np.int64)) for side in (prediction, truth)]
    where = "confusion of 2048x1024, 19 classes and void"
    jaccard = seconds(lambda: multiclass_jaccard_index(*tensors, num_classes=19, ignore_index=255, average="none"))
    yield f"{where}: torchmetrics' Jaccard index", ours, jaccard
    yield f"{where}: mmsegmentation's counting", ours, seconds(lambda: _histc_areas(*tensors, 19))
    yield f"{where}: numpy's sum of the two maps", ours, seconds(lambda: (prediction.ids.sum(), truth.ids.sum()))


def _histc_areas(prediction: torch.Tensor, truth: torch.Tensor, classes: int) -> tuple[torch.Tensor, ...]:
    """Areas of intersection, union, prediction and truth, as `intersect_and_union` of mmseg's IoUMetric counts them."""
    valid = truth != 255
    predicted, true = prediction[valid], truth[valid]
    both = predicted[predicted == true]
    areas = [torch.histc(each.float(), bins=classes, min=0, max=classes - 1) for each in (both, predicted, true)]
    return areas[0], areas[1] + areas[2] - areas[0], areas[1], areas[2]


# --- boundaries -------------------------------------------------------------------------------------------------------
def boundary_rows() -> Iterator[Row]:
    """Boundary F at 3 px of 1080p frames."""
    for classes in (4, 19):
        prediction, truth = maps(1080, 1920, classes)
        theirs = seconds(lambda pair=(prediction, truth): _davis(*pair))
        ours = seconds(lambda pair=(prediction, truth): count_boundaries(*pair))
        yield f"boundary F at 3 px of 1920x1080, {classes} classes: the DAVIS code", ours, theirs


def _davis(prediction: LabelMap, truth: LabelMap) -> list[float]:
    """F of every class at 3 px, class by class, as `f_measure` of davis2017-evaluation does, void left out."""
    reach = np.hypot(*np.mgrid[-3:4, -3:4]) <= 3
    found, void = [], truth.ids == truth.classes.void_id
    for class_id in truth.classes.ids:
        edges = [_edge((side.ids == class_id) * np.logical_not(void)) for side in (prediction, truth)]
        near = [cv2.dilate(edge.astype(np.uint8), reach.astype(np.uint8)) for edge in edges]
        matched = np.sum(edges[0] * near[1]), np.sum(edges[1] * near[0])
        shares = [part / max(1, np.sum(edge)) for part, edge in zip(matched, edges, strict=True)]
        found.append(2 * shares[0] * shares[1] / max(sum(shares), 1e-12))
    return found


def _edge(mask: np.ndarray) -> np.ndarray:
    right, below, both = np.zeros_like(mask), np.zeros_like(mask), np.zeros_like(mask)
    right[:, :-1], below[:-1], both[:-1, :-1] = mask[:, 1:], mask[1:], mask[1:, 1:]
    edge = (mask ^ right) | (mask ^ below) | (mask ^ both)
    edge[-1], edge[:, -1] = mask[-1] ^ right[-1], mask[:, -1] ^ below[:, -1]
    edge[-1, -1] = 0
    return edge


# --- the other scores have files of their own -------------------------------------------------------------------------
def _of(name: str) -> Callable[[], Iterator[Row]]:
    return lambda: iter(importlib.import_module(name).rows())


# --- memory -----------------------------------------------------------------------------------------------------------
def memory_lines(sizes: list[int], size: str) -> list[str]:
    """Peak memory and frames a second of `segwright evaluate` on folders of PNG masks, 19 classes."""
    rows = [f"| frames of {size}, PNG folders | peak memory | frames/s |", "|---|---|---|"]
    width, height = map(int, size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for index in range(10):
            for name, ids in zip(("p", "t"), (side.ids for side in maps(height, width, 19)), strict=True):
                cv2.imwrite(str(root / f"{name}{index}.png"), np.roll(ids, 50 * index % width, axis=1))
        for frames in sizes:
            for name in ("p", "t"):
                (root / f"{frames}{name}").mkdir()
                for index in range(frames):
                    (root / f"{frames}{name}" / f"{index:05d}.png").hardlink_to(root / f"{name}{index % 10}.png")
            (root / "classes.txt").write_text("".join(f"{number} class{number}\n" for number in range(19)))
            rows.append(_measured(root, frames))
            print(rows[-1], flush=True)
    return rows


def _measured(root: Path, frames: int) -> str:
    """A process of its own that tells its peak at the end: on Linux `getrusage` may give a child its parent's."""
    arguments = ["evaluate", "--classes", str(root / "classes.txt")]
    arguments += ["--predictions", str(root / f"{frames}p"), "--truth", str(root / f"{frames}t")]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", AND_ITS_PEAK, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    took = time.perf_counter() - started
    peak = int(done.stdout.split("VmHWM:")[1].split()[0]) / 2**10
    return f"| {frames} | {peak:.0f} MiB | {frames / took:.1f} |"


AND_ITS_PEAK = """
import sys
from pathlib import Path
from segwright.cli.app import main
try:
    main(sys.argv[1:])
finally:
    print(Path("/proc/self/status").read_text())
"""


def machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}, torch {torch.__version__}"


PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "pixels": pixel_rows,
    "boundary": boundary_rows,
    "surface": _of("scores_surface"),
    "panoptic": _of("scores_panoptic"),
    "instances": _of("scores_instances"),
    "memory": lambda: iter(()),
}

if __name__ == "__main__":
    main()
