"""A run's folder: two commands never share one, and one in which nothing was learned is given back, with care."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from segwright.core import ArtefactError
from segwright.train import Run, open_run, start_run
from segwright.train.run_folder import Wanted, claimed, given_back
from tests.journeys.command import refused, segwright
from tests.train.conftest import Tiny


def test_claimed__commands_that_start_at_once_get_a_folder_each(tmp_path: Path) -> None:
    together = Barrier(8)

    def claim(_: int) -> Path:
        together.wait()
        return claimed(tmp_path / "runs", "tiny")

    with ThreadPoolExecutor(8) as threads:
        folders = list(threads.map(claim, range(8)))
    assert {folder.name for folder in folders} == {"tiny", *(f"tiny-{number}" for number in range(2, 9))}
    assert all(folder.is_dir() for folder in folders)


def test_claimed__steps_over_whatever_has_the_name(tmp_path: Path) -> None:
    (tmp_path / "tiny").write_text("mine", encoding="utf-8")
    (tmp_path / "tiny-2").mkdir()
    assert Wanted(tmp_path, "tiny").taken() == tmp_path / "tiny-3"
    assert Wanted(tmp_path, "tiny", tmp_path / "named").taken() == tmp_path / "named"


def test_start_run__where_no_folder_can_be(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for folder in (tmp_path / "file", Wanted(tmp_path / "file", "tiny")):
        with pytest.raises(
            ArtefactError, match=r"(?s)file: cannot be the folder of a run.*segwright train --run FOLDER"
        ):
            start_run(tiny.plan, folder)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_start_run__weights_that_cannot_be_read_leave_no_folder(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"half a downlo")
    plan = replace(tiny.plan, weights=str(tmp_path / "weights.safetensors"))
    for folder in (tmp_path / "runs" / "named", Wanted(tmp_path / "runs", "tiny")):
        with pytest.raises(ArtefactError, match=r"weights\.safetensors"):
            start_run(plan, folder)
    assert not (tmp_path / "runs").exists()


def test_train_command__can_be_typed_again_once_its_weights_are_mended(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"half a downlo")
    command = ["train", str(tiny.project), "--plan", "--run", str(tmp_path / "run")]
    said = refused(segwright(capsys, *command, f"model.weights={tmp_path / 'weights.safetensors'}"))
    assert "weights.safetensors" in said
    assert not (tmp_path / "run").exists()
    assert segwright(capsys, *command).code == 0


def fail(run: Run, error: BaseException, *, made: bool = True, written: str | None = None) -> None:
    """Let a run end by `error`, after its plan was `written` anew."""
    with pytest.raises(type(error), match="gone"), given_back(run, made=made):
        _fail(run, error, written)


def _fail(run: Run, error: BaseException, written: str | None) -> None:
    if written is not None:
        (run.path / "plan.yaml").write_text(written, encoding="utf-8")
    raise error


def test_given_back__an_error_before_anything_was_learned(tiny: Tiny, tmp_path: Path) -> None:
    fail(start_run(tiny.plan, tmp_path / "run"), ArtefactError.of("x", "is gone", fix="mend it"))
    assert not (tmp_path / "run").exists()
    (tmp_path / "mine").mkdir()
    fail(start_run(tiny.plan, tmp_path / "mine"), RuntimeError("gone"), made=False)
    assert list((tmp_path / "mine").iterdir()) == []


def test_given_back__nothing_of_anybody_elses(tiny: Tiny, tmp_path: Path) -> None:
    """Files beside the plan, another plan, and a run that was stopped and can be gone on with."""
    beside, changed, stopped = (start_run(tiny.plan, tmp_path / name) for name in ("beside", "changed", "stopped"))
    (beside.path / "notes.txt").write_text("mine", encoding="utf-8")
    for run, error in ((beside, RuntimeError("gone")), (stopped, KeyboardInterrupt("gone"))):
        fail(run, error)
    fail(changed, RuntimeError("gone"), written="mine")
    for run in (beside, stopped):
        assert open_run(run.path).plan == tiny.plan
    assert (changed.path / "plan.yaml").read_text(encoding="utf-8") == "mine"
