"""The plan's section on crops, from the project file and the frames' fingerprint."""

from __future__ import annotations

from segwright.core import ConfigError
from segwright.data import Fingerprint
from segwright.data.augment import ColourRanges, GeometryRanges
from segwright.data.augment.colour import BEST_JPEG
from segwright.project.training import Augment
from segwright.train.plan_inputs import PlanInputs, Reasons
from segwright.train.sampling_plan import MixPlan, SamplingPlan

# As rare as in nnU-Net (`nnUNetTrainer.get_training_transforms`: 0.2 for turns and scales, 0.1 to 0.3 for an effect
# on brightness): most crops are what the camera saw.
WARP_SHARE = 0.3, "the other crops keep the sensor's own sharpness"
COLOUR_SHARE = 0.2, "of the crops for each effect: with all effects together most crops have one or two"
# In the project file -> in `ColourRanges`: what needs a full scale, and so no float frames.
_OF_CAMERAS = ("glare", "shadow", "motion_blur_px", "sensor_noise", "banding", "hot_pixels")


def sampling_plan(inputs: PlanInputs, crop: int, batch: int, reasons: Reasons) -> SamplingPlan:
    """Where crops of `crop` px are cut and how they are varied, `batch` of them a step.

    Raises:
        ConfigError: settings that contradict each other or the frames.
    """
    training = inputs.project.training
    workers = reasons.choose(
        "sampling.workers", training.workers, max(1, min(8, inputs.hardware.cores)), f"{inputs.hardware.cores} cores"
    )
    shares = _class_shares(inputs, reasons)
    return SamplingPlan(
        crop=crop,
        batch=batch,
        rare_share=training.rare_crops,
        class_shares=shares,
        geometry=_geometry(inputs, reasons),
        colour=_colour(training.augment, inputs.fingerprint, reasons),
        workers=workers,
        cache_gb=training.cache_gb,
        rare_by=training.rare_by,
        hard_share=training.hard_crops,
        sides=_sides(inputs, crop),
        mix=_mix(inputs, shares, reasons),
    )


def _geometry(inputs: PlanInputs, reasons: Reasons) -> GeometryRanges:
    augment = inputs.project.training.augment
    vertical = reasons.choose(
        "sampling.flip_vertical", augment.flip_vertical, False, "off: only you know whether upside down can happen"
    )
    horizontal, quarters = augment.flip_horizontal, False
    if augment.valid_flips != "auto":
        horizontal, vertical, quarters = (
            flip in augment.valid_flips for flip in ("horizontal", "vertical", "quarter_turns")
        )
        reasons.texts["sampling.flip_vertical"] = "segwright.yaml says so"
    degrees = reasons.choose(
        "sampling.rotate_degrees", augment.rotate_degrees, 10.0, "10: a camera is never quite level"
    )
    return GeometryRanges(
        horizontal,
        vertical,
        degrees,
        _scale(inputs, reasons),
        warp_share=reasons.choose("sampling.warp_share", augment.warp_share, *WARP_SHARE),
        quarter_turns=quarters,
        shear_degrees=augment.shear_degrees,
        perspective=augment.perspective,
        elastic=augment.elastic,
        distortion=augment.distortion,
    )


def _scale(inputs: PlanInputs, reasons: Reasons) -> tuple[float, float]:
    """How far a crop is magnified: marks on a background keep their size, a scene's things come near and far."""
    given = inputs.project.training.augment.scale
    if inputs.dataset.classes.background is not None:
        why = "about a third more or less: marks on a background keep their size"
        return reasons.choose("sampling.scale", given, (0.75, 1.35), why)
    why = "down to half: a scene's things come near and far, and a crop then shows more of what is around them"
    return reasons.choose("sampling.scale", given, (0.5, 1.25), why)


def _sides(inputs: PlanInputs, crop: int) -> tuple[int, ...]:
    """The sides that batches may have: multiples of the network's stride, from two of them on.

    Raises:
        ConfigError: several are asked for of a network that reads one size.
    """
    scales, fixed, step = inputs.project.training.crop_scales, inputs.needs.fixed, inputs.needs.step_px
    if fixed is None:
        return tuple(sorted({max(2 * step, round(scale * crop / step) * step) for scale in scales}))
    if any(scale != 1 for scale in scales):
        raise ConfigError.of(
            "training.crop_scales",
            "asks for crops of several sizes, and the network reads one",
            allowed=f"none, or [1]: frames of {fixed}",
            found=", ".join(f"{scale:g}" for scale in scales),
            fix="leave training.crop_scales out, or choose another model.encoder",
        )
    return (crop,) if scales else ()


def _class_shares(inputs: PlanInputs, reasons: Reasons) -> dict[str, float]:
    """How often a class-centred crop is centred on each class: unless said, as one over the square root of its pixels.

    Large marks turn up in the other crops by themselves; the smallest are met only when a crop is centred on them.
    """
    classes, wish = inputs.dataset.classes, inputs.project.training.class_sampling
    wanted = classes.foreground if classes.background else tuple(classes)
    if inputs.project.task == "instance":
        wanted = tuple(spec for spec in wanted if spec.kind == "thing") or wanted  # only these have objects
    pixels = {spec.name: inputs.fingerprint.classes[spec.name].pixels for spec in wanted}
    if isinstance(wish, dict):
        reasons.texts["sampling.class_shares"] = "segwright.yaml says so"
        weights = {name: share for name, share in wish.items() if share > 0}
        _require_pixels(weights, inputs.fingerprint)
    elif wish == "uniform":
        reasons.texts["sampling.class_shares"] = "segwright.yaml says so: every class that has pixels alike"
        weights = {name: 1.0 for name, count in pixels.items() if count}
    else:
        reasons.texts["sampling.class_shares"] = "one over the square root of a class's pixels: rare classes more often"
        weights = {name: count**-0.5 for name, count in pixels.items() if count}
    return {name: round(weight / sum(weights.values()), 4) for name, weight in weights.items()}


def _require_pixels(weights: dict[str, float], fingerprint: Fingerprint) -> None:
    empty = [name for name in weights if not fingerprint.classes[name].pixels]
    if empty:
        there = [name for name, numbers in fingerprint.classes.items() if numbers.pixels]
        raise ConfigError.of(
            "training.class_sampling",
            "asks for crops of a class that no training frame shows",
            allowed=", ".join(there),
            found=", ".join(empty),
            fix="leave it out of training.class_sampling, or set its share to 0",
        )


def _colour(augment: Augment, fingerprint: Fingerprint, reasons: Reasons) -> ColourRanges:
    usual, cameras = ColourRanges(), {name: getattr(augment, name) for name in _OF_CAMERAS}
    if fingerprint.dtype == "float32":
        for name, value in cameras.items():
            if value > 0:
                raise ConfigError.of(
                    f"training.augment.{name}",
                    "has no meaning for float frames: it needs a full scale",
                    allowed="0",
                    found=f"{value:g}",
                    fix=f"training.augment.{name}=0, or store the frames with 8 or 16 bits",
                )
        reasons.texts["sampling.colour"] = "off: float pixels are measurements in the sensor's own unit, not brightness"
        return ColourRanges(share=0.0)
    names = ("gain", "gamma", "contrast", "channel_gain", "saturation", "light_gradient", "blur_px", "sharpen", "noise")
    strengths = {name: getattr(usual, name) * augment.colour for name in names}
    sensor = max(augment.motion_blur_px, augment.sensor_noise, augment.banding, augment.hot_pixels)
    if augment.colour == 0 and sensor == 0:
        return ColourRanges(share=0.0, glare=augment.glare, shadow=augment.shadow)
    # Without colour a file's quality stays what it is, too.
    quality = {"jpeg_quality": BEST_JPEG} if augment.colour == 0 else {}
    share = reasons.choose("sampling.colour_share", augment.colour_share, *COLOUR_SHARE)
    return ColourRanges(**strengths, **quality, **cameras, share=share)


def _mix(inputs: PlanInputs, shares: dict[str, float], reasons: Reasons) -> MixPlan:
    augment, classes = inputs.project.training.augment, inputs.dataset.classes
    pasted = shares if augment.copy_paste_classes == "auto" else augment.copy_paste_classes
    if classes.background in pasted:
        raise ConfigError.of(
            "training.augment.copy_paste_classes",
            "names the background: marks are put on it, it is no mark",
            allowed=", ".join(spec.name for spec in classes.foreground),
            found=", ".join(pasted),
            fix=f"leave {classes.background} out of it",
        )
    if augment.copy_paste:
        reasons.texts["sampling.mix.pasted"] = (
            "those that rare_crops ask for, as often"
            if inputs.objects is None
            else "of these each object of a second crop, with a chance of one half, whole as the crop shows it"
        )
    return MixPlan(
        augment.copy_paste,
        tuple(pasted) if augment.copy_paste else (),
        augment.copy_paste_edge_px,
        augment.cutmix,
        augment.mosaic,
        augment.erase,
    )
