"""What two evaluations both scored, side by side: of any task, with no test of chance (that is `compare`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from segwright.core import ClassTable, DataError, Problem, raise_collected
from segwright.evaluate.scores import Score, Scores

# Scores that count something instead of judging it: they have no better and no worse.
COUNTED = frozenset({"truth_px", "predicted_px", "images", "surface_images"})

# Errors, distances and mistakes that are counted; of every other score more is better.
LOWER_IS_BETTER = frozenset(
    {"ece", "classwise_ece", "brier", "hd95", "assd", "assd_of_prediction", "assd_of_truth", "one_sided"}
    | {"component_splits", "component_merges"}
)


class Scored(Protocol):
    """What every evaluation has, whatever its task: `Evaluation` and `ObjectEvaluation`. Absent is None."""

    @property
    def scores(self) -> Mapping[str, Score]: ...

    @property
    def classes(self) -> Mapping[str, Mapping[str, Score]]: ...

    @property
    def by_domain(self) -> Mapping[str, Mapping[str, Scores]]: ...


class Described(Scored, Protocol):
    """Scores that say whose they are: the class table and the number of frames."""

    @property
    def class_table(self) -> ClassTable: ...

    @property
    def images(self) -> int: ...

    @property
    def task(self) -> str: ...

    @property
    def provenance(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Change:
    """A score of the old and the new model, `difference` new minus old, and the p-value of no difference.

    `difference` is None where either lacks the score; `p_value` is None where there was no test as well. `low` and
    `high` are where the difference lies in most draws of the frames, None where it was not drawn.
    """

    old: Score
    new: Score
    difference: Score
    p_value: Score
    low: Score = None
    high: Score = None

    @staticmethod
    def between(old: Score, new: Score) -> Change:
        """The change without a test."""
        return Change(old, new, None if old is None or new is None else new - old, None)


def gain(name: str, change: Change) -> float:
    """How much better the score called `name` became: above 0 is better, whichever way it goes; 0 where absent."""
    difference = change.difference or 0.0
    return -difference if name.partition("@")[0] in LOWER_IS_BETTER else difference


class Compared(Protocol):
    """Changes by score, and by class and score: `Comparison` and `Changes`."""

    @property
    def scores(self) -> Mapping[str, Change]: ...

    @property
    def classes(self) -> Mapping[str, Mapping[str, Change]]: ...


@dataclass(frozen=True)
class Changes:
    """How the scores that two evaluations both have changed, overall and by class; no p-values."""

    scores: Mapping[str, Change]
    classes: Mapping[str, Mapping[str, Change]]


def changes_between(old: Described, new: Described) -> Changes:
    """What changed from `old` to `new`, in the scores that both have and that judge something (not pixel counts).

    `compare` and `compare_objects` also test them.

    Raises:
        DataError: another task, other classes or another number of frames: all that is wrong at once.
    """
    raise_collected(mismatches(old, new), DataError)
    classes = {
        name: changed_scores(old.classes[name], new.classes[name]) for name in old.classes if name in new.classes
    }
    return Changes(changed_scores(old.scores, new.scores), classes)


def changed_scores(old: Mapping[str, Score], new: Mapping[str, Score]) -> dict[str, Change]:
    """The changes of the scores that both have, in the order of `old`; counts are left out."""
    return {name: Change.between(old[name], new[name]) for name in old if name in new and name not in COUNTED}


def mismatches(old: Described, new: Described) -> Iterator[Problem]:
    """In what two evaluations do not ask the same question: task, classes, rule, number of frames."""
    if old.task != new.task:
        yield Problem("task", "is not the same in both evaluations", old.task, new.task, "evaluate both for one task")
    if old.class_table.content_hash != new.class_table.content_hash:
        yield Problem(
            "class table", "is not the same in both evaluations",
            old.class_table.describe(), new.class_table.describe(), "evaluate both with one class table (--classes)",
        )  # fmt: skip
    rules = [str(each.provenance.get("rule")) for each in (old, new)]
    if rules[0] != rules[1]:
        yield Problem(
            "rule", "is not the same in both evaluations", rules[0], rules[1], "evaluate both with one --rule"
        )
    if old.images != new.images:
        fix = "evaluate both on the same frames: the same --data, --split and --part"
        yield Problem("frames", "are not as many in both evaluations", str(old.images), str(new.images), fix)
