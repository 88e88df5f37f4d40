"""What a person or a machine sees of long work: progress bars on stderr, the answer on stdout."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from segwright.core import GateFailed, SegwrightError, events

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print the answer as JSON on stdout; events as JSON lines on stderr.")
]


class _Detail(ProgressColumn):
    """What the stage says of itself, else how many are done in a second. All columns fit in 80 characters."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if task.fields["detail"] or speed is None:
            return Text(task.fields["detail"])
        return Text(f"{speed:.{0 if speed >= 100 else 1}f} {task.fields['unit']}/s")


class Face:
    """Draws events while work runs and prints its answer at the end. Use as a context manager."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        self.err = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=8),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            _Detail(),
            console=self.err,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Face:
        # Libraries announce formats and devices at INFO; the plan already says both.
        logging.disable(logging.INFO)
        return self

    def __exit__(self, *exc: object) -> None:
        logging.disable(logging.NOTSET)
        self._stop()

    def listener(self, event: events.Event) -> None:
        """Show one event: a bar for people, a JSON line on stderr for machines."""
        if self.as_json:
            # in one piece: an interrupt between a line and its end would join it with the next
            sys.stderr.write(json.dumps(_event_row(event), ensure_ascii=False) + "\n")
            sys.stderr.flush()
        elif isinstance(event, events.Progress):
            self._draw(event)
        elif isinstance(event, events.Note):
            style = "yellow" if event.level == "warning" else "default"
            self._bars.console.print(f"{event.stage}: {event.text}", style=style, markup=False)

    def say(self, content: RenderableType) -> None:
        """Print text or a table for people; nothing with --json."""
        if not self.as_json:
            self.out.print(content, markup=False) if isinstance(content, str) else self.out.print(content)

    def finish(
        self, payload: Mapping[str, Any], content: RenderableType = "", *, gate: Callable[[], None] | None = None
    ) -> None:
        """Print the answer: `payload` with --json, else `content`; then fail where `gate` raises.

        With --json a failed gate is part of the one answer: `error` and `problems`, as every other error has.

        Raises:
            GateFailed: what `gate` raised; with --json `typer.Exit` with its exit code, as it has been said.
        """
        failed = None
        try:
            if gate is not None:
                gate()
        except GateFailed as error:
            failed = error
        self._stop()
        if self.as_json:
            said = {} if failed is None else error_row(failed)
            encoder = json.JSONEncoder(ensure_ascii=False, indent=1)
            sys.stdout.writelines(encoder.iterencode({**payload, **said}))  # the text of many frames is long
            print(flush=True)
        elif content:
            self.say(content)
        if failed is not None and self.as_json:
            print(json.dumps({"event": "error", "text": str(failed)}, ensure_ascii=False), file=sys.stderr)
            raise typer.Exit(failed.exit_code)
        if failed is not None:
            raise failed

    def _stop(self) -> None:
        """Take the bars down where they are up: rich ends them with a line break each time."""
        if self._bars.live.is_started:
            self._bars.stop()

    def _draw(self, event: events.Progress) -> None:
        self._bars.start()  # with the first bar: before it, rich would draw an empty line
        task = self._tasks.get(event.stage)
        if task is None:
            task = self._bars.add_task(event.stage, total=event.total, unit=event.unit, detail=event.detail)
            self._tasks[event.stage] = task
        self._bars.update(task, completed=event.done, total=event.total, detail=event.detail)


def error_row(error: SegwrightError) -> dict[str, Any]:
    """An error as plain values: its kind, and its problems with their four parts."""
    rows = [{name: getattr(problem, name) for name in problem.__dataclass_fields__} for problem in error.problems]
    return {"error": type(error).__name__, "problems": rows}


def _event_row(event: events.Event) -> dict[str, Any]:
    fields = {name: getattr(event, name) for name in event.__dataclass_fields__}
    if isinstance(event, events.Measured):
        fields["values"] = dict(event.values)
    return {"event": type(event).__name__.lower(), **fields}
