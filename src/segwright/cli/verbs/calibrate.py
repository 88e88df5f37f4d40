"""segwright calibrate."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.datasets import FoldOption
from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from segwright.data import Dataset, Split
    from segwright.evaluate import Calibration
    from segwright.evaluate.instances.thresholds import ObjectCalibration
    from segwright.infer.bundle import Bundle
    from segwright.infer.objects import ObjectDecision

# Thresholds fitted to frames the weights have seen are too high, and fitted to the frames that are reported they make
# the report a little less than honest.
LEAST_SCORE = 0.05  # candidates of objects are looked at from here up
USED_PARTS = {
    "train": "the model was trained on it",
    "validation": "its scores are reported",
    "test": "its scores are reported",
}


def calibrate(
    bundle: Annotated[Path, typer.Argument(help="The bundle to calibrate; it is not changed.")],
    data: Annotated[Path, typer.Option(help="The dataset with the hold-out; or a segwright.yaml.")],
    to: Annotated[Path, typer.Option(help="The new bundle.")],
    split: Annotated[Path | None, typer.Option(help="The split file that names the hold-out.")] = None,
    fold: FoldOption = None,
    part: Annotated[str, typer.Option(help="The part of the split to calibrate on.")] = "calibration",
    target: Annotated[str, typer.Option(help="f1, iou, precision>=P or recall>=R.")] = "f1",
    allow: Annotated[
        bool, typer.Option("--allow", help="Calibrate on frames that were trained on or reported.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Choose per-class thresholds on a hold-out; writes a new bundle."""
    from segwright.cli.datasets import dataset_at, split_at
    from segwright.evaluate import Target
    from segwright.infer.bundle import read_bundle, require_new

    wanted = str(Target.parse(target))
    require_new(to)
    source = read_bundle(bundle)
    dataset = dataset_at(data, classes=source.classes)
    chosen = split_at(split, fold, source.lineage.split_hash)
    if not allow:
        _refuse_seen_frames(source, dataset, chosen, part)
    hold_out = dataset if chosen is None else dataset.only(chosen.stems(part))
    with Face(as_json=json) as face:
        on = {
            "part": "all frames" if chosen is None else part,
            "dataset_hash": dataset.content_hash,
            "split_hash": None if chosen is None else chosen.content_hash,
        }
        of_task = {"instance": _calibrate_objects, "panoptic": _calibrate_segments}
        calibrated = of_task.get(source.task, _calibrate_classes)
        calibrated(face, source, hold_out, wanted, to, on)


def _calibrate_classes(
    face: Face, source: Bundle, hold_out: Dataset, target: str, to: Path, on: Mapping[str, Any]
) -> None:
    """The threshold of each class's probability."""
    from segwright.evaluate import HoldOut, choose_thresholds
    from segwright.infer.bundle import with_thresholds
    from segwright.infer.loading import semantic_predictor

    frames = HoldOut(semantic_predictor(source), hold_out)
    calibration = choose_thresholds(
        frames, source.classes, target=target, cleanup=source.cleanup, listener=face.listener
    )
    with_thresholds(source, calibration, to, on=on)
    face.finish({"bundle": str(to), "on": on, **calibration.to_json()}, _answer(calibration, to))


def _calibrate_objects(
    face: Face, source: Bundle, hold_out: Dataset, target: str, to: Path, on: Mapping[str, Any]
) -> None:
    """The same of a bundle that finds objects: the score each class needs, at IoU 0.5."""
    from dataclasses import replace

    from segwright.evaluate.instances.predicted import predicted_objects, ranking
    from segwright.evaluate.instances.thresholds import choose_object_thresholds
    from segwright.infer import predictor_of
    from segwright.infer.bundle import with_object_thresholds
    from segwright.infer.objects import ObjectPredictor

    predictor, decision = predictor_of(source), source.objects
    assert isinstance(predictor, ObjectPredictor)
    assert decision is not None
    ranked = replace(predictor, decision=ranking(decision, min(LEAST_SCORE, decision.score)))
    asked = predicted_objects(ranked, hold_out, kinds=("mask",), listener=face.listener)
    calibration = choose_object_thresholds(asked, decision, target=target, listener=face.listener)
    with_object_thresholds(source, calibration.decided(decision), calibration.to_json(), to, on=on)
    face.finish({"bundle": str(to), "on": on, **calibration.to_json()}, _object_answer(calibration, decision, to))


def _calibrate_segments(
    face: Face, source: Bundle, hold_out: Dataset, target: str, to: Path, on: Mapping[str, Any]
) -> None:
    """The same of a bundle that gives every pixel one segment: the score of each class of things."""
    from dataclasses import replace

    from segwright.data.frame_segments import read_things
    from segwright.evaluate.instances.predicted import predicted_objects
    from segwright.evaluate.instances.thresholds import choose_object_thresholds
    from segwright.evaluate.panoptic.predicted import ThingsAlone
    from segwright.infer import predictor_of
    from segwright.infer.bundle import with_object_thresholds
    from segwright.infer.objects import PanopticPredictor

    _require_regions(source)
    predictor, decision = predictor_of(source), source.segments
    assert isinstance(predictor, PanopticPredictor)
    assert decision is not None
    ranked = replace(decision, score=min(LEAST_SCORE, decision.score), thresholds={})
    alone = ThingsAlone(replace(predictor, decision=ranked))
    asked = predicted_objects(alone, hold_out, kinds=("mask",), read=read_things, listener=face.listener)
    calibration = choose_object_thresholds(asked, decision.of_things, target=target, listener=face.listener)
    chosen = replace(decision, thresholds=calibration.decided(decision.of_things).thresholds)
    with_object_thresholds(source, chosen, calibration.to_json(), to, on=on)
    things = {spec.name for spec in source.classes if spec.kind == "thing"}
    answer = _object_answer(calibration, decision.of_things, to, things)
    face.finish({"bundle": str(to), "on": on, **calibration.to_json()}, answer)


def _require_regions(source: Bundle) -> None:
    """Refuse a network whose segments compete by their scores: a threshold by class has no meaning for them."""
    from segwright.core import ConfigError

    if source.weights.answers == "queries":
        raise ConfigError.of(
            str(source.path),
            "has no thresholds to choose: its queries compete for pixels, things and stuff by one score",
            allowed="a bundle of panoptic_fpn, or of task instance or semantic",
            found=f"task {source.task} of a network of queries",
            fix="train with another inference.segments.score, such as 0.5, where too much is void",
        )


def _object_answer(
    calibration: ObjectCalibration, decision: ObjectDecision, to: Path, counted: Collection[str] | None = None
) -> RenderableType:
    """The table of the classes that have a score, all or those `counted`, and what was decided."""
    from rich.console import Group
    from rich.text import Text

    title = f"{calibration.images} images, objects matched at IoU 0.5: as the bundle decides, then with thresholds"
    table = _table(title)
    shown = {name: row for name, row in calibration.after.classes.items() if counted is None or name in counted}
    for name, row in shown.items():
        least = decision.thresholds.get(name, decision.score)
        table.add_row(name, f"score ≥ {least:.3f}", *_numbers(calibration.before.classes[name]))
        table.add_row("", f"score ≥ {calibration.proposed.get(name, least):.3f}", *_numbers(row))
    before, after = calibration.before.objective, calibration.after.objective
    verdict = "kept" if calibration.kept else "NOT kept: the new bundle decides as the old one"
    head = f"{calibration.target}: {before:.4f} as it was, {after:.4f} with thresholds: {verdict}"
    honest = "measured on the frames they were chosen on; `segwright evaluate` on another part gives the honest number"
    return Group(table, Text(head), Text(honest), Text(f"{to} written"))


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="bold")
    table.add_column("class", overflow="fold")  # on a narrow terminal names wrap, numbers never
    for name in ("decided by", *_SHOWN):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _refuse_seen_frames(bundle: Bundle, dataset: Dataset, split: Split | None, part: str) -> None:
    from segwright.core import ConfigError
    from segwright.evaluate.seen_frames import refuse_seen_frames

    allowed = "frames that were neither trained on nor reported, such as the part 'calibration' of the model's split"
    fix = "segwright calibrate ... --split FILE --part calibration; --allow does it all the same"
    lineage = bundle.lineage
    if split is not None and part in USED_PARTS:
        raise ConfigError.of(
            "--part", f"cannot be calibrated on: {USED_PARTS[part]}", allowed=allowed, found=part, fix=fix
        )
    if not dataset.shows_images_of(lineage.dataset_hash):
        scored = dataset if split is None else dataset.only(split.stems(part))
        refuse_seen_frames(scored, lineage.train_frames, place="--data", fix=fix)
        return
    if split is None:
        found = "every frame of the dataset the model was trained on"
        raise ConfigError.of("--data", "cannot be calibrated on without a split", allowed=allowed, found=found, fix=fix)
    if lineage.split_hash is not None and lineage.split_hash != split.content_hash:
        found = "another split of the same dataset: its parts may hold frames the model was trained on"
        raise ConfigError.of(
            "--split", "is not the split the model was trained with", allowed=allowed, found=found, fix=fix
        )


def _answer(calibration: Calibration, to: Path) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    table = _table(f"{calibration.images} images: by the largest probability, then with thresholds")
    for name, row in calibration.after.classes.items():
        rule = f"p ≥ {calibration.proposed[name]:.3f}" if name in calibration.proposed else "thresholds"
        table.add_row(name, "largest p", *_numbers(calibration.before.classes[name]))
        table.add_row("", rule, *_numbers(row))
    before, after = calibration.before.objective, calibration.after.objective
    verdict = (
        "kept" if calibration.kept else "NOT kept: the largest probability is as good; the new bundle decides by it"
    )
    head = f"{calibration.target}: {before:.4f} by the largest probability, {after:.4f} with thresholds: {verdict}"
    honest = "measured on the frames they were chosen on; `segwright evaluate` on another part gives the honest number"
    ece = calibration.reliability.ece
    return Group(
        table,
        Text(head),
        Text(honest),
        Text(f"calibration error (ECE) {ece:.4f}" if ece is not None else ""),
        Text(f"{to} written"),
    )


_SHOWN = ("precision", "recall", "f1", "iou")


def _numbers(row: Mapping[str, Any]) -> Iterator[str]:
    return ("-" if row[score] is None else f"{row[score]:.3f}" for score in _SHOWN)
