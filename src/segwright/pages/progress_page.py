"""A training as a page: losses, IoU of each class, time left, and how near it is to stopping early.

Everything comes from the run's files: history.jsonl, progress.json and plan.yaml. The page stands alone; one that is
served while training goes on asks for its contents again and again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segwright.evaluate.report.templates import rendered, write_page
from segwright.pages.lines import Points, colour_of, line_chart

TEMPLATE, CONTENTS = "progress_page.html.j2", "progress_contents.html.j2"
_NO_LOSS = ("step", "kind", "learning_rate", "waiting_share")
_DEFINED = {
    "time left": "to the last step, at the mean cost of a step and of a validation round so far; early stopping ends "
    "sooner",
    "rounds without a better score": "validation rounds since the best one; training stops when they reach the limit "
    "(training.patience)",
    "waiting": "share of the training time in which the network waited for crops: more training.workers help where it "
    "is large",
    "IoU": "on whole held-out frames at native size, of the averaged weights, by largest probability",
}


def write_progress_page(path: Path, run: Path) -> None:
    """Write how far the run in the folder `run` is, as a page at `path`."""
    write_page(path, TEMPLATE, {**progress_content(run), "live": False}, "segwright.pages")


def progress_html(run: Path, *, contents_only: bool = False) -> str:
    """The page of a training that goes on, or only what changes of it."""
    content = {**progress_content(run), "live": True}
    return rendered(CONTENTS if contents_only else TEMPLATE, content, "segwright.pages")


def progress_content(run: Path) -> dict[str, Any]:
    """What the templates show of the run in the folder `run`; a run that has measured nothing yet has empty charts."""
    rows, now = _rows(run / "history.jsonl"), _json(run / "progress.json")
    train = [row for row in rows if row["kind"] == "train"]
    validation = [row for row in rows if row["kind"] == "validation"]
    end = float(now.get("steps") or max([row["step"] for row in rows], default=1))
    select, best = now.get("select", "pooled_miou"), now.get("best_step")
    losses = _lines(train, [name for name in (train[-1] if train else {}) if name not in _NO_LOSS])
    ious = _lines(validation, [name for name in (validation[-1] if validation else {}) if name.startswith("iou/")])
    ious = {name.removeprefix("iou/"): points for name, points in ious.items()}
    scores = _lines(validation, [name for name in dict.fromkeys((select, "mean_image_miou")) if name])
    return {
        "title": f"Training {run.resolve().name}",
        "facts": [("state", now.get("state", "starting")), ("step", _of(now))],
        "now": {**_NOTHING, **now, "left": _duration(now.get("seconds_left")), "share": _share(now)},
        "losses": {"chart": line_chart(losses, "losses", x_end=end, low=0.0), "keys": _keys(losses)},
        "ious": {"chart": line_chart(ious, "IoU of each class", x_end=end, low=0.0, mark=best), "keys": _keys(ious)},
        "scores": {"chart": line_chart(scores, "scores", x_end=end, low=0.0, mark=best), "keys": _keys(scores)},
        "rates": line_chart(_lines(train, ["learning_rate"]), "learning rate", x_end=end, low=0.0),
        "waits": line_chart(_lines(train, ["waiting_share"]), "waiting share", x_end=end, low=0.0),
        "classes": _classes(ious, best),
        "definitions": _DEFINED,
    }


_NOTHING = {
    "state": "starting", "loss": None, "best_score": None, "best_step": None, "stale_rounds": 0, "patience": None,
    "waiting_share": None, "select": "", "frozen_stages": 0,
}  # fmt: skip


def _classes(ious: Mapping[str, Points], best: int | None) -> list[dict[str, Any]]:
    """A row a class: IoU of the last round, of the round that is kept, and the change from the round before."""
    rows = []
    for index, (name, points) in enumerate(ious.items()):
        last = points[-1][1] if points else None
        before = points[-2][1] if len(points) > 1 else None
        change = None if last is None or before is None else last - before
        kept = next((value for step, value in points if step == best), None)
        rows.append({"name": name, "colour": colour_of(index), "last": last, "kept": kept, "change": change})
    return rows


def _lines(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Name -> (step, value); where a value is missing, absent or no number, the line has no point."""
    return {
        name: [(row["step"], row[name]) for row in rows if isinstance(row.get(name), int | float)] for name in names
    }


def _keys(lines: Mapping[str, Points]) -> list[tuple[str, str, float | None]]:
    return [
        (name, colour_of(index), points[-1][1] if points else None)
        for index, (name, points) in enumerate(lines.items())
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    """The whole rows; a line that is being written is not there yet."""
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _of(now: Mapping[str, Any]) -> str:
    return f"{now['step']} of {now['steps']}" if now else "0"


def _share(now: Mapping[str, Any]) -> float:
    return now["step"] / now["steps"] if now else 0.0


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
