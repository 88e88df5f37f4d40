"""From a project file and the data's fingerprint to a plan: nothing left to decide, a reason for every choice."""

from __future__ import annotations

from pathlib import Path

from segwright._version import __version__
from segwright.core import GREY, RGB, ClassTable, ConfigError, Size
from segwright.data import Split
from segwright.data.opening import STORE_FORMAT
from segwright.infer.cleanup import Cleanup
from segwright.infer.crf import Crf
from segwright.infer.objects import ObjectDecision
from segwright.infer.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from segwright.infer.tiles import TilePlan
from segwright.infer.views import flips_of
from segwright.models import NetworkSpec
from segwright.models.any_network import AnySpec
from segwright.models.instance import InstanceSpec
from segwright.project.model import DECODER_WIDTHS, Model
from segwright.project.schema import Project
from segwright.train.auto import resolve_auto
from segwright.train.objects.plan import ObjectPlan
from segwright.train.objects.planning import instance_spec, suited_to_training, tile_in_crops
from segwright.train.objects.segment_planning import is_query_network, segment_decision, segment_spec
from segwright.train.plan_distill import distill_plan
from segwright.train.plan_inputs import PlanInputs, Reasons, round_up
from segwright.train.plan_loss import loss_plan
from segwright.train.plan_sampling import sampling_plan
from segwright.train.plan_schedule import optimiser_plan, validation_plan
from segwright.train.run import PLAN_FILE, read_plan
from segwright.train.sampling_plan import SamplingPlan
from segwright.train.settings import DataPlan, OptimiserPlan, Plan, ProcessPlan
from segwright.train.weight_sources import TIMM, is_name, timm_statistics
from segwright.train.weights import check_source, imagenet_at_hand, stores_quantised_layers

OWN_ENCODER = "its own"  # stands for an encoder's name where the network brings one
NOT_SAID = "the usual; a file does not say what it was trained with (docs: Pretrained weights)"
MOST_CLASSES = 255  # crops of regions hold channel numbers and void in one byte


def make_plan(inputs: PlanInputs) -> Plan:
    """The plan for a project on its data and this machine.

    Raises:
        ConfigError: settings that contradict each other, the data or the network (a crop that it cannot read).
    """
    classes, reasons = inputs.dataset.classes, Reasons()
    if len(classes) > MOST_CLASSES and inputs.objects is None:
        allowed, fix = f"up to {MOST_CLASSES}", "merge classes, or train on fewer of them"
        raise ConfigError.of("classes", "are too many", allowed=allowed, found=str(len(classes)), fix=fix)
    resolved = resolve_auto(inputs)
    inputs, project = resolved.inputs, resolved.inputs.project
    weights = _weights(inputs, reasons)
    sampling = sampling_plan(inputs, *_crop_and_batch(inputs, reasons), reasons)
    optimiser = optimiser_plan(inputs, sampling, weights is not None, reasons)
    preprocessing = _preprocessing(inputs, weights, reasons)
    tiles = _tiles(inputs, sampling, reasons)
    return Plan(
        name=project.name,
        task=project.task,
        segwright=__version__,
        classes=classes,
        data=_data(inputs),
        network=_suited(_network(inputs, preprocessing, reasons), inputs, sampling, optimiser, reasons),
        weights=weights,
        preprocessing=preprocessing,
        sampling=sampling,
        loss=loss_plan(inputs, reasons),
        optimiser=optimiser,
        validation=validation_plan(inputs, sampling, tiles, optimiser.steps, reasons),
        tiles=tiles,
        cleanup=_cleanup(project, classes),
        alerts=project.alerts.model_dump(),
        loggers=tuple(project.training.loggers),
        fingerprint=inputs.fingerprint.to_json(),
        reasons={**reasons.texts, **resolved.reasons},
        objects=_objects(inputs, reasons),
        processes=ProcessPlan(project.training.devices, project.training.nodes, project.training.strategy),
        distill=distill_plan(project, classes, inputs.split.content_hash, reasons),
    )


def _widths(model: Model) -> tuple[int, ...]:
    """The decoder's widths; `auto` was resolved before."""
    return DECODER_WIDTHS if model.decoder_widths == "auto" else model.decoder_widths


def _network(inputs: PlanInputs, preprocessing: Preprocessing, reasons: Reasons) -> AnySpec:
    model, classes = inputs.project.model, inputs.dataset.classes
    machine, given, facts = inputs.hardware.accelerator, model.options, inputs.objects
    if facts is not None and inputs.project.task == "panoptic":
        named = model.network, _encoder(inputs, reasons)
        return segment_spec(named, classes, given, facts, machine, preprocessing, reasons)
    if facts is not None and not is_query_network(model.network):
        channels = len(classes.foreground)
        return instance_spec(model.network, model.encoder, channels, given, facts, machine, preprocessing, reasons)
    encoder, bands = _encoder(inputs, reasons), len(preprocessing.bands)
    channels = len(classes) if facts is None else len(classes.foreground)
    return NetworkSpec(model.network, encoder, bands, channels, _widths(model), dict(given))


def _suited(
    network: AnySpec, inputs: PlanInputs, sampling: SamplingPlan, optimiser: OptimiserPlan, reasons: Reasons
) -> AnySpec:
    """The network with what depends on how it is trained, where that is not said: of instance networks alone."""
    if not isinstance(network, InstanceSpec):
        return network
    return suited_to_training(network, inputs.project.model.options, sampling.crop, optimiser.steps, reasons)


def _objects(inputs: PlanInputs, reasons: Reasons) -> ObjectPlan | None:
    """How objects are cut and decided; None where the task knows none."""
    facts, given = inputs.objects, inputs.project.inference.objects
    if facts is None:
        return None
    reasons.texts["loss"] = f"not used: {inputs.project.model.network} has its paper's own"
    if facts.from_components:
        reasons.texts["objects.from_components"] = "the labels tell no objects apart: each connected region is one"
    segments = None
    if inputs.project.task == "panoptic":
        said = inputs.project.inference.segments
        segments = segment_decision(said, inputs.project.model.network, inputs.fingerprint.size_median, reasons)
        segments.check(inputs.dataset.classes)
    training, decision = inputs.project.training, ObjectDecision(**given.model_dump())
    return ObjectPlan(
        least_share=training.least_visible,
        least_px=training.least_object_px,
        from_components=facts.from_components,
        decision=decision,
        segments=segments,
    )


def _cleanup(project: Project, classes: ClassTable) -> Cleanup:
    """What the project says of it, refused here and not after training where it names what cannot be cleaned."""
    given = project.cleanup
    crf = None if given.crf in (False, "auto") else Crf() if given.crf is True else Crf(**given.crf.model_dump())
    sizes = given.opening_radius_px, given.min_area_px, given.fill_holes_px
    cleanup = Cleanup(*sizes, tuple(given.largest_only), crf)
    cleanup.check(classes)
    return cleanup


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


def _encoder(inputs: PlanInputs, reasons: Reasons) -> str:
    model = inputs.project.model
    if not inputs.needs.own_encoder:
        return model.encoder
    reasons.texts["network.encoder"] = f"{model.network} has an encoder of its own: {model.encoder} is not used"
    return OWN_ENCODER


def _weights(inputs: PlanInputs, reasons: Reasons) -> str | None:
    project = inputs.project
    wanted = project.model.weights
    if wanted != "auto":
        reasons.texts["weights"] = "segwright.yaml says so"
        check_source(wanted, project.model.encoder)
        return wanted
    if inputs.needs.own_encoder:
        reasons.texts["weights"] = (
            f"random: timm has no weights for the encoder of {project.model.network}; "
            "set model.weights to a file its authors published"
        )
        return None
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
        published = _published_statistics(inputs, weights)
        if published is not None:
            reasons.texts["preprocessing"] = f"mean and std that timm says of the weights of {weights}"
            return Preprocessing(bands, scale, *published, fingerprint.dtype)
        said = "what the pretrained encoder was trained with" if is_name(weights) else NOT_SAID
        reasons.texts["preprocessing"] = f"ImageNet mean and std: {said}"
        return Preprocessing(bands, scale, IMAGENET_MEAN, IMAGENET_STD, fingerprint.dtype)
    reasons.texts["preprocessing"] = "mean and std of the training frames"
    mean, std = fingerprint.mean, tuple(max(value, 1e-3) for value in fingerprint.std)
    if len(fingerprint.bands) == 1:
        mean, std = mean * 3, std * 3
    return Preprocessing(bands, scale, mean, std, fingerprint.dtype)


def _published_statistics(inputs: PlanInputs, weights: str) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """What timm says its weights read, where that is not ImageNet's mean and std."""
    if not (weights == "imagenet" or weights.startswith(TIMM)):
        return None
    found = timm_statistics(weights, inputs.project.model.encoder)
    return None if found == (IMAGENET_MEAN, IMAGENET_STD) else found


def _of_earlier_run(weights: str | None) -> Preprocessing | None:
    plan = None if weights is None else Path(weights) / PLAN_FILE
    return read_plan(plan).preprocessing if plan is not None and plan.is_file() else None


def _crop_and_batch(inputs: PlanInputs, reasons: Reasons) -> tuple[int, int]:
    """The side of a crop, px, and how many there are in a step."""
    training, stride = inputs.project.training, inputs.needs.stride_px
    automatic, why = _automatic_crop(inputs)
    crop = reasons.choose("sampling.crop", training.crop, automatic, why)
    inputs.needs.require("training.crop", crop)
    batch = reasons.choose("sampling.batch", training.batch, 8, "8 crops: batch norm is steady and memory small")
    # the stride of a network for one size is that size: its coarsest level has many values all the same
    single_value = crop == stride and inputs.needs.fixed is None
    if batch == 1 and (single_value or inputs.needs.pools_frame):
        network = inputs.project.model.network
        pools = f"one crop: a single value a channel where '{network}' pools the whole frame"
        raise ConfigError.of(
            "training.batch",
            "is too small for batch norm",
            allowed="2 or more",
            found=pools
            if inputs.needs.pools_frame
            else f"one crop of {crop} px: a single value a channel at the coarsest level",
            fix="training.batch=2" if inputs.needs.pools_frame else "training.batch=2, or a larger training.crop",
        )
    return crop, batch


def _automatic_crop(inputs: PlanInputs) -> tuple[int, str]:
    """The crop's side, px, where nobody names one, and why."""
    fixed, median, accelerator = inputs.needs.fixed, inputs.fingerprint.size_median, inputs.hardware.accelerator
    if fixed is not None:
        return fixed.height, f"the network reads frames of {fixed} only"
    usual = 256 if accelerator == "cpu" else 512
    largest = round_up(max(median.height, median.width), inputs.needs.stride_px)
    usual = round_up(usual, inputs.needs.stride_px)
    return min(usual, largest), f"{usual} px on a {accelerator}, but no more than the median frame ({median})"


def _tiles(inputs: PlanInputs, sampling: SamplingPlan, reasons: Reasons) -> TilePlan:
    inference, largest, needs = inputs.project.inference, inputs.fingerprint.size_max, inputs.needs
    sides = (round_up(length, needs.stride_px) for length in (largest.height, largest.width))
    crops, said = tile_in_crops(inputs.project.model.network)
    automatic = min(crops * sampling.crop, max(sides)) if needs.fixed is None else needs.fixed.height
    usual = f"{said}, or the whole frame where it is smaller ({largest})"
    why = usual if needs.fixed is None else f"the network reads frames of {needs.fixed} only"
    tile = reasons.choose("tiles.tile", inference.tile, automatic, why)
    needs.require("inference.tile", tile)
    overlap = reasons.choose("tiles.overlap_px", inference.overlap_px, tile // 4, "a quarter of the tile")
    views: dict = {"quarter_turns": inference.quarter_turns, "scales": tuple(inference.scales)}
    views |= {} if needs.fixed is None else {"stretch": 1.0}  # a longer axis is cut, never taken whole
    plan = TilePlan(Size(tile, tile), overlap, inference.blend, flips=flips_of(inference.flips), **views)
    if not plan.views.single:
        reasons.texts["tiles.views"] = f"segwright.yaml says so: {plan.views}, {plan.views.cost:.3g} times the work"
    return plan
