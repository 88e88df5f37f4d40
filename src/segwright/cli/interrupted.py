"""What long work says when somebody presses Ctrl-C: how to go on."""

from __future__ import annotations

import shlex
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
        yield
    except KeyboardInterrupt:
        listener(Note(stage, f"interrupted; {shlex.join(['segwright', *command])} goes on{note}"))
        raise
