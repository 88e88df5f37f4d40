"""Our instance networks beside a watershed on our own semantic network and torchvision's Mask R-CNN, on real nuclei.

    python benchmarks/instance_accuracy.py --recipes maskrcnn --seeds 1 --steps 10       a smoke check
    python benchmarks/instance_accuracy.py                                               goes on where it stopped
    python benchmarks/instance_accuracy.py --overfit                                     20 crops, can each learn them?

Every recipe sees the same number of crops of the same size from the same training frames, starts from the same ImageNet
encoder, and answers with its last weights. Held-out frames of the imaging types trained on, and frames of a type in no
training, are scored apart, at native size, by `segwright.evaluate`. A run's result is appended to
RESULTS/instance_accuracy.jsonl as soon as it is there, instance_accuracy.md is written anew from it, and a run that is
in it is not made again: stop it when you like, and type the same command to go on.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from instance_overfit import NETWORKS, overfit
from instance_recipes import OURS, scored, train_ours, train_watershed
from instance_sets import SCORED, open_nuclei
from instance_table import report
from instance_torchvision import train_torchvision
from kept_runs import Row, Task, checked, made, made_with, parser_of, say, tabled

RIVALS = {"watershed": train_watershed, "torchvision": train_torchvision, "torchvision-fitted": train_torchvision}
RECIPES = (*OURS, *RIVALS)


def main() -> None:
    """Make the runs that are missing in the results file, then write the table."""
    given = _arguments()
    rows, run = given.results / "instance_accuracy.jsonl", _overfitted if given.overfit else _run
    wanted = ((task.key(recipe), partial(run, task, recipe, given)) for task, recipe in _wanted(given))
    for row in made(rows, wanted, given.minutes):
        print(f"{' '.join(map(str, row['key']))}: {row['scores']}, {row['seconds']} s", flush=True)
        tabled(rows, report)
    tabled(rows, report)
    print(f"{given.results / 'instance_accuracy.md'} has the table")


def _arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, Path("runs/instance"))
    parser.add_argument("--recipes", nargs="+", help=f"of {', '.join(RECIPES)}; left out: all of them")
    parser.add_argument("--steps", type=int, help="left out: 150, with --overfit 300")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--overfit", action="store_true", help="20 crops of the training part, learned by heart")
    given = parser.parse_args()
    known = NETWORKS if given.overfit else RECIPES
    given.recipes = given.recipes or list(known)
    given.steps = given.steps or (300 if given.overfit else 150)
    if unknown := sorted(set(given.recipes) - set(known)):
        parser.error(f"no recipe {', '.join(unknown)}; there are {', '.join(known)}")
    return checked(parser, given)


def _wanted(given: argparse.Namespace) -> Iterator[tuple[Task, str]]:
    """Seed by seed, so that a benchmark that is stopped has every recipe as often as it can."""
    dataset, split, file = open_nuclei(given.data, given.work)
    name, seeds = ("overfit", 1) if given.overfit else ("nuclei", given.seeds)
    for seed in range(seeds):
        task = Task(name, dataset, split, file, given.weights, seed, given.steps, given.batch, given.crop)
        yield from ((task, recipe) for recipe in given.recipes)


def _run(task: Task, recipe: str, given: argparse.Namespace) -> list[Row]:
    """Train and score; what lay in the work folder is deleted once the numbers are there."""
    work, started = given.work / "-".join([*map(str, task.key(recipe)), given.commit]), time.perf_counter()
    train = train_ours if recipe in OURS else RIVALS[recipe]
    find, said = train(task, recipe, work, say)
    scores = {name: scored(find, task.part(part)) for part, name in SCORED.items()}
    shutil.rmtree(work, ignore_errors=True)
    frames = {part: len(task.split.stems(part)) for part in ("train", "validation", *SCORED)}
    row = {
        "key": task.key(recipe),
        "settings": task.settings,
        "scores": scores,
        "frames": frames,
        "objects": {name: _objects(task, part) for part, name in SCORED.items()},
        **task.frames,
        "seconds": round(time.perf_counter() - started),
        **said,
        **made_with(given.commit),
    }
    return [row]


def _overfitted(task: Task, recipe: str, given: argparse.Namespace) -> list[Row]:
    started = time.perf_counter()
    scores, said = overfit(task, recipe, say)
    row = {
        "key": task.key(recipe),
        "settings": task.settings,
        "scores": scores,
        **said,
        "seconds": round(time.perf_counter() - started),
        **made_with(given.commit),
    }
    return [row]


def _objects(task: Task, part: str) -> int:
    return sum(int(frame.columns["instances"]) for frame in task.part(part).frames)


if __name__ == "__main__":
    main()
