"""Conditions an evaluation must meet: `scratch.iou < 0.74` fails it, and so does losing against an earlier one.

The evaluation may be of any task: all that is looked at is its scores, overall, by class and by domain.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from segwright.core import ConfigError, GateFailed, Problem, raise_collected
from segwright.evaluate.changes import Change, Compared, Scored
from segwright.evaluate.scores import Score

# What must not fall: of the overall scores one a task, and of each class the same, and the outline.
GUARDED_OVERALL = frozenset({"pooled_miou", "pq", "mask_ap", "box_ap"})
GUARDED_OF_CLASS = frozenset({"iou", "pq", "mask_ap", "box_ap"})

OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_FORM = re.compile(r"^\s*(?P<left>.+?)\s*(?P<sign><=|>=|<|>)\s*(?P<number>[-+0-9.eE]+)\s*$")
_EXAMPLE = "--fail-if 'scratch.iou < 0.74', or --fail-if 'line=press-3/pooled_miou < 0.8'"


# how a score's name begins -> the family it is counted with
_COUNTED_ON_REQUEST = {
    "nsd": "surface",
    "hd95": "surface",
    "assd": "surface",
    "cldice": "cldice",
    "topology_": "cldice",
    "component_": "components",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """What must not hold: `name` (of a class, or overall), in one domain or in all frames, against a number."""

    text: str
    score: str
    class_name: str | None
    domain: tuple[str, str] | None
    sign: str
    number: float

    def value(self, evaluation: Scored) -> Score:
        """The evaluation's number that the condition is about; None where it is absent."""
        overall, classes = _scores_of(evaluation, self.domain)
        return overall[self.score] if self.class_name is None else classes[self.class_name][self.score]


def fail_if(evaluation: Scored, texts: Sequence[str]) -> None:
    """Raise where any of the conditions holds, or cannot be judged because its score is absent.

    A condition is `[COLUMN=VALUE/][CLASS.]SCORE < NUMBER`, with <, <=, > or >=.

    Raises:
        ConfigError: conditions that cannot be read or name what the evaluation does not have, all at once.
        GateFailed: conditions that hold, all at once.
    """
    raise_collected(_broken(evaluation, parse(evaluation, texts)), GateFailed)


def parse(evaluation: Scored, texts: Sequence[str]) -> list[Condition]:
    """The conditions in `texts`, about scores that the evaluation has.

    Raises:
        ConfigError: as `fail_if`.
    """
    conditions: list[Condition] = []
    problems: list[Problem] = []
    for text in texts:
        read = _read(evaluation, text)
        if isinstance(read, Problem):
            problems.append(read)
        else:
            conditions.append(read)
    raise_collected(problems, ConfigError)
    return conditions


def no_worse_than(comparison: Compared, tolerance: float) -> None:
    """Raise where a score fell by more than `tolerance`: the mean IoU, PQ or AP, that of a class, or its boundary F.

    `comparison` is what `compare` gave, or for instance and panoptic evaluations `changes_between`. A score the new
    evaluation no longer has, or has only now, is no loss: the classes in the truth are the same.

    Raises:
        GateFailed: every such score at once, with its p-value.
    """
    raise_collected(_losses(comparison, tolerance), GateFailed)


def _broken(evaluation: Scored, conditions: Sequence[Condition]) -> Iterator[Problem]:
    for condition in conditions:
        value = condition.value(evaluation)
        must = f"not {condition.sign} {condition.number:g}"
        if value is None:
            rule = "cannot be judged: the class is in neither truth nor prediction of these frames"
            yield Problem(condition.text, rule, must, "no value", "score frames that show the class")
        elif OPERATORS[condition.sign](value, condition.number):
            yield Problem(
                condition.text, "holds", must, f"{value:.4f}", "look at the report's worst frames: --report FILE"
            )


def losses(comparison: Compared, tolerance: float) -> dict[str, Change]:
    """The guarded scores that fell by more than `tolerance`: `pooled_miou` overall, `scratch.iou` of a class."""
    rows = {name: row for name, row in comparison.scores.items() if name in GUARDED_OVERALL}
    for class_name, scores in comparison.classes.items():
        rows |= {f"{class_name}.{name}": row for name, row in scores.items() if _guarded(name)}
    return {
        name: row for name, row in rows.items() if row.difference is not None and row.difference < -tolerance - 1e-12
    }


def _losses(comparison: Compared, tolerance: float) -> Iterator[Problem]:
    for name, row in losses(comparison, tolerance).items():
        chance = "" if row.p_value is None else f", p {row.p_value:.3f}"
        found = f"{row.old:.4f} -> {row.new:.4f} ({row.difference:+.4f}{chance})"
        yield Problem(
            name,
            "is worse than it was",
            f"{-tolerance:+g} at most",
            found,
            "see the frames that lost: --compare-report FILE",
        )


def _guarded(name: str) -> bool:
    return name in GUARDED_OF_CLASS or name.startswith("boundary_f@")


def _read(evaluation: Scored, text: str) -> Condition | Problem:
    form = _FORM.match(text)
    number = _number(form["number"]) if form else None
    if form is None or number is None:
        allowed = "[COLUMN=VALUE/][CLASS.]SCORE, then <, <=, > or >=, then a number"
        return Problem("--fail-if", "cannot be read", allowed, text, _EXAMPLE)
    where, _, what = form["left"].rpartition("/")
    domain: tuple[str, str] | None = None
    if where:
        column, _, value = where.partition("=")
        if value not in evaluation.by_domain.get(column, {}):
            known = [f"{name}={each}" for name, values in evaluation.by_domain.items() for each in values]
            return _unknown("domain", text, where, known)
        domain = column, value
    overall, classes = _scores_of(evaluation, domain)
    class_name, _, score = what.rpartition(".")
    if class_name and class_name not in classes:
        return _unknown("class", text, class_name, list(classes))
    known = list(classes[class_name]) if class_name else list(overall)
    if score not in known:
        return _unknown("score", text, score, known)
    return Condition(text, score, class_name or None, domain, form["sign"], number)


def _scores_of(
    evaluation: Scored, domain: tuple[str, str] | None
) -> tuple[Mapping[str, Score], Mapping[str, Mapping[str, Score]]]:
    """Overall scores and those by class: of all frames, or of those of one domain (column, value)."""
    if domain is None:
        return evaluation.scores, evaluation.classes
    column, value = domain
    return evaluation.by_domain[column][value].overall, evaluation.by_domain[column][value].classes


def _unknown(what: str, text: str, found: str, known: Sequence[str]) -> Problem:
    close = get_close_matches(found, known, n=1)
    family = next((name for start, name in _COUNTED_ON_REQUEST.items() if found.startswith(start)), None)
    fix = f"count it: --also {family}" if family else f"did you mean '{close[0]}'?" if close else _EXAMPLE
    return Problem(f"--fail-if '{text}'", f"names a {what} that was not scored", ", ".join(known) or "none", found, fix)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
