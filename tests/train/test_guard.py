"""Which round is best: a mean that rises over a collapsed class is not."""

from __future__ import annotations

import json

from segwright.train.guard import Guard, Verdict

Rounds = list[tuple[float | None, dict[str, float | None]]]


def judged(rounds: Rounds) -> tuple[Guard, list[Verdict]]:
    guard = Guard()
    return guard, [guard.judge(step, score, ious) for step, (score, ious) in enumerate(rounds, start=1)]


def test_guard__a_higher_score_is_best_and_an_equal_one_is_stale() -> None:
    guard, verdicts = judged([(0.4, {}), (0.5, {}), (0.5, {}), (0.45, {})])
    assert [verdict.best for verdict in verdicts] == [True, True, False, False]
    assert (guard.best_score, guard.best_step, guard.stale_rounds) == (0.5, 2, 2)


def test_guard__a_rising_mean_over_a_collapsed_class_is_not_best_and_is_said() -> None:
    guard, verdicts = judged(
        [
            (0.50, {"background": 0.90, "scratch": 0.40, "dent": 0.2}),
            (0.55, {"background": 0.98, "scratch": 0.10, "dent": 0.57}),
        ]
    )
    assert verdicts[1] == Verdict(best=False, collapsed=("scratch",))
    assert (guard.best_score, guard.best_step, guard.stale_rounds) == (0.50, 1, 1)


def test_guard__once_the_class_is_back_the_score_counts_again() -> None:
    collapsed, back = {"scratch": 0.1}, {"scratch": 0.25}
    _, verdicts = judged([(0.5, {"scratch": 0.4}), (0.6, collapsed), (0.55, back)])
    assert [verdict.best for verdict in verdicts] == [True, False, True]


def test_guard__a_class_that_was_never_worth_having_cannot_collapse() -> None:
    _, verdicts = judged([(0.4, {"dent": 0.05}), (0.5, {"dent": 0.0})])
    assert verdicts[1] == Verdict(best=True)


def test_guard__a_lower_score_is_not_blamed_on_a_class() -> None:
    _, verdicts = judged([(0.5, {"dent": 0.4}), (0.3, {"dent": 0.0})])
    assert verdicts[1] == Verdict(best=False)


def test_guard__an_absent_class_neither_collapses_nor_counts() -> None:
    _, verdicts = judged([(0.5, {"dent": 0.4}), (0.6, {"dent": None}), (0.7, {"dent": 0.1})])
    assert [verdict.best for verdict in verdicts] == [True, True, False]


def test_guard__the_first_round_is_best_even_without_a_score() -> None:
    _, verdicts = judged([(None, {"dent": None}), (None, {}), (0.1, {}), (None, {})])
    assert [verdict.best for verdict in verdicts] == [True, False, True, False]


def test_guard__goes_on_from_its_state_as_if_it_had_not_stopped() -> None:
    rounds: Rounds = [(0.5, {"a": 0.5}), (0.6, {"a": 0.2}), (0.7, {"a": 0.5}), (0.6, {"a": None}), (0.9, {"a": 0.1})]
    whole, verdicts = judged(rounds)
    part, first = judged(rounds[:2])
    resumed = Guard.from_state(json.loads(json.dumps(part.state())))
    rest = [resumed.judge(step, *row) for step, row in enumerate(rounds[2:], start=3)]
    assert first + rest == verdicts
    assert resumed == whole
