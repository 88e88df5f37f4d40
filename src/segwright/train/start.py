"""Project file -> plan -> run: what `segwright train` does, as functions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from segwright.core import ArtefactError, ClassTable, DataError, Listener, Note, Problem, SegwrightError, silent
from segwright.data import Dataset, Fingerprint, Split, check, fingerprint, open_with_settings, read_split, verify_split
from segwright.data.checks import ProjectFacts, enforce_gates
from segwright.data.store import is_store, pinned
from segwright.models import NetworkSpec
from segwright.models.any_network import AnySpec
from segwright.project.counted import require_things
from segwright.project.model import DECODER_WIDTHS, Model
from segwright.project.schema import Project
from segwright.train.checkpoint import LAST
from segwright.train.devices import Devices
from segwright.train.feeds import require_crops
from segwright.train.hardware import this_machine
from segwright.train.in_use import training_alone
from segwright.train.loggers import closing, make_loggers
from segwright.train.loop import run_training
from segwright.train.not_used import check_used
from segwright.train.objects.facts import facts_for
from segwright.train.objects.segment_planning import smallest_of
from segwright.train.plan import make_plan
from segwright.train.plan_distill import require_semantic
from segwright.train.plan_inputs import InputNeeds, PlanInputs, input_needs
from segwright.train.processes import ALONE, Processes
from segwright.train.query_weights import configured, try_weights
from segwright.train.run import PLAN_FILE, Run, open_run, write_plan
from segwright.train.run_folder import Wanted, require_folder
from segwright.train.settings import Plan
from segwright.train.tasks import PREPARED, Given
from segwright.train.weight_sources import is_name

STATISTICS_BATCHES = 2
# Of tasks about objects: the network in whose place `auto` may choose another one.
DEFAULT_NETWORKS = {"instance": "maskrcnn", "panoptic": "panoptic_fpn"}


@dataclass(frozen=True)
class Opened:
    """A project beside its data, checked, before any frame was measured."""

    project: Project
    commit: str | None
    dataset: Dataset
    split: Split
    split_path: Path
    needs: InputNeeds


def plan_project(project: Project, base: Path, listener: Listener = silent) -> tuple[Plan, Dataset, Split]:
    """Resolve a project into a plan: opens its data, checks its split, measures its training frames.

    Paths in the project are relative to `base`, the folder of segwright.yaml.

    Raises:
        DataError: the data or the split is unusable: every problem at once.
        ConfigError: settings that contradict the data.
    """
    opened = open_project(project, base, listener)
    seen = look(opened.dataset, opened.split, listener)
    return plan_opened(opened, seen), opened.dataset, opened.split


def open_project(project: Project, base: Path, listener: Listener = silent, dataset: Dataset | None = None) -> Opened:
    """The project's data and split, checked against each other; `dataset` where it was opened already."""
    project, commit = _pinned(_with_absolute_paths(project, base), listener)
    project = configured(project)
    check_used(project, listener)
    require_semantic(project)
    needs = input_needs(_smallest(project))
    if dataset is None:
        dataset = open_with_settings(project.data.root, project.data, project.classes.table(), base)
    if project.task == "panoptic":
        require_things(dataset.classes, _known_things(project, base))
    split_path = base / project.split.file
    split = read_split(split_path, project.split.fold)
    problems = [*_other_column(project, split, split_path), *verify_split(dataset, split)]
    if problems:
        raise DataError(*problems)
    for part in ("train", "validation"):
        if not split.parts.get(part):
            raise DataError.of(
                str(split_path),
                f"has no frames in the part '{part}'",
                allowed="at least one frame to train on and one to validate on",
                found=", ".join(f"{name}: {len(stems)}" for name, stems in split.parts.items()),
                fix="segwright split again, with a fraction or held-out values for it",
            )
    for text in split.notes if split.grouping.is_random else ():
        listener(Note("plan", f"{split_path.name}: {text}", "warning"))  # nothing else says how near the parts are
    facts = ProjectFacts(project.model.network, project.model.encoder, project.split.by)
    enforce_gates(dataset, split, project=facts, ignore=project.lint.ignore, listener=listener)
    return Opened(project, commit, dataset, split, split_path, needs)


def _known_things(project: Project, base: Path) -> tuple[str, ...]:
    """Classes of the project that its data itself calls things, where the project names none."""
    if project.classes.things:
        return ()
    try:
        own = open_with_settings(project.data.root, project.data, None, base).classes
    except SegwrightError:  # a format that cannot be read without a table says nothing of it
        return ()
    return tuple(spec.name for spec in own if spec.kind == "thing" and spec.name in project.classes.names)


def plan_opened(opened: Opened, seen: Fingerprint) -> Plan:
    """The plan of an opened project on the frames that `seen` measured, for this machine."""
    path = str(opened.split_path.resolve())
    project, machine = opened.project, this_machine()
    facts = facts_for(project.task, opened.dataset, opened.split.parts["train"])
    given = PlanInputs(project, opened.dataset, opened.split, path, seen, machine, opened.needs, facts, opened.commit)
    return make_plan(given)


def _other_column(project: Project, split: Split, path: Path) -> Iterator[Problem]:
    """A problem where the split goes by another column, or by other blocks, than the project file says."""
    wanted = project.split.by
    if wanted is not None and not split.grouping.same_as(wanted):
        found = "frames were declared independent" if split.by is None else split.by
        fix = f"segwright split ... --by {wanted}, or correct `split.by` in segwright.yaml"
        yield Problem(str(path), "was made by another column than `split.by` names", wanted, found, fix)
    for name in ("block", "by_block", "gap"):
        said, made = getattr(project.split, name), getattr(split.grouping, name)
        if said is not None and said != made:
            fix = f"segwright split ... --{name.replace('_', '-')} {said}, or correct `split.{name}` in segwright.yaml"
            yield Problem(str(path), f"was made with another `split.{name}`", said, made or "none", fix)


def look(dataset: Dataset, split: Split, listener: Listener) -> Fingerprint:
    """The fingerprint of the training frames; those of the other parts are read too, and all that is wrong is told.

    Raises:
        DataError: frames of any part that cannot be used.
    """
    problems: list[Problem] = []
    seen = None
    try:
        seen = fingerprint(dataset, split.parts["train"], listener=listener)
    except DataError as error:
        problems += error.problems
    others = [stem for part, stems in split.parts.items() if part != "train" for stem in stems]
    # Where the training frames cannot be read nothing is known of their ids: then no id is said to be missing.
    ids = {*dataset.classes.ids, dataset.classes.void_id} if seen is None else _ids_in(dataset.classes, seen)
    if others:  # folds without a test part train on every frame
        problems += check(dataset.only(others), listener, seen_elsewhere=ids)
    if seen is None or problems:
        raise DataError(*problems)
    _require_something_to_learn(dataset, seen, listener)
    return seen


def _ids_in(classes: ClassTable, seen: Fingerprint) -> set[int]:
    """The ids, void included, that the fingerprint's frames hold."""
    ids = {spec.class_id for spec in classes if seen.classes[spec.name].pixels}
    return ids | {classes.void_id} if seen.void_fraction else ids


def _with_absolute_paths(project: Project, base: Path) -> Project:
    """The project with its paths resolved from `base`: the plan is resumed from wherever the user stands then."""
    data, weights = project.data, project.model.weights
    paths = {"root": data.root if "://" in data.root else str((base / data.root).resolve())}
    for name in ("columns_csv", "dicom"):
        if (path := getattr(data, name)) is not None:
            paths[name] = str((base / path).resolve())
    if weights is not None and not is_name(weights):
        weights = str((base / weights).resolve())
    update = {"data": data.model_copy(update=paths), "model": project.model.model_copy(update={"weights": weights})}
    if project.training.distill_from is not None:
        teacher = str((base / project.training.distill_from).resolve())
        update["training"] = project.training.model_copy(update={"distill_from": teacher})
    if project.distill.unlabelled is not None:
        folder = str((base / project.distill.unlabelled).resolve())
        update["distill"] = project.distill.model_copy(update={"unlabelled": folder})
    return project.model_copy(update=update)


def _pinned(project: Project, listener: Listener) -> tuple[Project, str | None]:
    """The project with the version of its store by number, and its commit: the store may grow while the run goes on."""
    root = project.data.root
    if not is_store(root):
        return project, None
    place, commit = pinned(root)
    if str(place) != root:
        listener(Note("plan", f"trains on version {place.version} of {place.uri}", "info"))
    data = project.data.model_copy(update={"root": str(place)})
    return project.model_copy(update={"data": data}), commit


def _smallest(project: Project) -> AnySpec:
    """A network like the project's, to find out that it does not exist before any frame is read."""
    model, usual = project.model, Model()
    network = usual.network if model.network == "auto" else model.network
    encoder = "resnet18" if model.encoder == "auto" else model.encoder
    if project.task in DEFAULT_NETWORKS:
        network = DEFAULT_NETWORKS[project.task] if model.network == "auto" else network
        return smallest_of(project.task, network, encoder, model.options)
    widths = DECODER_WIDTHS if model.decoder_widths == "auto" else model.decoder_widths
    return NetworkSpec(network, encoder, 3, 1, widths, model.options)


def _require_something_to_learn(dataset: Dataset, seen: Fingerprint, listener: Listener) -> None:
    """Say which classes no training frame has; refuse where that leaves nothing to tell apart."""
    empty = [name for name, numbers in seen.classes.items() if numbers.pixels == 0]
    if len(dataset.classes) - len(empty) < 2:
        found = [f"{name} {numbers.pixels} px" for name, numbers in seen.classes.items()]
        raise DataError.of(
            str(dataset.root),
            "has nothing to learn in its training frames",
            allowed="pixels of at least two classes",
            found=", ".join(found),
            fix="label more frames, or put frames that show the classes into the training part: segwright split",
        )
    for name in empty:
        text = f"no training frame has a pixel of '{name}': it cannot be learned, and no score of it says anything"
        listener(Note("plan", text, "warning"))


def start_run(plan: Plan, folder: Path | Wanted) -> Run:
    """Make the run's folder with its plan, once the weights that it starts from have been loaded for a try.

    Raises:
        ConfigError: weights that cannot be had, or are of another network.
        ArtefactError: the folder already holds a run, or weights that cannot be read.
    """
    if isinstance(folder, Path):
        _require_new(folder)
    try_weights(plan)
    place = folder.taken() if isinstance(folder, Wanted) else folder
    require_folder(place)
    with training_alone(place):
        _require_new(place)
        write_plan(place / PLAN_FILE, plan)
    return open_run(place)


def _require_new(folder: Path) -> None:
    if (folder / PLAN_FILE).exists():
        raise ArtefactError.of(
            str(folder),
            "already holds a run",
            found=PLAN_FILE,
            fix=f"segwright train --resume --run {folder}, or choose another --run; a run is never overwritten",
        )


def execute(
    run: Run,
    dataset: Dataset,
    split: Split,
    *,
    resume: bool = False,
    listener: Listener = silent,
    processes: Processes = ALONE,
    strategy: str | None = None,
) -> Run:
    """Train as the run's plan says, from the start or from its last checkpoint, alone or as one of `processes`.

    `strategy`, "ddp" or "fsdp", is how they do it where it is not what the plan says.

    Raises:
        ConfigError: more processes than crops in a batch.
        DataError: a frame cannot be read, or (on resume) the data is no longer what the plan was made from.
        ArtefactError: nothing to resume from, a checkpoint of another plan, a full disk, a run that another process
            trains.
    """
    with training_alone(run.path) if processes.is_first else nullcontext():
        how = strategy or run.plan.processes.strategy
        _execute(run, dataset, split, resume=resume, listener=listener, processes=processes, strategy=how)
    return run


def _execute(
    run: Run,
    dataset: Dataset,
    split: Split,
    *,
    resume: bool,
    listener: Listener,
    processes: Processes,
    strategy: str,
) -> None:
    plan = run.plan
    if resume:
        _require_same_data(run, dataset, split)
        resume = _has_checkpoint(run, listener)
    torch.manual_seed(plan.optimiser.seed)
    require_crops(plan.sampling.batch, processes)
    loggers = make_loggers(plan, run.path) if processes.is_first else []
    devices = Devices.of(plan, loggers, processes, strategy)
    given = Given(run, dataset, split, processes, devices.fabric.device, resume, listener)
    prepared = PREPARED[plan.task](given)
    with warnings.catch_warnings(), closing(loggers):
        warnings.filterwarnings("ignore", message="The .srun. command is available")
        run_training(plan, *prepared, devices, run.path, resume=resume, listener=listener)


def _has_checkpoint(run: Run, listener: Listener) -> bool:
    if (run.path / "checkpoints" / LAST).is_file():
        return True
    listener(Note("training", "the run was interrupted before its first checkpoint: it starts from the beginning"))
    return False


def _require_same_data(run: Run, dataset: Dataset, split: Split) -> None:
    data = run.plan.data
    for what, planned, found in (
        ("frames", data.dataset_hash, dataset.content_hash),
        ("split", data.split_hash, split.content_hash),
    ):
        if planned != found:
            raise DataError.of(
                str(run.path),
                f"cannot be resumed: the {what} changed since the plan was made",
                allowed=planned[:12],
                found=found[:12],
                fix="put the data back as it was, or start a new run with `segwright train`",
            )
