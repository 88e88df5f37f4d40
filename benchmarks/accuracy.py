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
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from accuracy_recipes import WITHOUT, train_ours, train_smp
from accuracy_rival import missing, train_nnunet
from accuracy_sets import SETS, open_set
from accuracy_table import report
from kept_runs import Row, Task, checked, made, made_with, parser_of, say, tabled

from segwright import evaluate

RECIPES = ("ours", "smp", "nnunet")
ALL_RECIPES = (*RECIPES, "smp-ce", *(name for name in WITHOUT if name != "ours"))

Trainer = Callable[..., dict[str, Any]]


def main() -> None:
    """Make the runs that are missing in the results file, then write the table."""
    given = _arguments()
    rows, skipped = given.results / "accuracy.jsonl", _skipped(given)
    wanted = (
        (task.key(recipe), partial(_run, task, recipe, given))
        for task, recipe in _wanted(given)
        if recipe not in skipped
    )
    for row in made(rows, wanted, given.minutes):
        name = " ".join(map(str, row["key"]))
        print(f"{name}: mIoU {row['miou']:.3f}, boundary F {row['boundary_f']:.3f}, {row['seconds']} s", flush=True)
        tabled(rows, report)
    tabled(rows, lambda all_rows: report(all_rows, skipped))
    print(f"{given.results / 'accuracy.md'} has the table")


def _arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, Path("runs/accuracy"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--recipes", nargs="+", choices=ALL_RECIPES, default=list(RECIPES))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--nnunet", type=Path, default=Path(".venv-nnunet/bin/python"), help="a Python that has it")
    return checked(parser, parser.parse_args())


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


def _run(task: Task, recipe: str, given: argparse.Namespace) -> list[Row]:
    """Train, predict and score every recipe that the run answers for; then its work folder is deleted."""
    work = given.work / "-".join([*map(str, task.key(recipe)), given.commit])
    answers, started = work / "masks", time.perf_counter()
    shutil.rmtree(answers, ignore_errors=True)
    said = _trainer(recipe, given)(task, recipe, work=work, masks=answers / recipe, listener=say)
    seconds = {"seconds": round(time.perf_counter() - started)}
    rows = [_scored(task, masks) | seconds | said | made_with(given.commit) for masks in sorted(answers.iterdir())]
    shutil.rmtree(work)
    return rows


def _scored(task: Task, masks: Path) -> Row:
    """The row of a recipe, named as its folder of masks, without how it came about."""
    evaluation = evaluate(masks, task.part("test"), classes=task.dataset.classes, boundary_px=(3,))
    foreground = [spec.name for spec in task.dataset.classes.foreground]
    return {
        "key": task.key(masks.name),
        "settings": task.settings,
        "miou": evaluation.scores["pooled_miou_foreground"] or 0.0,
        "boundary_f": evaluation.scores["boundary_f@3"] or 0.0,
        "iou": {name: evaluation.classes[name]["iou"] for name in foreground},
        "frames": {part: len(task.split.stems(part)) for part in ("train", "validation", "test")},
        **task.frames,
    }


def _trainer(recipe: str, given: argparse.Namespace) -> Trainer:
    if recipe in WITHOUT:
        return train_ours
    return partial(_without_recipe, python=given.nnunet) if recipe == "nnunet" else train_smp


def _without_recipe(task: Task, recipe: str, **rest: Any) -> dict[str, Any]:
    del recipe  # there is one
    return train_nnunet(task, **rest)


if __name__ == "__main__":
    main()
