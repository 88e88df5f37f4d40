"""Runs command lines one after the other and sends each a signal after so many steps: `signal_driver.py COMMANDS`.

Imports once, then forks a child for each command line and reads its events. It is a process of its own: what imports
it for `driven` does not fork.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import NamedTuple

import segwright.train
import segwright.train.finish  # noqa: F401 - imported before the fork, once for all children
from segwright.cli.app import main
from tests.train.own_process import python


class Command(NamedTuple):
    """Words of a command line, and after how many steps and seconds more which signal ends it; 0: none."""

    words: list[str]
    steps: int = 0
    number: int = 0
    pause: float = 0.01


class Driven(NamedTuple):
    """How each command ended (exit code, or minus the signal) and what it said of itself; what all printed."""

    codes: list[int]
    said: list[str]
    printed: str


def driven(*commands: Command) -> Driven:
    """Run the commands in a process of its own."""
    done = python("tests.train.signal_driver", json.dumps(commands))
    assert done.returncode == 0, done.stderr
    codes, said = zip(*(json.loads(line) for line in done.stderr.splitlines()), strict=True)
    return Driven(list(codes), list(said), done.stdout)


def run(command: Command) -> tuple[int, str]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 2)
        main(command.words)
    os.close(writing)
    said, number = [], command.number
    with os.fdopen(reading) as lines:
        for line in lines:
            said.append(line)
            row = json.loads(line) if line.startswith("{") else {}
            if number and row.get("stage") == "training" and row.get("done", 0) >= command.steps:
                time.sleep(command.pause)
                os.kill(child, number)
                number = 0
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "".join(said)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts tests in the background may ignore it
    for words in json.loads(sys.argv[1]):
        sys.stderr.write(json.dumps(run(Command(*words))) + "\n")
