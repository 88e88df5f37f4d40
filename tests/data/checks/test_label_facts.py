"""What is counted in one frame's labels equals what a plain labelling counts."""

from __future__ import annotations

from typing import cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from segwright.core import ClassTable, LabelMap
from segwright.data.checks.label_facts import SMALL_PX, look_at_labels

TABLE = ClassTable.of(["background", "scratch", "dent"])
IDS = arrays.arrays(
    np.uint8,
    st.tuples(st.integers(1, 14), st.integers(1, 14)),
    elements=st.sampled_from([0, 1, 1, 1, 2, 255]),
    fill=st.nothing(),
)


def _labelled(mask: np.ndarray, structure: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    return cast("tuple[np.ndarray, int]", ndimage.label(mask, structure))


def _enclosed_areas(painted: np.ndarray) -> list[int]:
    """The areas of 4-connected unpainted components that do not reach the frame's edge."""
    numbers, count = _labelled(np.pad(~painted, 1, constant_values=True))
    return [int((numbers == at).sum()) for at in range(1, count + 1) if at != numbers[0, 0]]


@given(IDS)
def test_look_at_labels__components_and_pinholes(ids: np.ndarray) -> None:
    facts = look_at_labels(LabelMap(ids, TABLE))
    assert facts.pixels == {int(value): int((ids == value).sum()) for value in np.unique(ids)}
    for class_id, found in facts.components.items():
        painted = ids == class_id
        numbers, count = _labelled(painted, np.ones((3, 3)))
        assert sorted(found.areas.tolist()) == sorted(np.bincount(numbers.ravel())[1:].tolist())
        assert found.specks.count == sum(int((numbers == at).sum()) <= SMALL_PX for at in range(1, count + 1))
        holes = [area for area in _enclosed_areas(painted) if area <= SMALL_PX]
        assert (found.pinholes.count, found.pinholes.area_px) == (len(holes), sum(holes))


@given(IDS)
def test_look_at_labels__what_stands_between_two_others(ids: np.ndarray) -> None:
    inside = np.zeros(ids.shape, bool)
    direct = 0
    for lines, marked in ((ids.astype(int), inside), (ids.T.astype(int), inside.T)):
        for row, line in enumerate(lines):
            for at in range(1, len(line) - 1):
                before, here, after = line[at - 1 : at + 2]
                if 255 in (before, here, after):
                    continue
                marked[row, at] |= min(before, after) < here < max(before, after)
                direct += here == after and abs(here - before) >= 2
    facts = look_at_labels(LabelMap(ids, TABLE))
    if len(facts.pixels) > 2:
        assert (facts.between.area_px, facts.direct) == (int(inside.sum()), direct)
