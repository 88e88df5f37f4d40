"""From a project file and the data's fingerprint to a plan: nothing left to decide, a reason for every choice."""

from __future__ import annotations

from pathlib import Path

from segwright._version import __version__
from segwright.core import GREY, RGB, ClassTable, ConfigError, Size
from segwright.data import Fingerprint, Split
from segwright.data.augment import ColourRanges, GeometryRanges
from segwright.data.opening import STORE_FORMAT
from segwright.infer.cleanup import Cleanup
from segwright.infer.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from segwright.infer.tiles import TilePlan
from segwright.models import NetworkSpec
from segwright.project.schema import Project
from segwright.train.plan_distill import distill_plan
from segwright.train.plan_inputs import STRIDE_PX, PlanInputs, Reasons, round_up
from segwright.train.plan_loss import loss_plan
from segwright.train.plan_schedule import optimiser_plan, validation_plan
from segwright.train.run import PLAN_FILE, read_plan
from segwright.train.settings import DataPlan, Plan, ProcessPlan, SamplingPlan
from segwright.train.weights import imagenet_at_hand, stores_quantised_layers

MOST_CLASSES = 255  # crops hold channel numbers and void in one byte


def make_plan(inputs: PlanInputs) -> Plan:
    """The plan for a project on its data and this machine.

    Raises:
        ConfigError: settings that contradict each other or the data (a crop that is no multiple of 32).
    """
    project, classes, reasons = inputs.project, inputs.dataset.classes, Reasons()
    if len(classes) > MOST_CLASSES:
        allowed, fix = f"up to {MOST_CLASSES}", "merge classes, or train on fewer of them"
        raise ConfigError.of("classes", "are too many", allowed=allowed, found=str(len(classes)), fix=fix)
    weights = _weights(project, reasons)
    sampling = _sampling(inputs, reasons)
    optimiser = optimiser_plan(inputs, sampling, weights is not None, reasons)
    preprocessing = _preprocessing(inputs, weights, reasons)
    tiles = _tiles(inputs, sampling, reasons)
    model = project.model
    return Plan(
        name=project.name,
        task=project.task,
        segwright=__version__,
        classes=classes,
        data=_data(inputs),
        network=NetworkSpec(model.network, model.encoder, len(preprocessing.bands), len(classes), model.decoder_widths),
        weights=weights,
        preprocessing=preprocessing,
        sampling=sampling,
        loss=loss_plan(inputs, reasons),
        optimiser=optimiser,
        validation=validation_plan(inputs, sampling, tiles, optimiser.steps, reasons),
        tiles=tiles,
        cleanup=Cleanup(project.cleanup.opening_radius_px, project.cleanup.min_area_px, project.cleanup.fill_holes_px),
        alerts=project.alerts.model_dump(),
        loggers=tuple(project.training.loggers),
        fingerprint=inputs.fingerprint.to_json(),
        reasons=reasons.texts,
        processes=ProcessPlan(project.training.devices, project.training.nodes, project.training.strategy),
        distill=distill_plan(project, classes, reasons),
    )


def _data(inputs: PlanInputs) -> DataPlan:
    data = inputs.project.data
    return DataPlan(
        uri=data.root,
        format=inputs.dataset.format if inputs.store_commit is None else STORE_FORMAT,
        columns_from=data.columns_from,
        columns_csv=data.columns_csv,
        options=dict(data.options),
        dataset_hash=inputs.dataset.content_hash,
        split_file=inputs.split_file,
        split_hash=inputs.split.content_hash,
        split_by=_split_by(inputs.split),
        part_frames={part: len(stems) for part, stems in inputs.split.parts.items()},
        columns_exif=list(data.columns_exif),
        columns_dicom=list(data.columns_dicom),
        dicom=data.dicom,
        fold=inputs.split.fold,
        train_frames=" ".join(sorted(inputs.dataset.image_hashes[stem] for stem in inputs.split.parts["train"])),
        store_commit=inputs.store_commit,
    )


def _split_by(split: Split) -> str | None:
    """What the split goes by, for the report and the bundle; None where frames were declared independent."""
    if split.grouping.is_random:
        return None if split.origin is None else f"nothing known: taken over from {split.origin}"
    return split.grouping.describe()


def _weights(project: Project, reasons: Reasons) -> str | None:
    wanted = project.model.weights
    if wanted != "auto":
        reasons.texts["weights"] = "segwright.yaml says so"
        return wanted
    if imagenet_at_hand(project.model.encoder):
        reasons.texts["weights"] = f"timm has ImageNet weights for {project.model.encoder}"
        return "imagenet"
    reasons.texts["weights"] = (
        f"random: ImageNet weights for {project.model.encoder} are neither cached nor reachable; "
        "set model.weights to a local file to start from pretrained features"
    )
    return None


def _preprocessing(inputs: PlanInputs, weights: str | None, reasons: Reasons) -> Preprocessing:
    fingerprint = inputs.fingerprint
    scale = 1 / 255 if fingerprint.dtype == "uint8" else fingerprint.scale
    grey_or_rgb = fingerprint.bands in (GREY, RGB)
    bands = RGB if grey_or_rgb else fingerprint.bands
    earlier = _of_earlier_run(weights)
    if earlier is not None and (earlier.bands, earlier.dtype) == (bands, fingerprint.dtype):
        reasons.texts["preprocessing"] = f"that of the run the weights come from: {weights}"
        return earlier
    if weights is not None and grey_or_rgb and fingerprint.dtype == "uint8":
        if stores_quantised_layers(weights):
            reasons.texts["preprocessing"] = "the range the weights were trained with: -1..1"
            return Preprocessing(bands, scale, (0.5,) * 3, (0.5,) * 3, fingerprint.dtype)
        reasons.texts["preprocessing"] = "ImageNet mean and std: what the pretrained encoder was trained with"
        return Preprocessing(bands, scale, IMAGENET_MEAN, IMAGENET_STD, fingerprint.dtype)
    reasons.texts["preprocessing"] = "mean and std of the training frames"
    mean, std = fingerprint.mean, tuple(max(value, 1e-3) for value in fingerprint.std)
    if len(fingerprint.bands) == 1:
        mean, std = mean * 3, std * 3
    return Preprocessing(bands, scale, mean, std, fingerprint.dtype)


def _of_earlier_run(weights: str | None) -> Preprocessing | None:
    plan = None if weights is None else Path(weights) / PLAN_FILE
    return read_plan(plan).preprocessing if plan is not None and plan.is_file() else None


def _crop_and_batch(inputs: PlanInputs, reasons: Reasons) -> tuple[int, int]:
    """The side of a crop, px, and how many there are in a step."""
    training, machine, fingerprint = inputs.project.training, inputs.hardware, inputs.fingerprint
    usual = 256 if machine.accelerator == "cpu" else 512
    largest = round_up(max(fingerprint.size_median.height, fingerprint.size_median.width))
    crop = reasons.choose(
        "sampling.crop",
        training.crop,
        min(usual, largest),
        f"{usual} px on a {machine.accelerator}, but no more than the median frame ({fingerprint.size_median})",
    )
    if crop % STRIDE_PX:
        allowed = f"a multiple of {STRIDE_PX}, such as {round_up(crop)}"
        raise ConfigError.of(
            "training.crop",
            "does not fit the network",
            allowed=allowed,
            found=str(crop),
            fix="training.crop=auto, or a multiple of the stride",
        )
    batch = reasons.choose("sampling.batch", training.batch, 8, "8 crops: batch norm is steady and memory small")
    if (crop, batch) == (STRIDE_PX, 1):
        found = "one crop of 32 px: a single value a channel at the coarsest level"
        raise ConfigError.of(
            "training.batch",
            "is too small for batch norm",
            allowed="2 or more",
            found=found,
            fix="training.batch=2, or a larger training.crop",
        )
    return crop, batch


def _sampling(inputs: PlanInputs, reasons: Reasons) -> SamplingPlan:
    training, machine, fingerprint = inputs.project.training, inputs.hardware, inputs.fingerprint
    crop, batch = _crop_and_batch(inputs, reasons)
    augment = training.augment
    vertical = reasons.choose(
        "sampling.flip_vertical", augment.flip_vertical, False, "off: only you know whether upside down can happen"
    )
    degrees = reasons.choose(
        "sampling.rotate_degrees", augment.rotate_degrees, 10.0, "10: a camera is never quite level"
    )
    workers = reasons.choose(
        "sampling.workers", training.workers, max(1, min(8, machine.cores)), f"{machine.cores} cores"
    )
    return SamplingPlan(
        crop=crop,
        batch=batch,
        rare_share=training.rare_crops,
        class_shares=_class_shares(inputs.dataset.classes, fingerprint, reasons),
        geometry=GeometryRanges(augment.flip_horizontal, vertical, degrees, _scale(inputs, reasons)),
        colour=_colour(augment.colour, augment.glare, fingerprint.dtype, reasons),
        workers=workers,
        cache_gb=training.cache_gb,
    )


def _scale(inputs: PlanInputs, reasons: Reasons) -> tuple[float, float]:
    """How far a crop is magnified: marks on a background keep their size, a scene's things come near and far."""
    given = inputs.project.training.augment.scale
    if inputs.dataset.classes.background is not None:
        why = "about a third more or less: marks on a background keep their size"
        return reasons.choose("sampling.scale", given, (0.75, 1.35), why)
    why = "down to half: a scene's things come near and far, and a crop then shows more of what is around them"
    return reasons.choose("sampling.scale", given, (0.5, 1.25), why)


def _class_shares(classes: ClassTable, fingerprint: Fingerprint, reasons: Reasons) -> dict[str, float]:
    """How often a class-centred crop is centred on each class: as one over the square root of its pixels.

    Large marks turn up in the other crops by themselves; the smallest are met only when a crop is centred on them.
    """
    wanted = classes.foreground if classes.background else tuple(classes)
    pixels = {spec.name: fingerprint.classes[spec.name].pixels for spec in wanted}
    roots = {name: count**-0.5 for name, count in pixels.items() if count}
    reasons.texts["sampling.class_shares"] = "one over the square root of a class's pixels: rare classes more often"
    return {name: round(root / sum(roots.values()), 4) for name, root in roots.items()}


def _colour(strength: float, glare: float, dtype: str, reasons: Reasons) -> ColourRanges:
    usual = ColourRanges()
    if dtype == "float32":
        if glare > 0:
            raise ConfigError.of(
                "training.augment.glare",
                "has no meaning for float frames: a saturated patch needs a full scale",
                allowed="0",
                found=f"{glare:g}",
                fix="training.augment.glare=0, or store the frames with 8 or 16 bits",
            )
        reasons.texts["sampling.colour"] = "off: float pixels are measurements in the sensor's own unit, not brightness"
        return ColourRanges(share=0.0)
    if strength == 0:
        return ColourRanges(share=0.0, glare=glare)
    names = ("gain", "gamma", "contrast", "channel_gain", "saturation", "light_gradient", "blur_px", "sharpen", "noise")
    return ColourRanges(**{name: getattr(usual, name) * strength for name in names}, glare=glare)


def _tiles(inputs: PlanInputs, sampling: SamplingPlan, reasons: Reasons) -> TilePlan:
    inference, largest = inputs.project.inference, inputs.fingerprint.size_max
    usual = 2 * sampling.crop
    tile = reasons.choose(
        "tiles.tile",
        inference.tile,
        min(usual, max(round_up(largest.height), round_up(largest.width))),
        f"twice the training crop, or the whole frame where it is smaller ({largest})",
    )
    overlap = reasons.choose("tiles.overlap_px", inference.overlap_px, tile // 4, "a quarter of the tile")
    return TilePlan(Size(tile, tile), overlap, inference.blend, flips=inference.flips)
