"""history.jsonl: whole rows in step order, also after a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwright.core import ArtefactError
from segwright.train.history import History

ROWS = [{"step": step, "kind": kind, "iou/Öl ": 0.5} for step in (1, 2, 3) for kind in ("train", "validation")]


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path / "run" / "history.jsonl")
    for row in ROWS:
        history.append(row)
    return history


def test_history__gives_back_what_was_appended(history: History) -> None:
    assert history.rows() == ROWS


def test_history__of_a_new_run_is_empty(tmp_path: Path) -> None:
    history = History(tmp_path / "run" / "history.jsonl")
    assert history.rows() == []
    history.rewind(0)
    assert history.rows() == []


def test_history__rewind_keeps_rows_up_to_the_step(history: History) -> None:
    history.rewind(2)
    assert history.rows() == ROWS[:4]
    history.append(ROWS[4])
    assert history.rows() == ROWS[:5]


@pytest.mark.parametrize("cut", range(1, 50))
def test_history__a_line_cut_off_anywhere_is_dropped(history: History, cut: int) -> None:
    """Also in the middle of a character: a class name may not be ASCII."""
    content = history.path.read_bytes()
    history.path.write_bytes(content[:-cut])
    whole = ROWS if cut == 1 else ROWS[:-1]  # without its line break the last row is still whole
    assert history.rows() == whole
    history.rewind(3)
    history.append({"step": 4})
    assert history.rows() == [*whole, {"step": 4}]


def test_history__a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(ArtefactError, match="could not be written"):
        History(tmp_path / "run" / "history.jsonl").append({"step": 1})
