"""The plan's clock: how many steps, at which rates, what waits, and when the held-out frames are scored."""

from __future__ import annotations

import math
from difflib import get_close_matches

from segwright.core import ConfigError
from segwright.infer.tiles import TilePlan
from segwright.project.schema import Training
from segwright.train.hardware import Hardware
from segwright.train.objects.segment_planning import published_rate
from segwright.train.plan_inputs import PlanInputs, Reasons
from segwright.train.sampling_plan import SamplingPlan
from segwright.train.settings import OptimiserPlan, ValidationPlan

FREEZE_FROM_STEPS = 1500
FROZEN_STAGES = 3
MOST_ROUNDS, FEWEST_ROUNDS = 10, 2
VALIDATION_SHARE = 0.25  # of the training work
STEP_COST = 3  # forward passes: a backward pass costs about two
DECODER_RATE = 4e-3, "AdamW on a decoder that starts from random"
# On nuclei, 80 to 150 steps: at 0.004 maskrcnn learns to propose nothing, and all masks of solov2 become empty.
HOLD_RATE = 0.6, "the rate stays up for this share of the steps, then falls: more is learned than under one long cosine"
OBJECTS_RATE = 1e-3, "AdamW on heads that start from random; at a semantic decoder's 0.004 they learn to say nothing"
SELECTABLE_OBJECTS = ("mask_ap", "mask_ap50", "mask_ap75")
SELECTABLE_SEGMENTS = ("pq", "pq_things", "pq_stuff")
SELECTABLE = ("pooled_miou_foreground", "pooled_miou", "mean_image_miou")


def optimiser_plan(inputs: PlanInputs, sampling: SamplingPlan, pretrained: bool, reasons: Reasons) -> OptimiserPlan:
    """How long and how fast to learn, from which number format, and which encoder stages wait."""
    training, machine = inputs.project.training, inputs.hardware
    steps = _steps(inputs, sampling, reasons)
    usual = DECODER_RATE
    if inputs.objects is not None:
        usual = published_rate(inputs.project.model) or OBJECTS_RATE
    rate, encoder_rate = _rates(training, usual, pretrained, reasons)
    warmup = reasons.choose(
        "optimiser.warmup_steps", training.warmup_steps, max(10, steps // 20), "5 % of the steps, at least 10"
    )
    decay = reasons.choose(
        "optimiser.ema_decay", training.ema_decay, round(1 - 1 / max(10, steps / 20), 5), "averages the last 5 %"
    )
    reasons.texts["optimiser.stage_rate"] = "of the stage above: general features, deep in the encoder, move least"
    return OptimiserPlan(
        steps=steps,
        learning_rate=rate,
        encoder_learning_rate=encoder_rate,
        weight_decay=training.weight_decay,
        warmup_steps=warmup,
        clip_gradient=training.clip_gradient,
        ema_decay=decay,
        frozen_stages=_frozen(training.freeze, pretrained, steps, reasons),
        freeze_batch_norm=pretrained and sampling.batch < 8,
        precision=_precision(training.precision, machine, reasons),
        accelerator=machine.accelerator,
        seed=training.seed,
        compile=training.compile,
        hold_rate=reasons.choose("optimiser.hold_rate", training.hold_rate, *HOLD_RATE),
    )


def _steps(inputs: PlanInputs, sampling: SamplingPlan, reasons: Reasons) -> int:
    accelerator = inputs.hardware.accelerator
    frames = len(inputs.split.parts.get("train", ()))
    views = 40 if accelerator == "cpu" else 200
    wanted = views * frames * inputs.fingerprint.size_median.area_px / (sampling.batch * sampling.crop**2)
    low, high = (200, 3000) if accelerator == "cpu" else (2000, 40000)
    return reasons.choose(
        "optimiser.steps",
        inputs.project.training.steps,
        int(min(max(wanted, low), high)),
        f"each pixel of {frames} frames about {views} times, between {low} and {high} on a {accelerator}",
    )


def _rates(training: Training, usual: tuple[float, str], pretrained: bool, reasons: Reasons) -> tuple[float, float]:
    """The peak learning rates of the decoder and of the encoder."""
    rate = reasons.choose("optimiser.learning_rate", training.learning_rate, *usual)
    encoder_rate = reasons.choose(
        "optimiser.encoder_learning_rate",
        training.encoder_learning_rate,
        rate / 2 if pretrained else rate,
        "half the decoder's: keep pretrained features" if pretrained else "random as the decoder",
    )
    return rate, encoder_rate


def _frozen(wanted: str, pretrained: bool, steps: int, reasons: Reasons) -> int:
    """How many encoder stages wait. Freezing pays once there is time for a second phase after it.

    `FREEZE_FROM_STEPS` is a judgement, not a measurement: no run here varied freezing alone.
    """
    if wanted == "deep_first" or (wanted == "auto" and pretrained and steps >= FREEZE_FROM_STEPS):
        whose = "pretrained" if wanted == "auto" else "segwright.yaml says so"
        reasons.texts["optimiser.frozen_stages"] = (
            f"{whose}: decoder and the last two encoder stages first; the others learn once validation stalls"
        )
        return FROZEN_STAGES
    if not pretrained:
        why = "nothing to keep: the encoder starts from random"
    elif wanted == "auto":
        why = (
            f"fewer than {FREEZE_FROM_STEPS} steps: too short for a second phase, so every stage learns from the start"
        )
    else:
        why = "off"
    reasons.texts["optimiser.frozen_stages"] = why
    return 0


def _precision(wanted: str, machine: Hardware, reasons: Reasons) -> str:
    best = "bf16" if machine.bf16 else "fp16" if machine.fp16 else "fp32"
    why = f"the fastest number format this {machine.accelerator} has instructions for"
    return reasons.choose("optimiser.precision", wanted, best, why)


def validation_plan(
    inputs: PlanInputs, sampling: SamplingPlan, tiles: TilePlan, steps: int, reasons: Reasons
) -> ValidationPlan:
    """When the held-out frames are scored, and which score chooses the checkpoint.

    Raises:
        ConfigError: `training.select` names no score that can choose one.
    """
    training, classes = inputs.project.training, inputs.dataset.classes
    every = reasons.choose(
        "validation.every", training.validate_every, *_rounds(_round_cost_steps(inputs, sampling, tiles), steps)
    )
    score = "pooled_miou_foreground" if classes.background else "pooled_miou"
    why = "the mean IoU of what is looked for" if classes.background else "the mean IoU of all classes"
    selectable = SELECTABLE
    if inputs.project.task == "instance":
        score, why, selectable = "mask_ap", "average precision of masks, over IoU 0.5 to 0.95", SELECTABLE_OBJECTS
    if inputs.project.task == "panoptic":
        score, why, selectable = (
            "pq",
            "panoptic quality, the mean over all classes",
            SELECTABLE_SEGMENTS,
        )
    select = reasons.choose("validation.select", training.select, score, why)
    if select not in selectable:
        close = get_close_matches(select, selectable, n=1)
        raise ConfigError.of(
            "training.select",
            "is not a score that chooses a checkpoint",
            allowed=", ".join(selectable),
            found=select,
            fix=f"did you mean '{close[0]}'?" if close else "training.select=auto",
        )
    return ValidationPlan("validation", every, select, training.patience, boundary_px=3)


def _rounds(round_cost_steps: float, steps: int) -> tuple[int, str]:
    """Steps between validation rounds, and why, where scoring once costs as much as `round_cost_steps` steps."""
    tenth, half = math.ceil(steps / MOST_ROUNDS), math.ceil(steps / FEWEST_ROUNDS)
    affordable = math.ceil(round_cost_steps / VALIDATION_SHARE)
    cost = f"scoring once costs about {round_cost_steps:.3g} training steps"
    if affordable <= tenth:
        return tenth, f"ten rounds in a run: {cost}"
    if affordable <= half:
        return affordable, f"{cost}: so rare that it stays near a quarter of the training work"
    return half, f"two rounds in a run, the fewest, though {cost}: more than a quarter of the training work"


def _round_cost_steps(inputs: PlanInputs, sampling: SamplingPlan, tiles: TilePlan) -> float:
    """What a validation round costs, in training steps; both are counted in pixels that go forward once."""
    size = inputs.fingerprint.size_median
    tiled_px = sum(box.area_px for box in tiles.boxes(size, inputs.needs.stride_px)) * tiles.views.cost
    step_px = STEP_COST * sampling.batch * sampling.crop**2
    return len(inputs.split.parts.get("validation", ())) * tiled_px / step_px
