"""Small panoptic frames, drawn by hand or by Hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from segwright.core import ClassSpec, ClassTable
from segwright.evaluate.panoptic import PanopticFrame, Segment

CLASSES = ClassTable(
    (ClassSpec(1, "road"), ClassSpec(2, "sky"), ClassSpec(5, "car", "thing"), ClassSpec(9, "dog", "thing"))
)


def frame(
    rows, segments: dict[int, int | Segment], stem: str = "frame", classes: ClassTable = CLASSES
) -> PanopticFrame:
    """`segments` are ids with a class id, or with a `Segment`."""
    named = {each: Segment(kind) if isinstance(kind, int) else kind for each, kind in segments.items()}
    return PanopticFrame(stem, np.array(rows, np.uint32), named, classes)


def random_frame(
    rng: np.random.Generator,
    ids: np.ndarray,
    *,
    stem: str = "frame",
    crowd: float = 0.0,
    classes: ClassTable = CLASSES,
) -> PanopticFrame:
    """Random classes for the segments of `ids`, named in a random order, a share of them crowds."""
    present = rng.permutation([each for each in np.unique(ids).tolist() if each])
    segments = {int(each): Segment(int(rng.choice(classes.ids)), bool(rng.random() < crowd)) for each in present}
    return PanopticFrame(stem, ids.astype(np.uint32), segments, classes)


def random_ids(rng: np.random.Generator, shape: tuple[int, int], *, void: bool = True) -> np.ndarray:
    """Blocks of at most 7 segments, whose ids are large and far apart, and of void."""
    side = int(rng.integers(1, 4))
    coarse = rng.integers(0 if void else 1, 8, (shape[0] // side + 1, shape[1] // side + 1))
    names = np.concatenate([[0], rng.choice(2**32 - 1, 7, replace=False) + 1])
    return names[np.kron(coarse, np.ones((side, side), int))][: shape[0], : shape[1]]


@st.composite
def frame_pairs(draw: st.DrawFn, *, void: bool = True, crowd: float = 0.2, stem: str = "frame"):
    """(prediction, truth) of one size, 1 to 9 px a side; the prediction is the truth with changes, or another frame."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = random_frame(rng, random_ids(rng, shape, void=void), stem=stem, crowd=crowd)
    other = random_frame(rng, random_ids(rng, shape, void=void), stem=stem, crowd=crowd)
    if draw(st.booleans()):
        return other, truth
    ids = np.where(rng.random(shape) < 0.8, truth.ids, other.ids)
    known = {**other.segments, **truth.segments}
    segments = {int(each): known[each] for each in rng.permutation([each for each in np.unique(ids).tolist() if each])}
    return PanopticFrame(stem, ids, segments, CLASSES), truth
