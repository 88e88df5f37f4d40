"""Scores beyond pixels and boundaries: counted where they are asked for, because they cost more.

Each has counts of a frame that add up with `+`, and turns them into scores by class and overall.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

from segwright.core import ConfigError, LabelMap
from segwright.evaluate.ratios import Score


@dataclass(frozen=True)
class Further:
    """One family of scores: how a frame is counted, and what its counts say.

    `count(prediction, truth, stem)` gives counts that add up; `by_class` and `overall` turn sums of them into scores,
    `details` into plain values for `evaluation.json` where there is more to say than scores.
    """

    definitions: Mapping[str, str]
    count: Callable[[LabelMap, LabelMap, str], Any]
    by_class: Callable[[Any], Mapping[str, Mapping[str, Score]]]
    overall: Callable[[Any], Mapping[str, Score]]
    details: Callable[[Any], Mapping[str, Any]] = lambda _counts: {}


def further(name: str) -> Further:
    """The family called `name`, its code loaded now; `surface@1,2.5` counts surfaces at these tolerances, in px.

    Raises:
        ConfigError: there is none of that name, or it has no such settings.
    """
    family, at, settings = name.partition("@")
    if family not in FAMILIES or (at and family != "surface"):
        fix = f"name some of {', '.join(FAMILIES)}"
        raise ConfigError.of("further scores", "are not known", allowed=", ".join(FAMILIES), found=name, fix=fix)
    return _surface(_lengths(settings)) if at else FAMILIES[family]()


def surface_at(tolerances_px: Sequence[float]) -> str:
    """The name of the family of surface scores at these tolerances, for `also`."""
    return f"surface@{','.join(f'{float(each):g}' for each in sorted(set(tolerances_px)))}"


def _lengths(text: str) -> tuple[float, ...]:
    """Raises ConfigError where one of them is no length."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = (-1.0,)
    if not all(math.isfinite(each) and each >= 0 for each in found):
        fix = "give distances in px, such as 1 and 2.5"
        raise ConfigError.of("surface tolerances", "are not all lengths", allowed="0 or more", found=text, fix=fix)
    return found


def added(rows: Sequence[Any]) -> Any:
    """The sum of counts, added in pairs so that long rows are not copied for every frame."""
    while len(rows) > 1:
        rows = [reduce(lambda one, other: one + other, rows[start : start + 2]) for start in range(0, len(rows), 2)]
    return rows[0]


def _surface(tolerances: tuple[float, ...] | None = None) -> Further:
    from segwright.evaluate.surface import DEFINITIONS, class_scores, count_surfaces, overall_scores
    from segwright.evaluate.surface.count import TOLERANCES

    chosen = tolerances or TOLERANCES
    return Further(
        DEFINITIONS,
        lambda prediction, truth, stem: count_surfaces(prediction, truth, tolerances_px=chosen, stem=stem),
        class_scores,
        overall_scores,
    )


def _cldice() -> Further:
    from segwright.evaluate.cldice import DEFINITIONS, class_scores, count_cldice, overall_scores

    return Further(
        DEFINITIONS, lambda prediction, truth, _stem: count_cldice(prediction, truth), class_scores, overall_scores
    )


def _components() -> Further:
    from segwright.evaluate.component_overlap import Matching, class_objects
    from segwright.evaluate.component_sizes import SizeCounts, sizes_of_objects
    from segwright.evaluate.components import DEFINITIONS, counts_of_objects, score_components

    rules = Matching()

    def count(prediction: LabelMap, truth: LabelMap, _stem: str) -> _Pair:
        objects = tuple(class_objects(prediction, truth, rules, radii=True))
        sizes = sizes_of_objects(objects, SizeCounts.none(truth.classes, rules))
        return _Pair(counts_of_objects(objects, truth.classes, rules), sizes)

    return Further(
        DEFINITIONS,
        count,
        lambda counts: score_components(counts.first).classes,
        lambda counts: score_components(counts.first).overall,
        lambda counts: {"sizes": _size_rows(counts.second)},
    )


def _size_rows(sizes: Any) -> dict[str, Any]:
    """Bins by area and by width: of all foreground classes together, and of each."""
    names = [spec.name for spec in sizes.classes.foreground]
    return {
        measure: {
            "all": [asdict(row) for row in rows_of(None)],
            "classes": {name: [asdict(row) for row in rows_of(name)] for name in names},
        }
        for measure, rows_of in (("area", sizes.area_rows), ("width", sizes.width_rows))
    }


@dataclass(frozen=True)
class _Pair:
    """Two counts of the same frames, added side by side."""

    first: Any
    second: Any

    def __add__(self, other: _Pair) -> _Pair:
        return _Pair(self.first + other.first, self.second + other.second)


FAMILIES: Mapping[str, Callable[[], Further]] = {"surface": _surface, "cldice": _cldice, "components": _components}
