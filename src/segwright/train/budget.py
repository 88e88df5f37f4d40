"""The labelling budget: the same training on ever more of the training frames, to see what more labels bring.

Each size of each seed is a run of its own, by the same path as `segwright train`: its folder holds a split whose
training part is a subset, and a finished run is kept. Subsets are drawn by group, and of one seed the smaller lies in
the larger, so that sizes differ by frames that were added and by nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from segwright.core import ArtefactError, ConfigError, DataError, Listener, Note, Problem, raise_collected, silent
from segwright.data import Dataset, Split, write_split
from segwright.data.split.grouping import grouped
from segwright.evaluate import Evaluation, ObjectEvaluation
from segwright.evaluate.learning_curve import FEWEST_SIZES, CurvePoint, by_size
from segwright.project.schema import Project
from segwright.train.checkpoint import write_atomically
from segwright.train.finish import finish
from segwright.train.run import PLAN_FILE, Run, open_run
from segwright.train.start import execute, plan_project, start_run

MANIFEST = "budget.json"
ALL = "all"
# What a class's curve is of, by task; it is called CLASS.SCORE
CLASS_SCORES = {"semantic": "iou", "instance": "mask_ap", "panoptic": "pq"}
_SPLIT_FILE, _EVALUATION = "split.json", "evaluation.json"


@dataclass(frozen=True)
class Subset:
    """Training frames of one run: how many were wanted (None is all of them), by which seed, and which were drawn."""

    wanted: int | None
    seed: int
    stems: tuple[str, ...]
    groups: int

    @property
    def name(self) -> str:
        """The folder of its run: `frames-0050-seed-1`; by what was wanted, which a later call names again."""
        return f"frames-{ALL if self.wanted is None else f'{self.wanted:04}'}-seed-{self.seed}"


@dataclass(frozen=True)
class Budget:
    """The measured points of a labelling budget, smallest first, and what could not be trained."""

    points: tuple[CurvePoint, ...]
    notes: tuple[str, ...] = ()


def draw_subsets(dataset: Dataset, split: Split, sizes: Sequence[int | None], seeds: int) -> list[Subset]:
    """Subsets of the part `train`, smallest first, for each of `seeds` seeds; None among `sizes` is the whole part.

    Groups are taken whole in a drawn order while they fit; the first is taken in any case, so that a subset may hold a
    few frames fewer or, where one group alone is larger, more than was wanted. Two sizes that come out as the same
    frames are one subset.

    Raises:
        ConfigError: no size, a size below 1, or one that is not below the whole part.
    """
    groups = _groups(dataset, split)
    total = sum(len(stems) for stems in groups)
    _check_sizes(sizes, total)
    subsets: dict[tuple[tuple[str, ...], int], Subset] = {}
    for seed in range(seeds):
        order = [groups[index] for index in np.random.default_rng(seed).permutation(len(groups))]
        for size in sizes:
            taken = _taken(order, total if size is None else size)
            stems = tuple(sorted(stem for group in taken for stem in group))
            subsets.setdefault((stems, seed), Subset(size, seed, stems, len(taken)))
    return sorted(subsets.values(), key=lambda subset: (len(subset.stems), subset.seed))


def measure_budget(
    project: Project, base: Path, folder: Path, sizes: Sequence[int | None], seeds: int, listener: Listener = silent
) -> Budget:
    """Train on each subset and score each run on the held-out part; runs that `folder` holds finished are kept.

    Raises:
        DataError, ConfigError: as `plan_project`; what only one subset cannot do, such as holding one class alone, is
            a note and no error.
        ArtefactError: `folder` holds runs of another project, dataset, split or setting.
    """
    _, dataset, split = plan_project(project, base, listener)
    subsets = draw_subsets(dataset, split, sizes, seeds)
    for text in _too_few_sizes(subsets, dataset, split):
        listener(Note("budget", text, "warning"))
    _require_same_settings(folder, project, dataset, split)
    points, notes = [], []
    for number, subset in enumerate(subsets, start=1):
        listener(Note("budget", f"run {number} of {len(subsets)}: {len(subset.stems)} frames, seed {subset.seed}"))
        try:
            points.append(_point(_run(project, base, folder / subset.name, (split, subset), listener), subset.groups))
        except DataError as error:  # the whole part was planned above: what is wrong is this subset's own
            notes.append(f"{subset.name} was not trained: {'; '.join(row.rule for row in error.problems)}")
            listener(Note("budget", notes[-1], "warning"))
    if not points:
        raise DataError.of(
            str(folder), "no subset could be trained on", found="; ".join(notes), fix="--sizes with larger numbers"
        )
    return Budget(tuple(points), tuple(notes))


def _too_few_sizes(subsets: Sequence[Subset], dataset: Dataset, split: Split) -> list[str]:
    """What to say before hours are spent on sizes that whole groups do not allow."""
    counts = [len(subset.stems) for subset in subsets]
    rows = [row.size for row in by_size(counts, [0.0] * len(counts))]
    if len(rows) >= FEWEST_SIZES:
        return []
    groups = len(_groups(dataset, split))
    return [
        f"{len(rows)} different sizes can be drawn ({', '.join(map(str, rows))} frames): a forecast takes "
        f"{FEWEST_SIZES}. The {groups} groups of the training part stay whole; name more --sizes, or split again by "
        "smaller groups, such as --by COLUMN,TIME --block"
    ]


def points_of_runs(folders: Sequence[Path]) -> Budget:
    """The points of finished runs; each was trained on some frames and scored on the same held-out ones.

    Raises:
        ArtefactError: no run, one that did not finish, or runs that were not scored on the same frames and classes,
            by the same task.
    """
    problems: list[Problem] = []
    points, sides = [], {}
    for folder in folders:
        try:
            run = open_run(folder)
            points.append(_point(run, _group_count(run)))
        except (ArtefactError, DataError) as error:
            problems += error.problems
            continue
        sides.setdefault(_judged_by(run), folder)
    raise_collected(problems, ArtefactError)
    if len(sides) > 1:
        raise ArtefactError.of(
            "--from-runs", "were not scored on the same held-out frames and classes, by the same task",
            allowed="one validation part and one task",
            found=", ".join(str(folder) for folder in sides.values()), fix="name the runs of one split",
        )  # fmt: skip
    return Budget(tuple(sorted(points, key=lambda point: (point.frames, point.seed, point.run))))


def _run(project: Project, base: Path, folder: Path, drawn: tuple[Split, Subset], listener: Listener) -> Run:
    """The finished run of a subset: as it lies there, gone on with, or trained from the start."""
    if (folder / _EVALUATION).is_file():
        listener(Note("budget", f"{folder.name} is finished and kept"))
        return open_run(folder)
    split, subset = drawn
    begun = (folder / PLAN_FILE).is_file()
    if begun:
        run = open_run(folder)
        execute(run, run.dataset, run.split, resume=True, listener=listener)
        finish(run, run.dataset, listener=listener)
        return run
    write_split(folder / _SPLIT_FILE, _narrowed(split, subset))
    own = project.model_copy(
        update={
            "name": f"{project.name}-{folder.name}",
            "split": project.split.model_copy(update={"file": str((folder / _SPLIT_FILE).resolve())}),
            "training": project.training.model_copy(update={"seed": project.training.seed + subset.seed}),
        }
    )
    plan, dataset, narrowed = plan_project(own, base, listener)
    run = start_run(plan, folder)
    execute(run, dataset, narrowed, listener=listener)
    finish(run, dataset, listener=listener)
    return run


def _narrowed(split: Split, subset: Subset) -> Split:
    """The split with the subset as its training part; the other training frames are left out."""
    rest = sorted({*split.left_out, *split.parts["train"]} - set(subset.stems))
    parts, notes = {**split.parts, "train": subset.stems}, (f"a subset of {split.content_hash[:12]}",)
    return replace(split, parts=parts, left_out=tuple(rest), counts={}, notes=notes)


def _point(run: Run, groups: int) -> CurvePoint:
    path = run.path / _EVALUATION
    if not path.is_file():
        raise ArtefactError.of(
            str(run.path), "has not finished: it holds no evaluation.json",
            fix=f"segwright train --resume --run {run.path}, or leave it out",
        )  # fmt: skip
    scored_by = CLASS_SCORES[run.plan.task]
    evaluation = (Evaluation if run.plan.objects is None else ObjectEvaluation).read(path)
    classes = {f"{name}.{scored_by}": row[scored_by] for name, row in evaluation.classes.items()}
    frames = run.plan.data.part_frames["train"]
    return CurvePoint(str(run.path), frames, groups, run.plan.optimiser.seed, {**evaluation.scores, **classes})


def _groups(dataset: Dataset, split: Split) -> list[tuple[str, ...]]:
    """The training frames by the groups that the split goes by, in a fixed order; each alone where it goes by none."""
    keys = {} if split.grouping.is_random else grouped(dataset, split.grouping).keys
    groups: dict[tuple, list[str]] = {}
    for stem in split.stems("train"):
        groups.setdefault(tuple(keys.get(stem, (stem,))), []).append(stem)
    return [tuple(sorted(stems)) for _, stems in sorted(groups.items())]


def _group_count(run: Run) -> int:
    return len(_groups(run.dataset, run.split))


def _taken(order: Sequence[tuple[str, ...]], size: int) -> list[tuple[str, ...]]:
    taken: list[tuple[str, ...]] = []
    held = 0
    for group in order:
        if not taken or held + len(group) <= size:
            taken.append(group)
            held += len(group)
    return taken


def _check_sizes(sizes: Sequence[int | None], total: int) -> None:
    wrong = [str(size) for size in sizes if size is not None and not 1 <= size < total]
    if wrong or not sizes or len(set(sizes)) < len(sizes):
        raise ConfigError.of(
            "--sizes", "cannot be drawn from the training part", allowed=f"numbers from 1 to {total - 1}; all",
            found=", ".join(wrong) or "none, or one twice", fix=f"--sizes {_example(total)}",
        )  # fmt: skip


def _example(total: int) -> str:
    return ",".join(
        [*(str(size) for size in sorted({max(1, total // 8), max(1, total // 4), max(1, total // 2)})), ALL]
    )


def _require_same_settings(folder: Path, project: Project, dataset: Dataset, split: Split) -> None:
    """Write what the runs are made from, or refuse a folder whose runs were made from something else."""
    settings = {
        "schema": "segwright/budget",
        "schema_version": 1,
        "settings_hash": hashlib.sha256(project.model_dump_json().encode()).hexdigest(),
        "dataset_hash": dataset.content_hash,
        "split_hash": split.content_hash,
    }
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        text = json.dumps(settings, indent=1) + "\n"
        write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
        return
    except ValueError as error:
        raise ArtefactError.of(
            str(path), "is not JSON", found=str(error), fix="choose another --out: its runs cannot be told apart"
        ) from error
    changed = [name for name, value in settings.items() if found.get(name) != value]
    if changed:
        what = {
            "settings_hash": "the project file or its settings",
            "dataset_hash": "the frames",
            "split_hash": "the split",
        }
        raise ArtefactError.of(
            str(folder), "holds runs that were made from something else", allowed="runs of the same project and data",
            found=f"changed since: {', '.join(what.get(name, name) for name in changed)}",
            fix="choose another --out; --from-runs reads the runs as they are",
        )  # fmt: skip


def _judged_by(run: Run) -> tuple[Any, ...]:
    return run.plan.task, run.classes.content_hash, tuple(sorted(run.split.stems(run.plan.validation.part)))
