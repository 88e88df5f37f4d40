"""What long work says when somebody presses Ctrl-C, or a service manager stops it: how to go on."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from segwright.core import Note

if TYPE_CHECKING:
    from segwright.core import Listener


@contextmanager
def saying_how_to_go_on(listener: Listener, stage: str, command: list[str], note: str = "") -> Iterator[None]:
    """Within: an interrupt says the `command` that goes on with the work, and ends it all the same."""
    try:
        with _stopped_alike():
            yield
    except KeyboardInterrupt:
        listener(Note(stage, f"interrupted; {shlex.join(['segwright', *command])} goes on{note}"))
        raise


@contextmanager
def _stopped_alike() -> Iterator[None]:
    """Within: SIGTERM, as a queueing system or a service manager sends it, ends the work as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
