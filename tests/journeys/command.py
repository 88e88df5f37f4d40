"""Runs the command line in this process and gives back what it answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segwright.cli.app import main


@dataclass(frozen=True)
class Answer:
    """Exit code, the JSON on stdout and the text on stderr."""

    code: int
    payload: Any
    errors: str


def segwright(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Answer:
    """`segwright WORDS --json`."""
    capsys.readouterr()
    with pytest.raises(SystemExit, match=r"^\d?") as caught:
        main([*(str(word) for word in words), "--json"])
    said = capsys.readouterr()
    return Answer(int(caught.value.code or 0), json.loads(said.out) if said.out.strip() else None, said.err)


def done(answer: Answer) -> Any:
    """The JSON of a command that ended well."""
    assert answer.code == 0, answer.errors
    return answer.payload


def refused(answer: Answer) -> str:
    """The message of a command that the user must change something for; JSON and text say the same."""
    assert answer.code == 2, answer
    problems = answer.payload["problems"]
    assert problems
    assert all(problem["place"] and problem["rule"] for problem in problems)
    assert "Traceback" not in answer.errors
    return answer.errors
