"""A student and its teacher: what is heard where, what is refused, and the way from a run to a student's bundle."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from segwright.core import ArtefactError, ClassTable, ConfigError, DataError, Event, Note
from segwright.infer.bundle import read_bundle
from segwright.infer.preprocess import Preprocessing
from segwright.models import build_network
from segwright.project import read_project
from segwright.train import Run, open_run, plan_project, start_run
from segwright.train.distillation import UNLABELLED_CHANNEL, DistillObjective, Teacher
from segwright.train.objective import SemanticObjective
from segwright.train.plan_distill import distill_plan, weights_hash
from segwright.train.plan_inputs import Reasons
from segwright.train.settings import DistillPlan, LossPlan, Plan
from segwright.train.student import trained
from segwright.train.teaching import taught
from segwright.train.unlabelled import divided, unlabelled_frames
from tests.journeys.command import done, refused, segwright
from tests.models.query.tiny import MASK2FORMER
from tests.train.conftest import Tiny
from tests.train.tiny import write_frames

PLAN = DistillPlan("runs/x", "", 1.0, 1.0, 2.0, 0.0, 0.0, 3, "teach", None, 0.5)
LABELS = SemanticObjective.of(LossPlan({"cross_entropy": 1.0}, (0, 1), None))
SMALL = ["model.decoder_widths=[8, 8, 8, 8, 8]", "training.steps=6", "training.validate_every=6", "training.batch=4"]


class Pixelwise(nn.Module):
    """Logits are the frame's two bands themselves, so that a gradient by pixel is seen by eye."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.zeros(1, 2, 4, 4))

    def forward(self, frames: Tensor) -> Tensor:
        return frames + self.own


def gradient_rows(target: Tensor, plan: DistillPlan) -> list[bool]:
    """Whether each row of pixels has a gradient."""
    preprocessing = Preprocessing(("a", "b"), 1.0, (0.0, 0.0), (1.0, 1.0))
    flipped = Preprocessing(("a", "b"), 1.0, (3.0, 3.0), (1.0, 1.0))
    teacher = Teacher.of(Pixelwise(), flipped, preprocessing, torch.device("cpu"))
    teacher.network.own.data[:, 0] = 5.0  # type: ignore[union-attr, operator]
    student = Pixelwise()
    loss, terms = DistillObjective(LABELS, teacher, plan)(student, torch.zeros(1, 2, 4, 4), target, nullcontext)
    loss.backward()
    assert set(terms) == {"cross_entropy", "teacher_logits"}
    assert all(parameter.grad is None for parameter in teacher.network.parameters())
    assert student.own.grad is not None
    return student.own.grad.abs().sum((0, 1, 3)).gt(0).tolist()


def test_objective__the_teacher_speaks_at_void_unless_told_otherwise() -> None:
    target = torch.tensor([0, -1, UNLABELLED_CHANNEL, 1]).view(1, 4, 1).expand(1, 4, 4)
    assert gradient_rows(target, PLAN) == [True, True, True, True]
    assert gradient_rows(target, replace(PLAN, void="silent")) == [True, False, True, True]
    assert gradient_rows(target, replace(PLAN, logits=0.0)) == [True, False, False, True]
    assert gradient_rows(target, replace(PLAN, labels=0.0)) == [True, True, True, True]


def test_teacher__sees_the_crop_in_its_own_preprocessing() -> None:
    class Echo(nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            return frames

    own = Preprocessing(scale=1 / 100, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    students = Preprocessing(scale=1 / 255, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    pixels = torch.arange(3 * 2 * 2).view(1, 3, 2, 2).float()

    def fed(by: Preprocessing) -> Tensor:
        mean, std = (torch.tensor(row).view(1, 3, 1, 1) for row in (by.mean, by.std))
        return (pixels * by.scale - mean) / std

    found = Teacher.of(Echo(), own, students, torch.device("cpu"))(fed(students))
    torch.testing.assert_close(found, fed(own), atol=1e-5, rtol=1e-5)


def test_teacher__of_other_bands_is_refused() -> None:
    grey = Preprocessing(("grey",), 1.0, (0.0,), (1.0,))
    with pytest.raises(ConfigError, match=r"(?s)takes other bands.*red, green, blue.*grey"):
        Teacher.of(nn.Identity(), grey, Preprocessing(), torch.device("cpu"))


def test_divided__both_kinds_have_a_crop() -> None:
    assert divided(8, 0.5) == (range(4), range(4, 8))
    assert divided(2, 0.9) == (range(1), range(1, 2))
    assert divided(4, 0.01) == (range(3), range(3, 4))


def test_unlabelled__held_out_frames_are_left_out_and_counted(tiny: Tiny) -> None:
    said: list[Event] = []
    held_out = tiny.dataset.only(tiny.split.stems("validation")).image_hashes.values()
    images = tiny.dataset.root / "images"
    found = unlabelled_frames(images, tiny.plan.classes, set(held_out), said.append)
    assert {frame.stem for frame in found.frames} == {"a_00", "a_01", "b_00", "b_01", "d_00", "d_01"}
    assert [event.text for event in said if isinstance(event, Note)] == [
        "2 unlabelled frames are held-out ones and were left out; 6 are learned from"
    ]
    everything = set(tiny.dataset.image_hashes.values())
    with pytest.raises(DataError, match=r"(?s)no frame to learn from.*8 image files, 8 of them held-out"):
        unlabelled_frames(images, tiny.plan.classes, everything, said.append)


def test_plan__a_teacher_nobody_listens_to_is_refused(tiny: Tiny, finished: Run) -> None:
    settings = [f"training.distill_from={finished.path}", "distill.logits=0"]
    with pytest.raises(ConfigError, match=r"(?s)distill: has a teacher and listens to nothing.*distill.logits=1"):
        plan_project(read_project(tiny.project, settings), tiny.project.parent)


def test_plan__a_teacher_of_other_classes_is_refused(tiny: Tiny, finished: Run) -> None:
    project = read_project(tiny.project, [f"training.distill_from={finished.path}"])
    with pytest.raises(ConfigError, match=r"(?s)answers for other classes.*allowed: +0 sky.*found: .*blob"):
        distill_plan(project, ClassTable.of(["sky", "road"]), tiny.split.content_hash, Reasons())


def test_plan__a_run_without_weights_cannot_teach(tiny: Tiny, tmp_path: Path) -> None:
    start_run(tiny.plan, tmp_path / "new")
    project = read_project(tiny.project, [f"training.distill_from={tmp_path / 'new'}"])
    with pytest.raises(ArtefactError, match=r"(?s)best.safetensors: does not exist, so.*train --resume --run"):
        distill_plan(project, tiny.plan.classes, tiny.split.content_hash, Reasons())


def test_plan__a_teacher_that_has_not_finished_is_refused(tiny: Tiny, finished: Run, tmp_path: Path) -> None:
    shutil.copytree(finished.path, tmp_path / "halfway")
    (tmp_path / "halfway" / "evaluation.json").unlink()
    project = read_project(tiny.project, [f"training.distill_from={tmp_path / 'halfway'}"])
    with pytest.raises(ArtefactError, match=r"(?s)halfway: has not finished.*train --resume --run .*halfway"):
        distill_plan(project, tiny.plan.classes, tiny.split.content_hash, Reasons())


def test_plan__a_teacher_of_another_split_may_know_the_held_out_frames(tiny: Tiny, finished: Run) -> None:
    project = read_project(tiny.project, [f"training.distill_from={finished.path}"])
    with pytest.raises(ConfigError, match=r"(?s)trained by another split.*allowed: .*abcdef123456.*one for each"):
        distill_plan(project, tiny.plan.classes, "abcdef1234567890", Reasons())


def test_plan__objects_are_not_taught(tiny: Tiny, finished: Run) -> None:
    project = read_project(tiny.project, [f"training.distill_from={finished.path}"])
    project = project.model_copy(update={"task": "instance"})
    with pytest.raises(ConfigError, match=r"(?s)nothing of objects.*found: +task instance, taught by undisturbed"):
        distill_plan(project, tiny.plan.classes, tiny.split.content_hash, Reasons())


def test_plan__of_a_teacher_is_written_and_read_and_older_plans_have_none(tiny: Tiny) -> None:
    plan = replace(tiny.plan, distill=PLAN)
    assert Plan.from_json(plan.to_json()).distill == PLAN
    older = tiny.plan.to_json()
    del older["distill"], older["processes"], older["optimiser"]["compile"]
    assert Plan.from_json(older) == tiny.plan


def test_distill__a_student_comes_out_as_a_bundle_with_what_each_class_lost(
    tiny: Tiny, finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spare = write_frames(tmp_path / "spare", lines=("x", "y", "z"), per_line=1, side=80) / "images"
    run, bundle = tmp_path / "student", tmp_path / "student.bundle"
    words = [tiny.project, "--run", run, "--out", bundle, "--student", SMALL[0], *SMALL[1:]]
    settings = ["distill.features=0.5", f"distill.unlabelled={spare}"]
    answer = done(segwright(capsys, "distill", finished.path, *words, *settings, "--alone"))
    assert set(answer["scores"]) == {"teacher", "student", "alone"}
    assert answer["parameters"]["student"] < answer["parameters"]["teacher"]
    assert json.loads((run / "distillation.json").read_text(encoding="utf-8"))["classes"] == answer["classes"]
    assert set(answer["classes"]) == {"background", "blob", "line"}
    assert set(answer["classes"]["blob"]["student"]) == {"iou", "boundary_f@3"}
    page = (run / "distillation.html").read_text(encoding="utf-8")
    assert "Student against teacher" in page
    assert read_bundle(bundle).parity
    history = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"cross_entropy", "dice", "teacher_logits", "teacher_features"} <= set(history[0])
    plan = open_run(run).plan
    assert plan.distill is not None
    assert plan.distill.teacher == str(finished.path.resolve())
    other = read_project(tiny.project, [*SMALL, f"training.distill_from={finished.path}", "training.seed=1"])
    with pytest.raises(ArtefactError, match=r"(?s)made from something else.*optimiser.*another --run"):
        trained(other, tiny.project.parent, run)


def test_distill__what_cannot_be_is_said_before_anything_is_learned(
    tiny: Tiny, finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.bundle").mkdir()
    command = ["distill", finished.path, tiny.project, "--run", tmp_path / "student"]
    assert "nowhere: is not a run" in refused(segwright(capsys, "distill", "nowhere", "--student", "model.encoder=x"))
    said = refused(segwright(capsys, *command, "--student", "resnet18"))
    assert "--student: is no setting" in said
    assert "--student model.encoder=resnet18" in said
    assert "old.bundle: exists" in refused(segwright(capsys, *command, "--out", "old.bundle"))
    options = [f"model.options.{name}={value}" for name, value in MASK2FORMER.items()]
    of_queries = ["--student", "model.network=mask2former", *options]
    assert "learns from queries" in refused(segwright(capsys, *command, *of_queries))
    assert not (tmp_path / "student").exists()


def test_taught__a_student_that_is_not_smaller_is_told(tiny: Tiny, finished: Run) -> None:
    teacher = replace(PLAN, teacher=str(finished.path), teacher_hash=weights_hash(finished.path))
    plan = replace(tiny.plan, distill=teacher)
    heard: list[Event] = []
    labels = SemanticObjective.of(plan.loss)
    taught(plan, build_network(plan.network), torch.device("cpu"), labels, heard.append)
    (note,) = [event for event in heard if isinstance(event, Note)]
    assert note.level == "warning"
    assert "nothing is won by it; choose a smaller one, such as --student" in note.text
