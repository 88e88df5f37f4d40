"""Processes of one command on one machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from segwright.cli import launch


def test_launch__one_that_fails_ends_the_others_and_its_code_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first would sleep for ten minutes: this test returning at all is what it shows."""
    started: list[subprocess.Popen[bytes]] = []

    def start(_: object, rank: int, count: int, port: int) -> subprocess.Popen[bytes]:
        code = "import time; time.sleep(600)" if rank == 0 else "raise SystemExit(2)"
        started.append(subprocess.Popen([sys.executable, "-c", code]))
        return started[-1]

    monkeypatch.setattr(launch, "_start", start)
    assert launch.launch(["train"], 2) == 2
    assert [process.returncode for process in started] == [-15, 2]


def test_launch__arguments_reach_every_process_and_all_end_well(capfd: pytest.CaptureFixture[str]) -> None:
    assert launch.launch(["explain", "SEG004"], 2) == 0
    assert capfd.readouterr().out.count("SEG004") >= 2
