"""What a teacher brings a small student: the same student with and without one, on a real set, split honestly.

    python benchmarks/distillation.py --sets cvc --steps 200 --seeds 3 --minutes 6     goes on where it stopped

The teacher starts from ImageNet weights, the student from random ones: no small encoder's weights are at hand, which is
when a teacher should help most. Student and student alone see the same crops in the same number of steps, and choose
their checkpoint on the validation part; the test part, which nothing was chosen on, is scored at native size. Each run
is appended to RESULTS/distillation.jsonl, and one that is in it is not made again.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from accuracy_recipes import ENCODER, project_of, write_prediction
from accuracy_sets import SETS, open_set
from kept_runs import SHARED, WEIGHTS, Row, Task, made, rows_of, say

from segwright import evaluate
from segwright.project.read import validated
from segwright.train import Run
from segwright.train.student import trained

LEARNERS = ("alone", "taught")


def main() -> None:
    """Make the runs that are missing in the results file, then print the table."""
    given = _arguments()
    rows = given.results / "distillation.jsonl"
    wanted = ((_key(task, who, given), partial(_scored, task, who, given)) for task, who in _wanted(given))
    for row in made(rows, wanted, given.minutes):
        print(json.dumps(row), flush=True)
    print("\n".join(_table(rows_of(rows))))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["cvc"])
    parser.add_argument("--student", default="mobilenetv3_small_050", help="its encoder")
    parser.add_argument("--seeds", type=int, default=3, help="of the student, counted from 0; the teacher's is 0")
    parser.add_argument("--steps", type=int, default=200, help="of each run, the teacher's too")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=128, help="px, a multiple of 32")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after so many")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the sets")
    parser.add_argument("--results", type=Path, default=Path("runs/distillation"))
    given = parser.parse_args()
    if given.data is None or not (given.data / WEIGHTS).is_file():
        parser.error(f"no {WEIGHTS} in {given.data}: name the folder of the sets with --data")
    given.data, given.work = given.data.resolve(), given.results / "work"
    return given


def _wanted(given: argparse.Namespace) -> Iterator[tuple[Task, str]]:
    for name in given.sets:
        dataset, split, file = open_set(name, given.data, given.work)
        for seed in range(given.seeds):
            task = Task(name, dataset, split, file, given.data / WEIGHTS, seed, given.steps, given.batch, given.crop)
            yield from ((task, who) for who in (("teacher", *LEARNERS) if seed == 0 else LEARNERS))


def _key(task: Task, who: str, given: argparse.Namespace) -> list[Any]:
    encoder = ENCODER if who == "teacher" else given.student
    return [task.name, who, encoder, task.seed, task.steps, task.batch, task.crop]


def _run(task: Task, who: str, given: argparse.Namespace) -> Run:
    """The finished run; one that was stopped goes on."""
    folder = given.work / "-".join(map(str, _key(task, who, given)))
    settings = project_of(task, "ours").model_dump(mode="json", exclude_unset=True)
    if who != "teacher":
        settings["model"] = {"encoder": given.student, "weights": None}
    if who == "taught":
        teacher = given.work / "-".join(map(str, _key(_first(task), "teacher", given)))
        settings["training"]["distill_from"] = str(teacher.resolve())
    return trained(validated(settings, "benchmark"), Path(), folder, say)


def _first(task: Task) -> Task:
    return replace(task, seed=0)


def _scored(task: Task, who: str, given: argparse.Namespace) -> list[Row]:
    """Scores of the finished run on the test part, and how large the network is."""
    run = _run(task, who, given)
    masks, predictor, part = given.work / "masks", run.predictor(), task.part("test")
    shutil.rmtree(masks, ignore_errors=True)
    for frame in part.frames:
        write_prediction(masks, frame.stem, predictor.predict(task.dataset.read_image(frame)).label_map)
    scores = evaluate(masks, part, classes=task.dataset.classes, boundary_px=(3,)).scores
    network = sum(each.numel() for each in run.module().parameters())
    row = {
        "key": _key(task, who, given),
        "frames": len(part.frames),
        "parameters": network,
        "iou": scores["pooled_miou_foreground"] or 0.0,
        "boundary_f": scores["boundary_f@3"] or 0.0,
    }
    return [row]


def _table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| set | who | encoder | parameters | IoU by seed | mean | boundary F@3 mean |",
        "|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        name, who, encoder, _, *settings = row["key"]
        groups.setdefault((name, who, encoder, *settings), []).append(row)
    for (name, who, encoder, *settings), found in groups.items():
        iou = [row["iou"] for row in found]
        said = f"{name}, {settings[0]} steps of {settings[1]} crops of {settings[2]} px, {found[0]['frames']} frames"
        values, size = ", ".join(f"{each:.3f}" for each in iou), f"{found[0]['parameters'] / 1e6:.2f} M"
        boundary = mean(row["boundary_f"] for row in found)
        lines.append(f"| {said} | {who} | {encoder} | {size} | {values} | {mean(iou):.3f} | {boundary:.3f} |")
    return lines


if __name__ == "__main__":
    main()
