"""Every network learns two small frames by heart: discs and bars, the bars thinner than two cells of most masks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from segwright.models.instance import InstanceTargets
from tests.models.instance.networks import network
from tests.models.instance.pasting import best_iou
from tests.models.instance.scenes import DISC, batch, large_disc

# name -> steps, learning rate
LEARNING = {"solov2": (50, 5e-3), "yolact": (70, 4e-3), "maskrcnn refined": (70, 3e-3)}


@pytest.mark.parametrize("name", LEARNING)
def test_loss__goes_down_until_the_frames_are_known(name: str) -> None:
    frames, truths = batch(range(2))
    model = learned(name, frames, truths, *LEARNING[name])
    with torch.no_grad():
        found = model(frames)
    shares = [
        best_iou(found, image, mask, int(channel), model.mask_frame, score=0.3)
        for image, truth in enumerate(truths)
        for mask, channel in zip(truth.masks, truth.channels, strict=True)
    ]
    assert min(shares) >= 0.6, shares
    assert int((found.scores > 0.3).sum()) <= len(shares) + 2  # and little else is seen


def test_boxinst__boxes_and_colours_make_masks_that_are_no_boxes() -> None:
    pairs = [large_disc(28, 30), large_disc(36, 34)]
    frames = torch.stack([frame for frame, _ in pairs])
    discs = [truth.masks[0] for _, truth in pairs]
    boxes = [InstanceTargets(truth.channels, truth.boxes, None, truth.ignored) for _, truth in pairs]
    model = learned("solov2 from boxes", frames, boxes, 40, 5e-3)
    with torch.no_grad():
        found = model(frames)
    shares = [best_iou(found, image, disc, DISC, "image", score=0.3) for image, disc in enumerate(discs)]
    assert min(shares) > 0.85, shares  # the box itself reaches 0.79


def learned(name: str, frames: Tensor, truths: list[InstanceTargets], steps: int, rate: float) -> nn.Module:
    """The network after `steps` on the same frames, in evaluation mode."""
    model = network(name).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 10, 2 * (1 - step / steps))
        total, _ = model.loss(frames, truths)
        optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimiser.step()
    return model.eval()
