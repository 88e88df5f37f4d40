"""The power law and its forecast on drawn curves: the truth lies in the interval, or the reason is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ConfigError
from segwright.evaluate.learning_curve import (
    CurvePoint,
    Forecast,
    PowerLaw,
    Refusal,
    by_size,
    fit_power_law,
    forecast,
    learning_curves,
)

SIZES = [size for size in (25, 50, 100, 200) for _ in range(3)]


def drawn(law: PowerLaw, noise: float, seed: int, sizes: list[int] | None = None) -> list[float]:
    rng = np.random.default_rng(seed)
    return [law(size) + rng.normal(0, noise) for size in sizes or SIZES]


@given(st.floats(0.6, 0.95), st.floats(1.0, 4.0), st.floats(0.3, 1.0))
@settings(max_examples=25)
def test_fit__finds_a_law_without_noise(ceiling: float, gap: float, exponent: float) -> None:
    law = PowerLaw(ceiling, gap, exponent)
    found = fit_power_law(SIZES, drawn(law, 0, 0))
    # the exponent is one of a grid whose neighbours are 3 % apart
    assert found.exponent == pytest.approx(exponent, rel=0.03)
    assert found.ceiling == pytest.approx(ceiling, abs=0.02)
    assert found(300) == pytest.approx(law(300), abs=0.002)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=8))
@settings(max_examples=40)
def test_fit__stays_within_its_bounds(scores: list[float]) -> None:
    found = fit_power_law([10 * 2**at for at in range(len(scores))], scores)
    assert found.ceiling <= 1 + 1e-9
    assert found.gap >= 0


@pytest.mark.parametrize("law", [PowerLaw(0.8, 2.0, 0.6), PowerLaw(0.9, 1.5, 0.35)], ids=str)
def test_forecast__holds_the_true_gain_and_the_true_law_within_its_intervals(law: PowerLaw) -> None:
    gains, exponents = [], []
    for seed in range(20):
        found = forecast(SIZES, drawn(law, 0.01, seed))
        assert isinstance(found, Forecast)
        gains.append(found.gain_interval[0] <= law(300) - law(200) <= found.gain_interval[1])
        exponents.append(found.exponent_interval[0] <= law.exponent <= found.exponent_interval[1])
    # of 20 intervals of 90 %, 15 or more hold the truth in 99 of 100 cases
    assert sum(gains) >= 15
    assert sum(exponents) >= 15


def test_forecast__is_the_same_each_time_and_its_curve_goes_through_it() -> None:
    scores = drawn(PowerLaw(0.8, 2.0, 0.6), 0.01, 0)
    found = forecast(SIZES, scores)
    assert found == forecast(SIZES, scores)
    assert isinstance(found, Forecast)
    assert (found.size, found.curve[0][0], found.curve[-1][0]) == (200, 25, pytest.approx(300))
    assert found.curve[-1][1] - found.score == pytest.approx(found.gain)
    assert all(low <= high for _, _, low, high in found.curve)
    assert found.to_json()["identified"] is True


@pytest.mark.parametrize(
    ("sizes", "scores", "reason"),
    [
        ([25, 50, 100] * 3, [0.5, 0.6, 0.65] * 3, "too few points: 3 sizes"),
        ([25, 50, 100, 200], [0.5, 0.6, 0.65, 0.68], "too few points: 4 sizes and 4 runs"),
        (SIZES, drawn(PowerLaw(0.5, 0, 1), 0.02, 1), "does not surely rise"),
        (SIZES, [0.5, 0.51, 0.52, 0.7, 0.71, 0.72, 0.6, 0.61, 0.62, 0.75, 0.76, 0.77], "not monotone: 50 frames"),
    ],
)
def test_forecast__refuses_what_is_not_identified(sizes: list[int], scores: list[float], reason: str) -> None:
    found = forecast(sizes, scores)
    assert isinstance(found, Refusal)
    assert reason in found.reason
    assert found.fix
    assert found.to_json()["identified"] is False


def test_forecast__refuses_to_look_too_far() -> None:
    found = forecast(SIZES, drawn(PowerLaw(0.8, 2.0, 0.6), 0.005, 0), more=1000)
    assert isinstance(found, Refusal)
    assert "more than twice the 200" in found.reason
    assert found.fix == "--more 400, or fewer"


def test_forecast__refuses_an_interval_wider_than_the_rise() -> None:
    steep = [size for size in (100, 110, 120, 130) for _ in range(3)]
    found = forecast(steep, drawn(PowerLaw(0.9, 8.0, 0.6), 0.004, 4, steep), more=200)
    assert isinstance(found, Refusal)
    assert "is not identified" in found.reason or "surely rise" in found.reason


def test_by_size__means_and_spreads() -> None:
    rows = by_size([50, 25, 50], [0.6, 0.5, 0.8])
    assert [(row.size, row.runs, round(row.mean, 3)) for row in rows] == [(25, 1, 0.5), (50, 2, 0.7)]
    assert (rows[0].std, rows[1].std) == (None, pytest.approx(0.1414, abs=1e-3))
    assert (rows[1].lowest, rows[1].highest) == (0.6, 0.8)


def test_by_size__what_whole_groups_made_differ_a_little_is_one_size() -> None:
    rows = by_size([16, 6, 15, 30, 31, 6, 55], [0.4, 0.2, 0.5, 0.6, 0.7, 0.3, 0.8])
    assert [(row.size, row.runs) for row in rows] == [(6, 2), (16, 2), (30, 2), (55, 1)]
    assert [row.size for row in by_size([7, 8], [0.1, 0.2])] == [7, 8]


def test_forecast__groups_of_uneven_size_make_no_further_sizes_and_no_fall() -> None:
    three = forecast([39, 40, 41, 90, 91, 180, 178], [0.3, 0.31, 0.32, 0.5, 0.49, 0.6, 0.61])
    assert isinstance(three, Refusal)
    assert three.reason.startswith("too few points: 3 sizes and 7 runs")
    four = forecast([39, 40, 90, 91, 180, 178, 351, 351], [0.32, 0.3, 0.5, 0.49, 0.6, 0.595, 0.66, 0.65])
    assert not isinstance(four, Refusal) or "not monotone" not in four.reason


def points() -> list[CurvePoint]:
    scores = drawn(PowerLaw(0.8, 2.0, 0.6), 0.01, 0)
    return [
        CurvePoint(f"r{at}", size, size // 5, at % 3, {"pooled_miou": score, "scratch.iou": score, "dent.iou": None})
        for at, (size, score) in enumerate(zip(SIZES, scores, strict=True))
    ]


def test_learning_curves__of_the_score_and_of_each_class_that_has_one() -> None:
    curves = learning_curves(points(), more=50)
    assert list(curves) == ["pooled_miou", "scratch.iou"]
    assert curves["pooled_miou"].refusal is None
    grouped = learning_curves(points(), by_groups=True, more=10)["pooled_miou"]
    assert (grouped.unit, [row.size for row in grouped.rows]) == ("groups", [5, 10, 20, 40])


def test_learning_curves__refuse_a_score_that_no_run_has() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'scratch\.iou'"):
        learning_curves(points(), score="scrtch.iou")
    with pytest.raises(ConfigError, match="is no score of these runs"):
        learning_curves(points(), score="dent.iou")
