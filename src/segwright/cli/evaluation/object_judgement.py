"""What `segwright evaluate` says of objects beyond the scores: intervals, what changed since an earlier one, gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.evaluation.judgement import TOLERANCE, allowed_loss, changes_tables, enforce_both, intervals_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from segwright.cli.evaluation.object_sides import ObjectSides
    from segwright.core import Listener
    from segwright.evaluate.compare_objects import ObjectComparison
    from segwright.evaluate.objects import ObjectEvaluation
    from segwright.evaluate.report.object_changed import Changes
    from segwright.evaluate.report.object_pictures import PicturesByName
    from segwright.evaluate.resample import Intervals


@dataclass(frozen=True)
class ObjectDemands:
    """What the user asked for; the fields are as in `Demands`."""

    conditions: tuple[str, ...]
    old: ObjectEvaluation | None
    report: Path | None
    tolerance: float | None
    by: str | None

    @staticmethod
    def read(given: Mapping[str, Any]) -> ObjectDemands:
        """The demands, with the earlier evaluation read before any frame is scored; raises as `Demands.read`."""
        from segwright.evaluate.objects import ObjectEvaluation

        names = ("no_worse_than", "compare", "compare_report", "tolerance", "groups")
        gate, compare, report, tolerance, groups = (given[name] for name in names)
        allowed = allowed_loss(gate, compare, tolerance, report)
        earlier = ObjectEvaluation.read(gate or compare) if gate or compare else None
        return ObjectDemands(tuple(given["fail_if"] or ()), earlier, report, allowed, groups)


@dataclass(frozen=True)
class ObjectJudgement:
    """An evaluation, with its intervals where groups were named, and the comparison where there is an earlier one."""

    evaluation: ObjectEvaluation
    demands: ObjectDemands
    intervals: Intervals | None
    comparison: ObjectComparison | None

    def to_json(self) -> dict[str, Any]:
        """The evaluation's JSON, with `intervals` and `comparison` where there are any."""
        content = self.evaluation.to_json()
        if self.intervals is not None:
            content["intervals"] = asdict(self.intervals)
        if self.comparison is not None:
            content["comparison"] = self.comparison.to_json()
        return content

    def tables(self) -> list[RenderableType]:
        """For people: the intervals, and what changed."""
        from segwright.evaluate.report.object_page import COLUMNS

        columns = COLUMNS[self.evaluation.task]
        main = next(name for name in columns if name in self.evaluation.scores)
        found = [] if self.intervals is None else [intervals_table(self.intervals, main)]
        return found if self.comparison is None else [*found, *changes_tables(self.comparison, main, columns)]

    def enforce(self) -> None:
        """Raise where a demand is not met; raises as `enforce_both`."""
        enforce_both(self.evaluation, self.demands.conditions, self.comparison, self.demands.tolerance)


def judged(evaluation: ObjectEvaluation, demands: ObjectDemands) -> ObjectJudgement:
    """The evaluation beside what was demanded of it.

    Raises:
        ConfigError: conditions that name what was not scored.
        DataError: groups that frames do not have, an earlier evaluation of other frames.
    """
    from segwright.evaluate.compare_objects import compare_objects, object_intervals
    from segwright.evaluate.gate import parse

    parse(evaluation, demands.conditions)
    intervals = None if demands.by is None else object_intervals(evaluation, by=demands.by)
    comparison = None if demands.old is None else compare_objects(demands.old, evaluation, by=demands.by)
    return ObjectJudgement(evaluation, demands, intervals, comparison)


def write_comparison(judgement: ObjectJudgement, sides: ObjectSides, listener: Listener) -> None:
    """Write the page where one was asked for; where the old predictions are not to be had, it says why."""
    from segwright.core import SegwrightError
    from segwright.evaluate.earlier import reason
    from segwright.evaluate.report.compare_page import FRAMES_SHOWN
    from segwright.evaluate.report.object_changed import changed_panels
    from segwright.evaluate.report.object_compare_page import ComparedObjects, write_object_comparison

    demands, comparison, new = judgement.demands, judgement.comparison, judgement.evaluation
    if demands.report is None or demands.old is None or comparison is None:
        return
    images, note = sides.frame_images(new, listener), ""
    try:
        changes = _changes(demands.old, new, sides, images)
    except SegwrightError as error:
        note = reason(error)
        changes = _changes(None, new, sides, images)
    tolerance = TOLERANCE if demands.tolerance is None else demands.tolerance
    names = _names(demands.old, new)
    compared = ComparedObjects(demands.old, new, comparison, names, tolerance, note)
    lost, won = (changed_panels(rows(FRAMES_SHOWN), changes) for rows in (comparison.lost, comparison.won))
    write_object_comparison(demands.report, compared, lost, won)


def _changes(
    old: ObjectEvaluation | None, new: ObjectEvaluation, sides: ObjectSides, images: PicturesByName
) -> Changes:
    """What paints the frames that changed; with `old` None no old prediction is looked for."""
    from segwright.evaluate.earlier_objects import earlier_instances, earlier_panoptic
    from segwright.evaluate.instances import InstancePairs
    from segwright.evaluate.report.object_changed import InstanceChanges, PanopticChanges

    pairs = sides.pairs
    if isinstance(pairs, InstancePairs):
        earlier = None if old is None else earlier_instances(old, pairs)
        return InstanceChanges((old or new, new), pairs, images, earlier)
    return PanopticChanges(new, pairs, images, None if old is None else earlier_panoptic(old, pairs))


def _names(old: ObjectEvaluation, new: ObjectEvaluation) -> tuple[str, str]:
    """What people call the two: the last part of what was scored; told apart where that is the same."""
    before, after = (Path(str(side.provenance.get("predictions") or "evaluation")).name for side in (old, new))
    return (before, after) if before != after else (f"{before} (old)", f"{after} (new)")
