"""Starts several processes of one command on this machine, and ends all of them when one fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

POLL_SECONDS = 0.1
# A process that hears that it must end may be writing a checkpoint.
GRACE_SECONDS = 10.0


def launch(arguments: Sequence[str], count: int) -> int:
    """Run `segwright ARGUMENTS` in `count` processes that train together; the exit code of one that fails, or 0."""
    port = _free_port()
    started = [_start(arguments, rank, count, port) for rank in range(count)]
    with _passing_on_signals(started):
        code = _first_failure(started)
    _end(started)
    return code


def _start(arguments: Sequence[str], rank: int, count: int, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    # A group of their own: a terminal then sends its Ctrl-C to this process alone, which passes it on, as it does
    # where somebody else sends one to this process.
    group = None if os.name == "nt" else 0
    return subprocess.Popen([sys.executable, "-m", "segwright", *arguments], env=environment, process_group=group)


def _first_failure(started: Sequence[subprocess.Popen[bytes]]) -> int:
    """Wait until all have ended well (0) or one has not (its exit code)."""
    while True:
        codes = [process.poll() for process in started]
        failed = [code for code in codes if code]
        if failed:
            return failed[0] if failed[0] > 0 else 128 - failed[0]  # a signal, as a shell counts it
        if all(code == 0 for code in codes):
            return 0
        time.sleep(POLL_SECONDS)


def _end(started: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in started:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in started:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _passing_on_signals(started: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """While waiting: SIGTERM and Ctrl-C reach every process once, and the first says how to go on."""

    def passed_on(number: int, _: object) -> None:
        for process in started:
            if process.poll() is None:
                process.send_signal(number)

    before = {number: signal.signal(number, passed_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
