"""What `segwright evaluate` says beyond the scores: their intervals, what changed since an earlier one, and gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from segwright.core import Problem
    from segwright.evaluate import Comparison, Evaluation, Intervals
    from segwright.evaluate.changes import Compared, Scored
    from segwright.evaluate.compare_objects import ObjectComparison

FRAMES_SHOWN = 5
TOLERANCE = 0.01


@dataclass(frozen=True)
class Demands:
    """What the user asked for: conditions that fail, an earlier evaluation to compare with, the groups drawn whole.

    `tolerance` is how far a score may fall below the earlier one; None where nothing fails for that. `old_path` is
    where the earlier one was read, `report` where the comparison is to be written.
    """

    conditions: tuple[str, ...]
    old: Evaluation | None
    old_path: Path | None
    report: Path | None
    tolerance: float | None
    by: str | None

    @staticmethod
    def read(
        conditions: Sequence[str],
        gate: Path | None,
        compare: Path | None,
        report: Path | None,
        tolerance: float | None,
        by: str | None,
    ) -> Demands:
        """The demands, with the earlier evaluation read (`gate` fails the command, `compare` does not): before any
        frame is scored.

        Raises:
            ConfigError: options that say nothing beside the others, all at once.
            ArtefactError: the earlier evaluation cannot be read.
        """
        from segwright.evaluate import Evaluation

        allowed = allowed_loss(gate, compare, tolerance, report)
        path = gate or compare
        earlier = None if path is None else Evaluation.read(path)
        return Demands(tuple(conditions), earlier, path, report, allowed, by)


def _idle(gate: Path | None, compare: Path | None, report: Path | None, tolerance: float | None) -> Iterator[Problem]:
    """Options that would change nothing: somebody who gave them expects something."""
    from segwright.core import Problem

    if gate and compare:
        yield Problem(
            "--compare", "says nothing beside --no-worse-than, which compares as well",
            "one of the two", f"{compare} and {gate}", "leave out --compare; or --no-worse-than, for no gate",
        )  # fmt: skip
    if tolerance is not None and not gate:
        yield Problem(
            "--tolerance", "says nothing alone: it is how far a score may fall below an earlier evaluation",
            "together with --no-worse-than", f"{tolerance:g}", "add --no-worse-than OLD.json",
        )  # fmt: skip
    if report and not (gate or compare):
        yield Problem(
            "--compare-report", "has nothing to compare with",
            "together with --compare or --no-worse-than", str(report), "add --compare OLD.json",
        )  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """An evaluation, with its intervals where groups were named, and the comparison where there is an earlier one."""

    evaluation: Evaluation
    demands: Demands
    intervals: Intervals | None
    comparison: Comparison | None

    def to_stream(self) -> dict[str, Any]:
        """The evaluation's `to_stream`, with `intervals` and `comparison` where there are any."""
        content = self.evaluation.to_stream()
        if self.intervals is not None:
            content["intervals"] = asdict(self.intervals)
        if self.comparison is not None:
            content["comparison"] = self.comparison.to_json()
        return content

    def tables(self) -> list[RenderableType]:
        """For people: the intervals, and what changed."""
        found = [] if self.intervals is None else [intervals_table(self.intervals)]
        return found if self.comparison is None else [*found, *changes_tables(self.comparison)]

    def enforce(self) -> None:
        """Raise where a demand is not met.

        Raises:
            ConfigError: conditions that cannot be read.
            GateFailed: every condition that holds, and every score that fell too far, at once.
        """

        enforce_both(self.evaluation, self.demands.conditions, self.comparison, self.demands.tolerance)


def enforce_both(
    evaluation: Scored, conditions: Sequence[str], comparison: Compared | None, tolerance: float | None
) -> None:
    """Raise where a condition holds, or a score fell by more than `tolerance` (None: by as much as it likes).

    Raises:
        ConfigError: conditions that cannot be read.
        GateFailed: every condition that holds, and every score that fell too far, at once.
    """
    from segwright.core import GateFailed, raise_collected
    from segwright.evaluate import fail_if, no_worse_than

    problems = []
    try:
        fail_if(evaluation, conditions)
    except GateFailed as failed:
        problems += failed.problems
    try:
        if comparison is not None and tolerance is not None:
            no_worse_than(comparison, tolerance)
    except GateFailed as failed:
        problems += failed.problems
    raise_collected(problems, GateFailed)


def allowed_loss(
    gate: Path | None, compare: Path | None, tolerance: float | None, report: Path | None = None
) -> float | None:
    """By how much a score may fall; None where nothing fails for that.

    Raises:
        ConfigError: options that say nothing beside the others, all at once.
    """
    from segwright.core import ConfigError, raise_collected

    raise_collected(_idle(gate, compare, report, tolerance), ConfigError)
    return (TOLERANCE if tolerance is None else tolerance) if gate else None


def judged(evaluation: Evaluation, demands: Demands) -> Judgement:
    """The evaluation beside what was demanded of it.

    Raises:
        ConfigError: conditions that name what was not scored.
        DataError: groups that frames do not have, an earlier evaluation of other frames.
    """
    from segwright.evaluate import compare, confidence_intervals
    from segwright.evaluate.gate import parse

    parse(evaluation, demands.conditions)
    intervals = None if demands.by is None else confidence_intervals(evaluation, by=demands.by)
    comparison = None if demands.old is None else compare(demands.old, evaluation, by=demands.by)
    return Judgement(evaluation, demands, intervals, comparison)


def intervals_table(found: Intervals, of_class: str = "iou") -> RenderableType:
    """Score, value, low and high of the overall scores, and of the score `of_class` of each class."""
    from rich import box
    from rich.table import Table

    title = f"{found.level:.0%} intervals over {found.groups} groups by {found.by or 'frame'}"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="bold")
    table.add_column("score", overflow="fold")
    for name in ("value", "low", "high"):
        table.add_column(name, justify="right", no_wrap=True)
    classes = {f"{name} {of_class}": scores[of_class] for name, scores in found.classes.items()}
    for name, row in {**found.scores, **{key: row for key, row in classes.items() if row.score is not None}}.items():
        table.add_row(name, *(_text(value) for value in (row.score, row.low, row.high)))
    return table


def changes_tables(
    found: Comparison | ObjectComparison, of_class: str = "iou", only: Sequence[str] | None = None
) -> list[RenderableType]:
    """What changed overall (of the scores in `only`, None for all) and of each class, then frames lost and won."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    how = "every swap" if found.exact else f"{found.rounds} swaps"
    tested = f"p of no difference by {how} of {found.groups} groups"
    title = f"against the earlier evaluation; {getattr(found, 'untested', '') or tested}"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="bold")
    table.add_column("score", overflow="fold")
    rows = {name: row for name, row in found.scores.items() if only is None or name in only}
    classes = {f"{name} {of_class}": scores[of_class] for name, scores in found.classes.items()}
    rows |= {key: row for key, row in classes.items() if only is None or row.difference is not None}
    drawn = any(row.low is not None for row in rows.values())
    for name in ("old", "new", "change", *(("low", "high") if drawn else ()), "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in rows.items():
        between = (_signed(row.low), _signed(row.high)) if drawn else ()
        table.add_row(name, _text(row.old), _text(row.new), _signed(row.difference), *between, _text(row.p_value))
    frames = [
        Text(f"{word}: " + ", ".join(f"{row.stem} ({row.difference:+.3f})" for row in rows))
        for word, rows in (("lost most", found.lost(FRAMES_SHOWN)), ("won most", found.won(FRAMES_SHOWN)))
        if rows
    ]
    return [table, *frames]


def _signed(score: float | None) -> str:
    return "-" if score is None else f"{score:+.4f}"


def _text(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"
