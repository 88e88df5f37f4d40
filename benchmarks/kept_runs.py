"""What the benchmarks that train have in common: one run and its settings, and results kept run by run.

A run's result is a line of a file as soon as it is there, and a run that is in it is not made again: a benchmark that
is stopped goes on with the same command.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from segwright.core import Note
from segwright.data import Dataset, Split

HERE = Path(__file__).resolve()
SHARED = next((place / "shared" / "data" for place in HERE.parents if (place / "shared" / "data").is_dir()), None)
WEIGHTS = "weights/derived/mobilenet_v2_1.0_224_quant_u8.pt"
Row = dict[str, Any]
Run = Callable[[], list[Row]]


@dataclass(frozen=True)
class Task:
    """One run: a set with its split, and the settings every recipe shares."""

    name: str
    dataset: Dataset
    split: Split
    split_file: Path
    weights: Path
    seed: int
    steps: int
    batch: int
    crop: int

    @property
    def settings(self) -> str:
        """The settings every recipe shares, as they stand in the results."""
        return f"{self.steps} steps of {self.batch} crops of {self.crop} px"

    @property
    def training(self) -> dict[str, Any]:
        """The same, as a project file has them."""
        return {"steps": self.steps, "batch": self.batch, "crop": self.crop, "seed": self.seed, "loggers": []}

    @property
    def classes(self) -> dict[str, Any]:
        """The class table, as a project file has it."""
        table = self.dataset.classes
        names = {spec.name: spec.class_id for spec in table}
        return {"names": names, "void": table.void_id, "background": table.background}

    @property
    def frames(self) -> dict[str, Any]:
        """What the results say of the frames, less how many there are."""
        return {"split_hash": self.split.content_hash[:12], "dataset_hash": self.dataset.content_hash[:12]}

    def part(self, name: str) -> Dataset:
        """The frames of a part of the split."""
        return self.dataset.only(self.split.stems(name))

    def key(self, recipe: str) -> list[Any]:
        """What tells the run of a recipe from others."""
        return [self.name, recipe, self.seed, self.steps, self.batch, self.crop]


def made(path: Path, wanted: Iterable[tuple[Sequence[Any], Run]], minutes: float) -> Iterator[Row]:
    """Each row that was missing, once it stands in the file; no run begins after `minutes`.

    `wanted` is what runs are asked for, each with the key it is known by; a run may answer for more keys than its own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 60 * minutes
    for key, run in wanted:
        if list(key) in [row["key"] for row in rows_of(path)]:
            continue
        if time.monotonic() > until:
            print(f"stopped after {minutes:g} minutes; the same command goes on")
            return
        for row in run():
            with path.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(row) + "\n")
            yield row


def rows_of(path: Path) -> list[Row]:
    """All rows so far."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def tabled(path: Path, report: Callable[[list[Row]], str]) -> None:
    """Write the table of the rows in `path` beside it."""
    if not path.exists():
        raise SystemExit("no run was made, and there is no result yet")
    path.with_suffix(".md").write_text(report(rows_of(path)), encoding="utf-8")


def parser_of(description: str | None, results: Path) -> argparse.ArgumentParser:
    """What every benchmark of recipes asks for."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many, counted from 0")
    parser.add_argument("--crop", type=int, default=128, help="px, a multiple of 32")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after so many")
    named = os.environ.get("SEGWRIGHT_SHARED_DATA")
    parser.add_argument("--data", type=Path, default=Path(named) if named else SHARED, help="folder of the sets")
    parser.add_argument("--weights", type=Path, help=f"ImageNet MobileNetV2; left out: DATA/{WEIGHTS}")
    parser.add_argument("--results", type=Path, default=results, help="where the table goes")
    parser.add_argument("--work", type=Path, default=results / "work", help="where the runs lie")
    return parser


def checked(parser: argparse.ArgumentParser, given: argparse.Namespace) -> argparse.Namespace:
    """The arguments with what was left out, or the parser's error; `commit` is that of the code that is loaded."""
    if given.data is None or not given.data.is_dir():
        parser.error(f"no data at {given.data}: name the folder with --data, or set SEGWRIGHT_SHARED_DATA")
    given.commit = _commit()
    given.data = given.data.resolve()
    given.weights = (given.weights or given.data / WEIGHTS).resolve()
    if not given.weights.is_file():
        parser.error(f"no weights at {given.weights}: name the file with --weights")
    if min(given.seeds, given.steps, given.batch) < 1 or given.crop < 64 or given.crop % 32:
        parser.error("--seeds, --steps and --batch are 1 or more, --crop is a multiple of 32 from 64 on")
    return given


def made_with(commit: str) -> dict[str, str]:
    """Code, day and machine of a run, as they stand in the results."""
    threads = torch.get_num_threads()
    return {
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {threads} thread{'' if threads == 1 else 's'} a run",
        "torch": torch.__version__,
    }


def _commit() -> str:
    """The commit, with `+` where files of the checkout differ from it."""
    git = ["git", "-C", str(HERE.parent)]
    found = subprocess.run([*git, "rev-parse", "--short=8", "HEAD"], capture_output=True, text=True, check=False)
    status = [*git, "status", "--porcelain", "--untracked-files=no", "../src", "."]
    changed = subprocess.run(status, capture_output=True, text=True, check=False).stdout
    edited = any("results/" not in line for line in changed.splitlines())
    return (found.stdout.strip() or "unknown") + ("+" if edited else "")


def say(event: object) -> None:
    """Print what a run notes."""
    if isinstance(event, Note):
        print(f"  {event.text}", flush=True)
