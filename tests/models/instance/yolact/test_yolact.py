"""YOLACT's matching, codes and losses: equal to its code's definitions, written here a second time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from segwright.models.instance import InstanceTargets
from segwright.models.instance.anchors import decoded
from segwright.models.instance.suppression import box_iou
from segwright.models.instance.yolact.answer import LARGEST, WEIGHTS
from segwright.models.instance.yolact.heads import Predictions
from segwright.models.instance.yolact.losses import class_loss, crop, encode, mask_loss, semantic_loss
from segwright.models.instance.yolact.matching import match
from segwright.models.instance.yolact.network import YOLACT
from segwright.models.instance.yolact.options import YOLACTOptions
from tests.models.instance.networks import network
from tests.models.instance.scenes import batch, scene, targets


def anchors_on(size: int = 64) -> torch.Tensor:
    model = network("yolact")
    assert isinstance(model, YOLACT)
    return model.predictions(torch.zeros(1, 3, size, size)).anchors.detach()


@pytest.mark.parametrize("seed", range(3))
def test_match__equals_the_published_loop(seed: int) -> None:
    """`box_utils.py: match`: the largest overlap of all picks first; then thresholds 0.5 and 0.4."""
    _, truth = scene(seed, objects=5)
    anchors = anchors_on()
    overlap = box_iou(truth.boxes, anchors).numpy().copy()
    best, index = overlap.max(0), overlap.argmax(0)
    for _ in range(len(truth)):
        row, column = np.unravel_index(overlap.argmax(), overlap.shape)
        overlap[:, column] = overlap[row] = -1
        best[column], index[column] = 2, row
    expected = 1 + truth.channels.numpy()[index]
    expected[best < 0.5] = -1
    expected[best < 0.4] = 0
    found = match(truth, anchors, YOLACTOptions())
    assert found.classes.tolist() == expected.tolist()
    positive = expected > 0
    assert found.target.numpy()[positive].tolist() == index[positive].tolist()
    assert set(found.target.numpy()[positive].tolist()) == set(range(5))


def test_match__mostly_ignored_anchors_are_neutral() -> None:
    _, truth = scene(0)
    everywhere = InstanceTargets(
        truth.channels[:0], truth.boxes[:0], truth.masks[:0], torch.ones(64, 64, dtype=torch.bool)
    )
    found = match(everywhere, anchors_on(), YOLACTOptions())
    assert 0 not in found.classes[found.classes != -1].tolist()


def test_codes__go_there_and_back() -> None:
    anchors = torch.tensor([[10.0, 10, 30, 20]])
    boxes = torch.tensor([[12.0, 8, 40, 28]])
    codes = encode(boxes, anchors)
    # centre from (20, 15) to (26, 18) over 0.1 of the sides 20 x 10; log of the sides' ratio over 0.2
    expected = torch.tensor([[3.0, 3.0, np.log(1.4) / 0.2, np.log(2) / 0.2]]).float()
    torch.testing.assert_close(codes, expected)
    torch.testing.assert_close(decoded(codes, anchors, WEIGHTS, LARGEST), boxes)


def test_class_loss__three_hardest_negatives_for_each_positive() -> None:
    """`multibox_loss.py: ohem_conf_loss`, summed; hardness is log_sum_exp - background."""
    logits = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    classes = torch.zeros(40, dtype=torch.int64)
    classes[[3, 7]] = torch.tensor([1, 2])
    classes[10:15] = -1
    hardness = (logits.logsumexp(1) - logits[:, 0]).numpy()
    negatives = [int(i) for i in np.argsort(-hardness) if classes[i] == 0][:6]
    chosen = [3, 7, *negatives]
    expected = F.cross_entropy(logits[chosen], classes[chosen], reduction="sum")
    torch.testing.assert_close(class_loss(logits, classes, 3), expected)


def test_crop__one_cell_around_the_box() -> None:
    inside = crop(torch.tensor([[8.0, 4, 16, 8]]), 4, 6, 4)[0]
    assert inside.nonzero().tolist() == [[y, x] for y in range(3) for x in range(1, 5)]


def aligned() -> InstanceTargets:
    masks = torch.zeros(2, 32, 32, dtype=torch.bool)
    masks[0, 4:16, 8:16] = True
    masks[1, 16:28, 12:32] = True
    return targets(masks, [1, 0])


def test_mask_loss__equals_the_published_formula_where_cells_are_whole() -> None:
    """Cross-entropy in the box, over its area in cells (`multibox_loss.py: lincomb_mask_loss`, cropped, RoI-like)."""
    truth, draw = aligned(), torch.Generator().manual_seed(0)
    coefficients, prototypes = torch.randn(3, 4, generator=draw), torch.rand(4, 8, 8, generator=draw)
    target = torch.tensor([0, 1, 1])
    found = float(mask_loss(coefficients, prototypes, target, truth, 4))
    p = 1 / (1 + np.exp(-np.einsum("nc,chw->nhw", coefficients.numpy(), prototypes.numpy())))
    expected = 0.0
    for one, index in enumerate(target.tolist()):
        assert truth.masks is not None
        q = truth.masks[index, ::4, ::4].numpy()
        x_min, y_min, x_max, y_max = (truth.boxes[index] / 4).tolist()
        for y in range(8):
            for x in range(8):
                if y_min - 1 <= y < y_max + 1 and x_min - 1 <= x < x_max + 1:
                    chance = p[one, y, x] if q[y, x] else 1 - p[one, y, x]
                    expected -= np.log(chance) / ((x_max - x_min) * (y_max - y_min))
    assert found == pytest.approx(expected, rel=1e-5)


def test_semantic_loss__equals_cross_entropy_of_every_class_map() -> None:
    truth = aligned()
    logits = torch.randn(2, 8, 8, generator=torch.Generator().manual_seed(0))
    assert truth.masks is not None
    maps = torch.stack([truth.masks[1, ::4, ::4], truth.masks[0, ::4, ::4]]).float()
    expected = F.binary_cross_entropy_with_logits(logits, maps, reduction="sum") / 64
    torch.testing.assert_close(semantic_loss(logits, truth, 4), expected)


def test_loss__what_is_ignored_gets_no_gradient_and_changes_nothing() -> None:
    frames, truths = batch(range(1))
    ignored = torch.zeros(64, 64, dtype=torch.bool)
    ignored[:, 40:] = True
    plain = truths[0]
    assert plain.masks is not None
    model = network("yolact").eval()
    assert isinstance(model, YOLACT)
    with torch.no_grad():
        said = model.predictions(frames)
    found = []
    for masks in (plain.masks & ~ignored, plain.masks | ignored):
        truth = InstanceTargets(plain.channels, plain.boxes, masks, ignored)
        leaves = Predictions(*(part.clone().requires_grad_() for part in said))
        total, _ = model.loss_of(leaves, [truth])
        total.backward()
        found.append((total.item(), leaves))
    assert found[0][0] == found[1][0]
    leaves = found[0][1]
    assert leaves.prototypes.grad is not None
    assert leaves.semantic.grad is not None
    assert bool((leaves.prototypes.grad[..., 10:] == 0).all())
    assert bool((leaves.prototypes.grad[..., :10] != 0).any())
    assert bool((leaves.semantic.grad[..., 5:] == 0).all())
    assert leaves.classes.grad is not None
    neutral = match(truth, said.anchors, model.options).classes == -1
    assert bool((leaves.classes.grad[0, neutral] == 0).all())
