"""Our recipe against the plain one of segmentation-models-pytorch and against nnU-Net, on real sets, split honestly.

    python benchmarks/accuracy.py --sets crackforest --seeds 1 --steps 20        a smoke check, a minute
    python benchmarks/accuracy.py --recipes ours smp --minutes 8                 goes on where it stopped
    python benchmarks/accuracy.py --sets crackforest --recipes ours ours-dice ours-ema --seeds 2    what a part brings

Every recipe sees the same number of crops of the same size from the same training frames, starts from the same encoder
weights (nnU-Net from random ones: it has none) and chooses its checkpoint on the same validation part (nnU-Net takes
its last). Each writes the test part's predictions as index PNGs, and `segwright.evaluate` scores all of them, at native
size. A run's result is appended to RESULTS/accuracy.jsonl as soon as it is there, accuracy.md is written anew from it,
and a run that is in it is not made again: stop it when you like, and type the same command to go on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accuracy_recipes import WITHOUT, Task, train_ours, train_smp
from accuracy_rival import missing, train_nnunet
from accuracy_sets import SETS, open_set
from accuracy_table import report

from segwright import evaluate
from segwright.core import Note

HERE = Path(__file__).resolve()
SHARED = next((place / "shared" / "data" for place in HERE.parents if (place / "shared" / "data").is_dir()), None)
WEIGHTS = "weights/derived/mobilenet_v2_1.0_224_quant_u8.pt"
RECIPES = ("ours", "smp", "nnunet")
ALL_RECIPES = (*RECIPES, "smp-ce", *(name for name in WITHOUT if name != "ours"))

Trainer = Callable[..., dict[str, Any]]


def main() -> None:
    """Make the runs that are missing in the results file, then write the table."""
    given = _arguments()
    given.results.mkdir(parents=True, exist_ok=True)
    rows, until = given.results / "accuracy.jsonl", time.monotonic() + 60 * given.minutes
    skipped = _skipped(given)
    for task, recipe in _wanted(given):
        if recipe in skipped or _key(task, recipe) in {tuple(row["key"]) for row in _rows(rows)}:
            continue
        if time.monotonic() > until:
            print(f"stopped after {given.minutes:g} minutes; the same command goes on")
            break
        for row in _run(task, recipe, given):
            with rows.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(row) + "\n")
            name = " ".join(map(str, row["key"]))
            print(f"{name}: mIoU {row['miou']:.3f}, boundary F {row['boundary_f']:.3f}, {row['seconds']} s", flush=True)
        (given.results / "accuracy.md").write_text(report(_rows(rows)), encoding="utf-8")
    if not rows.exists():
        raise SystemExit("no run was made, and there is no result yet")
    (given.results / "accuracy.md").write_text(report(_rows(rows), skipped), encoding="utf-8")
    print(f"{given.results / 'accuracy.md'} has the table")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--recipes", nargs="+", choices=ALL_RECIPES, default=list(RECIPES))
    parser.add_argument("--seeds", type=int, default=3, help="how many, counted from 0")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=128, help="px, a multiple of 32")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after so many")
    named = os.environ.get("SEGWRIGHT_SHARED_DATA")
    parser.add_argument("--data", type=Path, default=Path(named) if named else SHARED, help="folder of the sets")
    parser.add_argument("--weights", type=Path, help=f"ImageNet MobileNetV2; left out: DATA/{WEIGHTS}")
    parser.add_argument("--results", type=Path, default=Path("runs/accuracy"), help="where the table goes")
    parser.add_argument("--work", type=Path, default=Path("runs/accuracy/work"), help="where the runs lie")
    parser.add_argument("--nnunet", type=Path, default=Path(".venv-nnunet/bin/python"), help="a Python that has it")
    given = parser.parse_args()
    if given.data is None or not given.data.is_dir():
        parser.error(f"no data at {given.data}: name the folder with --data, or set SEGWRIGHT_SHARED_DATA")
    given.data = given.data.resolve()
    given.weights = (given.weights or given.data / WEIGHTS).resolve()
    if not given.weights.is_file():
        parser.error(f"no weights at {given.weights}: name the file with --weights")
    if min(given.seeds, given.steps, given.batch) < 1 or given.crop < 64 or given.crop % 32:
        parser.error("--seeds, --steps and --batch are 1 or more, --crop is a multiple of 32 from 64 on")
    return given


def _skipped(given: argparse.Namespace) -> dict[str, str]:
    """Recipe -> why it cannot run here; said at once."""
    why = missing(given.nnunet) if "nnunet" in given.recipes else None
    if why is None:
        return {}
    print(f"nnunet is left out: {why}", file=sys.stderr)
    return {"nnunet": why.splitlines()[0]}


def _wanted(given: argparse.Namespace) -> Iterator[tuple[Task, str]]:
    """Seed by seed, so that a benchmark that is stopped has every set and recipe as often as it can."""
    opened = {name: open_set(name, given.data, given.work) for name in given.sets}
    for seed in range(given.seeds):
        for name, (dataset, split, file) in opened.items():
            task = Task(name, dataset, split, file, given.weights, seed, given.steps, given.batch, given.crop)
            yield from ((task, recipe) for recipe in given.recipes)


def _key(task: Task, recipe: str) -> tuple[Any, ...]:
    return (task.name, recipe, task.seed, task.steps, task.batch, task.crop)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _run(task: Task, recipe: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Train, predict and score every recipe that the run answers for; then its work folder is deleted."""
    commit = _commit()
    work = given.work / "-".join([*map(str, _key(task, recipe)), commit])
    answers, started = work / "masks", time.perf_counter()
    shutil.rmtree(answers, ignore_errors=True)
    said = _trainer(recipe, given)(task, recipe, work=work, masks=answers / recipe, listener=_say)
    seconds = {"seconds": round(time.perf_counter() - started)}
    rows = [_scored(task, masks) | seconds | said | _where(commit) for masks in sorted(answers.iterdir())]
    shutil.rmtree(work)
    return rows


def _scored(task: Task, masks: Path) -> dict[str, Any]:
    """The row of a recipe, named as its folder of masks, without how it came about."""
    evaluation = evaluate(masks, task.part("test"), classes=task.dataset.classes, boundary_px=(3,))
    foreground = [spec.name for spec in task.dataset.classes.foreground]
    return {
        "key": _key(task, masks.name),
        "settings": task.settings,
        "miou": evaluation.scores["pooled_miou_foreground"] or 0.0,
        "boundary_f": evaluation.scores["boundary_f@3"] or 0.0,
        "iou": {name: evaluation.classes[name]["iou"] for name in foreground},
        "frames": {part: len(task.split.stems(part)) for part in ("train", "validation", "test")},
        "split_hash": task.split.content_hash[:12],
        "dataset_hash": task.dataset.content_hash[:12],
    }


def _where(commit: str) -> dict[str, Any]:
    return {
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads a run",
        "torch": torch.__version__,
    }


def _trainer(recipe: str, given: argparse.Namespace) -> Trainer:
    if recipe in WITHOUT:
        return train_ours
    return partial(_without_recipe, python=given.nnunet) if recipe == "nnunet" else train_smp


def _without_recipe(task: Task, recipe: str, **rest: Any) -> dict[str, Any]:
    del recipe  # there is one
    return train_nnunet(task, **rest)


def _commit() -> str:
    """The commit, with `+` where files of the checkout differ from it."""
    git = ["git", "-C", str(HERE.parent)]
    found = subprocess.run([*git, "rev-parse", "--short=8", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--untracked-files=no", "../src", "."],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    edited = any("results/" not in line for line in changed.splitlines())
    return (found.stdout.strip() or "unknown") + ("+" if edited else "")


def _say(event: object) -> None:
    if isinstance(event, Note):
        print(f"  {event.text}", flush=True)


if __name__ == "__main__":
    main()
