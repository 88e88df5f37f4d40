"""From a project to a plan: nothing left to decide, a reason for every choice, and contradictions refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import timm
import torch
import yaml

from segwright.core import RGB, ArtefactError, ClassTable, ConfigError, DataError, Event, Note, Progress, Size
from segwright.data import (
    ClassFingerprint,
    fingerprint,
    make_split,
    open_dataset,
    open_with_settings,
    read_split,
    write_split,
)
from segwright.infer.crf import Crf
from segwright.infer.preprocess import IMAGENET_MEAN
from segwright.project import Project, read_project
from segwright.train import Plan, Run, open_run, plan_project, start_run
from segwright.train.hardware import Hardware
from segwright.train.plan import make_plan
from segwright.train.plan_inputs import PlanInputs
from segwright.train.plan_loss import by_rarity
from segwright.train.plan_schedule import FREEZE_FROM_STEPS
from segwright.train.run import read_plan, write_plan
from tests.train.conftest import Tiny
from tests.train.tiny import write_project

CPU = Hardware("cpu", bf16=True, fp16=False, cores=2)
GPU = Hardware("cuda", bf16=True, fp16=True, cores=16)


def inputs(tiny: Tiny, *overrides: str, machine: Hardware = CPU, **seen) -> PlanInputs:
    project = read_project(tiny.project, overrides)
    numbers = replace(fingerprint(tiny.dataset, tiny.split.parts["train"]), **seen)
    return PlanInputs(project, tiny.dataset, tiny.split, "split.json", numbers, machine)


AUTO = ("training.steps=auto", "training.batch=auto", "training.crop=auto", "training.learning_rate=auto",
        "training.validate_every=auto", "training.precision=auto")  # fmt: skip


def test_plan__survives_its_file(tiny: Tiny, tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.yaml", tiny.plan)
    assert read_plan(tmp_path / "plan.yaml") == tiny.plan
    assert Plan.from_json(yaml.safe_load((tmp_path / "plan.yaml").read_text(encoding="utf-8"))) == tiny.plan


def test_plan__keeps_the_frames_that_are_trained_on_and_reads_older_files(tiny: Tiny, tmp_path: Path) -> None:
    plan = make_plan(inputs(tiny))
    known = {tiny.dataset.image_hashes[stem] for stem in tiny.split.parts["train"]}
    assert set(plan.data.train_frames.split()) == known
    content = plan.to_json()
    del content["data"]["train_frames"]
    assert Plan.from_json(content).data.train_frames == ""


def test_plan__every_automatic_value_has_a_reason(tiny: Tiny) -> None:
    plan = make_plan(inputs(tiny, *AUTO))
    for setting in ("sampling.crop", "sampling.batch", "optimiser.steps", "optimiser.learning_rate", "weights",
                    "optimiser.frozen_stages", "optimiser.precision", "validation.every", "validation.select",
                    "tiles.tile", "tiles.overlap_px", "preprocessing", "sampling.class_shares"):  # fmt: skip
        assert plan.reasons[setting]
    assert plan.sampling.crop == 96
    assert plan.optimiser.precision == "bf16"
    assert plan.validation.select == "pooled_miou_foreground"


def test_plan__given_values_are_taken_and_said_to_be_given(tiny: Tiny) -> None:
    plan = make_plan(inputs(tiny, "training.steps=77"))
    assert plan.optimiser.steps == 77
    assert plan.reasons["optimiser.steps"] == "segwright.yaml says so"


def test_plan__a_gpu_takes_larger_crops_and_more_steps(tiny: Tiny) -> None:
    large = {"size_median": Size(2000, 3000), "size_max": Size(2000, 3000)}
    on_cpu, on_gpu = (make_plan(inputs(tiny, *AUTO, machine=machine, **large)) for machine in (CPU, GPU))
    assert (on_cpu.sampling.crop, on_gpu.sampling.crop) == (256, 512)
    assert on_gpu.optimiser.steps > on_cpu.optimiser.steps
    assert on_gpu.tiles.tile == Size(1024, 1024)


def test_plan__rare_classes_are_asked_for_more_often(tiny: Tiny) -> None:
    seen = {name: ClassFingerprint(pixels, 1, 1, None, None) for name, pixels in
            {"background": 10**6, "blob": 10_000, "line": 100}.items()}  # fmt: skip
    shares = make_plan(inputs(tiny, classes=seen)).sampling.class_shares
    assert set(shares) == {"blob", "line"}
    assert shares["line"] > 2 * shares["blob"]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)


def test_plan__class_weights_by_rarity_have_mean_one(tiny: Tiny) -> None:
    weights = make_plan(inputs(tiny, "loss.class_weights=inverse_sqrt")).loss.class_weights
    assert weights is not None
    assert sum(weights) / len(weights) == pytest.approx(1, abs=1e-3)
    assert weights[0] == min(weights)
    assert make_plan(inputs(tiny, "loss.class_weights={blob: 3}")).loss.class_weights == (1.0, 3.0, 1.0)


def test_plan__class_weights_are_automatic_only_where_no_class_is_the_background(tiny: Tiny) -> None:
    assert make_plan(inputs(tiny)).loss.class_weights is None
    given = inputs(tiny)
    equals = replace(given.dataset, classes=replace(given.dataset.classes, background=None))
    weights = make_plan(replace(given, dataset=equals)).loss.class_weights
    assert weights is not None
    assert weights[0] == min(weights)


def test_plan__a_scene_is_seen_from_nearer_and_farther_than_marks_on_a_background(tiny: Tiny) -> None:
    given = inputs(tiny)
    scene = replace(given, dataset=replace(given.dataset, classes=replace(given.dataset.classes, background=None)))
    marks, things = (make_plan(each).sampling.geometry.scale for each in (given, scene))
    assert things[0] < marks[0]
    assert make_plan(inputs(tiny, "training.augment.scale=[1, 1.5]")).sampling.geometry.scale == (1.0, 1.5)


def test_plan__a_class_without_a_pixel_does_not_rule_the_class_weights() -> None:
    assert by_rarity("inverse_sqrt", [100, 0, 100], [1, 0, 1]) == (1.0, 1.0, 1.0)
    rare, rarer = (by_rarity("inverse_sqrt", [10**8, few], [1, 1])[1] for few in (10**3, 1))
    assert rare == rarer == pytest.approx(2 / (1 + 1 / math.sqrt(1000)), rel=1e-3)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.crop=50", "does not fit the network"),
        ("training.select=pixel_accuracy", "is not a score that chooses a checkpoint"),
        ("training.select=pooled_iou", "did you mean 'pooled_miou'"),
    ],
)
def test_plan__settings_that_cannot_work_are_refused(tiny: Tiny, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_plan(inputs(tiny, override))


def test_plan__says_what_is_averaged_and_cleaned_and_refuses_to_clean_the_background(tiny: Tiny) -> None:
    views = ("inference.flips=[horizontal, vertical]", "inference.scales=[0.5, 1]")
    plan = make_plan(inputs(tiny, *views, "cleanup.crf={levels: 7}", "cleanup.largest_only=[blob]"))
    assert plan.tiles.flips == ("horizontal", "vertical")
    assert "4 mirrored and turned views at scales 0.5, 1, 5 times the work" in plan.reasons["tiles.views"]
    assert plan.cleanup.crf == Crf(levels=7)
    assert Plan.from_json(plan.to_json()) == plan
    assert make_plan(inputs(tiny)).cleanup.crf is None
    with pytest.raises(ConfigError, match="names classes it cannot clean"):
        make_plan(inputs(tiny, "cleanup.largest_only=[background]"))


def test_plan__says_layer_wise_rates_the_average_and_the_hardest_pixels(tiny: Tiny) -> None:
    plan = make_plan(inputs(tiny, "training.ema_decay=auto", "loss.cross_entropy={hardest: 0.25}"))
    assert plan.optimiser.stage_rate == 0.7
    assert plan.loss.options["cross_entropy"] == {"hardest": 0.25}
    for name in (
        "optimiser.stage_rate",
        "optimiser.encoder_learning_rate",
        "optimiser.ema_decay",
        "loss.cross_entropy",
    ):
        assert plan.reasons[name]
    content = plan.to_json()
    del content["optimiser"]["stage_rate"]
    assert Plan.from_json(content) == plan


def test_plan__one_crop_of_32_px_is_too_little_for_batch_norm(tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match="too small for batch norm"):
        make_plan(inputs(tiny, "training.crop=32", "training.batch=1"))


def test_plan__more_classes_than_a_byte_holds_are_refused(tiny: Tiny) -> None:
    many = ClassTable.of([f"class {number}" for number in range(256)], void_id=65535)
    with pytest.raises(ConfigError, match="are too many"):
        make_plan(replace(inputs(tiny), dataset=replace(tiny.dataset, classes=many)))


def test_plan__pretrained_starts_with_deep_stages_frozen_and_imagenet_s_numbers(tiny: Tiny) -> None:
    pretrained = ("model.weights=imagenet", "training.encoder_learning_rate=auto")
    plan = make_plan(inputs(tiny, *pretrained, f"training.steps={FREEZE_FROM_STEPS}"))
    assert plan.optimiser.frozen_stages == 3
    assert plan.optimiser.encoder_learning_rate < plan.optimiser.learning_rate
    assert plan.preprocessing.mean == (0.5, 0.5, 0.5)  # what timm says of this encoder's weights
    assert plan.reasons["preprocessing"] == "mean and std that timm says of the weights of imagenet"
    usual = make_plan(inputs(tiny, "model.weights=imagenet", "model.encoder=resnet34"))
    assert usual.preprocessing.mean == IMAGENET_MEAN
    short = make_plan(inputs(tiny, *pretrained, f"training.steps={FREEZE_FROM_STEPS - 1}"))
    assert short.optimiser.frozen_stages == 0
    assert "too short for a second phase" in short.reasons["optimiser.frozen_stages"]
    assert make_plan(inputs(tiny)).optimiser.frozen_stages == 0


@pytest.mark.parametrize("source", ["hf-hub:someone/parts@main", "timm:test_resnet.r160_in1k"])
def test_plan__a_published_name_is_no_path(tiny: Tiny, source: str) -> None:
    plan, _, _ = plan_project(read_project(tiny.project, [f"model.weights={source}"]), tiny.project.parent)
    assert plan.weights == source


def test_plan__a_file_that_is_not_there_is_refused_before_training(tiny: Tiny) -> None:
    with pytest.raises(ArtefactError, match=r"gone\.pt: does not exist"):
        make_plan(inputs(tiny, "model.weights=gone.pt"))


def test_plan__a_network_with_an_encoder_of_its_own_says_that_the_other_is_not_used(tiny: Tiny) -> None:
    project = read_project(tiny.project, ["model.network=espnet", "model.weights=auto", "training.crop=64"])
    plan, _, _ = plan_project(project, tiny.project.parent)
    assert plan.network.encoder == "its own"
    assert plan.weights is None
    assert "test_resnet is not used" in plan.reasons["network.encoder"]
    assert "timm has no weights for the encoder of espnet" in plan.reasons["weights"]


def test_plan__weights_of_an_earlier_run_bring_their_preprocessing(tiny: Tiny, finished: Run) -> None:
    plan = make_plan(inputs(tiny, f"model.weights={finished.path}"))
    assert plan.preprocessing == finished.plan.preprocessing
    assert str(finished.path) in plan.reasons["preprocessing"]


def test_plan__grey_frames_fill_three_bands(tiny: Tiny) -> None:
    plan = make_plan(inputs(tiny, bands=("grey",), mean=(0.4,), std=(0.2,)))
    assert plan.preprocessing.bands == RGB
    assert (plan.preprocessing.mean, plan.preprocessing.std) == ((0.4,) * 3, (0.2,) * 3)
    assert plan.network.bands == 3


def test_plan__other_bands_keep_their_names_and_float_pixels_their_values(tiny: Tiny) -> None:
    seen = {"bands": ("a", "b"), "mean": (0.1, 0.2), "std": (0.0, 0.3), "dtype": "float32", "scale": 0.5}
    plan = make_plan(inputs(tiny, **seen))
    assert plan.network.bands == 2
    assert plan.preprocessing.std == (1e-3, 0.3)
    assert plan.preprocessing.scale == 0.5
    assert plan.sampling.colour.share == 0


def test_plan__glare_on_float_frames_is_refused(tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match=r"training\.augment\.glare"):
        make_plan(inputs(tiny, "training.augment.glare=0.2", dtype="float32"))


def rounds(tiny: Tiny, *overrides: str, frames: int = 2, side: int = 72) -> tuple[int, str]:
    """Steps between validation rounds, and why, for that many square validation frames."""
    size = Size(side, side)
    given = inputs(tiny, "training.validate_every=auto", *overrides, size_median=size, size_max=size)
    parts = {**given.split.parts, "validation": tuple(str(number) for number in range(frames))}
    plan = make_plan(replace(given, split=replace(given.split, parts=parts)))
    return plan.validation.every, plan.reasons["validation.every"]


def test_plan__scoring_is_ten_rounds_where_it_is_cheap(tiny: Tiny) -> None:
    every, why = rounds(tiny, "training.steps=1000", "training.crop=64")
    assert every == 100
    assert why.startswith("ten rounds in a run")


def test_plan__scoring_takes_at_most_a_quarter_of_the_training_work(tiny: Tiny) -> None:
    # 30 frames of 128x128 px, whole in one tile; a step is 3 * 2 * 64 * 64 px: a round costs 20 steps.
    every, why = rounds(tiny, "training.steps=240", "training.crop=64", frames=30, side=128)
    assert every == 80
    assert "scoring once costs about 20 training steps" in why
    assert "a quarter of the training work" in why
    mirrored, _ = rounds(tiny, "training.steps=480", "training.crop=64", "inference.flips=true", frames=30, side=128)
    assert mirrored == 160


def test_plan__scoring_is_never_fewer_than_two_rounds(tiny: Tiny) -> None:
    every, why = rounds(tiny, "training.steps=51", "training.crop=64", frames=300, side=128)
    assert every == 26  # at step 26 and at the last
    assert why.startswith("two rounds in a run, the fewest")


def test_plan__overlapping_tiles_make_scoring_dearer(tiny: Tiny) -> None:
    tiles = ("training.steps=60000", "training.crop=64", "inference.tile=64")
    apart, lapped = (rounds(tiny, *tiles, f"inference.overlap_px={px}", frames=800, side=256)[0] for px in (0, 32))
    assert lapped == pytest.approx(apart * 49 / 16, rel=1e-3)  # 7x7 tiles instead of 4x4


def test_plan_project__an_unknown_encoder_is_refused_before_a_frame_is_read(tiny: Tiny) -> None:
    said: list[Event] = []
    project = read_project(tiny.project, ["model.encoder=resnet999"])
    with pytest.raises(ConfigError, match="is not an encoder segwright knows"):
        plan_project(project, tiny.project.parent, said.append)
    assert said == []


def test_plan_project__its_paths_hold_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_project(tmp_path / "here", per_line=1)
    stems = [frame.stem for frame in open_dataset(tmp_path / "here" / "frames").frames]
    rows = "\n".join(f"{stem},{stem[0]}" for stem in stems)
    (tmp_path / "here" / "frames.csv").write_text(f"image,press\n{rows}\n", encoding="utf-8")
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "here" / "weights.pt")
    monkeypatch.chdir(tmp_path / "here")
    project = read_project(path, ["data.columns_from=null", "data.columns_csv=frames.csv", "model.weights=weights.pt"])
    plan, dataset, _ = plan_project(project, Path())
    start_run(plan, tmp_path / "here" / "runs" / "x")
    monkeypatch.chdir(tmp_path)
    run = open_run(tmp_path / "here" / "runs" / "x")
    assert run.plan.weights == str(tmp_path / "here" / "weights.pt")
    assert run.dataset.content_hash == dataset.content_hash
    assert run.split.content_hash == plan.data.split_hash


def test_plan_project__the_range_of_quantised_weights_is_known_by_what_they_hold(tmp_path: Path) -> None:
    path = write_project(tmp_path, per_line=1)
    for name, state in (("renamed.pt", {"a.weight_q": torch.zeros(1)}), ("plain_u8.pt", {"a": torch.zeros(1)})):
        torch.save(state, tmp_path / name)
        plan, _, _ = plan_project(read_project(path, [f"model.weights={name}"]), tmp_path)
        assert (plan.preprocessing.mean == (0.5,) * 3) is (name == "renamed.pt")


def test_plan_project__a_class_no_training_frame_has_is_said(tmp_path: Path) -> None:
    said: list[Event] = []
    path = write_project(tmp_path, per_line=1)
    _without_lines(tmp_path / "frames" / "masks")
    plan_project(_resplit(path), tmp_path, said.append)
    notes = [event for event in said if isinstance(event, Note) and event.stage != "lint"]
    assert [note.level for note in notes] == ["warning"]
    assert "no training frame has a pixel of 'line'" in notes[0].text


def test_plan_project__nothing_but_background_cannot_be_learned(tmp_path: Path) -> None:
    path = write_project(tmp_path, per_line=1)
    _without_lines(tmp_path / "frames" / "masks", keep=())
    with pytest.raises(DataError, match="has nothing to learn in its training frames") as caught:
        plan_project(_resplit(path), tmp_path)
    assert "blob 0 px" in caught.value.problems[0].found


def _without_lines(masks: Path, keep: tuple[int, ...] = (1,)) -> None:
    for path in masks.glob("*.png"):
        ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), np.where(np.isin(ids, (0, 255, *keep)), ids, 0).astype(np.uint8))


def _resplit(path: Path) -> Project:
    """The project with its split made again: the masks have changed."""
    project = read_project(path)
    dataset = open_with_settings(project.data.root, project.data, project.classes.table(), path.parent)
    fractions = {"train": 0.5, "validation": 0.25, "calibration": 0.25}
    write_split(path.parent / "split.json", make_split(dataset, by="press", fractions=fractions))
    return project


def test_plan_project__damage_in_every_part_is_told_at_once(tmp_path: Path) -> None:
    path = write_project(tmp_path, per_line=1)
    images, said = tmp_path / "frames" / "images", []
    for line in "acd":  # train, validation, calibration
        (images / f"{line}_00.png").write_bytes(b"damaged")
    with pytest.raises(DataError, match="not an image") as caught:
        plan_project(read_project(path), tmp_path, said.append)
    assert [Path(problem.place).name for problem in caught.value.problems] == ["a_00.png", "c_00.png", "d_00.png"]
    read = [event.done for event in said if isinstance(event, Progress) and event.unit == "frames" and event.done]
    assert read == [1, 2, 3, 4]  # the gate rules read every part before any is measured


def test_plan_project__frames_that_are_void_all_over_are_said(tmp_path: Path) -> None:
    said: list[Event] = []
    path = write_project(tmp_path)
    for stem in ("a_00", "c_00"):
        cv2.imwrite(str(tmp_path / "frames" / "masks" / f"{stem}.png"), np.full((72, 72), 255, np.uint8))
    plan_project(read_project(path), tmp_path, said.append)
    texts = [event.text for event in said if isinstance(event, Note) and event.stage != "lint"]
    assert texts == [f"1 frames are void all over and teach nothing: {stem}" for stem in ("a_00", "c_00")]


def test_plan_project__a_split_by_another_column_than_the_project_names_is_refused(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    with pytest.raises(DataError, match=r"was made by another column than `split\.by` names") as caught:
        plan_project(read_project(project, ["split.by=session"]), project.parent)
    assert (caught.value.problems[0].allowed, caught.value.problems[0].found) == ("session", "press")


def test_plan_project__a_split_without_a_part_is_refused(tmp_path: Path) -> None:
    path = write_project(tmp_path, per_line=1)
    split = read_split(tmp_path / "split.json")
    parts = {**split.parts, "train": split.parts["train"] + split.parts["validation"], "validation": ()}
    write_split(tmp_path / "split.json", replace(split, parts=parts))
    with pytest.raises(DataError, match="has no frames in the part 'validation'"):
        plan_project(read_project(path), tmp_path)


def test_open_run__says_what_is_no_run_and_what_is_of_another_version(tmp_path: Path, tiny: Tiny) -> None:
    with pytest.raises(ArtefactError, match="is not a run"):
        open_run(tmp_path)
    (tmp_path / "plan.yaml").write_text("schema_version: 99\n", encoding="utf-8")
    with pytest.raises(ArtefactError, match="has another schema version"):
        open_run(tmp_path)
    (tmp_path / "plan.yaml").write_text("a: [1", encoding="utf-8")
    with pytest.raises(ArtefactError, match="is not YAML"):
        open_run(tmp_path)


def test_start_run__never_overwrites_a_run(tmp_path: Path, tiny: Tiny) -> None:
    start_run(tiny.plan, tmp_path / "x")
    with pytest.raises(ArtefactError, match="already holds a run"):
        start_run(tiny.plan, tmp_path / "x")


def test_plan__a_loss_of_several_terms_is_resolved_with_its_options_and_reasons(tiny: Tiny, tmp_path: Path) -> None:
    plan = make_plan(
        inputs(tiny, "loss.dice=0", "loss.lovasz=0.2", "loss.tversky={weight: 0.3, alpha: 0.4, classes: [line]}")
    )
    assert plan.loss.weights == {"cross_entropy": 0.5, "tversky": 0.3, "lovasz": 0.2}
    assert plan.loss.channels == (1, 2)
    assert plan.loss.options == {"tversky": {"alpha": 0.4, "channels": [2]}}
    assert plan.reasons["loss.tversky"] == "segwright.yaml says so: alpha, channels"
    assert "segwright.yaml says so" in plan.reasons["loss.weights"]
    write_plan(tmp_path / "plan.yaml", plan)
    assert read_plan(tmp_path / "plan.yaml") == plan


def test_plan__reads_the_loss_of_files_written_when_there_were_two_terms(tiny: Tiny) -> None:
    content = make_plan(inputs(tiny)).to_json()
    loss = make_plan(inputs(tiny)).loss
    content["loss"] = {"cross_entropy": 0.5, "dice": 0.5, "dice_channels": [1, 2], "class_weights": None}
    assert Plan.from_json(content).loss == loss
    content["loss"]["dice"] = 0
    assert Plan.from_json(content).loss.weights == {"cross_entropy": 0.5}


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("inverse", [1 / 600, 1 / 300, 1 / 100]),
        ("inverse_sqrt", [600**-0.5, 300**-0.5, 100**-0.5]),
        ("median", [4 / 600, 2 / 300, 1 / 100]),  # shares among the frames that have the class
        ("effective", [1 / (1 - 0.999**600), 1 / (1 - 0.999**300), 1 / (1 - 0.999**100)]),
    ],
)
def test_plan__class_weights_follow_their_formula(scheme: str, expected: list[float]) -> None:
    mean = sum(expected) / 3
    weights = by_rarity(scheme, [600, 300, 100], [4, 2, 1])
    assert weights == pytest.approx([value / mean for value in expected], abs=1e-4)
    assert by_rarity(scheme, [600, 0, 300, 100], [4, 0, 2, 1]) == (weights[0], 1.0, *weights[1:])


@pytest.mark.parametrize("scheme", ["inverse", "median", "effective"])
def test_plan__class_weights_say_by_what(tiny: Tiny, scheme: str) -> None:
    plan = make_plan(inputs(tiny, f"loss.class_weights={scheme}"))
    assert plan.loss.class_weights is not None
    assert "mean 1" in plan.reasons["loss.class_weights"]
