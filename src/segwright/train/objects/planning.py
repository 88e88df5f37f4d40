"""The plan of an instance network from the objects in the training frames: sizes, candidates, widths, with reasons."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Annotated, Any, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from segwright.core import ConfigError, SegwrightError
from segwright.infer.preprocess import Preprocessing
from segwright.models.instance import NETWORKS, InstanceSpec
from segwright.models.instance.maskrcnn.options import MaskRCNNOptions
from segwright.models.instance.solov2.options import SOLOv2Options
from segwright.models.instance.spec import OPTIONS, Options
from segwright.models.instance.yolact.options import YOLACTOptions
from segwright.models.query import QUERY_NETWORKS
from segwright.train.objects.facts import ObjectFacts
from segwright.train.plan_inputs import Reasons

FEWEST_CANDIDATES, MOST_CANDIDATES = 100, 1000
CPU_WIDTH, USUAL_WIDTH = 128, 256
# The published networks were made for objects of about this side, px (COCO at a shorter side of 800).
PUBLISHED_SIDE_PX = 96.0
# Of the published solov2, whose grids lie over a frame of this shorter side.
PUBLISHED_FRAME_PX, FEWEST_CELLS, MOST_CELLS = 800.0, 4, 64
BOX_WARM_UP = 10  # boxes-only: the colour term grows over the first tenth of the steps
# What a step of maskrcnn looks at on a CPU: its time goes into masks, which a quarter of the regions have.
CPU_REGIONS, CPU_PROPOSALS = 64, 250
LIGHT_DEPTH, LIGHT_CHANNELS = 2, 128  # `configs/solov2/solov2_light_448_r50_fpn_8gpu_3x.py`
SPEC_KEYS = ("width", "candidates")
A_LEVEL = ("anchor_sizes_px", "grids", "sizes_px")  # options with one value a pyramid level
Side = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(gt=0)]


def instance_spec(
    network: str,
    encoder: str,
    channels: int,
    given: Mapping[str, Any],
    facts: ObjectFacts,
    accelerator: str,
    preprocessing: Preprocessing,
    reasons: Reasons,
) -> InstanceSpec:
    """The spec of an instance network: `given` options as they are, the others from `facts`.

    Raises:
        ConfigError: no such network, or options it does not have.
    """
    _check(network, given)
    options = _coloured(_sized(OPTIONS[network](), facts, reasons), preprocessing)
    width = CPU_WIDTH if accelerator == "cpu" else USUAL_WIDTH
    reasons.texts["network.width"] = "half the published one: this is a cpu" if width == CPU_WIDTH else "as published"
    if accelerator == "cpu":
        options = _lighter(options, reasons)
    candidates = min(max(FEWEST_CANDIDATES, 2 * facts.most), MOST_CANDIDATES)
    reasons.texts["network.candidates"] = f"twice the {facts.most} objects of the fullest training frame, 100 to 1,000"
    own = {name: _typed(network, name, value) for name, value in given.items() if name not in SPEC_KEYS}
    for name in given:
        reasons.texts[f"network.{name}"] = "segwright.yaml says so"
    bands = len(preprocessing.bands)
    spec = InstanceSpec(network, encoder, bands, channels, replace(options, **own), width, candidates)
    return replace(spec, **{name: _typed(network, name, given[name]) for name in SPEC_KEYS if name in given})


def _check(network: str, given: Mapping[str, Any]) -> None:
    if network not in NETWORKS:
        close = difflib.get_close_matches(network, (*NETWORKS, *QUERY_NETWORKS), n=1)
        raise ConfigError.of(
            "model.network",
            "is not an instance network of segwright",
            allowed=", ".join((*NETWORKS, *QUERY_NETWORKS)),
            found=network,
            fix=f"model.network={close[0] if close else 'maskrcnn'}",
        )
    check_options(network, [each.name for each in fields(OPTIONS[network])] + list(SPEC_KEYS), given)


def check_options(network: str, known: Sequence[str], given: Mapping[str, Any]) -> None:
    """Refuse an option that is none of `known`.

    Raises:
        ConfigError: naming the first such one.
    """
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            fix = f"did you mean '{close[0]}'?" if close else "leave it out"
            place, rule = f"model.options.{name}", f"is no option of {network}"
            raise ConfigError.of(place, rule, allowed=", ".join(known), found=name, fix=fix)


def _sized(options: Options, facts: ObjectFacts, reasons: Reasons) -> Options:
    """The options with sizes that fit the objects: the published ones times a power of two."""
    low, middle, high = facts.sides_px
    factor = 2.0 ** round(math.log2(middle / PUBLISHED_SIDE_PX))
    factor = min(max(factor, 1 / 8), 4.0)
    why = f"the published sizes times {factor:g}: objects are {low:g} to {high:g} px a side, {middle:g} in the middle"
    if isinstance(options, MaskRCNNOptions | YOLACTOptions):
        reasons.texts["network.anchor_sizes_px"] = why
        return replace(options, anchor_sizes_px=tuple(size * factor for size in options.anchor_sizes_px))
    assert isinstance(options, SOLOv2Options)
    reasons.texts["network.sizes_px"] = why
    sizes = [(start * factor, end * factor) for start, end in options.sizes_px]
    sizes[0], sizes[-1] = (0.0, sizes[0][1]), (sizes[-1][0], math.inf)  # nothing is too small or too large
    return replace(options, sizes_px=tuple((start, min(end, 1e6)) for start, end in sizes))


def _lighter(options: Options, reasons: Reasons) -> Options:
    """The options with which a step takes seconds on a CPU."""
    if isinstance(options, MaskRCNNOptions):
        reasons.texts["network.regions_to_train"] = (
            f"{CPU_REGIONS} a crop, a quarter of them with masks: this is a cpu, and most of a step's time goes there"
        )
        reasons.texts["network.proposals"] = "half the published ones: this is a cpu"
        looked_at = {"regions_to_train": CPU_REGIONS, "proposals": CPU_PROPOSALS}
        looked_at["proposals_a_level"] = 2 * CPU_PROPOSALS
        return replace(options, head_width=options.head_width // 2, **looked_at)
    if isinstance(options, SOLOv2Options):
        reasons.texts["network.head_depth"] = "the published light network's, as its mask_channels: this is a cpu"
        width = options.head_width // 2
        return replace(options, head_width=width, head_depth=LIGHT_DEPTH, mask_channels=LIGHT_CHANNELS)
    return options


def suited_to_training(
    spec: InstanceSpec, given: Mapping[str, Any], crop: int, steps: int, reasons: Reasons
) -> InstanceSpec:
    """The spec with what depends on the crops and on how long it learns; `given` options stay as they are.

    solov2's cells are a share of the frame it sees: here as large, against its objects, as the published ones.
    """
    options = spec.options
    if not isinstance(options, SOLOv2Options):
        return spec
    usual = SOLOv2Options()
    if "grids" not in given:
        factor = options.sizes_px[0][1] / usual.sizes_px[0][1]
        cells = [round(grid * crop / (PUBLISHED_FRAME_PX * factor)) for grid in usual.grids]
        options = replace(options, grids=tuple(min(max(count, FEWEST_CELLS), MOST_CELLS) for count in cells))
        reasons.texts["network.grids"] = f"cells as large against the objects as published, for crops of {crop} px"
    if options.learn_from == "boxes" and "warm_up_steps" not in given:
        options = replace(options, warm_up_steps=max(1, steps // BOX_WARM_UP))
        reasons.texts["network.warm_up_steps"] = f"the first tenth of {steps} steps"
    return replace(spec, options=options)


def tile_in_crops(network: str) -> tuple[int, str]:
    """How many crops wide a tile is, and why."""
    if network == "solov2":
        return 1, "the training crop: solov2's cells are a share of what it sees, and must stay as large"
    return 2, "twice the training crop"


def _coloured(options: Options, preprocessing: Preprocessing) -> Options:
    """The options with the normalisation of the plan: masks learned from boxes look at the frame's own colours."""
    if not isinstance(options, SOLOv2Options):
        return options
    return replace(options, pixel_mean=preprocessing.mean, pixel_std=preprocessing.std)


def _typed(network: str, name: str, value: Any) -> Any:
    """The option as the network takes it: lists are tuples, as many levels as it has.

    Raises:
        ConfigError: a value of another kind, or sizes for another number of pyramid levels.
    """
    typed = typed_option(OPTIONS[network], network, name, value)
    usual = getattr(OPTIONS[network], name, None) if name in SPEC_KEYS else getattr(OPTIONS[network](), name)
    levels = len(usual) if name in A_LEVEL and isinstance(usual, tuple) else None
    if levels is not None and len(typed) != levels:
        raise _unsuited(network, name, value, f"{levels} values, one a pyramid level")
    return typed


def typed_option(options: type, network: str, name: str, value: Any) -> Any:
    """The value as `options` takes it.

    Raises:
        ConfigError: a value of another kind.
    """
    kinds = {**get_type_hints(options), "width": Side, "candidates": Side, "stuff_width": Side, "stuff_weight": Weight}
    try:
        return TypeAdapter(kinds[name]).validate_python(value)
    except ValidationError as error:
        raise _unsuited(network, name, value, "; ".join(row["msg"] for row in error.errors())) from None


def _unsuited(network: str, name: str, value: Any, allowed: str) -> SegwrightError:
    usual = {"stuff_width": 128, "stuff_weight": 0.5}.get(name, 256)
    usual = getattr(OPTIONS[network](), name, usual) if network in OPTIONS else usual
    shown = str(list(usual)) if isinstance(usual, tuple) else str(usual)
    place, rule = f"model.options.{name}", f"does not suit {network}"
    return ConfigError.of(place, rule, allowed=allowed, found=str(value), fix=f"such as {shown}, or leave it out")


def smallest_spec(network: str, encoder: str, given: Mapping[str, Any]) -> InstanceSpec:
    """A network as the project asks for it, for frames nobody has looked at: to find out that it does not exist.

    Raises:
        ConfigError: as `instance_spec`.
    """
    nothing = ObjectFacts(
        1, 1, 1, 0, 0, (PUBLISHED_SIDE_PX, PUBLISHED_SIDE_PX, PUBLISHED_SIDE_PX), from_components=False
    )
    usual = Preprocessing(("red", "green", "blue"), 1 / 255, (0.5,) * 3, (0.5,) * 3)
    return instance_spec(network, encoder, 1, given, nothing, "cpu", usual, Reasons())
