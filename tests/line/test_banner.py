from __future__ import annotations

import numpy as np
import pytest

from segwright.core import ClassTable
from segwright.line.banner import COLOURS, banner
from segwright.line.rules import Verdict

CLASSES = ClassTable.of(["background", "scratch", "dent", "discoloration"])
DEFECTS = CLASSES.names[1:]
VERDICTS = [
    Verdict("ok", 100, dict.fromkeys(DEFECTS, 0), dict.fromkeys(DEFECTS, 0.0), 0.0),
    Verdict("alert", 100, dict.fromkeys(DEFECTS, 9), dict.fromkeys(DEFECTS, 100.0), 100.0),
    Verdict("no_part", 0, dict.fromkeys(DEFECTS, 0), {}, None),
]


@pytest.mark.parametrize("width", [24, 60, 100, 160, 320, 1200])
def test_banner__no_word_reaches_the_edge(width: int) -> None:
    for verdict in VERDICTS:
        strip = banner(verdict, CLASSES, width)
        ground = np.all(strip == COLOURS[verdict.kind], axis=2)
        assert ground[:, 0].all()
        assert ground[:, -1].all()
        assert ground[0].all()
        assert ground[-1].all()
        assert not ground.all()


def test_banner__is_as_wide_as_the_frame_wherever_a_word_fits() -> None:
    assert [banner(VERDICTS[0], CLASSES, width).shape[1] for width in (100, 320, 1200)] == [100, 320, 1200]
    assert banner(VERDICTS[0], CLASSES, 24).shape[1] > 24


@pytest.mark.parametrize("width", [60, 100, 320])
def test_banner__has_one_size_for_every_verdict(width: int) -> None:
    assert len({banner(verdict, CLASSES, width).shape for verdict in VERDICTS}) == 1


def test_banner__of_wide_frames_has_two_lines() -> None:
    assert banner(VERDICTS[1], CLASSES, 320 * 4).shape[0] == 2 * int(35 * 1.5)
