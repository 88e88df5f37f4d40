"""What `auto` means for task, network and encoder: the guide's table, then sizes that fit the memory at hand.

After nnU-Net (Isensee et al. 2021): the crop is as large as the data's and the memory allow, then the batch, then the
network gives way. A project that names its task, network, encoder and decoder gets the plan it always got.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from segwright.core import ClassTable, ConfigError
from segwright.data import Fingerprint
from segwright.models import NetworkSpec, build_network
from segwright.models.instance import NETWORKS as INSTANCE_NETWORKS
from segwright.models.query import QUERY_NETWORKS
from segwright.project.choice import Choice, Situation, choose, first_possible
from segwright.project.losses import Loss
from segwright.project.model import DECODER_WIDTHS, Model
from segwright.project.schema import Project
from segwright.train.memory import StepMemory, StepMeter, free_memory, gigabytes
from segwright.train.objects.facts import facts_for
from segwright.train.objects.segment_planning import SEGMENT_NETWORKS, smallest_of
from segwright.train.plan_inputs import PlanInputs, Reasons, input_needs, round_up
from segwright.train.plan_loss import loss_plan
from segwright.train.run import PLAN_FILE, read_plan
from segwright.train.weights import imagenet_at_hand

AUTO = "auto"
# task about objects -> networks that serve it, the first one where none of the table's is there
OF_OBJECTS = {"instance": (*INSTANCE_NETWORKS, *QUERY_NETWORKS), "panoptic": SEGMENT_NETWORKS}
# What a step really took over what the dry run says: 0.86 to 1.04 for U-Nets on resnet34 and mobilenetv2_100 at 2x128²
# to 8x256 px on a CPU (peak of the resident memory, torch 2.13); the rest is for what other networks do.
HEADROOM = 1.15
USUAL_BATCH, LEAST_BATCH = 8, 2
LEAST_CROP = 2  # of the network's strides
REGION_CONTEXT = 2.0  # sides of a region that a crop shows, so that what is beside it is seen too


@dataclass(frozen=True)
class Resolved:
    """The inputs with nothing left at `auto` that belongs here, and why."""

    inputs: PlanInputs
    reasons: dict[str, str]


def resolve_auto(inputs: PlanInputs) -> Resolved:
    """Decide task, network, encoder, decoder widths and, with them, crop and batch, where the project says `auto`.

    Raises:
        ConfigError: no network that suits exists, or nothing fits the memory.
    """
    project = inputs.project
    if AUTO not in (project.task, project.model.network, project.model.encoder, project.model.decoder_widths):
        return Resolved(inputs, {})
    situation = situation_of(inputs.dataset.classes, inputs.fingerprint, len(inputs.split.parts.get("train", ())))
    choice, reasons = choose(situation), dict[str, str]()
    project = _with_task(project, choice, reasons)
    if project.task in OF_OBJECTS:
        return _of_objects(inputs, project, choice, reasons)
    if choice.task != project.task:  # objects that this version cannot count, or was not asked to, are regions
        choice = choose(replace(situation, count=False))
    if inputs.project.task == AUTO:
        project = _with_loss(project, situation, reasons)
    project = _with_network(project, choice, reasons)
    return _sized(replace(inputs, project=project), choice, reasons)


def _of_objects(inputs: PlanInputs, project: Project, choice: Choice, reasons: dict[str, str]) -> Resolved:
    """The same for a task about objects: its network and encoder; crop and batch are the plan's usual ones."""
    model = project.model
    if model.network == AUTO:
        known = OF_OBJECTS[project.task]
        name, missing = first_possible(choice, lambda name: name in known)
        but = f"; {', '.join(missing)} would come first, but this version has no such network" if missing else ""
        reasons["network.network"] = f"{choice.need}: {'; '.join(choice.because)}{but}"
        model = model.model_copy(update={"network": name or known[0]})
    if model.encoder == AUTO:
        encoder, why = next(_encoders(model, choice))
        reasons["network.encoder"] = why
        model = model.model_copy(update={"encoder": encoder})
    facts = inputs.objects or facts_for(project.task, inputs.dataset, inputs.split.parts["train"])
    needs = input_needs(smallest_of(project.task, model.network, model.encoder, model.options))
    planned = project.model_copy(update={"model": model})
    return Resolved(replace(inputs, project=planned, objects=facts, needs=needs), reasons)


def situation_of(classes: ClassTable, seen: Fingerprint, frames: int) -> Situation:
    """What the guide's table asks for, from the class table and a fingerprint of `frames` training frames."""
    pixels = {name: row.pixels for name, row in seen.classes.items()}
    widths = {name: row.median_width_px for name, row in seen.classes.items()}
    return Situation.of(classes, frames, pixels, widths)


def trainable_tasks() -> tuple[str, ...]:
    """The tasks that segwright.yaml may name."""
    return tuple(name for name in get_args(Project.model_fields["task"].annotation) if name != AUTO)


def network_exists(name: str, encoder: str = "resnet18") -> bool:
    """Whether this version builds a network of that name for semantic segmentation."""
    import torch

    try:
        with torch.device("meta"):
            build_network(NetworkSpec(name, encoder, bands=3, channels=2))
    except ConfigError:
        return False
    return True


def _with_task(project: Project, choice: Choice, reasons: dict[str, str]) -> Project:
    if project.task != AUTO:
        return project
    why = f"{choice.need}: {'; '.join(choice.because)}"
    known = trainable_tasks()
    reasons["task"] = (
        why
        if choice.task in known
        else (
            f"{choice.task} would suit ({why}), but this version trains {', '.join(known)}: "
            "regions, whose connected parts can be counted"
        )
    )
    return project.model_copy(update={"task": choice.task if choice.task in known else "semantic"})


def _with_loss(project: Project, situation: Situation, reasons: dict[str, str]) -> Project:
    """Lovász beside the usual loss where the foreground is tiny and the project names no loss."""
    if "loss" in project.model_fields_set or not situation.tiny:
        return project
    share = situation.foreground_share or 0.0
    reasons["loss.weights"] = (
        f"half cross-entropy, half Dice, and half Lovász: with {share:.2%} foreground it follows the IoU itself"
    )
    return project.model_copy(update={"loss": Loss(lovasz=0.5)})


def _with_network(project: Project, choice: Choice, reasons: dict[str, str]) -> Project:
    model = project.model
    if model.network != AUTO:
        return project
    name, missing = first_possible(choice, network_exists)
    if name is None:
        raise ConfigError.of(
            "model.network", f"has none to choose from for the task {choice.task}", allowed="a network that exists",
            found=f"none of {', '.join(missing)}", fix="name one: model.network=NAME, or task=semantic",
        )  # fmt: skip
    but = f"; {', '.join(missing)} would come first, but this version has no such network" if missing else ""
    reasons["network.network"] = f"{choice.need}: {'; '.join(choice.because)}{but}"
    return project.model_copy(update={"model": model.model_copy(update={"network": name})})


def _sized(inputs: PlanInputs, choice: Choice, reasons: dict[str, str]) -> Resolved:
    """The first encoder, decoder, crop and batch that fit the memory, in that order of what is given up last."""
    free, project = free_memory(inputs.hardware), inputs.project
    room = math.inf if free is None else free / HEADROOM - _frame_cache(inputs)
    loss = loss_plan(inputs, Reasons())
    channels, bands = len(inputs.dataset.classes), max(3, len(inputs.fingerprint.bands))
    least: StepMemory | None = None
    for encoder, why in _encoders(project.model, choice):
        for widths in _widths(project.model):
            options = dict(project.model.options)
            meter = StepMeter(NetworkSpec(project.model.network, encoder, bands, channels, widths, options), loss)
            inputs = replace(inputs, needs=meter.needs)
            for crop, batch in _steps(inputs):
                need = meter(batch, crop)
                least = need if least is None or need.total < least.total else least
                if need.total <= room:
                    taken = (encoder, widths, crop, batch)
                    return _taken(inputs, taken, {**reasons, "network.encoder": why}, _memory_text(need, free))
    raise ConfigError.of(
        "model", "fits the memory with no encoder, crop and batch that were tried", allowed=f"up to {gigabytes(room)}",
        found=f"{gigabytes(least.total if least else 0)} for the smallest; {gigabytes(free or 0)} are free",
        fix="model.encoder=mobilenetv2_100 training.crop=64 training.batch=2, or free memory",
    )  # fmt: skip


def _taken(
    inputs: PlanInputs, taken: tuple[str, tuple[int, ...], int, int], reasons: dict[str, str], memory: str
) -> Resolved:
    encoder, widths, crop, batch = taken
    project, given = inputs.project, inputs.project.training
    model = project.model.model_copy(update={"encoder": encoder, "decoder_widths": widths})
    training = given.model_copy(update={"crop": crop, "batch": batch})
    if project.model.encoder != AUTO:
        reasons.pop("network.encoder")
    if project.model.decoder_widths == AUTO:
        usual = widths == DECODER_WIDTHS
        reasons["network.decoder_widths"] = f"{'the usual ones' if usual else 'halved'}: a step takes {memory}"
    if given.crop == AUTO:
        reasons["sampling.crop"] = _crop_text(inputs, crop, memory)
    if given.batch == AUTO:
        usual = batch == USUAL_BATCH
        why = "batch norm is steady" if usual else f"fewer than {USUAL_BATCH}: the memory"
        reasons["sampling.batch"] = f"{batch} crops ({why}): a step takes {memory}"
    return Resolved(replace(inputs, project=project.model_copy(update={"model": model, "training": training})), reasons)


def _memory_text(need: StepMemory, free: int | None) -> str:
    there = "nothing tells how much is free" if free is None else f"{gigabytes(free)} are free"
    return f"{need} (dry run on shapes alone, float32), and {there}"


def _crop_text(inputs: PlanInputs, crop: int, memory: str) -> str:
    usual, wanted, largest = _crops(inputs)
    if inputs.needs.fixed is not None:
        return f"the network reads frames of {inputs.needs.fixed} only; a step takes {memory}"
    if crop < min(wanted, largest):
        return f"{crop} px, the largest of those tried that fits: a step takes {memory}"
    if crop > usual:
        return f"{crop} px instead of {usual}: {REGION_CONTEXT:g} times the side of the largest class's median region"
    frame = inputs.fingerprint.size_median
    return (
        f"{usual} px on a {inputs.hardware.accelerator}, no more than the median frame ({frame}); a step takes {memory}"
    )


def _encoders(model: Model, choice: Choice) -> Iterator[tuple[str, str]]:
    """The encoder that is named; else those of the choice, pretrained ones first, in the choice's order."""
    if model.encoder != AUTO:
        yield model.encoder, "segwright.yaml says so"
        return
    if model.weights not in (AUTO, "imagenet", None):
        yield _encoder_of(model.weights), f"the one that the weights were made for: {model.weights}"
        return
    needed = f"for {choice.need}, {'; '.join(choice.because)}"
    later = []
    for name in choice.encoders:
        if model.weights == AUTO and not imagenet_at_hand(name):
            later.append(name)
            continue
        how = "ImageNet weights are at hand" if model.weights == AUTO else f"weights: {model.weights or 'random'}"
        yield name, f"{name} {needed}; {how}"
    for name in later:
        yield name, f"{name} {needed}; from random, as no candidate's ImageNet weights are cached or reachable"


def _encoder_of(weights: str) -> str:
    """The encoder of an earlier run; a file does not say what it was made for."""
    plan = Path(weights) / PLAN_FILE
    if plan.is_file():
        return read_plan(plan).network.encoder
    raise ConfigError.of(
        "model.encoder", "cannot be chosen for weights of a file", allowed="the encoder that the file was made for",
        found=f"auto, with {weights}", fix="name it: model.encoder=resnet34, or model.weights=auto",
    )  # fmt: skip


def _widths(model: Model) -> Iterator[tuple[int, ...]]:
    if model.decoder_widths != AUTO:
        yield model.decoder_widths
        return
    yield DECODER_WIDTHS
    yield tuple(max(16, width // 2) for width in DECODER_WIDTHS)


def _steps(inputs: PlanInputs) -> Iterator[tuple[int, int]]:
    """(crop, batch) from the wished-for ones down: first the batch is halved, then the crop."""
    training, needs = inputs.project.training, inputs.needs
    _, wanted, largest = _crops(inputs)
    crop = min(wanted, largest) if training.crop == AUTO else training.crop
    needs.require("training.crop", crop)
    while True:
        batch = USUAL_BATCH if training.batch == AUTO else training.batch
        yield crop, batch
        while training.batch == AUTO and batch > LEAST_BATCH:
            batch //= 2
            yield crop, batch
        least = LEAST_CROP * needs.step_px if needs.fixed is None else needs.fixed.height
        if training.crop != AUTO or crop <= least:
            return
        crop = max(least, round_up(crop // 2, needs.step_px))


def _crops(inputs: PlanInputs) -> tuple[int, int, int]:
    """The crop that is usual on this machine, the one the regions ask for, and the largest the frames allow, px.

    All are ones that the network reads.
    """
    seen, needs = inputs.fingerprint, inputs.needs
    if needs.fixed is not None:
        return needs.fixed.height, needs.fixed.height, needs.fixed.height
    usual = round_up(256 if inputs.hardware.accelerator == "cpu" else 512, needs.step_px)
    areas = [row.median_area_px for row in seen.classes.values() if row.median_area_px is not None]
    named = [
        seen.classes[spec.name].median_area_px or 0.0
        for spec in inputs.dataset.classes.foreground
        if spec.name in seen.classes
    ]
    side = math.sqrt(max(named or areas or [0.0]))
    largest = round_up(max(seen.size_median.height, seen.size_median.width), needs.step_px)
    return min(usual, largest), max(usual, round_up(round(REGION_CONTEXT * side), needs.step_px)), largest


def _frame_cache(inputs: PlanInputs) -> float:
    """Bytes that decoded frames will take beside the network: in the same memory only on a CPU."""
    if inputs.hardware.accelerator != "cpu":
        return 0.0
    seen = inputs.fingerprint
    bytes_a_pixel = len(seen.bands) * {"uint8": 1, "uint16": 2}.get(seen.dtype, 4) + 1
    decoded = float(seen.frames) * seen.size_median.area_px * bytes_a_pixel
    return min(decoded, inputs.project.training.cache_gb * 2**30)
