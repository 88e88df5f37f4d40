"""segwright evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from segwright.cli.datasets import FoldOption
from segwright.cli.evaluation.masks import score_masks
from segwright.cli.evaluation.objects import score_objects
from segwright.cli.evaluation.tasks import (
    OF_OBJECTS,
    refuse_others,
    require_images,
    require_sides,
    require_task,
    task_of,
)
from segwright.cli.evaluation.volumes import score_volumes
from segwright.cli.face import Face, JsonFlag

Words = Annotated[
    list[Path] | None, typer.Argument(help="[RUN|BUNDLE]; and, after --json, the FILE to write.", show_default=False)
]
Predictions = Annotated[Path | None, typer.Option(help="A mask file, a folder of them, or predictions.")]
Truth = Annotated[Path | None, typer.Option(help="A mask file, a folder of them, or a dataset.")]
Data = Annotated[Path | None, typer.Option(help="The dataset, or segwright.yaml, a RUN or BUNDLE is asked about.")]
SplitFile = Annotated[Path | None, typer.Option(help="A split file; a RUN brings its own.")]
Part = Annotated[str | None, typer.Option(help="The part of the split to score.  [default: validation]")]
Classes = Annotated[Path | None, typer.Option(help="Class table: lines such as `0 background`, or JSON.")]
Renamings = Annotated[list[str] | None, typer.Option("--map", help="Rename a mask value first: --map 255=1.")]
Images = Annotated[Path | None, typer.Option(help="Folder of the frames' images, for the report.")]
Distances = Annotated[list[int] | None, typer.Option(help="Distance of boundary F; repeatable.  [default: 3]")]
Report = Annotated[Path | None, typer.Option(help="Write an HTML report here.")]
Columns = Annotated[str | None, typer.Option(help="Columns from file names: '(?P<line>[^_]+)_'.")]
ColumnsCsv = Annotated[Path | None, typer.Option(help="Columns from a CSV whose first names the image.")]
Groups = Annotated[str | None, typer.Option(help="Column drawn whole in intervals and tests: line, session, patient.")]
FailIf = Annotated[list[str] | None, typer.Option(help="Exit 1 where it holds: 'scratch.iou < 0.74'; repeatable.")]
NoWorse = Annotated[Path | None, typer.Option(help="Exit 1 where a score fell below this evaluation.json's.")]
Compare = Annotated[Path | None, typer.Option(help="Say what changed since this evaluation.json; fails nothing.")]
CompareReport = Annotated[Path | None, typer.Option(help="Write an HTML report of what changed here.")]
Reconcile = Annotated[
    bool, typer.Option("--reconcile", help="Also score as torchmetrics, mmsegmentation and others do.")
]
Also = Annotated[list[str] | None, typer.Option(help="Count more, slower: surface, cldice, components; repeatable.")]
SurfaceTolerances = Annotated[
    list[float] | None, typer.Option(help="Distances of --also surface: --surface-tolerance 1 2.5.  [default: 1 2 3]")
]
Task = Annotated[str, typer.Option(help="semantic, instance, panoptic or volume.")]
Rule = Annotated[
    str | None, typer.Option(help="Of instances: coco, lvis. Of panoptic void: coco, bdd100k.  [default: coco]")
]
Kind = Annotated[
    list[str] | None, typer.Option(help="Of instances: mask, box, boundary; repeatable.  [default: mask, box]")
]
Tolerance = Annotated[float | None, typer.Option(min=0, help="By how much it may fall.  [default: 0.01]")]


# what the fix shows of predictions and truth where one is missing
EXAMPLES = {
    "instance": ("results.json", "annotations.json"),
    "panoptic": ("panoptic.json", "truth.json"),
    "volume": ("predictions/", "labels/"),
}


def evaluate(
    context: typer.Context,
    arguments: Words = None,
    predictions: Predictions = None,
    truth: Truth = None,
    data: Data = None,
    split: SplitFile = None,
    part: Part = None,
    fold: FoldOption = None,
    classes: Classes = None,
    map_: Renamings = None,
    images: Images = None,
    boundary_px: Distances = None,
    also: Also = None,
    surface_tolerance: SurfaceTolerances = None,
    task: Task = "semantic",
    rule: Rule = None,
    kind: Kind = None,
    columns: Columns = None,
    columns_csv: ColumnsCsv = None,
    groups: Groups = None,
    fail_if: FailIf = None,
    no_worse_than: NoWorse = None,
    compare: Compare = None,
    compare_report: CompareReport = None,
    tolerance: Tolerance = None,
    reconcile: Reconcile = False,
    report: Report = None,
    json: JsonFlag = False,
) -> None:
    """Score predictions against truth: per class, per domain, with a report; and fail where you say so.

    segwright evaluate --predictions DIR|FILE --truth DIR|FILE, or segwright evaluate RUN|BUNDLE --data DATA
    """
    run_task(context.params, *_words(arguments or [], context.params))


def run_task(given: dict[str, Any], model: Path | None, json_file: Path | None) -> None:
    """Score what `given`, the options, ask for.

    Raises:
        SegwrightError: see the tasks.
    """
    of_model = task_of(model)
    given = {**given, "task": of_model} if of_model and given["task"] == "semantic" else given
    task = given["task"]
    require_task(task, given["rule"], given["kind"])
    refuse_others(task, {**given, "model": model})
    if task in EXAMPLES and not (task in OF_OBJECTS and model is not None):
        require_sides(task, given["predictions"], given["truth"], EXAMPLES[task])
    require_images(given["images"])
    score = {"semantic": score_masks, "volume": score_volumes}.get(task, score_objects)
    with Face(as_json=given["json"] and json_file is None) as face:
        score(face, given, model, json_file)


def _words(words: Sequence[Path], given: dict[str, Any]) -> tuple[Path | None, Path | None]:
    """The model and the JSON file among the bare words: `--json FILE` leaves FILE as one, with its suffix.

    So does `--surface-tolerance 1 2.5` with its second number, which is put to the first.
    """
    from segwright.core import ConfigError

    numbers = [word for word in words if given["surface_tolerance"] and _is_number(str(word)) and not word.exists()]
    given["surface_tolerance"] = [*(given["surface_tolerance"] or []), *(float(str(word)) for word in numbers)] or None
    files = [word for word in words if given["json"] and word.suffix == ".json"]
    models = [word for word in words if word not in (*files, *numbers)]
    if len(models) > 1 or len(files) > 1:
        raise ConfigError.of(
            "arguments", "name more than one model or JSON file",
            allowed="one RUN or BUNDLE, one FILE after --json", found=" ".join(str(word) for word in words),
            fix="score one at a time",
        )  # fmt: skip
    return (models[0] if models else None), (files[0] if files else None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
