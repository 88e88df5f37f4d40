"""segwright train: what it is told on the command line."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from segwright.cli.verbs.train import train
from segwright.core import ArtefactError, ConfigError, SegwrightError
from segwright.train.run import read_plan


@pytest.mark.parametrize("words", [["camvid.yaml"], ["training.steps=5"]])
def test_train__a_resume_takes_no_other_words(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"(?s)takes no project file and no settings.*--run") as caught:
        train(words, resume=True)
    assert words[0] in str(caught.value)


def test_train__two_project_files_are_one_too_many() -> None:
    with pytest.raises(ConfigError, match=r"(?s)more than one project file.*a\.yaml, 300.*without spaces"):
        train(["a.yaml", "training.steps=", "300"])


@pytest.mark.parametrize(
    ("overrides", "split", "message"),
    [
        (["training.stepz=5"], None, "training.stepz: is not a known key"),
        (["data.root=elsewhere"], None, "elsewhere: is not a folder of frames"),
        ([], None, r"split\.json: does not exist"),
        ([], "{", r"split\.json: is not a split file"),
    ],
)
def test_train__what_is_wrong_with_the_project_is_told_before_torch_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: list[str], split: str | None, message: str
) -> None:
    path = tmp_path / "segwright.yaml"
    path.write_text("classes: {names: {a: 0, b: 1}}\ndata: {root: frames}\n", encoding="utf-8")
    (tmp_path / "frames").mkdir()
    if split is not None:
        (tmp_path / "split.json").write_text(split, encoding="utf-8")
    monkeypatch.setitem(sys.modules, "segwright.train", None)  # importing the room, and torch with it, fails
    with pytest.raises(SegwrightError, match=message):
        train([str(path), *overrides])


def test_train__an_interrupt_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    plan = SimpleNamespace(processes=SimpleNamespace(devices="auto"))
    run = SimpleNamespace(path=Path("runs/x"), dataset=None, split=None, plan=plan)
    monkeypatch.setattr("segwright.train.open_run", lambda path: run)
    monkeypatch.setattr("segwright.train.execute", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        train(run=Path("runs/x"), resume=True)
    assert "segwright train --resume --run runs/x goes on" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize("content", [{"schema_version": 1}, {"schema_version": 1, "sampling": 3, "loss": {}}])
def test_read_plan__a_damaged_plan_is_refused(tmp_path: Path, content: dict[str, object]) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ArtefactError, match=r"(?s)is not a whole plan.*a plan is not edited"):
        read_plan(path)


def test_train__a_taken_port_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"--port {port}: cannot be listened on"):
            train([str(tmp_path / "no-such.yaml")], live=True, port=port)
