"""Batches of crops with their objects. Batch `step` is a function of the plan and of `step` alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from segwright.core import ClassTable, Size
from segwright.data.augment import vary_colour
from segwright.infer.preprocess import Preprocessing
from segwright.models.instance import InstanceTargets
from segwright.models.panoptic import PanopticTargets
from segwright.train.ahead import AheadOfTraining
from segwright.train.feed import Batch, normalised, side_of_step
from segwright.train.objects.crops import ObjectCropper
from segwright.train.objects.frames import ObjectFrames
from segwright.train.objects.layers import CutObjects
from segwright.train.objects.packed import packed
from segwright.train.objects.plan import ObjectPlan
from segwright.train.sampling_plan import SamplingPlan


@dataclass(frozen=True)
class Told:
    """What a network is told of a crop: its objects as `targets`, of classes `names`, the first of them `things`."""

    names: tuple[str, ...]
    things: int
    targets: Callable[[CutObjects], Any]

    @staticmethod
    def objects(classes: ClassTable, targets: Callable[[CutObjects], Any] | None = None) -> Told:
        """Objects of every class but the background, as `InstanceTargets` where nothing else is given."""
        names = tuple(spec.name for spec in classes.foreground)
        return Told(names, len(names), targets or targets_of)


class FedCrop(NamedTuple):
    """A crop as a network is fed it: normalised pixels (bands, height, width), and its objects."""

    pixels: npt.NDArray[np.float32]
    objects: CutObjects


class ObjectFeed(AheadOfTraining):
    """Cuts crops with objects on worker threads; `Batch.target` is a list of what is `told`, one a crop.

    `slots` are those of each batch that this process learns from; all where it is None.
    """

    def __init__(
        self,
        frames: ObjectFrames,
        classes: ClassTable,
        plan: SamplingPlan,
        preprocessing: Preprocessing,
        seed: int,
        rule: ObjectPlan,
        told: Told | None = None,
        slots: Sequence[int] | None = None,
    ) -> None:
        super().__init__(plan.workers)
        self._plan = plan
        self._preprocessing = preprocessing
        self._seed = seed
        self._slots = range(plan.batch) if slots is None else slots
        self.told = told or Told.objects(classes)
        self._cropper = ObjectCropper(frames, self.told.names, plan, rule, self.told.things)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that the channels of crops count."""
        return self.told.names

    def batch(self, step: int, side: int | None = None) -> Batch:
        """The whole batch of one step; `side` in place of the plan's, px."""
        return self._batch(step, self.crops(step, side), range(self._plan.batch))

    def own_batch(self, step: int) -> Batch:
        """What is in this process's slots of the batch."""
        return self._batch(step, self._cut(step, None, self._slots), self._slots)

    def waiting(self, step: int) -> Callable[[], Batch]:
        """The same batch, its masks a bit a pixel until then."""
        batch = self.own_batch(step)
        frames, targets = batch.frames, [packed(target) for target in batch.target]
        return lambda: Batch(step, frames, [target() for target in targets])

    def _batch(self, step: int, crops: Sequence[FedCrop], slots: Sequence[int]) -> Batch:
        frames = torch.from_numpy(np.stack([crop.pixels for crop in crops]))
        targets = [
            seeded(self.told.targets(crop.objects), (self._seed, step, slot))
            for crop, slot in zip(crops, slots, strict=True)
        ]
        return Batch(step, frames, targets)

    def crops(self, step: int, side: int | None = None) -> list[FedCrop]:
        """What the whole batch of one step is made of."""
        return self._cut(step, side, range(self._plan.batch))

    def _cut(self, step: int, side: int | None, slots: Sequence[int]) -> list[FedCrop]:
        side = side or side_of_step(self._plan, self._seed, step)
        return [self._crop(np.random.default_rng((self._seed, step, slot)), side) for slot in slots]

    def _crop(self, rng: np.random.Generator, side: int) -> FedCrop:
        crop = self._cropper.crop(Size(side, side), rng)
        scaled = crop.pixels.astype(np.float32) * np.float32(self._preprocessing.scale)
        varied = vary_colour(scaled, self._plan.colour, rng) if self._plan.colour.changes_anything else scaled
        return FedCrop(normalised(varied, self._preprocessing), crop.objects)


def seeded(target: Any, numbers: tuple[int, ...]) -> Any:
    """The target with the seed of what a loss draws of it, made of `numbers`; of queries nothing is drawn by it."""
    if isinstance(target, PanopticTargets):
        return replace(target, things=seeded(target.things, numbers))
    if isinstance(target, InstanceTargets):
        return replace(target, seed=int(np.random.SeedSequence(numbers).generate_state(1)[0]))
    return target


def targets_of(objects: CutObjects) -> InstanceTargets:
    """The objects of a crop as a network is told them."""
    return InstanceTargets(
        torch.from_numpy(objects.channels),
        torch.from_numpy(objects.boxes()),
        torch.from_numpy(objects.masks),
        torch.from_numpy(objects.ignored),
    )
