from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segwright.core import ConfigError, LabelMap
from segwright.line import AreaRule, area_rule, judge
from tests.infer.models import CLASSES

BOTH = ("scratch", "dent")
ids = hnp.arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 2, 255]))
parts = hnp.arrays(bool, (6, 7))


def labels(*rows: str) -> LabelMap:
    return LabelMap(np.array([[255 if sign == "?" else int(sign) for sign in row] for row in rows], np.uint8), CLASSES)


def test_judge__measures_the_part_and_not_the_frame():
    part = np.zeros((2, 10), bool)
    part[0] = True
    verdict = judge(labels("1000000000", "2222222222"), part, AreaRule(BOTH, 9.0))
    assert verdict.kind == "alert"
    assert verdict.part_px == 10
    assert verdict.percent == {"scratch": 10.0, "dent": 0.0}
    assert verdict.reasons == ("10.00 % of the part is defective, limit 9 % (scratch 10.00 %)",)


def test_judge__exactly_the_limit_is_fine():
    assert judge(labels("1000000000"), np.ones((1, 10), bool), AreaRule(BOTH, 10.0)).kind == "ok"


def test_judge__void_is_neither_part_nor_defect():
    verdict = judge(labels("?111", "0000", "0000", "0000"), np.ones((4, 4), bool), AreaRule(("scratch",), 19.9))
    assert (verdict.part_px, verdict.total_percent) == (15, 20.0)


def test_judge__a_class_may_have_its_own_limit():
    rule = AreaRule(BOTH, 50.0, {"dent": 5.0})
    verdict = judge(labels("1112000000"), np.ones((1, 10), bool), rule)
    assert verdict.reasons == ("dent covers 10.00 % of the part, limit 5 %",)


@pytest.mark.parametrize("text", ["0000", "????"])
def test_judge__no_part_is_a_verdict_of_its_own(text):
    part = np.full((1, 4), text == "????")
    verdict = judge(labels(text), part, AreaRule(BOTH))
    assert verdict.kind == "no_part"
    assert verdict.rejected
    assert verdict.total_percent is None
    assert "nothing could be measured" in verdict.reasons[0]


@given(ids, parts, st.floats(0, 100))
def test_judge__alerts_exactly_where_the_share_exceeds_the_limit(ids, part, limit):
    verdict = judge(LabelMap(ids, CLASSES), part, AreaRule(BOTH, limit))
    valid = part & (ids != 255)
    if valid.any():
        share = 100 * np.count_nonzero(np.isin(ids, (1, 2)) & valid) / np.count_nonzero(valid)
        assert verdict.total_percent == pytest.approx(share)
        assert verdict.kind == ("alert" if verdict.total_percent > limit else "ok")
        assert bool(verdict.reasons) == verdict.rejected
    else:
        assert verdict.kind == "no_part"


@given(ids, parts, st.integers(0, 5), st.integers(0, 6))
def test_judge__painting_a_pixel_void_is_the_same_as_taking_it_off_the_part(ids, part, row, column):
    voided, off = ids.copy(), part.copy()
    voided[row, column], off[row, column] = 255, False
    rule = AreaRule(BOTH)
    assert judge(LabelMap(voided, CLASSES), part, rule) == judge(LabelMap(ids, CLASSES), off, rule)


def test_area_rule__without_names_judges_every_class_but_the_background():
    assert area_rule(None, CLASSES) == AreaRule(BOTH, 2.0)
    settings = {"classes": ["dent"], "area_percent": 1.0, "per_class_percent": {"scratch": 0.5}, "part": "frame"}
    assert area_rule(settings, CLASSES) == AreaRule(("dent",), 1.0, {"scratch": 0.5})


def test_area_rule__refuses_an_unknown_class():
    with pytest.raises(ConfigError, match=r"do not name the defects[\s\S]*found:\s+rust"):
        area_rule({"per_class_percent": {"rust": 1.0}}, CLASSES)


def test_area_rule__refuses_impossible_limits_all_at_once():
    with pytest.raises(ConfigError, match=r"limit for area_percent[\s\S]*limit for dent"):
        AreaRule(BOTH, 101.0, {"dent": -1.0})
