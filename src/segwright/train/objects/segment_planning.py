"""The plan of what gives every pixel one segment, and of networks of queries for objects: specs, decisions, reasons."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from segwright.core import ClassTable, ConfigError, Size
from segwright.infer.objects import SegmentDecision
from segwright.infer.preprocess import Preprocessing
from segwright.models import NetworkSpec
from segwright.models.instance import MaskRCNNOptions
from segwright.models.instance.spec import InstanceSpec
from segwright.models.panoptic import PanopticSpec
from segwright.models.query import QUERY_NETWORKS
from segwright.project.counted import require_things
from segwright.project.model import Model
from segwright.project.schema import Segments
from segwright.train.objects.facts import ObjectFacts
from segwright.train.objects.planning import (
    PUBLISHED_SIDE_PX,
    SPEC_KEYS,
    check_options,
    instance_spec,
    smallest_spec,
    typed_option,
)
from segwright.train.objects.segments import stuff_of, things_of
from segwright.train.plan_inputs import Reasons
from segwright.train.weight_sources import is_published

REGIONS = "panoptic_fpn"
SEGMENT_NETWORKS = (REGIONS, *QUERY_NETWORKS)
STUFF_KEYS = ("stuff_width", "stuff_weight")
# detectron2's configuration for COCO: a class of stuff has 4096 px or more, of frames of about 640 x 480.
STUFF_SHARE = 4096 / (640 * 480)
STUFF_HALF = 64  # channels of the stuff branch on a cpu, half the paper's


PUBLISHED_RATE = 1e-4, "the paper's: the network starts from published weights, queries and all"


def published_rate(model: Model) -> tuple[float, str] | None:
    """The peak learning rate, and why, where a network of queries starts from published weights; else None."""
    return PUBLISHED_RATE if is_query_network(model.network) and is_published(model.weights) else None


def is_query_network(network: str) -> bool:
    """Whether the network answers with queries, for whatever task."""
    return network in QUERY_NETWORKS


def segment_spec(
    model: tuple[str, str],
    classes: ClassTable,
    given: Mapping[str, Any],
    facts: ObjectFacts,
    accelerator: str,
    preprocessing: Preprocessing,
    reasons: Reasons,
) -> PanopticSpec | NetworkSpec:
    """The spec of a panoptic network: `model` is its name and its encoder's, `given` its options.

    Raises:
        ConfigError: no such network, options it does not have, or a table without things.
    """
    network, encoder = model
    require_things(classes)
    if is_query_network(network):
        return NetworkSpec(network, encoder, len(preprocessing.bands), len(classes), options=dict(given))
    _require_network(network)
    known = [each.name for each in fields(MaskRCNNOptions)] + [*SPEC_KEYS, *STUFF_KEYS]
    check_options(network, known, given)
    own = {name: value for name, value in given.items() if name not in STUFF_KEYS}
    things = len(things_of(classes))
    regions = instance_spec("maskrcnn", encoder, things, own, facts, accelerator, preprocessing, reasons)
    assert isinstance(regions.options, MaskRCNNOptions)
    branch = {"stuff_width": STUFF_HALF} if accelerator == "cpu" else {}
    for name in STUFF_KEYS:
        if name in given:
            branch[name] = typed_option(PanopticSpec, network, name, given[name])
            reasons.texts[f"network.{name}"] = "segwright.yaml says so"
    counts = regions.bands, things, len(stuff_of(classes))
    return PanopticSpec(network, encoder, *counts, regions.options, regions.width, regions.candidates, **branch)


def _require_network(network: str) -> None:
    if network in SEGMENT_NETWORKS:
        return
    close = difflib.get_close_matches(network, SEGMENT_NETWORKS, n=1)
    raise ConfigError.of(
        "model.network",
        "is not a panoptic network of segwright",
        allowed=", ".join(SEGMENT_NETWORKS),
        found=network,
        fix=f"model.network={close[0] if close else REGIONS}",
    )


def smallest_of(
    task: str, network: str, encoder: str, given: Mapping[str, Any]
) -> InstanceSpec | PanopticSpec | NetworkSpec:
    """A network for `task` as the project asks for it, for frames nobody has looked at.

    Raises:
        ConfigError: as `segment_spec` and `instance_spec`.
    """
    if is_query_network(network):
        return NetworkSpec(network, encoder, 3, 1, options=dict(given))
    if task == "instance":
        return smallest_spec(network, encoder, given)
    usual = Preprocessing(("red", "green", "blue"), 1 / 255, (0.5,) * 3, (0.5,) * 3)
    sides = PUBLISHED_SIDE_PX, PUBLISHED_SIDE_PX, PUBLISHED_SIDE_PX
    nothing = ObjectFacts(1, 1, 1, 0, 0, sides, from_components=False)
    table = ClassTable.from_json({"classes": [{"id": 0, "name": "thing", "kind": "thing"}, {"id": 1, "name": "stuff"}]})
    return segment_spec((network, encoder), table, given, nothing, "cpu", usual, Reasons())


def segment_decision(given: Segments, network: str, frame: Size, reasons: Reasons) -> SegmentDecision:
    """How the answer of `network` about frames of about the size `frame` is decided.

    Raises:
        ConfigError: thresholds by class for a network of queries.
    """
    queries = is_query_network(network)
    if queries and given.thresholds:
        raise ConfigError.of(
            "inference.segments.thresholds",
            f"are for candidates of things, and {network} decides things and stuff by one score",
            allowed=f"with thresholds model.network={REGIONS}",
            found=network,
            fix="inference.segments.score=0.5 for all classes, or another network",
        )
    whose = "as MaskFormer's code for COCO" if queries else "as detectron2's Panoptic FPN for COCO"
    kept = 0.8 if queries else 0.5
    sure = f"not the {kept} of MaskFormer's code: classes are learned last, and masks that are right would be void"
    area = 1 if queries else max(1, round(STUFF_SHARE * frame.area_px))
    small = "queries of stuff are kept whatever their size" if queries else f"{STUFF_SHARE:.1%} of the median frame"
    return SegmentDecision(
        reasons.choose("objects.segments.score", given.score, 0.5, sure if queries else whose),
        dict(given.thresholds),
        given.mask,
        reasons.choose("objects.segments.keep", given.keep, kept, whose),
        reasons.choose("objects.segments.stuff_area_px", given.stuff_area_px, area, small),
    )
