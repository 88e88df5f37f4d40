"""What a plan is resolved from, and the notebook in which each choice's reason is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from torch import nn

from segwright.core import ConfigError, Size
from segwright.data import Dataset, Fingerprint, Split
from segwright.models import SegmentationNetwork
from segwright.models.any_network import AnySpec, build_any
from segwright.project.schema import Project
from segwright.train.hardware import Hardware
from segwright.train.objects.facts import ObjectFacts

STRIDE_PX = 32
Value = TypeVar("Value")


@dataclass
class Reasons:
    """Collects why each setting is what it is."""

    texts: dict[str, str] = field(default_factory=dict)

    def choose(self, setting: str, given: Value | str, automatic: Value, why: str) -> Value:
        """`given` where the project file says something else than auto, else `automatic` with its reason."""
        if given == "auto":
            self.texts[setting] = why
            return automatic
        self.texts[setting] = "segwright.yaml says so"
        return given  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class InputNeeds:
    """The frames a network can read: sides that are multiples of `stride_px`, or `fixed` alone where it is given.

    `own_encoder`: it has one of its own, and model.encoder is not used.
    `pools_frame`: it has a batch norm over one value a frame, and learns from two crops or more.
    """

    stride_px: int = STRIDE_PX
    fixed: Size | None = None
    own_encoder: bool = False
    pools_frame: bool = False

    @staticmethod
    def of(network: nn.Module) -> InputNeeds:
        """What a network that was built says of itself; predicting and exporting ask it the same."""
        if isinstance(network, SegmentationNetwork):
            return InputNeeds(network.stride_px, network.fixed_input, network.own_encoder, network.pools_frame)
        return InputNeeds(int(cast("Any", network).stride_px))

    @property
    def step_px(self) -> int:
        """What a side that is tried, or drawn, goes up and down by: a multiple of the stride, never very small."""
        return round_up(STRIDE_PX, self.stride_px)

    def require(self, setting: str, side: int) -> None:
        """Refuse the side of a crop or a tile, px, that the network cannot read.

        Raises:
            ConfigError: it is none of those that the network reads; the fix is the next larger one.
        """
        if self.fixed is not None and side != self.fixed.height:
            allowed = f"{self.fixed.height}: the network reads frames of {self.fixed} only"
            fix = f"{setting}=auto"
        elif side % self.stride_px:
            allowed, fix = f"a multiple of {self.stride_px}", f"{setting}={round_up(side, self.stride_px)}"
        else:
            return
        raise ConfigError.of(setting, "does not fit the network", allowed=allowed, found=str(side), fix=fix)


def input_needs(spec: AnySpec) -> InputNeeds:
    """What the network that `spec` describes needs.

    Raises:
        ConfigError: no such network or encoder, options it cannot take; see `build_any`.
    """
    return InputNeeds.of(build_any(spec))


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """Everything a plan is resolved from."""

    project: Project
    dataset: Dataset
    split: Split
    split_file: str
    fingerprint: Fingerprint
    hardware: Hardware
    needs: InputNeeds = InputNeeds()
    objects: ObjectFacts | None = None  # of the training frames, where the task is about objects
    store_commit: str | None = None  # of the version the frames came from, where they lie in a store


def round_up(length: int, stride_px: int = STRIDE_PX) -> int:
    """The next multiple of the network's stride, px."""
    return math.ceil(length / stride_px) * stride_px
