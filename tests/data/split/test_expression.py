"""The language of --by: what each form gives, and errors that mark the place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ConfigError
from segwright.data.split.expression import NoTextError, parse_keys, require_known

ROW = {
    "line": "press-3", "session": "12", "camera": "cam07b", "time": "2024-05-01T13:20:05", "x-y.z": "q",
    "tile group": "t1", "sequence": "s9",
}  # fmt: skip


def _key(text: str, row: dict[str, str] = ROW) -> tuple[str, ...]:
    return tuple(term.text(row) for term in parse_keys(text))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("line", ("press-3",)),
        ("line,session", ("press-3", "12")),
        (" line , session ", ("press-3", "12")),
        ("time[:10]", ("2024-05-01",)),
        ("time[11:13]", ("13",)),
        ("time[-2:]", ("05",)),
        ("line[0]", ("p",)),
        ("line[-1]", ("3",)),
        (r"camera~(\d+)", ("07",)),
        (r"camera~\d+", ("07",)),
        (r"camera~'(\d+)b'", ("07",)),
        (r"camera~[a-z]{1,3}(\d+)", ("07",)),
        (r"camera~cam(\d),line", ("0", "press-3")),
        (r"(camera~(\d+))[1]", ("7",)),
        (r"time[:10]~(\d+)$", ("01",)),
        ("line + '/' + session", ("press-3/12",)),
        ("line+session", ("press-312",)),
        (r"camera~(\d+) + line", ("07press-3",)),
        ("x-y.z", ("q",)),
        ("`tile group`", ("t1",)),
        ("sequence if camera == 'cam07b' else session", ("s9",)),
        ("sequence if camera != 'cam07b' else session", ("12",)),
        ("sequence if camera[:3] == 'x' else line if session == '12' else time", ("press-3",)),
        ("(sequence if line == \"press-3\" else session) + 'a'", ("s9a",)),
    ],
)
def test_parse_keys__gives_the_text(text: str, key: tuple[str, ...]) -> None:
    assert _key(text) == key


def test_parse_keys__a_known_name_is_that_column_whatever_is_in_it() -> None:
    assert [term.text({"a,b if [": "v"}) for term in parse_keys("a,b if [", ["a,b if ["])] == ["v"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "lacks a column"),
        ("line,", "lacks a column"),
        ("line session", r"(?s)does not belong there.*found:   session after 'line '"),
        ("time[10", "slice that cannot be read"),
        ("time[]", "slice that cannot be read"),
        ("time[1:2:3]", "slice that cannot be read"),
        ("camera~(", "pattern that is no regular expression"),
        (r"camera~(\d)(b)", "pattern with more than one group"),
        ("camera~", "empty pattern"),
        ("line + 'x", "' that is not closed"),
        ("line if session else time", "== or != is missing"),
        ("line if session == '1'", "`if` without `else`"),
        ("(line", "open bracket"),
        ("if", "'if' where a column is expected"),
        ("__import__('os')", "does not belong there"),
        ("(" * 400 + "line" + ")" * 400, "nested too deeply"),
        ("line if line == line else " * 400 + "line", "nested too deeply"),
    ],
)
def test_parse_keys__refusals_mark_the_place(text: str, rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        parse_keys(text)


@pytest.mark.parametrize(
    ("text", "row", "why"),
    [
        ("line", {}, "no column 'line'"),
        ("line", {"line": ""}, "no column 'line'"),
        (r"line~(\d+)", {"line": "abc"}, "no .* in it"),
        ("line[5:]", {"line": "abc"}, "too short"),
        ("line if camera == 'A' else session", {"camera": "A"}, "no column 'line'"),
    ],
)
def test_term__says_why_a_frame_has_no_text(text: str, row: dict[str, str], why: str) -> None:
    with pytest.raises(NoTextError, match=why):
        _key(text, row)


def test_choice__does_not_ask_for_the_other_column() -> None:
    assert _key("line if camera == 'A' else session", {"camera": "A", "line": "1"}) == ("1",)


def test_require_known__names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"(?s)goes by a column that no frame has.*did you mean 'session'"):
        require_known(parse_keys("sesion[:2]"), ["line", "session"], "line, session")
    require_known(parse_keys("line if session == 'x' else line"), ["line", "session"], "")


@given(st.text(max_size=40))
def test_parse_keys__any_text_is_read_or_refused(text: str) -> None:
    try:
        terms = parse_keys(text)
    except ConfigError as error:
        fix = error.problems[0].fix
    else:
        fix = "none needed"
        assert terms
    assert fix


@given(st.dictionaries(st.sampled_from("abc"), st.text("xyz0", min_size=1, max_size=3), min_size=3), st.data())
def test_key__is_the_same_for_equal_columns_alone(row: dict[str, str], data: st.DataObject) -> None:
    other = data.draw(st.fixed_dictionaries({name: st.text("xyz0", min_size=1, max_size=3) for name in "abc"}))
    assert (_key("a,b,c", row) == _key("a,b,c", other)) == (row == other)
