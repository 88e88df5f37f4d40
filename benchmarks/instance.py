"""Instance networks beside torchvision and transformers with the same weights, and what grows with objects.

    python benchmarks/instance.py --rows rows.jsonl > benchmarks/results/instance.md

measures what is not in `rows.jsonl` yet, each row in a process of its own on one thread, and prints all as Markdown.
`--only speed`, `objects` or `large` takes a part. Speed: seconds of processor time from a frame of uint8 pixels to
boolean masks of its size, medians of three turns taken in turn in one process; and the most memory that the process
took beyond what it held before, each side in a process of its own (Linux). Ratios are theirs over ours.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import instance_memory
import instance_rivals
import torch
from instance_memory import NETWORKS, peak_mib
from instance_rivals import Pair, query_objects_pair, query_pair

from segwright.core import Size
from segwright.export.benchmark import measured_on

TURNS = 3
SMALL, LARGE = Size(480, 640), Size(1088, 1920)
SQUARES = Size(512, 512), Size(1440, 1440)  # as many pixels: transformers' EoMT reads squares alone
COUNTS = (10, 100, 500)
SIDES = ("ours", "theirs")

# name -> (what it is beside, how it is made, the two sizes)
PAIRS: dict[str, tuple[str, Callable[[Size], Pair], tuple[Size, Size]]] = {
    "Mask R-CNN, ResNet-50": ("torchvision", instance_rivals.torchvision_pair, (SMALL, LARGE)),
    "Mask R-CNN, ours in ONNX Runtime": ("torchvision in torch", instance_rivals.onnx_pair, (SMALL, LARGE)),
    "pasting 100 masks": ("torchvision", instance_rivals.pasting_pair, (SMALL, LARGE)),
    "Mask2Former, ResNet-18": (
        "transformers",
        lambda size: query_pair("mask2former", "resnet18", size),
        (SMALL, LARGE),
    ),
    "Mask2Former, objects of 100 queries": (
        "transformers",
        lambda size: query_objects_pair("mask2former", size),
        (SMALL, LARGE),
    ),
    "EoMT, DINOv3 tiny": ("transformers", lambda size: query_pair("eomt", "dinov3_tiny", size), SQUARES),
    "EoMT, objects of 100 queries": ("transformers", lambda size: query_objects_pair("eomt", size), SQUARES),
}


def main() -> None:
    """Measure what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, default=Path("instance.jsonl"))
    parser.add_argument("--only", choices=("speed", "objects", "large"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rows = _known(given.rows)
    for words in _wanted(given.only):
        if words not in rows:
            rows[words] = _in_a_process(words)
            with given.rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"words": words, "answer": rows[words]}) + "\n")
    print(f"# Instance networks\n\nMachine: {measured_on(1)}, with other work on it; one thread.")
    print(_speed_table(rows), _objects_tables(rows), _large_table(rows), sep="\n")


def _known(path: Path) -> dict[tuple[str, ...], Any]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {tuple(row["words"]): row["answer"] for row in map(json.loads, lines)}


def _wanted(only: str | None) -> list[tuple[str, ...]]:
    speed = [(kind, name, side) for side in ("0", "1") for name in PAIRS for kind in ("seconds", *SIDES)]
    objects = [(kind, name, str(count)) for kind in ("loss_step", "validation") for name in _of(kind)
               for count in COUNTS]  # fmt: skip
    large = [("large_frame", name, "300") for name in ("maskrcnn", "yolact")]
    parts = {"speed": speed, "objects": objects, "large": large}
    return [words for part in ([only] if only else parts) for words in parts[part]]


def _of(kind: str) -> tuple[str, ...]:
    return NETWORKS if kind == "loss_step" else ("maskrcnn", "yolact", "solov2")


def _in_a_process(words: tuple[str, ...]) -> Any:
    """Measured in a fork of this process, which has imported everything and worked nothing out."""
    with get_context("fork").Pool(1) as pool:
        return pool.apply(_measured, words)


def _measured(kind: str, name: str, what: str) -> Any:
    if kind in ("loss_step", "validation", "large_frame"):
        return peak_mib(getattr(instance_memory, kind)(name, int(what)))
    _, make, sizes = PAIRS[name]
    pair = make(sizes[int(what)])
    if kind in SIDES:
        return peak_mib(getattr(pair, kind))
    counts = [step() for step in (pair.ours, pair.theirs)]  # to warm up
    turns = [[_timed(step) for step in (pair.ours, pair.theirs)] for _ in range(TURNS)]
    return [*(median(column) for column in zip(*turns, strict=True)), *counts]


def _timed(step: Callable[[], int]) -> float:
    started = time.process_time()
    step()
    return time.process_time() - started


def _speed_table(rows: dict[tuple[str, ...], Any]) -> str:
    head = ["what", "beside", "frame", "ours", "theirs", "ratio", "ours, memory", "theirs, memory", "ratio"]
    lines = ["", "## Time and memory beside others, the same weights", "", *_header(head)]
    for name, (beside, _, sizes) in PAIRS.items():
        for at, size in enumerate(sizes):
            found = [rows.get((kind, name, str(at))) for kind in ("seconds", *SIDES)]
            if None in found:
                continue
            (ours, theirs, *_), mine, others = found
            times = [f"{ours:.3g} s", f"{theirs:.3g} s", f"{theirs / ours:.2f}"]
            memory = [f"{mine:.0f} MiB", f"{others:.0f} MiB", f"{others / max(mine, 1):.2f}"]
            cells = [name, beside, f"{size.height} x {size.width}", *times, *memory]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _objects_tables(rows: dict[tuple[str, ...], Any]) -> str:
    titles = {
        "loss_step": "Memory of a training step, one crop of 512 px, by its number of objects",
        "validation": "Memory of answering, deciding and scoring one frame of 512 px, by its number of objects",
    }
    lines = []
    for kind, title in titles.items():
        lines += ["", f"## {title}", "", *_header(["network", *map(str, COUNTS)])]
        for name in _of(kind):
            found = [rows.get((kind, name, str(count))) for count in COUNTS]
            if None not in found:
                lines.append(f"| {name} | {' | '.join(f'{mib:.0f} MiB' for mib in found)} |")
    return "\n".join(lines)


def _large_table(rows: dict[tuple[str, ...], Any]) -> str:
    head = _header(["masks", "memory"])
    lines = ["", "## A frame of 3000 x 4000 px with 300 objects: tiles, stitching, suppression, run lengths", "", *head]
    named = {"maskrcnn": "28 x 28 cells in a box", "yolact": "a quarter of the tile"}
    for name, text in named.items():
        if (mib := rows.get(("large_frame", name, "300"))) is not None:
            lines.append(f"| {text} | {mib:.0f} MiB |")
    return "\n".join(lines)


def _header(names: list[str]) -> list[str]:
    return [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]


if __name__ == "__main__":
    main()
