"""Four parts a message, all findings in one run, one tree."""

from __future__ import annotations

import pickle

import pytest

from segwright.core import (
    ArtefactError,
    ConfigError,
    DataError,
    DependencyMissing,
    GateFailed,
    Problem,
    SegwrightError,
    raise_collected,
)
from segwright.core.errors import MAX_PROBLEMS_SHOWN


def test_problem__text_has_four_parts_in_order() -> None:
    problem = Problem("masks/0412.png", "37 pixels have value 7", "0, 1, 2", "0, 1, 7", "import with --map 7=void")
    assert str(problem) == (
        "masks/0412.png: 37 pixels have value 7\n"
        "  allowed: 0, 1, 2\n"
        "  found:   0, 1, 7\n"
        "  fix:     import with --map 7=void"
    )


def test_problem__leaves_out_what_it_does_not_know() -> None:
    assert str(Problem("a.png", "is cut off", found="12 bytes")) == "a.png: is cut off\n  found:   12 bytes"


def test_error__shows_every_problem_up_to_a_cap_and_counts_the_rest() -> None:
    problems = [Problem(f"{number}.png", "is cut off") for number in range(MAX_PROBLEMS_SHOWN + 3)]
    error = DataError(*problems)
    assert error.problems == tuple(problems)
    lines = str(error).splitlines()
    assert lines[:2] == ["0.png: is cut off", "1.png: is cut off"]
    assert lines[-1] == f"... and 3 more problems of {MAX_PROBLEMS_SHOWN + 3}"
    assert len(lines) == MAX_PROBLEMS_SHOWN + 1


def test_error__carries_at_least_one_problem() -> None:
    with pytest.raises(ValueError, match="at least one Problem"):
        DataError()


@pytest.mark.parametrize("kind", [DataError, ConfigError, ArtefactError, DependencyMissing, GateFailed])
def test_error__of_is_an_instance_of_its_class(kind: type[SegwrightError]) -> None:
    error = kind.of("place", "rule", allowed="a", found="f", fix="x")
    assert type(error) is kind
    assert isinstance(error, SegwrightError)
    assert error.problems == (Problem("place", "rule", "a", "f", "x"),)
    assert error.exit_code == (1 if kind is GateFailed else 2)


def test_error__survives_the_way_to_another_process() -> None:
    error = DataError(Problem("a.png", "is cut off"), Problem("b.png", "is cut off", fix="restore it"))
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is DataError
    assert back.problems == error.problems
    assert str(back) == str(error)


def test_raise_collected__raises_all_or_nothing() -> None:
    raise_collected([])
    with pytest.raises(ConfigError, match="b: wrong") as caught:
        raise_collected((Problem(name, "wrong") for name in "ab"), ConfigError)
    assert [problem.place for problem in caught.value.problems] == ["a", "b"]
