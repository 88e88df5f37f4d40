"""segwright evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.console import RenderableType

    from segwright.cli.judgement import Demands
    from segwright.core import ClassTable
    from segwright.data import Dataset, Split
    from segwright.evaluate import Evaluation, PredictedPairs, StoredPairs
    from segwright.evaluate.reconcile import Convention


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
Groups = Annotated[str | None, typer.Option(help="Column drawn whole in intervals and tests: line, session, patient.")]
FailIf = Annotated[list[str] | None, typer.Option(help="Exit 1 where it holds: 'scratch.iou < 0.74'; repeatable.")]
NoWorse = Annotated[Path | None, typer.Option(help="Exit 1 where a score fell below this evaluation.json's.")]
Compare = Annotated[Path | None, typer.Option(help="Say what changed since this evaluation.json; fails nothing.")]
CompareReport = Annotated[Path | None, typer.Option(help="Write an HTML report of what changed here.")]
Reconcile = Annotated[
    bool, typer.Option("--reconcile", help="Also score as torchmetrics, mmsegmentation and others do.")
]
Tolerance = Annotated[float | None, typer.Option(min=0, help="By how much it may fall.  [default: 0.01]")]


def evaluate(
    arguments: Words = None,
    predictions: Predictions = None,
    truth: Truth = None,
    data: Data = None,
    split: SplitFile = None,
    part: Part = None,
    classes: Classes = None,
    map_: Renamings = None,
    images: Images = None,
    boundary_px: Distances = None,
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
    from segwright.cli.judgement import Demands

    model, json_file = _words(arguments or [], json)
    _refuse_mixed(model, (data, split, part), (predictions, truth, classes, map_, images))
    demands = Demands.read(fail_if or [], no_worse_than, compare, compare_report, tolerance, groups)
    with Face(as_json=json and json_file is None) as face:
        if model is None:
            pairs, known = _stored(predictions, truth, classes, map_ or [], images)
        else:
            pairs, known = _predicted(model, data, split, part)
        evaluation = _scored(pairs, known, tuple(boundary_px or (3,)), face)
        _finish(face, evaluation, pairs, demands, report, json_file, _conventions(evaluation) if reconcile else ())


def _scored(
    pairs: StoredPairs | PredictedPairs, known: Mapping[str, Any], distances: tuple[int, ...], face: Face
) -> Evaluation:
    from segwright.evaluate import StoredPairs, evaluate_predicted, evaluate_stored

    if isinstance(pairs, StoredPairs):
        return evaluate_stored(pairs, boundary_px=distances, listener=face.listener, provenance=known)
    return evaluate_predicted(pairs, boundary_px=distances, listener=face.listener, provenance=known)


def _finish(
    face: Face,
    evaluation: Evaluation,
    pairs: StoredPairs | PredictedPairs,
    demands: Demands,
    report: Path | None,
    json_file: Path | None,
    conventions: Sequence[Convention],
) -> None:
    """Write what was asked for, print the answer, then fail where a demand is not met."""
    from segwright.cli.comparison import write_comparison_report
    from segwright.cli.conventions import conventions_table, with_conventions, write_with_conventions
    from segwright.cli.judgement import judged

    _write(evaluation, pairs, report)
    if json_file is not None:
        write_with_conventions(json_file, evaluation, conventions)
    judgement = judged(evaluation, demands)
    write_comparison_report(judgement, pairs)
    written = [path for path in (json_file, report, demands.report) if path is not None]
    more = [*judgement.tables(), *([conventions_table(conventions)] if conventions else [])]
    face.finish(with_conventions(judgement.to_json(), conventions), _answer(evaluation, written, more))
    judgement.enforce()


def _words(arguments: Sequence[Path], as_json: bool) -> tuple[Path | None, Path | None]:
    """The model and the JSON file among the bare words: `--json FILE` leaves FILE as one, with its suffix."""
    from segwright.core import ConfigError

    files = [word for word in arguments if as_json and word.suffix == ".json"]
    models = [word for word in arguments if word not in files]
    if len(models) > 1 or len(files) > 1:
        raise ConfigError.of(
            "arguments", "name more than one model or JSON file",
            allowed="one RUN or BUNDLE, one FILE after --json", found=" ".join(str(word) for word in arguments),
            fix="score one at a time",
        )  # fmt: skip
    return (models[0] if models else None), (files[0] if files else None)


def _stored(
    predictions: Path | None, truth: Path | None, classes: Path | None, renamings: Sequence[str], images: Path | None
) -> tuple[StoredPairs, dict[str, Any]]:
    """The two sides of stored masks, and what is known of how they were read."""
    from dataclasses import replace

    from segwright.core import ConfigError
    from segwright.data.class_files import read_class_file
    from segwright.data.listing import list_files, stem_of
    from segwright.evaluate import pair_up
    from segwright.evaluate.sources import open_source

    if predictions is None or truth is None:
        raise ConfigError.of(
            "arguments", "do not say what to score", found="--truth is missing" if predictions else "no --predictions",
            allowed="--predictions DIR|FILE --truth DIR|FILE, or RUN|BUNDLE --data DATA",
            fix="segwright evaluate --predictions DIR --truth DIR",
        )  # fmt: skip
    table = None if classes is None else read_class_file(classes)
    mapping = _mapping(renamings)
    pairs = pair_up(open_source(predictions, table, mapping), open_source(truth, table, mapping), table)
    known = {"map": ", ".join(renamings)} if renamings else {}
    if images is None:
        return pairs, known
    listing = list_files(images)
    return replace(pairs, images={stem_of(name): listing.path(name) for name in listing.images}), known


def _mapping(renamings: Sequence[str]) -> dict[int, int]:
    from segwright.core import ConfigError

    pairs = [text.partition("=") for text in renamings]
    wrong = [
        text for text, (old, _, new) in zip(renamings, pairs, strict=True) if not (old.isdigit() and new.isdigit())
    ]
    if wrong:
        raise ConfigError.of(
            "--map",
            "renames no mask value",
            allowed="VALUE=ID, such as 255=1",
            found=", ".join(wrong),
            fix="--map 255=1",
        )
    return {int(old): int(new) for old, _, new in pairs}


def _refuse_mixed(model: Path | None, of_model: Sequence[object], of_stored: Sequence[object]) -> None:
    """Refuse options of the other kind of evaluation: left unread, they would not do what somebody asked for."""
    from segwright.core import ConfigError

    for_model = "--data", "--split", "--part"
    for_stored = "--predictions", "--truth", "--classes", "--map", "--images"
    kind, allowed, other, values = (
        ("stored predictions", for_stored, for_model, of_model)
        if model is None
        else ("a model", for_model, for_stored, of_stored)
    )
    given = [name for name, value in zip(other, values, strict=True) if value]
    if given and (model is not None or any(of_stored)):
        raise ConfigError.of(
            "arguments", f"mix a model with stored predictions: beside {kind} they say nothing",
            allowed=", ".join(allowed), found=", ".join(given),
            fix="name a RUN or BUNDLE to ask a model, none to score stored predictions; or leave these options out",
        )  # fmt: skip


def _predicted(
    model: Path, data: Path | None, split: Path | None, part: str | None
) -> tuple[PredictedPairs, dict[str, Any]]:
    """The model beside the part of the data it is asked about, and what is known of both."""
    from segwright.data import read_split
    from segwright.evaluate import PredictedPairs

    if (model / "bundle.json").is_file():
        from segwright.infer.bundle import read_bundle
        from segwright.infer.loading import predictor_of

        bundle = read_bundle(model)
        predictor, dataset = predictor_of(bundle), _dataset(data, bundle.classes)
        chosen = None if split is None else read_split(split)
        if chosen is None and dataset.shows_images_of(bundle.lineage.dataset_hash):
            raise _needs_split(model)
        seed: int | None = bundle.lineage.seed
    else:
        from segwright.train.run import open_run

        run = open_run(model)
        predictor, dataset = run.predictor(), run.dataset if data is None else _dataset(data, run.classes)
        own = data is None or dataset.shows_images_of(run.plan.data.dataset_hash)
        chosen = read_split(split) if split is not None else run.split if own else None
        seed = run.plan.optimiser.seed
    known = {"model": str(model), "seed": seed, "dataset_hash": dataset.content_hash}
    if chosen is None:
        if part is not None:
            raise _part_of_nothing(part)
        return PredictedPairs(predictor, dataset), {**known, "part": "all frames"}
    part = part or "validation"
    known |= {"part": part, "split_hash": chosen.content_hash, "held_out": _held_out(chosen, part)}
    return PredictedPairs(predictor, dataset.only(chosen.stems(part))), known


def _dataset(data: Path | None, classes: ClassTable) -> Dataset:
    from segwright.cli.datasets import dataset_at
    from segwright.core import ConfigError

    if data is None:
        raise ConfigError.of(
            "--data",
            "is missing: a bundle does not hold its frames",
            fix="name the dataset: --data DIR, or --data segwright.yaml",
        )
    return dataset_at(data, classes=classes)


def _needs_split(model: Path) -> Exception:
    from segwright.core import ConfigError

    return ConfigError.of(
        "--split",
        "is missing: these are the frames the model was trained on, and a score over all of them says nothing",
        allowed="the split the model was trained with, and one of its held-out parts",
        found="every frame of the training data",
        fix=f"segwright evaluate {model} --data ... --split split.json --part validation",
    )


def _part_of_nothing(part: str) -> Exception:
    from segwright.core import ConfigError

    return ConfigError.of(
        "--part", "names a part of no split: every frame would be scored",
        allowed="a part of the split that --split names", found=part, fix="add --split FILE, or leave out --part",
    )  # fmt: skip


def _held_out(split: Split, part: str) -> str | None:
    """Which groups the part holds, where somebody chose them: `line C, line D`."""
    groups = split.held_out.get(part)
    return ", ".join(f"{split.by} {group}" for group in groups) if groups else None


def _conventions(evaluation: Evaluation) -> tuple[Convention, ...]:
    """From the evaluation's own counts: nothing is read or predicted again."""
    from segwright.evaluate.reconcile import reconcile_evaluation

    return reconcile_evaluation(evaluation)


def _write(evaluation: Evaluation, pairs: Any, report: Path | None) -> None:
    if report is not None:
        from segwright.evaluate.report import worst_panels, write_report

        scored = evaluation.provenance.get("model") or evaluation.provenance["predictions"]
        title = f"Evaluation of {Path(str(scored)).name}"
        write_report(report, evaluation, worst_panels(evaluation, pairs), title=title)


def _answer(evaluation: Evaluation, written: Sequence[Path], more: Sequence[RenderableType]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from segwright.evaluate import collapse_lines

    lines = [Text(f"{path} written") for path in written]
    collapsed = [Text(f"{name} {line}", "bold red") for name, line in collapse_lines(evaluation.collapsed).items()]
    return Group(*collapsed, _class_table(evaluation), _overall(evaluation), *more, *lines)


def _class_table(evaluation: Evaluation) -> RenderableType:
    from rich import box
    from rich.table import Table

    names = [
        "iou",
        "dice",
        "precision",
        "recall",
        *(name for name in evaluation.scores if name.startswith("boundary_")),
    ]
    title = f"{evaluation.images} images"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="bold")
    table.add_column("class", overflow="fold")  # on a narrow terminal names wrap, numbers never
    for name in (*names, "true_px", "images"):
        table.add_column(name.replace("_", "\n"), justify="right", no_wrap=True)
    for name, row in evaluation.classes.items():
        table.add_row(name, *(_text(row[score]) for score in names), str(row["truth_px"]), str(row["images"]))
    return table


def _overall(evaluation: Evaluation) -> RenderableType:
    from rich.text import Text

    scores = [f"{name} {_text(score)}" for name, score in evaluation.scores.items() if name != "pixel_accuracy"]
    misleading = (
        f"pixel_accuracy {_text(evaluation.scores['pixel_accuracy'])} (misleading: background alone scores its share)"
    )
    return Text("\n".join([*scores, misleading]))


def _text(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"
