"""The labelling budget as one self-contained page: the curve, what the next frames should bring, or why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segwright.evaluate.learning_curve import LAW, Forecast, LearningCurve
from segwright.evaluate.report.templates import write_page
from segwright.pages.svg import Curve, curve_chart

_BLUE, _GREEN = "#2f6db5", "#00876a"
_DEFINED = {
    "law": LAW + " (Hestness et al. 2017, as score instead of error)",
    "interval": "90 %, from a bootstrap over runs: the runs' differences to the law are drawn again and put on it, and "
    "the law is fitted again, 2000 times",
    "forecast": "the law's value beyond the largest size minus its value there",
    "no forecast": "sizes or runs are too few, a larger size scores surely less, the score does not surely rise, or "
    "the interval of the gain is wider than all the rise that was measured",
}


def write_budget_page(path: Path, curves: Mapping[str, LearningCurve], *, notes: Sequence[str] = ()) -> None:
    """Write the page of `curves`, of which the first is the one that was asked for."""
    main, *others = curves.values()
    content = {
        "title": f"What more labelled {main.unit} bring",
        "facts": [("score", main.score), ("runs", str(len(main.values))), ("sizes", str(len(main.rows)))],
        "main": _row(main),
        "rows": [_row(curve) for curve in curves.values()],
        "unit": main.unit,
        "more": main.more,
        "sizes": main.rows,
        "chart": _chart(main, _BLUE),
        "others": [{"name": curve.score, "chart": _chart(curve, _GREEN, small=True)} for curve in others],
        "notes": notes,
        "definitions": _DEFINED,
    }
    write_page(path, "budget_page.html.j2", content, "segwright.pages")


def _chart(curve: LearningCurve, colour: str, *, small: bool = False) -> str:
    law = curve.outcome.curve if isinstance(curve.outcome, Forecast) else ()
    end = float(curve.outcome.size) if isinstance(curve.outcome, Forecast) else None
    dots = [(float(size), value, f"{size} {curve.unit}: {value:.3f}") for size, value in curve.values]
    label = f"labelled {curve.unit}"
    return curve_chart(Curve(dots, law, end), colour, label, curve.score, small=small)


def _row(curve: LearningCurve) -> dict[str, Any]:
    outcome = curve.outcome
    if not isinstance(outcome, Forecast):
        return {"name": curve.score, "refusal": outcome}
    exponent = f"{outcome.law.exponent:.2f} ({outcome.exponent_interval[0]:.2f} to {outcome.exponent_interval[1]:.2f})"
    ceiling = f"{outcome.law.ceiling:.3f} ({outcome.ceiling_interval[0]:.3f} to {outcome.ceiling_interval[1]:.3f})"
    return {
        "name": curve.score,
        "refusal": None,
        "size": outcome.size,
        "score": outcome.score,
        "gain": outcome.gain,
        "low": outcome.gain_interval[0],
        "high": outcome.gain_interval[1],
        "exponent": exponent if outcome.exponent_identified else "not identified",
        "ceiling": ceiling if outcome.exponent_identified else "not identified",
        "spread": outcome.residual_std,
    }
