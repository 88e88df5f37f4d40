"""Bars for people, JSON lines for machines, and the answer alone on stdout."""

from __future__ import annotations

import json

import pytest

from segwright.cli.face import Face
from segwright.core import Measured, Note, Progress

EVENTS = (
    Progress("training", 1, 4, "steps", "loss 0.5"),
    Note("training", "dent [red]collapsed[/red]", "warning"),
    Measured("validation", 6, {"iou/dent": None, "pooled_miou": 0.5}),
)


def test_face__json_has_events_on_stderr_and_one_answer_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with Face(as_json=True) as face:
        for event in EVENTS:
            face.listener(event)
        face.say("not for machines")
        face.finish({"run": "runs/ä", "score": None}, "text")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"run": "runs/ä", "score": None}
    rows = [json.loads(line) for line in said.err.splitlines()]
    assert [row["event"] for row in rows] == ["progress", "note", "measured"]
    assert rows[0] == {
        "event": "progress", "stage": "training", "done": 1, "total": 4, "unit": "steps", "detail": "loss 0.5",
    }  # fmt: skip
    assert rows[2]["values"] == {"iou/dent": None, "pooled_miou": 0.5}


def test_face__people_get_text_on_stdout_and_notes_on_stderr_word_for_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Face(as_json=False) as face:
        for event in EVENTS:
            face.listener(event)
        face.say("plan: [runs]/x")
        face.finish({"run": "runs/x"}, "report: runs/x")
    said = capsys.readouterr()
    assert said.out == "plan: [runs]/x\nreport: runs/x\n"
    assert "training: dent [red]collapsed[/red]" in said.err


def test_face__an_empty_answer_prints_nothing_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    with Face(as_json=False) as face:
        face.finish({"run": "x"})
    assert capsys.readouterr().out == ""


def test_face__work_without_a_bar_leaves_stderr_empty(capsys: pytest.CaptureFixture[str]) -> None:
    with Face(as_json=False) as face:
        face.finish({}, "done")
    assert capsys.readouterr().err == ""
