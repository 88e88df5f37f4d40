"""How far a training is, from the files of its run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.pages import write_progress_page
from segwright.pages.lines import line_chart
from segwright.pages.progress_page import _duration, progress_content

NOW = {
    "step": 60, "steps": 120, "state": "training", "seconds_left": 75.0, "loss": 0.5, "waiting_share": 0.02,
    "select": "pooled_miou", "patience": 4, "frozen_stages": 3, "best_score": 0.75, "best_step": 40, "stale_rounds": 2,
}  # fmt: skip


def run_with(folder: Path, lines: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "progress.json").write_text(json.dumps(NOW), encoding="utf-8")
    (folder / "history.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_content__reads_whole_rows_and_knows_the_round_that_is_kept(tmp_path: Path) -> None:
    rows = [
        {"step": 20, "kind": "train", "loss": 1.0, "dice": 0.5, "learning_rate": 0.1, "waiting_share": 0.0},
        {"step": 40, "kind": "validation", "pooled_miou": 0.75, "iou/dent": 0.5, "iou/scratch": None},
        {"step": 60, "kind": "validation", "pooled_miou": 0.7, "iou/dent": 0.25, "iou/scratch": 0.125},
    ]
    content = progress_content(run_with(tmp_path / "run", [*map(json.dumps, rows), '{"step": 80, "ki']))
    assert content["classes"] == [
        {"name": "dent", "colour": "#0072b2", "last": 0.25, "kept": 0.5, "change": -0.25},
        {"name": "scratch", "colour": "#d55e00", "last": 0.125, "kept": None, "change": None},
    ]
    assert content["now"]["left"] == "1 min 15 s"
    assert content["now"]["share"] == 0.5
    assert [name for name, _, _ in content["losses"]["keys"]] == ["loss", "dice"]


def test_page__says_time_left_patience_and_what_waits(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", ['{"step": 60, "kind": "train", "loss": 0.5}'])
    write_progress_page(tmp_path / "page.html", run)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for text in ("1 min 15 s", "of 120", "first 3 encoder stages wait", "of 4", "0.750", "2.00 %", "card near"):
        assert text in page
    assert "http" not in page.replace("http-equiv", "")  # nothing is fetched from anywhere


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0.4, "0 s"), (59.6, "1 min 00 s"), (3600.0, "1 h 00 min"), (86399, "23 h 59 min")],
)
def test_duration__is_said_with_two_units_at_most(seconds: float | None, said: str) -> None:
    assert _duration(seconds) == said


def test_line_chart__ends_of_the_axes_lie_at_the_ends_and_a_flat_line_is_drawn() -> None:
    drawn = line_chart({"a": [(0, 1.0), (100, 0.0)]}, "x", x_end=100, low=0.0)
    assert 'points="50.0,12.0 546.0,260.0"' in drawn
    assert "polyline" in line_chart({"flat": [(1, 0.0), (2, 0.0)]}, "x", x_end=2, low=0.0)
    assert "nothing measured yet" in line_chart({"none": []}, "x", x_end=1)
