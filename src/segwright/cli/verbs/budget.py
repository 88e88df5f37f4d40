"""segwright budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.console import RenderableType

    from segwright.evaluate.learning_curve import Forecast, LearningCurve, Refusal
    from segwright.train.budget import Budget

Words = Annotated[list[str] | None, typer.Argument(help="[segwright.yaml] [section.key=value ...]", show_default=False)]
Sizes = Annotated[str, typer.Option(help="Training frames of each run, comma-separated; `all` is the whole part.")]
FromRuns = Annotated[
    list[Path] | None, typer.Option(help="Train nothing: read this run, or this folder of runs. Repeatable.")
]


def budget(
    arguments: Words = None,
    sizes: Sizes = "25,50,100,all",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each size, each on frames of its own.")] = 3,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each run; else as each plan says.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder of the runs; default runs/NAME-budget.")] = None,
    from_runs: FromRuns = None,
    score: Annotated[str | None, typer.Option(help="The score of the curve: pooled_miou, scratch.iou.")] = None,
    more: Annotated[int, typer.Option(min=1, help="How many more frames the forecast is for.")] = 100,
    by_groups: Annotated[bool, typer.Option("--by-groups", help="Count groups of frames instead of frames.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page with the curves here.")] = None,
    json: JsonFlag = False,
) -> None:
    """Measure the score against the number of labelled frames, and say what the next hundred should bring."""
    with Face(as_json=json) as face:
        if from_runs:
            measured = _read(from_runs, arguments or [])
        else:
            measured = _trained(face, arguments or [], sizes, (seeds, steps, out))
        from segwright.evaluate.learning_curve import learning_curves

        curves = learning_curves(measured.points, score=score, more=more, by_groups=by_groups)
        if report is not None:
            from segwright.pages import write_budget_page

            write_budget_page(report, curves, notes=measured.notes)
        payload = {
            "runs": [point.to_json() for point in measured.points],
            "curves": {name: curve.to_json() for name, curve in curves.items()},
            "notes": list(measured.notes),
            "report": None if report is None else str(report),
        }
        face.finish(payload, _answer(curves, measured, report))


def _trained(face: Face, words: list[str], sizes: str, how: tuple[int, int | None, Path | None]) -> Budget:
    """Train the runs that are missing; `how` is seeds, steps and the folder."""
    from segwright.cli.project_words import project_of

    seeds, steps, out = how
    wanted = _sizes(sizes)
    path, project = project_of([*words, *([] if steps is None else [f"training.steps={steps}"])])
    folder = out or path.parent / "runs" / f"{project.name}-budget"
    from segwright.core import Note
    from segwright.train.budget import measure_budget

    try:
        return measure_budget(project, path.parent, folder, wanted, seeds, face.listener)
    except KeyboardInterrupt:
        face.listener(Note("budget", "interrupted; the same command goes on, and keeps what is finished"))
        raise


def _read(from_runs: list[Path], words: list[str]) -> Budget:
    from segwright.core import ConfigError

    if words:
        raise ConfigError.of(
            "--from-runs", "takes no project file and no settings", allowed="runs", found=", ".join(words),
            fix="leave them out; several runs: --from-runs runs/a --from-runs runs/b, or the folder that holds them",
        )  # fmt: skip
    folders = [folder for named in from_runs for folder in _runs_in(named)]
    from segwright.train.budget import points_of_runs

    return points_of_runs(folders)


def _runs_in(named: Path) -> list[Path]:
    """The folder itself where it is a run, or is none; else the runs in it."""
    if (named / "plan.yaml").is_file():
        return [named]
    return sorted(plan.parent for plan in named.glob("*/plan.yaml")) or [named]


def _sizes(text: str) -> list[int | None]:
    from segwright.core import ConfigError

    try:
        return [None if word.strip() == "all" else int(word) for word in text.split(",")]
    except ValueError:
        raise ConfigError.of(
            "--sizes", "cannot be read", allowed="whole numbers and `all`, comma-separated", found=text,
            fix="--sizes 25,50,100,all",
        ) from None  # fmt: skip


def _answer(curves: dict[str, LearningCurve], measured: Budget, report: Path | None) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    main = next(iter(curves.values()))
    table = Table(title=f"{main.score} against labelled {main.unit}", title_justify="left")
    for heading in (main.unit, "runs", "mean", "std", "lowest", "highest"):
        table.add_column(heading, justify="right")
    for row in main.rows:
        spread = "-" if row.std is None else f"{row.std:.3f}"
        table.add_row(
            str(row.size), str(row.runs), f"{row.mean:.3f}", spread, f"{row.lowest:.3f}", f"{row.highest:.3f}"
        )
    gains = Table(title="what more labels should bring", title_justify="left")
    for heading in ("score", "now", f"+{main.more} {main.unit}", "90 % interval"):
        gains.add_column(heading, justify="left" if heading == "score" else "right", overflow="fold")
    for name, curve in curves.items():
        gains.add_row(name, *_gain(curve.outcome))
    parts: list[RenderableType] = [table, gains]
    refused: dict[tuple[str, str], list[str]] = {}
    for name, curve in curves.items():
        if curve.refusal is not None:
            refused.setdefault((curve.refusal.reason, curve.refusal.fix), []).append(name)
    for (reason, fix), names in refused.items():
        parts.append(Text(f"{', '.join(names)}: no forecast. {reason}\n  fix:     {fix}"))
    parts += [Text(f"note: {note}") for note in measured.notes]
    return Group(*parts, *([Text(f"written: {report}")] if report else []))


def _gain(outcome: Forecast | Refusal) -> tuple[str, str, str]:
    from segwright.evaluate.learning_curve import Refusal

    if isinstance(outcome, Refusal):
        return "-", "no forecast", "-"
    low, high = outcome.gain_interval
    return f"{outcome.score:.3f}", f"{outcome.gain:+.3f}", f"{low:+.3f} to {high:+.3f}"
