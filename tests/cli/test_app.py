"""The command itself: verbs, exit codes, errors as text and as JSON."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from segwright import __version__
from segwright.cli.app import GROUPS, VERBS, main
from segwright.core import ConfigError, DataError, GateFailed, Problem
from segwright.core.errors import SegwrightError


def exit_code(*words: str) -> int:
    with pytest.raises(SystemExit, match=r".*") as caught:
        main(list(words))
    return int(caught.value.code or 0)


def fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(verb: str | None):
        def application(given: list[str], *, standalone_mode: bool) -> None:
            raise error

        return application

    monkeypatch.setattr("segwright.cli.app.build", broken)


def test_main__help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--help") == 0
    said = capsys.readouterr().out
    for verb, line in VERBS.items():
        assert f"{verb} " in said
        assert line.split()[0] in said


def test_main__version(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    assert capsys.readouterr().out == f"segwright {__version__}\n"


def test_main__unknown_verb_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("trian") == 2
    said = capsys.readouterr().err
    assert "segwright: has no such verb" in said
    assert "did you mean 'train'?" in said


def test_main__a_group_lists_its_subverbs(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["data"], ["data", "--help"]):
        assert exit_code(*words) == 0
        said = capsys.readouterr().out
        assert [name for name in GROUPS["data"] if f"  {name} " not in said] == []
        assert "segwright data" in said or "data [OPTIONS] COMMAND" in said


def test_main__unknown_subverb_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("data", "stast", "frames") == 2
    said = capsys.readouterr().err
    assert "segwright data: has no such verb" in said
    assert "did you mean 'stats'?" in said
    assert exit_code("data", "frobnicate", "--json") == 2
    assert json.loads(capsys.readouterr().out)["problems"][0]["fix"] == "segwright data --help"


def test_main__a_subverb_that_is_called_wrongly_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("data", "stats") == 2
    fix = "segwright data stats --help"
    assert capsys.readouterr().err == f"segwright data stats: missing argument 'data'\n  fix:     {fix}\n"
    assert exit_code("data", "--jsno") == 2
    assert "segwright data: no such option: --jsno" in capsys.readouterr().err


def test_main__unknown_verb_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("frobnicate", "--json") == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["error"] == "ConfigError"
    assert answer["problems"][0]["found"] == "frobnicate"


@pytest.mark.parametrize(("kind", "code"), [(DataError, 2), (ConfigError, 2), (GateFailed, 1)])
def test_main__an_error_becomes_text_and_an_exit_code(
    kind: type[SegwrightError], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(kind(Problem("a.png", "is cut off"), Problem("b.png", "is cut off", fix="restore it")), monkeypatch)
    assert exit_code("train") == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "a.png: is cut off\nb.png: is cut off\n  fix:     restore it\n"


def test_main__an_error_as_json_holds_every_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(DataError(*(Problem(f"{number}.png", "is cut off") for number in range(30))), monkeypatch)
    assert exit_code("train", "--json") == 2
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert [json.loads(line)["event"] for line in said.err.splitlines()] == ["error"]
    assert answer["error"] == "DataError"
    assert len(answer["problems"]) == 30
    assert answer["problems"][0] == {"place": "0.png", "rule": "is cut off", "allowed": "", "found": "", "fix": ""}


def test_main__a_command_line_that_cannot_be_is_text_or_json_like_every_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert exit_code("split") == 2
    assert capsys.readouterr().err == "segwright split: missing argument 'data'\n  fix:     segwright split --help\n"
    assert exit_code("split", "x", "--sed", "1", "--json") == 2
    assert json.loads(capsys.readouterr().out)["problems"][0]["rule"].startswith("no such option: --sed")


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "x.yaml"), "that you may write"),
        (OSError(errno.ENOSPC, "No space left on device", "x.yaml"), "free space"),
    ],
)
def test_main__what_the_system_refuses_is_no_traceback(
    error: OSError, fix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(error, monkeypatch)
    assert exit_code("train") == 2
    said = capsys.readouterr().err
    assert said.startswith("x.yaml: cannot be")
    assert f"  found:   {error.strerror}" in said
    assert fix in said


def test_main__nothing_to_do_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code() == 0
    assert "Commands:" in capsys.readouterr().out


def test_main__a_missing_extra_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_torch(verb: str | None):
        raise ModuleNotFoundError("No module named 'torch'", name="torch.nn")

    monkeypatch.setattr("segwright.cli.app.build", without_torch)
    assert exit_code("train") == 2
    said = capsys.readouterr().err
    assert "segwright train: needs torch, which is not installed" in said
    assert "pip install 'segwright[train]'" in said


def test_main__a_bug_stays_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segwright.cli.app.build", lambda verb: lambda given, **_: __import__("segwright.no_such_room"))
    with pytest.raises(ModuleNotFoundError, match=r"segwright\.no_such_room"):
        main(["train"])


@pytest.mark.parametrize("words", [["--help"], ["data", "--help"], ["data", "stats", "--help"]], ids=" ".join)
def test_help__loads_no_heavy_library(words: list[str]) -> None:
    heavy = {"torch", "cv2", "yaml", "onnxruntime", "lightning", "segwright.data"}
    if len(words) == 1:
        heavy.add("pydantic")  # Typer loads it to read the options of the one command that is asked about
    code = (
        "import sys\n"
        "from segwright.cli.app import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', sorted({heavy!r} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


@pytest.mark.parametrize("verb", ["init", "train"])
def test_verbs__help_says_what_it_does(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(verb, "--help") == 0
    assert "--json" in capsys.readouterr().out


def test_train__without_a_project_file_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_code("train") == 2
    said = capsys.readouterr().err
    assert "segwright.yaml: does not exist" in said
    assert "segwright init" in said


def test_train__resume_takes_no_new_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_code("train", "--resume", "training.steps=5") == 2
    assert "takes no project file and no settings" in capsys.readouterr().err
    assert exit_code("train", "--resume") == 2
    assert "holds no run to resume" in capsys.readouterr().err
    assert exit_code("train", "--resume", "--run", "nowhere") == 2
    assert "nowhere: is not a run" in capsys.readouterr().err
