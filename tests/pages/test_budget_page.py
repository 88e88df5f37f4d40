"""The page of a labelling budget: the gain first, or why there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from segwright.evaluate.learning_curve import learning_curves
from segwright.pages import write_budget_page
from tests.evaluate.learning_curve.test_forecast import points


def test_budget_page__says_the_gain_and_draws_each_class(tmp_path: Path) -> None:
    write_budget_page(tmp_path / "budget.html", learning_curves(points(), more=50), notes=["one run is missing"])
    text = (tmp_path / "budget.html").read_text(encoding="utf-8")
    assert "pooled_miou by 50 more frames" in text
    assert text.count("<svg") == 2
    assert "one run is missing" in text
    assert "http" not in text.partition("<body>")[2]


def test_budget_page__says_why_there_is_no_forecast(tmp_path: Path) -> None:
    few = [replace(point, frames=point.frames % 60 or 60) for point in points()[:6]]
    write_budget_page(tmp_path / "budget.html", learning_curves(few))
    text = (tmp_path / "budget.html").read_text(encoding="utf-8")
    assert "<b>No forecast.</b> Too few points" in text
    assert "--sizes 25,50,100,all" in text
