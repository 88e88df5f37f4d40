"""Ctrl-C while a command works: a real SIGINT to a real process, and what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segwright.train.checkpoint import LAST, load_state
from tests.contracts.repository import ROOT
from tests.journeys.command import done, segwright
from tests.train.tiny import write_project

STEPS = 400  # far more than are done before the interrupt comes
# Who starts tests in the background may ignore SIGINT, and a process inherits that.
HEEDED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def interrupted(folder: Path, seen: str, *words: str) -> tuple[int, list[str]]:
    """Exit code and notes of `segwright WORDS --json` in `folder`, interrupted once `seen` stands in an event."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", HEEDED, "-m", "segwright", *words, "--json"]
    notes: list[str] = []
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if seen in line:
                process.send_signal(signal.SIGINT)
                seen = "\n\n"  # in no line: once is enough
            event = json.loads(line) if line.startswith("{") else {"event": "note", "text": line}
            if event["event"] == "note":
                notes.append(event["text"])
    return process.returncode, notes


@pytest.mark.skipif(os.name == "nt", reason="signals of a terminal are others on Windows")
@pytest.mark.parametrize("together", [[], ["--devices", "2", "--strategy", "fsdp"]], ids=["alone", "in shards"])
def test_train__interrupted_keeps_its_checkpoint_and_says_how_to_go_on(tmp_path: Path, together: list[str]) -> None:
    write_project(tmp_path)
    settings = [f"training.steps={STEPS}", "training.validate_every=5"]
    code, notes = interrupted(tmp_path, '"training", "done": 8,', "train", *settings, *together)
    again = ["segwright", "train", "--resume", "--run", "runs/tiny", *together]
    assert code == 130
    assert notes[-1] == f"interrupted; {' '.join(again)} goes on"
    assert not any("Traceback" in note for note in notes)
    kept = load_state(tmp_path / "runs" / "tiny" / "checkpoints" / LAST)["step"]
    assert 5 <= kept < STEPS


@pytest.mark.parametrize(
    ("words", "work", "said"),
    [
        (
            ["train", "--folds", "split.file=folds.json"],
            "segwright.train.folds.train_folds",
            "and keeps what is finished",
        ),
        (["train", "--search", "3", "--run", "out"], "segwright.train.search.search", "with the trial it was in"),
        (["distill", "runs/big", "segwright.yaml"], "segwright.train.student.trained", "and keeps what is finished"),
    ],
    ids=["folds", "search", "distill"],
)
def test_long_work__interrupted_says_the_command_that_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    work: str,
    said: str,
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    write_project(tmp_path)
    (tmp_path / "runs" / "big").mkdir(parents=True)  # a teacher, which nobody comes to read
    (tmp_path / "runs" / "big" / "plan.yaml").touch()
    monkeypatch.chdir(tmp_path)
    done(segwright(capsys, "split", "segwright.yaml", "--by", "press", "--folds", "2", "--out", "folds.json"))
    monkeypatch.setattr(work, stop)
    answer = segwright(capsys, *words)
    assert answer.code == 130
    assert answer.payload is None
    note = json.loads(answer.errors.strip().splitlines()[-1])["text"]
    assert note.startswith(f"interrupted; segwright {' '.join(words[:2])}")
    assert note.endswith(said)
