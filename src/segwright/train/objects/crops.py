"""One crop with its objects: where it lies, how it is warped, what is pasted on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.data.augment import centre_anywhere, centre_on, cut, draw_geometry
from segwright.train.objects.frames import ObjectFrames
from segwright.train.objects.layers import IGNORED, CutObjects, cut_objects, pasted_objects
from segwright.train.objects.plan import ObjectPlan
from segwright.train.sampling_plan import SamplingPlan


class ObjectCrop(NamedTuple):
    """Pixels (height, width, bands) of the frames' type, and the objects in them."""

    pixels: npt.NDArray
    objects: CutObjects


class ObjectCropper:
    """Cuts the crops that a sampling plan asks for out of indexed frames, and from nothing else.

    `rare_share` of the crops are centred on an object: a class is drawn by `class_shares`, then one of its objects,
    each as likely as another, whatever its size. `names` are the classes that the frames' channels count, of which the
    first `things` (None: all) can be put on other crops, and are lost where a crop shows too little of them.
    """

    def __init__(
        self,
        frames: ObjectFrames,
        names: tuple[str, ...],
        plan: SamplingPlan,
        rule: ObjectPlan,
        things: int | None = None,
    ) -> None:
        self._frames = frames
        self._plan = plan
        self._rule = rule
        self._things = len(names) if things is None else things
        self._pasted = np.array([name in plan.mix.pasted or not plan.mix.pasted for name in names], bool)
        self._holders = _holders(frames, names, plan.class_shares)

    def crop(self, size: Size, rng: np.random.Generator) -> ObjectCrop:
        """A crop of `size` with everything pasted on that the plan says."""
        crop = self._cut(size, rng)
        share = self._plan.mix.copy_paste
        if share and rng.random() < share:
            return self._with_objects(crop, self._cut(size, rng), rng)
        return crop

    def _cut(self, size: Size, rng: np.random.Generator) -> ObjectCrop:
        index, place = self._choose(rng)
        frame = self._frames[index]
        geometry = draw_geometry(size, self._plan.geometry, rng)
        shape = Size(*frame.pixels.shape[:2])
        centre = centre_anywhere(geometry, shape, rng) if place is None else centre_on(geometry, shape, place, rng)
        pixels, layers = cut(frame.pixels, frame.objects.layers, geometry, centre, void=IGNORED)
        rule = self._rule
        shown = cut_objects(layers, frame.objects, geometry.magnification, rule.least_share, rule.least_px)
        return ObjectCrop(pixels, shown)

    def _choose(self, rng: np.random.Generator) -> tuple[int, tuple[int, int] | None]:
        """A frame, and the pixel the crop should hold; None for anywhere."""
        if self._holders and rng.random() < self._plan.rare_share:
            shares = np.array([share for share, _ in self._holders])
            of_class = self._holders[int(rng.choice(len(shares), p=shares / shares.sum()))][1]
            index, number = (int(value) for value in of_class[rng.integers(len(of_class))])
            places = self._frames.places[index][number]
            row, column = places[rng.integers(len(places))]
            return index, (int(row), int(column))
        return int(rng.integers(len(self._frames))), None

    def _with_objects(self, crop: ObjectCrop, donor: ObjectCrop, rng: np.random.Generator) -> ObjectCrop:
        """The crop with some of the donor's objects on top, pixels and masks."""
        if not len(donor.objects.channels) or donor.pixels.shape != crop.pixels.shape:
            return crop
        pasted = self._pasted[donor.objects.channels] & (donor.objects.channels < self._things)
        chosen = np.flatnonzero((rng.random(len(donor.objects.channels)) < 0.5) & pasted)
        least = np.where(crop.objects.channels < self._things, self._rule.least_share, 0.0)
        objects, cover = pasted_objects(crop.objects, donor.objects, chosen.tolist(), least)
        return ObjectCrop(np.where(cover[..., np.newaxis], donor.pixels, crop.pixels), objects)


def _holders(
    frames: ObjectFrames, names: tuple[str, ...], shares: dict[str, float]
) -> list[tuple[float, npt.NDArray[np.int64]]]:
    """For each class that there is: (how often it is asked for, its objects as frame and number)."""
    holders = []
    for channel, name in enumerate(names):
        found = [
            (index, int(number))
            for index, channels in enumerate(frames.channels)
            for number in np.flatnonzero(channels == channel)
            if len(frames.places[index][int(number)])
        ]
        if found and shares.get(name, 0) > 0:
            holders.append((shares[name], np.array(found, np.int64)))
    return holders
