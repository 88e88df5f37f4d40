"""segwright lint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from segwright.core import Image, Probabilities
    from segwright.data import Dataset, Split
    from segwright.data.checks import LintReport, ProjectFacts, Rule
    from segwright.project import Project

SHOWN_PER_RULE = 5


def lint(
    data: Annotated[Path, typer.Argument(help="Labelled frames: a folder, .json, .xml, .zip; or a segwright.yaml.")],
    split: Annotated[Path | None, typer.Option(help="The split file; a segwright.yaml brings its own.")] = None,
    select: Annotated[list[str] | None, typer.Option(help="Only these: SEG033, a name, or SEG03. Repeatable.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="All but these. Repeatable.")] = None,
    model: Annotated[Path | None, typer.Option(help="A RUN or BUNDLE, to rank labels it disagrees with.")] = None,
    baseline: Annotated[Path | None, typer.Option(help="File of accepted findings.")] = None,
    accept: Annotated[
        bool, typer.Option("--write-baseline", help="Accept everything found: write it to --baseline.")
    ] = False,
    fix: Annotated[Path | None, typer.Option(help="Write corrected masks to this new folder.")] = None,
    format: Annotated[str, typer.Option(help="auto, or a format such as voc, coco_json, nifti_pairs.")] = "auto",  # noqa: A002
    classes: Annotated[str, typer.Option(help="Class names for ids 0, 1, ..., comma-separated, or a file.")] = "",
    columns: Annotated[str | None, typer.Option(help="Columns from file names: '(?P<line>[^_]+)_'.")] = None,
    columns_csv: Annotated[Path | None, typer.Option(help="Columns from a CSV whose first names the image.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="A setting of the format: --option cut=128.")] = None,
    show: Annotated[int, typer.Option(min=0, help="Findings shown of each rule; --json shows all.")] = SHOWN_PER_RULE,
    json: JsonFlag = False,
) -> None:
    """Find what is wrong with labelled frames and their split; exit 1 where an error is left."""
    from segwright.cli.datasets import class_table_of, dataset_at, options_of
    from segwright.data.checks import chosen_rules, write_baseline

    own = {"--format": format != "auto", "--classes": classes, "--option": option}
    _refuse_misuse(data, own, baseline, accept, fix)
    project = _project(data)
    rules = chosen_rules(select or [], [*(ignore or []), *(project.lint.ignore if project else [])])
    with Face(as_json=json) as face:
        ways: dict[str, Any] = {"columns_from": columns, "columns_csv": columns_csv}
        settings = options_of(option or [])
        dataset = dataset_at(data, format=format, classes=class_table_of(classes), options=settings, **ways)
        judged_split = _split(dataset, data, split, project)
        report = _judged(face, dataset, judged_split, project, _predictor(model, dataset), rules, data)
        if accept and baseline is not None:
            held = write_baseline(baseline, report)
            face.finish({"baseline": str(baseline), "accepted": held}, f"{baseline}: {held} findings accepted")
            return
        left = _without_accepted(report, baseline)
        corrected = _corrected(face, dataset, left, rules, fix)
        face.finish({**left.to_json(), **corrected}, _answer(left, show, corrected), gate=_gate(left))


def _judged(
    face: Face,
    dataset: Dataset,
    split: Split | None,
    project: Project | None,
    predict: Callable[[Image], Probabilities] | None,
    rules: list[Rule],
    data: Path,
) -> LintReport:
    from segwright.data.checks import lint as judge

    return judge(
        dataset,
        split=split,
        project=_facts(project),
        predict=predict,
        rules=rules,
        source=str(data),
        listener=face.listener,
    )


def _refuse_misuse(
    data: Path, given: Mapping[str, object], baseline: Path | None, accept: bool, fix: Path | None
) -> None:
    """Refuse what can be told before a frame is opened."""
    from segwright.cli.datasets import refuse_with_project
    from segwright.data.checks import require_new_folder

    refuse_with_project(data, given)
    _require_baseline(baseline, accept)
    if fix is not None:
        require_new_folder(fix)


def _require_baseline(baseline: Path | None, accept: bool) -> None:
    from segwright.core import ConfigError

    if accept and baseline is None:
        fix = "add --baseline lint-baseline.json"
        raise ConfigError.of("--write-baseline", "needs to know where", allowed="--baseline FILE beside it", fix=fix)


def _without_accepted(report: LintReport, baseline: Path | None) -> LintReport:
    from segwright.data.checks import without_accepted

    return report if baseline is None else without_accepted(report, baseline)


def _project(data: Path) -> Project | None:
    from segwright.cli.datasets import PROJECT_SUFFIXES
    from segwright.project import read_project

    return read_project(data) if data.suffix.lower() in PROJECT_SUFFIXES else None


def _facts(project: Project | None) -> ProjectFacts | None:
    from segwright.data.checks import ProjectFacts

    return project and ProjectFacts(project.model.network, project.model.encoder, project.split.by)


def _split(dataset: Dataset, data: Path, named: Path | None, project: Project | None) -> Split | None:
    """The split to judge: the one named, or the project's where it is written. Its names must be of this dataset."""
    from segwright.core import raise_collected
    from segwright.data import read_split
    from segwright.data.split import foreign_frames

    path = named
    if path is None and project is not None and (data.parent / project.split.file).is_file():
        path = data.parent / project.split.file
    if path is None:
        return None
    split = read_split(path)
    raise_collected(foreign_frames(dataset, split))
    return split


def _predictor(model: Path | None, dataset: Dataset) -> Callable[[Image], Probabilities] | None:
    """What the model says of a frame; its classes must be those of the dataset."""
    from segwright.core import ConfigError

    if model is None:
        return None
    if (model / "bundle.json").is_file():
        from segwright.infer.bundle import read_bundle
        from segwright.infer.loading import semantic_predictor

        predictor = semantic_predictor(read_bundle(model))
    else:
        from segwright.train.run import open_run

        predictor = open_run(model).predictor()
    if predictor.classes.content_hash != dataset.classes.content_hash:
        raise ConfigError.of(
            "--model",
            "answers for other classes than the labels hold",
            allowed=dataset.classes.describe(),
            found=predictor.classes.describe(),
            fix="name a model that was trained with this class table",
        )
    return predictor.probabilities


def _corrected(face: Face, dataset: Dataset, report: LintReport, rules: list[Rule], folder: Path | None) -> dict:
    from segwright.data.checks import write_corrected

    if folder is None:
        return {}
    changed = write_corrected(dataset, report, rules, folder, face.listener)
    return {
        "corrected": str(folder),
        "corrected_frames": len(changed),
        "changed_px": sum(r.changed_px for r in changed),
    }


def _gate(report: LintReport) -> Callable[[], None]:
    from segwright.core import GateFailed, Problem

    def enforce() -> None:
        if report.errors:
            counts = {code: count["error"] for code, count in report.by_rule.items() if count["error"]}
            raise GateFailed(
                Problem(
                    "lint",
                    f"{len(report.errors)} error-level findings are left",
                    "none",
                    ", ".join(f"{code} {count}" for code, count in counts.items()),
                    fix=f"segwright explain {next(iter(counts))}",
                )
            )

    return enforce


def _answer(report: LintReport, show: int, corrected: dict) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    blocks: list[RenderableType] = []
    for code in report.judged:
        rows = [row for row in report.rows if row.code == code]
        for row in rows[:show]:
            styles = {"error": "red", "warning": "yellow", "hint": "default"}
            blocks.append(Text(f"{row.severity}: {row.problem()}\n", style=styles[row.severity]))
        if len(rows) > show:
            blocks.append(Text(f"... and {len(rows) - show} more of {code}; --show {len(rows)} or --json has them\n"))
    blocks.append(_summary(report))
    skipped: dict[str, list[str]] = {}
    for code, why in report.skipped.items():
        skipped.setdefault(why, []).append(code)
    blocks += [Text(f"not judged: {', '.join(codes)}: {why}") for why, codes in skipped.items()]
    if corrected:
        said = f"{corrected['corrected_frames']} masks corrected ({corrected['changed_px']} px)"
        blocks.append(Text(f"{said}; all masks in {corrected['corrected']}/masks, beside classes.json"))
    return Group(*blocks)


def _summary(report: LintReport) -> Table:
    """One line a rule that found something; the others are counted."""
    from rich import box
    from rich.table import Table

    from segwright.data.checks import RULES

    clean = sum(not counts for counts in report.by_rule.values())
    accepted = f", {report.accepted} findings accepted by the baseline" if report.accepted else ""
    title = f"{report.frames} frames: {clean} of {len(report.judged)} rules found nothing{accepted}"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="bold")
    table.add_column("rule", no_wrap=True)
    for severity in ("error", "warning", "hint"):
        table.add_column(severity, justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    for code, counts in report.by_rule.items():
        if counts:
            numbers = (str(counts[severity] or "") for severity in ("error", "warning", "hint"))
            table.add_row(f"{code} {RULES[code].name}", *numbers, RULES[code].summary)
    return table
