"""Probabilities as a value."""

from __future__ import annotations

import numpy as np
import pytest

from segwright.core import ClassTable, Probabilities, Size

TABLE = ClassTable.of(["background", "scratch"])


def values() -> np.ndarray:
    scratch = np.array([[0.1, 0.7, 0.5]], np.float32)
    return np.stack([1 - scratch, scratch])


def test_probabilities__of_a_class_and_the_largest() -> None:
    probabilities = Probabilities(values(), TABLE)
    assert probabilities.size == Size(1, 3)
    assert np.array_equal(probabilities.of("scratch"), values()[1])
    assert np.allclose(probabilities.confidence, [[0.9, 0.7, 0.5]])


def test_probabilities__equal_by_value_and_read_only() -> None:
    probabilities = Probabilities(values(), TABLE)
    assert probabilities == Probabilities(values(), TABLE)
    assert probabilities != Probabilities(values()[::-1], TABLE)
    with pytest.raises(ValueError, match="read-only"):
        probabilities.values[0, 0, 0] = 1


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 2, 2), np.float32), r"\(2 channels, height, width\), got \(3, 2, 2\)"),
        (np.zeros((2, 2), np.float32), r"got \(2, 2\)"),
        (np.zeros((2, 2, 2), np.float64), "float32, got float64"),
    ],
)
def test_probabilities__refuses_other_arrays(array: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Probabilities(array, TABLE)
