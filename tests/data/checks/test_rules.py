"""What every rule keeps to: a code, a page, a case on which it fires and one on which it is silent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segwright.data.checks import RULES, SEVERITIES
from tests.data.checks.cases import CASES

HEADINGS = ["What it does", "Why is this bad?", "Example", "Use instead"]


def test_rules__each_have_their_cases() -> None:
    assert list(CASES) == list(RULES)


def test_rules__have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES.values()}) == len(RULES)


@pytest.mark.parametrize("code", RULES)
def test_rule__has_a_code_a_name_a_severity_and_a_page(code: str) -> None:
    rule = RULES[code]
    assert rule.code == code
    assert re.fullmatch(r"SEG\d{3}", code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
    assert rule.severity in SEVERITIES
    assert not rule.gate or rule.severity == "error"
    assert re.findall(r"^## (.*)$", rule.page, re.MULTILINE) == HEADINGS
    assert len(rule.summary) < 100


@pytest.mark.parametrize("code", RULES)
def test_rule__fires_and_says_where_what_and_what_next(code: str, tmp_path: Path) -> None:
    findings = list(RULES[code].judge(CASES[code][0](tmp_path)))
    assert findings
    for finding in findings:
        assert finding.place
        assert finding.what
        assert finding.fix
        assert finding.subject
        assert finding.found or finding.allowed


@pytest.mark.parametrize("code", RULES)
def test_rule__is_silent_on_a_clean_set(code: str, tmp_path: Path) -> None:
    assert [finding.what for finding in RULES[code].judge(CASES[code][1](tmp_path))] == []


@pytest.mark.parametrize("code", RULES)
def test_rule__finds_the_same_twice(code: str, tmp_path: Path) -> None:
    case = CASES[code][0](tmp_path)
    assert list(RULES[code].judge(case)) == list(RULES[code].judge(case))
