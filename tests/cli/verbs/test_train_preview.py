"""segwright train --preview: what it writes, and what it does not go with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.cli.verbs.train import train
from segwright.core import ConfigError
from tests.train.tiny import write_project


def test_preview__writes_a_sheet_and_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = write_project(tmp_path)
    train([str(project), "training.augment.copy_paste=0.5", "training.steps=4", str(tmp_path / "s.png")], preview=True,
          json=True)  # fmt: skip
    answer = json.loads(capsys.readouterr().out)
    assert answer["preview"] == str(tmp_path / "s.png")
    assert answer["crops"] == 8
    assert set(answer["classes"]) == {"background", "blob", "line"}
    assert (tmp_path / "s.png").stat().st_size > 1000
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["a.jpg"], {}, r"(?s)writes one page or one picture.*\.html or \.png.*a\.jpg"),
        (["a.png", "b.html"], {}, r"(?s)writes one page or one picture.*a\.png, b\.html"),
        ([], {"resume": True}, r"(?s)takes no option that says how.*--resume"),
        ([], {"run": Path("runs/x"), "plan_only": True}, r"(?s)--run, --plan"),
    ],
)
def test_preview__what_it_cannot_do_is_refused(words: list[str], options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        train(words, preview=True, **options)
