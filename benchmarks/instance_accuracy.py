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
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from instance_overfit import NETWORKS, overfit
from instance_recipes import OURS, scored, train_ours, train_watershed
from instance_sets import SCORED, Task, open_nuclei
from instance_table import report
from instance_torchvision import train_torchvision

from segwright.core import Note

HERE = Path(__file__).resolve()
SHARED = next((place / "shared" / "data" for place in HERE.parents if (place / "shared" / "data").is_dir()), None)
WEIGHTS = "weights/derived/mobilenet_v2_1.0_224_quant_u8.pt"
RIVALS = {"watershed": train_watershed, "torchvision": train_torchvision, "torchvision-fitted": train_torchvision}
RECIPES = (*OURS, *RIVALS)
Row = dict[str, Any]


def main() -> None:
    """Make the runs that are missing in the results file, then write the table."""
    given = _arguments()
    given.results.mkdir(parents=True, exist_ok=True)
    rows, until = given.results / "instance_accuracy.jsonl", time.monotonic() + 60 * given.minutes
    for task, recipe in _wanted(given):
        if _key(task, recipe, given) in {tuple(row["key"]) for row in _rows(rows)}:
            continue
        if time.monotonic() > until:
            print(f"stopped after {given.minutes:g} minutes; the same command goes on")
            break
        row = _overfitted(task, recipe, given) if given.overfit else _run(task, recipe, given)
        with rows.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")
        print(f"{' '.join(map(str, row['key']))}: {row['scores']}, {row['seconds']} s", flush=True)
        (given.results / "instance_accuracy.md").write_text(report(_rows(rows)), encoding="utf-8")
    if not rows.exists():
        raise SystemExit("no run was made, and there is no result yet")
    (given.results / "instance_accuracy.md").write_text(report(_rows(rows)), encoding="utf-8")
    print(f"{given.results / 'instance_accuracy.md'} has the table")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", help=f"of {', '.join(RECIPES)}; left out: all of them")
    parser.add_argument("--seeds", type=int, default=3, help="how many, counted from 0")
    parser.add_argument("--steps", type=int, help="left out: 150, with --overfit 300")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, default=128, help="px, a multiple of 32")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after so many")
    parser.add_argument("--overfit", action="store_true", help="20 crops of the training part, learned by heart")
    named = os.environ.get("SEGWRIGHT_SHARED_DATA")
    parser.add_argument("--data", type=Path, default=Path(named) if named else SHARED, help="folder of the sets")
    parser.add_argument("--weights", type=Path, help=f"ImageNet MobileNetV2; left out: DATA/{WEIGHTS}")
    parser.add_argument("--results", type=Path, default=Path("runs/instance"), help="where the table goes")
    parser.add_argument("--work", type=Path, default=Path("runs/instance/work"), help="where the runs lie")
    given = parser.parse_args()
    known = NETWORKS if given.overfit else RECIPES
    given.recipes = given.recipes or list(known)
    given.steps = given.steps or (300 if given.overfit else 150)
    if unknown := sorted(set(given.recipes) - set(known)):
        parser.error(f"no recipe {', '.join(unknown)}; there are {', '.join(known)}")
    if given.data is None or not given.data.is_dir():
        parser.error(f"no data at {given.data}: name the folder with --data, or set SEGWRIGHT_SHARED_DATA")
    given.commit = _commit()  # of the code that is loaded, whatever lies there when a run ends
    given.data = given.data.resolve()
    given.weights = (given.weights or given.data / WEIGHTS).resolve()
    if not given.weights.is_file():
        parser.error(f"no weights at {given.weights}: name the file with --weights")
    if min(given.seeds, given.steps, given.batch) < 1 or given.crop < 64 or given.crop % 32:
        parser.error("--seeds, --steps and --batch are 1 or more, --crop is a multiple of 32 from 64 on")
    return given


def _wanted(given: argparse.Namespace) -> Iterator[tuple[Task, str]]:
    """Seed by seed, so that a benchmark that is stopped has every recipe as often as it can."""
    dataset, split, file = open_nuclei(given.data, given.work)
    for seed in range(1 if given.overfit else given.seeds):
        task = Task(dataset, split, file, given.weights, seed, given.steps, given.batch, given.crop)
        yield from ((task, recipe) for recipe in given.recipes)


def _key(task: Task, recipe: str, given: argparse.Namespace) -> tuple[Any, ...]:
    return ("overfit" if given.overfit else "nuclei", recipe, task.seed, task.steps, task.batch, task.crop)


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _run(task: Task, recipe: str, given: argparse.Namespace) -> Row:
    """Train and score; what lay in the work folder is deleted once the numbers are there."""
    key = _key(task, recipe, given)
    work, started = given.work / "-".join([*map(str, key), given.commit]), time.perf_counter()
    train = train_ours if recipe in OURS else RIVALS[recipe]
    find, said = train(task, recipe, work, _say)
    scores = {name: scored(find, task.part(part)) for part, name in SCORED.items()}
    shutil.rmtree(work, ignore_errors=True)
    frames = {part: len(task.split.stems(part)) for part in ("train", "validation", *SCORED)}
    return {
        "key": key,
        "settings": task.settings,
        "scores": scores,
        "frames": frames,
        "objects": {name: _objects(task, part) for part, name in SCORED.items()},
        "split_hash": task.split.content_hash[:12],
        "dataset_hash": task.dataset.content_hash[:12],
        "seconds": round(time.perf_counter() - started),
        **said,
        **_machine(given.commit),
    }


def _overfitted(task: Task, recipe: str, given: argparse.Namespace) -> Row:
    started = time.perf_counter()
    scores, said = overfit(task, recipe, _say)
    return {
        "key": _key(task, recipe, given),
        "settings": task.settings,
        "scores": scores,
        **said,
        "seconds": round(time.perf_counter() - started),
        **_machine(given.commit),
    }


def _objects(task: Task, part: str) -> int:
    return sum(int(frame.columns["instances"]) for frame in task.part(part).frames)


def _machine(commit: str) -> dict[str, str]:
    return {
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} thread a run",
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


def _say(event: object) -> None:
    if isinstance(event, Note):
        print(f"  {event.text}", flush=True)


if __name__ == "__main__":
    main()
