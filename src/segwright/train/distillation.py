"""Learning from a teacher: the objective that adds its answer to the labels, on the same crop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from segwright.core import ConfigError
from segwright.infer.preprocess import Preprocessing
from segwright.models.losses import VOID_CHANNEL
from segwright.models.losses.distillation import FeatureMatch, outline_weights, softened_divergence
from segwright.train.objective import Autocast, Objective
from segwright.train.settings import DistillPlan

# In a target: a pixel of a frame that is there for the teacher alone. At void, somebody looked and gave up.
UNLABELLED_CHANNEL = -2
MATCHED_STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class Teacher:
    """A network that answers and does not learn, fed with what the student is fed, in its own preprocessing."""

    network: nn.Module
    factor: Tensor
    offset: Tensor

    @staticmethod
    def of(network: nn.Module, own: Preprocessing, students: Preprocessing, device: torch.device) -> Teacher:
        """The teacher on `device`, in evaluation mode.

        Raises:
            ConfigError: it takes other bands.
        """
        if own.bands != students.bands:
            raise ConfigError.of(
                "training.distill_from",
                "names a teacher that takes other bands",
                allowed=", ".join(students.bands),
                found=", ".join(own.bands),
                fix="choose a teacher that was trained on frames like these",
            )
        # student's input = (pixel * scale - mean) / std; the teacher's is another straight line of the same pixel
        mean, std, own_mean, own_std = (
            torch.tensor(row, dtype=torch.float64) for row in (students.mean, students.std, own.mean, own.std)
        )
        ratio = own.scale / students.scale
        factor, offset = std * ratio / own_std, (mean * ratio - own_mean) / own_std
        network = network.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]
        return Teacher(network, *(row.float().view(1, -1, 1, 1).to(device) for row in (factor, offset)))

    def __call__(self, frames: Tensor) -> Tensor:
        with torch.no_grad():
            return finest(self.network(frames * self.factor.to(frames) + self.offset.to(frames)))


@dataclass(frozen=True)
class DistillObjective:
    """`labels` as the project says, and the teacher's answer to the same crop.

    A void pixel is silent in the labels' loss; in the teacher's it speaks unless the plan says otherwise. A pixel of
    a frame without labels is heard through the teacher alone.
    """

    labels: Objective
    teacher: Teacher
    plan: DistillPlan
    learned: FeatureMatch | None = None

    def __call__(
        self, network: nn.Module, frames: Tensor, target: Tensor, autocast: Autocast
    ) -> tuple[Tensor, dict[str, Tensor]]:
        plan, heard = self.plan, _Heard(network)
        counted = target != VOID_CHANNEL if plan.void == "silent" else torch.ones_like(target, dtype=torch.bool)
        with autocast(), _features(self.teacher.network, self.learned) as theirs:
            taught = self.teacher(frames)
        with _features(network, self.learned) as mine:
            own = target.masked_fill(target == UNLABELLED_CHANNEL, VOID_CHANNEL)
            total, terms = self.labels(heard, frames, own, autocast)  # type: ignore[arg-type]  # called, and nothing else
        total = plan.labels * total
        with torch.autocast(frames.device.type, enabled=False):
            student, taught = finest(heard.said).float(), taught.float()
            weights = outline_weights(taught, counted, extra=plan.boundary, band_px=plan.boundary_px)
            logits = softened_divergence(student, taught, weights, temperature=plan.temperature)
            total, terms = total + plan.logits * logits, {**terms, "teacher_logits": logits.detach()}
            if self.learned is not None:
                features = self.learned(mine, theirs, counted)
                total, terms = total + plan.features * features, {**terms, "teacher_features": features.detach()}
        return total, terms


class _Heard:
    """A network whose last answer is kept: the labels' loss makes it go forward, and once is enough."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self.said: Any = None

    def __call__(self, frames: Tensor) -> Any:
        self.said = self._network(frames)
        return self.said


def finest(logits: Any) -> Tensor:
    """The logits at full size, of a network that may give several, fine to coarse."""
    return logits if isinstance(logits, Tensor) else logits[0]


def feature_match(student: nn.Module, teacher: nn.Module) -> FeatureMatch:
    """Projections from the student's features to the teacher's at `MATCHED_STRIDES`.

    Raises:
        ConfigError: a network whose encoder does not give them.
    """
    widths = []
    for who, network in (("student", student), ("teacher", teacher)):
        encoder = getattr(network, "encoder", None)
        strides = tuple(getattr(encoder, "strides", ()))
        if not set(MATCHED_STRIDES) <= set(strides):
            raise ConfigError.of(
                "distill.features",
                f"cannot be matched: the {who} has no features at strides 8, 16 and 32",
                allowed="networks on an encoder with a feature pyramid",
                found=", ".join(map(str, strides)) or type(network).__name__,
                fix="distill.features=0: the teacher's probabilities teach any network",
            )
        widths.append([encoder.widths[strides.index(stride)] for stride in MATCHED_STRIDES])  # type: ignore[union-attr]
    return FeatureMatch(*widths)


def _encoder_of(network: nn.Module) -> Any:
    """The encoder with a feature pyramid; `feature_match` refuses networks without one."""
    return cast("Any", network).encoder


@contextmanager
def _features(network: nn.Module, learned: FeatureMatch | None) -> Iterator[list[Tensor]]:
    """What the encoder of `network` gives within, at `MATCHED_STRIDES`; nothing where no features are matched."""
    found: list[Tensor] = []
    if learned is None:
        yield found
        return
    encoder = _encoder_of(getattr(network, "module", network))  # as data-parallel training wraps it

    def keep(_: nn.Module, __: Any, features: list[Tensor]) -> None:
        found[:] = [features[encoder.strides.index(stride)] for stride in MATCHED_STRIDES]

    handle = encoder.register_forward_hook(keep)
    try:
        yield found
    finally:
        handle.remove()
