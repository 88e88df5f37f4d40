"""Small label maps, drawn by hand or by Hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from segwright.core import ClassTable, LabelMap, Probabilities
from segwright.evaluate import FramePair

CLASSES = ClassTable.of(["background", "scratch", "dent"])
VOID = CLASSES.void_id


def labels(rows, classes: ClassTable = CLASSES, dtype=np.uint8) -> LabelMap:
    return LabelMap(np.array(rows, dtype=dtype), classes)


def pair(prediction, truth, stem: str = "frame", **columns: str) -> FramePair:
    return FramePair(stem, labels(prediction), labels(truth), columns)


def random_map(rng: np.random.Generator, shape: tuple[int, int], *, void: float = 0.0) -> np.ndarray:
    """Blocky regions, as masks have, with a share of void pixels."""
    coarse = rng.integers(0, len(CLASSES), (shape[0] // 3 + 1, shape[1] // 3 + 1))
    ids = np.kron(coarse, np.ones((3, 3), dtype=int))[: shape[0], : shape[1]].astype(np.uint8)
    ids[rng.random(shape) < 0.05] = rng.integers(0, len(CLASSES))
    ids[rng.random(shape) < void] = VOID
    return ids


@st.composite
def map_pairs(draw: st.DrawFn, *, void_truth: bool = True, void_prediction: bool = True):
    """(prediction, truth) id arrays of one size, 1 to 9 px a side."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = random_map(rng, shape, void=0.2 if void_truth else 0.0)
    near = np.where(rng.random(shape) < 0.8, truth, random_map(rng, shape))
    prediction = random_map(rng, shape) if draw(st.booleans()) else np.where(near == VOID, 0, near).astype(np.uint8)
    if void_prediction and draw(st.booleans()):
        prediction[rng.random(shape) < 0.1] = VOID
    return prediction, truth


def soft(ids: np.ndarray, rng: np.random.Generator, *, evidence: float, lean: float = 0.0) -> Probabilities:
    """Probabilities that favour the class in `ids` by `evidence`, and the background by `lean`, under unit noise."""
    logits = rng.normal(0, 1, (len(CLASSES), *ids.shape))
    for channel in range(len(CLASSES)):
        logits[channel][ids == channel] += evidence
    logits[0] += lean
    exponents = np.exp(logits - logits.max(axis=0))
    return Probabilities((exponents / exponents.sum(axis=0)).astype(np.float32), CLASSES)
