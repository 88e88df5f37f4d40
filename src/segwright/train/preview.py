"""What training will see, before it starts: crops of the first steps, as the feed gives them, and counts over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, Image, LabelMap, Listener, Progress, silent
from segwright.infer.preprocess import Preprocessing
from segwright.models.losses import VOID_CHANNEL
from segwright.train.feed import Batch, Batches
from segwright.train.settings import Plan

STEPS = 25
SHOWN = 24


@dataclass(frozen=True)
class Preview:
    """`crops` to look at (RGB picture, labels at their own size), and counts over `counted` crops of `steps` steps.

    `crop_counts` are the crops that hold a class, `pixel_shares` a class's share of all pixels that are not void;
    `void_share` is void's of all pixels.
    """

    crops: tuple[tuple[Image, LabelMap], ...]
    steps: int
    counted: int
    crop_counts: dict[str, int]
    pixel_shares: dict[str, float]
    void_share: float


def preview(plan: Plan, feed: Batches, listener: Listener = silent) -> Preview:
    """The first batches of the run that the plan describes: the very ones it will train on.

    Where hard places are drawn again nothing is known of them yet, as in the first steps of the run.
    """
    steps = min(STEPS, plan.optimiser.steps)
    classes = plan.classes
    holding, pixels = np.zeros(len(classes), np.int64), np.zeros(len(classes), np.int64)
    void = total = 0
    shown: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]] = []
    for batch in feed.batches(0, steps):
        target = batch.target.numpy()
        for channels in target:
            counts = np.bincount(channels[channels != VOID_CHANNEL], minlength=len(classes))
            holding += counts > 0
            pixels += counts
        void, total = void + int((target == VOID_CHANNEL).sum()), total + target.size
        shown += _some(batch, SHOWN - len(shown), steps)
        listener(Progress("preview", batch.step + 1, steps, "steps"))
    return Preview(
        tuple(_pictures(shown, classes, plan.preprocessing)),
        steps,
        steps * plan.sampling.batch,
        {name: int(count) for name, count in zip(classes.names, holding, strict=True)},
        {name: float(count / max(1, pixels.sum())) for name, count in zip(classes.names, pixels, strict=True)},
        void / total,
    )


def _some(batch: Batch, wanted: int, steps: int) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
    """The first crops of a batch, as many as every step must give for `SHOWN` in all."""
    each = min(wanted, -(-SHOWN // steps))
    return [(batch.frames[slot].numpy(), batch.target[slot].numpy()) for slot in range(min(each, len(batch.target)))]


def _pictures(
    crops: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]], classes: ClassTable, how: Preprocessing
) -> list[tuple[Image, LabelMap]]:
    ids = np.array([*classes.ids, classes.void_id], np.uint16 if max(*classes.ids, classes.void_id) > 255 else np.uint8)
    images = pictures([pixels for pixels, _ in crops], how)
    # channel -1, void, is the last of the ids
    return [(image, LabelMap(ids[channels], classes)) for image, (_, channels) in zip(images, crops, strict=True)]


def pictures(crops: Sequence[npt.NDArray[np.float32]], how: Preprocessing) -> list[Image]:
    """What the network is fed (bands, height, width), back in the frame's brightness and RGB.

    Float frames are shown from the darkest to the brightest of all crops.
    """
    mean, std = (np.asarray(row, np.float32)[:, np.newaxis, np.newaxis] for row in (how.mean, how.std))
    values = [pixels * std + mean for pixels in crops]
    low, high = 0.0, 1.0
    if how.dtype == "float32":
        low, high = (
            float(each) for each in np.percentile(np.concatenate([part.ravel() for part in values]), (0.5, 99.5))
        )
    images = []
    for part in values:
        bytes_ = (
            np.clip((part - low) * (255 / max(high - low, 1e-9)), 0, 255).round().astype(np.uint8).transpose(1, 2, 0)
        )
        seen = bytes_[..., :3] if bytes_.shape[2] >= 3 else np.repeat(bytes_[..., :1], 3, axis=2)
        images.append(Image(np.ascontiguousarray(seen)))
    return images
