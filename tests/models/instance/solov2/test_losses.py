"""SOLOv2's losses: equal to their formulas; nothing comes from what is ignored; memory does not grow with objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from segwright.models.instance import InstanceTargets
from segwright.models.instance.solov2.assignment import Assignment, assign
from segwright.models.instance.solov2.losses import AskedMasks, cell_loss, dice_losses
from tests.models.instance.networks import SOLOV2, network
from tests.models.instance.scenes import targets


def blocks(objects: int, size: int = 64) -> InstanceTargets:
    """Squares of 8 px on multiples of 4, so that every cell of the masks is whole; one after another."""
    masks = torch.zeros(objects, size, size, dtype=torch.bool)
    for number in range(objects):
        x, y = 8 * number % size, 8 * (8 * number // size) % size
        masks[number, y : y + 8, x : x + 8] = True
    return targets(masks, [number % 2 for number in range(objects)])


def asked_for(truth: InstanceTargets, channels: int = 4, size: int = 16) -> AskedMasks:
    draw = torch.Generator().manual_seed(0)
    count = len(truth)
    kernels = torch.randn(count, channels, generator=draw, requires_grad=True)
    features = torch.randn(channels, size, size, generator=draw, requires_grad=True)
    return AskedMasks(kernels, features, torch.arange(count))


def test_dice__equals_the_published_formula() -> None:
    """1 - 2 sum(pq) / (sum(p^2) + 0.001 + sum(q^2) + 0.001) (`solov2_head.py: dice_loss`)."""
    truth = blocks(3)
    asked = asked_for(truth)
    found = dice_losses(asked, truth, 4).detach().numpy()
    logits = np.einsum("nc,chw->nhw", asked.kernels.detach().numpy(), asked.features.detach().numpy())
    p = 1 / (1 + np.exp(-logits))
    assert truth.masks is not None
    q = truth.masks[:, ::4, ::4].numpy()
    for one in range(3):
        expected = 1 - 2 * (p[one] * q[one]).sum() / ((p[one] ** 2).sum() + 0.001 + q[one].sum() + 0.001)
        assert found[one] == pytest.approx(expected, rel=1e-5)


def test_cells__equal_the_focal_formula() -> None:
    """alpha_t (1 - p_t)^2 -log p_t summed, over objects' cells + 1 (`solov2_head.py: loss`; Lin et al. 2017, eq. 5)."""
    logits = torch.randn(1, 4, 2, generator=torch.Generator().manual_seed(0))
    channels = torch.tensor([0, -1, 1, -1])
    judged = torch.tensor([True, True, True, False])
    nothing = torch.zeros(0, dtype=torch.int64)
    found = float(cell_loss(logits, [Assignment(channels, judged, nothing, nothing)]))
    p, total = 1 / (1 + np.exp(-logits[0].numpy())), 0.0
    for cell in range(3):
        for channel in range(2):
            right = channels[cell] == channel
            chance = p[cell, channel] if right else 1 - p[cell, channel]
            total += (0.25 if right else 0.75) * (1 - chance) ** 2 * -np.log(chance)
    assert found == pytest.approx(total / 3, rel=1e-5)


def test_loss__what_is_ignored_gets_no_gradient_and_changes_nothing() -> None:
    ignored = torch.zeros(64, 64, dtype=torch.bool)
    ignored[32:, :24] = True
    plain = blocks(4)
    assert plain.masks is not None
    truth = InstanceTargets(plain.channels, plain.boxes, plain.masks, ignored)
    painted = InstanceTargets(plain.channels, plain.boxes, plain.masks ^ ignored, ignored)
    model = network("solov2")
    found = [loss_and_gradients(model, one) for one in (truth, painted)]
    assert found[0][0] == found[1][0]
    _, cells, features = found[0]
    mask_cells = ignored[::4, ::4]
    assert bool((features[:, :, mask_cells] == 0).all())
    assert bool((features[:, :, ~mask_cells] != 0).any())
    judged = assign(truth, SOLOV2).judged
    assert bool((cells[0, ~judged] == 0).all())
    assert not bool(judged.all())


def loss_and_gradients(model: torch.nn.Module, truth: InstanceTargets) -> tuple[float, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    count = sum(grid**2 for grid in SOLOV2.grids)
    logits = torch.randn(1, count, 2, generator=draw, requires_grad=True)
    kernels = torch.randn(1, count, SOLOV2.mask_channels, generator=draw)
    features = torch.randn(1, SOLOV2.mask_channels, 16, 16, generator=draw, requires_grad=True)
    total, _ = model.loss_of(logits, kernels, features, torch.zeros(1, 3, 64, 64), [truth])
    total.backward()
    assert logits.grad is not None
    assert features.grad is not None
    return total.item(), logits.grad, features.grad


@pytest.mark.parametrize("name", ["solov2", "solov2 from boxes"])
def test_loss__memory_kept_for_the_gradient_hardly_grows_with_the_objects(name: str) -> None:
    model = network(name)
    few, many = (kept_bytes(model, blocks(count)) for count in (8, 64))
    assert many < 2 * few


def kept_bytes(model: torch.nn.Module, truth: InstanceTargets) -> int:
    """The bytes of all that autograd keeps from the forward pass of the loss."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    draw = torch.Generator().manual_seed(1)
    count = sum(grid**2 for grid in SOLOV2.grids)
    logits = torch.randn(1, count, 2, generator=draw, requires_grad=True)
    kernels = torch.randn(1, count, SOLOV2.mask_channels, generator=draw, requires_grad=True)
    features = torch.randn(1, SOLOV2.mask_channels, 16, 16, generator=draw, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.loss_of(logits, kernels, features, torch.zeros(1, 3, 64, 64), [truth])
    return sum(kept.values())


def test_loss__looks_at_no_more_masks_than_asked_for() -> None:
    model = network("solov2")
    model.options = replace(SOLOV2, masks_to_train=3)
    drawn = model._asked(torch.zeros(20, 4), torch.zeros(4, 2, 2), assign(blocks(16), SOLOV2))
    assert len(drawn.target) == 3
    assert len(set(drawn.target.tolist())) == 3
