"""BoxInst's losses: equal to its code's definitions, written here a second time in numpy, and to values by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from segwright.models.instance.boxinst import (
    DILATION,
    NEIGHBOURS,
    box_masks,
    colour_affinity,
    frames_in_lab,
    pairwise_loss,
    projection_loss,
)
from segwright.models.instance.colour import lab_of_rgb

ALL = torch.ones(4, 6, dtype=torch.bool)


def test_lab__equals_scikit_image() -> None:
    rgb = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    rgb[0, :, 0, 0], rgb[0, :, 0, 1] = 0, 1
    expected = rgb2lab(rgb.numpy(), channel_axis=1)
    np.testing.assert_allclose(lab_of_rgb(rgb).numpy(), expected, atol=2e-3)


def test_projection__by_hand() -> None:
    """A mask of probability 1 on two of the box's three columns: x-Dice 1 - 2*2/(2 + 3), y-Dice 0."""
    boxes = torch.zeros(1, 4, 6, dtype=torch.bool)
    boxes[0, 1:3, 1:4] = True
    logits = torch.full((1, 4, 6), -50.0)
    logits[0, 1:3, 1:3] = 50
    assert float(projection_loss(logits, boxes, ALL)) == pytest.approx(0.2, abs=1e-4)
    logits[0, 1:3, 3] = 50
    assert float(projection_loss(logits, boxes, ALL)) == pytest.approx(0.0, abs=1e-4)


def test_pairwise__equals_the_definition_pixel_by_pixel() -> None:
    """-log(p q + (1 - p)(1 - q)) over the pairs given (`dynamic_mask_head.py: compute_pairwise_term`)."""
    draw = torch.Generator().manual_seed(1)
    logits = torch.randn(3, 5, 6, generator=draw)
    pairs = torch.rand(3, 8, 5, 6, generator=draw) < 0.5
    p = 1 / (1 + np.exp(-logits.double().numpy()))
    expected = np.zeros(3)
    for one in range(3):
        for number, (dy, dx) in enumerate(NEIGHBOURS):
            for y in range(5):
                for x in range(6):
                    near_y, near_x = y + DILATION * dy, x + DILATION * dx
                    inside = 0 <= near_y < 5 and 0 <= near_x < 6
                    if not (pairs[one, number, y, x] and inside):
                        continue
                    q = p[one, near_y, near_x]
                    expected[one] -= np.log(p[one, y, x] * q + (1 - p[one, y, x]) * (1 - q))
    beyond = colour_affinity(torch.zeros(3, 5, 6), torch.ones(5, 6, dtype=torch.bool)) == 0  # pairs over the edge
    found = pairwise_loss(logits, pairs & ~beyond)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_colour_affinity__by_hand() -> None:
    """exp(-distance / 2) (`condinst.py: get_images_color_similarity`), 0 over the edge and where either is ignored."""
    lab = torch.zeros(3, 1, 5)
    lab[0, 0, 2] = 3.0
    lab[1, 0, 2] = 4.0
    judged = torch.ones(1, 5, dtype=torch.bool)
    right = NEIGHBOURS.index((0, 1))
    affinity = colour_affinity(lab, judged)
    torch.testing.assert_close(affinity[right, 0], torch.tensor([np.exp(-2.5), 1, np.exp(-2.5), 0, 0]).float())
    judged[0, 2] = False
    torch.testing.assert_close(colour_affinity(lab, judged)[right, 0], torch.tensor([0.0, 1, 0, 0, 0]))


def test_box_masks__cells_with_their_centre_inside_and_never_none() -> None:
    boxes = torch.tensor([[0.0, 0, 8, 8], [3, 3, 5, 16], [19, 11, 20, 12]])
    masks = box_masks(boxes, 4, 5, 4)
    assert masks[0].nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert masks[1].nonzero().tolist() == [[1, 1], [2, 1], [3, 1]]  # thinner than a cell: the one its middle is in
    assert masks[2].nonzero().tolist() == [[2, 4]]


def test_frames_in_lab__normalising_is_undone() -> None:
    mean, std = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.3, 0.4])
    grey = torch.full((1, 3, 8, 8), 0.5)
    lab = frames_in_lab((grey - mean[:, None, None]) / std[:, None, None], mean, std, 4)
    assert lab.shape == (1, 3, 2, 2)
    np.testing.assert_allclose(lab[0, :, 0, 0], rgb2lab(np.full((1, 1, 3), 0.5))[0, 0], atol=2e-3)


def test_losses__an_ignored_cell_gets_no_gradient() -> None:
    draw = torch.Generator().manual_seed(2)
    judged = torch.rand(4, 6, generator=draw) < 0.7
    boxes = torch.zeros(2, 4, 6, dtype=torch.bool)
    boxes[:, 1:4, 1:5] = True
    logits = torch.randn(2, 4, 6, generator=draw).requires_grad_()
    pairs = (colour_affinity(torch.randn(3, 4, 6, generator=draw), judged) > 0.1) & boxes[:, None]
    (projection_loss(logits, boxes, judged).sum() + pairwise_loss(logits, pairs).sum()).backward()
    assert logits.grad is not None
    assert bool((logits.grad[:, ~judged] == 0).all())
    assert bool((logits.grad[:, judged] != 0).any())
