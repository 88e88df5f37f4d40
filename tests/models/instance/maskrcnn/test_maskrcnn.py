"""Mask R-CNN's parts: equal to torchvision's on the same tensors."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch
import torchvision
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads, maskrcnn_loss, project_masks_on_boxes
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import MultiScaleRoIAlign

from segwright.models.instance import InstanceTargets
from segwright.models.instance.anchors import decoded
from segwright.models.instance.maskrcnn.box_head import best_boxes
from segwright.models.instance.maskrcnn.mask_head import MaskHead, mask_loss, truths_in
from segwright.models.instance.maskrcnn.matching import LARGEST, REGION_MATCHER, RPN_MATCHER, match_boxes
from segwright.models.instance.maskrcnn.points import truth_at
from segwright.models.instance.maskrcnn.proposals import Proposals, best_proposals, proposal_losses
from segwright.models.instance.maskrcnn.regions import levels_of, region_features
from tests.models.instance.networks import MASK_RCNN
from tests.models.instance.scenes import batch, scene, targets

STRIDES = (4, 8, 16, 32, 64)
FRAMES = torch.zeros(2, 3, 64, 64)


def pyramid(width: int = 8, size: int = 64) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(2, width, max(1, size // stride), max(1, size // stride), generator=draw) for stride in STRIDES]


def torchvisions_rpn(ours: Proposals) -> RegionProposalNetwork:
    """torchvision's RPN with our head's weights, drawing as we draw."""
    generator = AnchorGenerator(
        tuple((size,) for size in MASK_RCNN.anchor_sizes_px), (MASK_RCNN.aspect_ratios,) * len(STRIDES)
    )
    theirs = RegionProposalNetwork(
        generator,
        RPNHead(8, generator.num_anchors_per_location()[0]),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=MASK_RCNN.anchors_to_train,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 80, "testing": 80},
        post_nms_top_n={"training": 40, "testing": 40},
        nms_thresh=MASK_RCNN.proposal_iou,
    )
    theirs.head.load_state_dict(ours.head.state_dict())
    return theirs


def test_proposals__losses_equal_torchvisions() -> None:
    _, truths = batch(range(2))
    torch.manual_seed(0)
    ours = Proposals(8, STRIDES, MASK_RCNN)
    said = ours(pyramid())
    torch.manual_seed(5)
    objectness, boxes = proposal_losses(said, truths, MASK_RCNN)
    theirs = torchvisions_rpn(ours).train()
    torch.manual_seed(5)
    named = OrderedDict((str(level), features) for level, features in enumerate(pyramid()))
    _, expected = theirs(ImageList(FRAMES, [(64, 64)] * 2), named, [{"boxes": truth.boxes} for truth in truths])
    torch.testing.assert_close(boxes, expected["loss_rpn_box_reg"])
    torch.testing.assert_close(objectness, expected["loss_objectness"])


def test_proposals__the_best_are_torchvisions() -> None:
    torch.manual_seed(0)
    ours = Proposals(8, STRIDES, MASK_RCNN).eval()
    with torch.no_grad():
        found, real = best_proposals(ours(pyramid()), FRAMES, MASK_RCNN)
        named = OrderedDict((str(level), features) for level, features in enumerate(pyramid()))
        expected, _ = torchvisions_rpn(ours).eval()(ImageList(FRAMES, [(64, 64)] * 2), named)
    for image in range(2):
        torch.testing.assert_close(found[image, : len(expected[image])], expected[image])
        assert int(real[image].sum()) == len(expected[image])


def test_codes__decode_as_torchvisions_coder() -> None:
    draw = torch.Generator().manual_seed(0)
    codes, low = torch.randn(20, 4, generator=draw) * 3, torch.rand(20, 2, generator=draw) * 30
    boxes = torch.cat([low, low + 1 + torch.rand(20, 2, generator=draw) * 30], dim=1)
    weights = (10.0, 10.0, 5.0, 5.0)
    torch.testing.assert_close(
        decoded(codes, boxes, weights, LARGEST), BoxCoder(weights).decode_single(codes, boxes), rtol=1e-4, atol=1e-4
    )


def regions() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    low = torch.rand(30, 2, generator=draw) * 300
    side = torch.rand(30, 1, generator=draw) ** 2 * 700 + 2
    return torch.cat([low, low + side], dim=1), torch.arange(30) % 2


def test_regions__levels_equal_torchvisions_mapper() -> None:
    boxes, _ = regions()
    pool = MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2)
    maps = {str(level): torch.zeros(1, 1, 1024 // stride, 1024 // stride) for level, stride in enumerate(STRIDES[:4])}
    pool(maps, [boxes], [(1024, 1024)])
    assert pool.map_levels is not None
    assert levels_of(boxes, 4).tolist() == pool.map_levels([boxes]).tolist()


def test_regions__the_exported_way_gives_the_same_features() -> None:
    boxes, image = regions()
    maps = pyramid(size=1024)
    plain = region_features(maps, boxes, image, 7, STRIDES[:4])
    with patch("torch.compiler.is_exporting", return_value=True):
        exported = region_features(maps, boxes, image, 7, STRIDES[:4])
    torch.testing.assert_close(plain, exported)
    assert plain.shape == (30, 8, 7, 7)


def test_best_boxes__equal_torchvisions_postprocessing() -> None:
    draw = torch.Generator().manual_seed(2)
    low = torch.rand(2, 40, 2, generator=draw) * 40
    proposals = torch.cat([low, low + 5 + 20 * torch.rand(2, 40, 2, generator=draw)], dim=2)
    logits, codes = torch.randn(80, 4, generator=draw) * 2, torch.randn(80, 16, generator=draw)
    options = replace(MASK_RCNN, before_suppression=120)
    scores, channels, boxes = best_boxes(
        logits, codes, (proposals, torch.ones(2, 40) > 0), FRAMES, count=30, options=options
    )
    heads = RoIHeads(None, None, None, 0.5, 0.5, 64, 0.25, (10.0, 10.0, 5.0, 5.0), 0.05, 0.5, 30)
    expected = heads.postprocess_detections(logits, codes, list(proposals), [(64, 64)] * 2)
    for image, (their_boxes, their_scores, their_labels) in enumerate(zip(*expected, strict=True)):
        count = len(their_scores)
        torch.testing.assert_close(scores[image, :count], their_scores)
        torch.testing.assert_close(boxes[image, :count], their_boxes, rtol=1e-4, atol=1e-4)
        assert channels[image, :count].tolist() == (their_labels - 1).tolist()
        assert bool((scores[image, count:] == 0).all())


def test_mask_loss__equals_torchvisions() -> None:
    _, truth = scene(0)
    assert truth.masks is not None
    boxes, target = truth.boxes[[0, 1, 2, 1]] + torch.tensor([-1.0, 0.5, 2, 1]), torch.tensor([0, 1, 2, 1])
    logits = torch.randn(4, 3, 14, 14, generator=torch.Generator().manual_seed(0))
    expected = maskrcnn_loss(logits, [boxes], [truth.masks], [truth.channels + 1], [target])
    shares = project_masks_on_boxes(truth.masks, boxes, target, 14)
    own = logits[torch.arange(4), truth.channels[target] + 1]
    torch.testing.assert_close(mask_loss(own, shares, torch.ones_like(own) > 0), expected)


def test_truths_in__a_box_around_its_object_holds_it() -> None:
    masks = torch.zeros(1, 32, 32, dtype=torch.bool)
    masks[0, 8:24, 8:12] = True  # the left quarter of its box
    truth = targets(masks, [0])
    shares, judged = truths_in(torch.tensor([[8.0, 8, 24, 24]]), torch.tensor([0]), truth, 8)
    assert bool(judged.all())
    torch.testing.assert_close(shares[0, :, 0], torch.ones(8))
    torch.testing.assert_close(shares[0, :, 3:], torch.zeros(8, 5))


def test_truths_in__cells_that_touch_what_is_ignored_are_not_judged() -> None:
    _, plain = scene(0)
    ignored = torch.zeros(64, 64, dtype=torch.bool)
    ignored[:, 32:] = True
    truth = InstanceTargets(plain.channels, plain.boxes, plain.masks, ignored)
    _, judged = truths_in(torch.tensor([[16.0, 0, 48, 64]]), torch.tensor([0]), truth, 8)
    assert judged[0, 0].tolist() == [True] * 4 + [False] * 4
    logits = torch.randn(1, 8, 8, requires_grad=True)
    mask_loss(logits, torch.zeros(1, 8, 8), judged).backward()
    assert logits.grad is not None
    assert bool((logits.grad[~judged] == 0).all())


def test_match__mostly_ignored_boxes_are_neutral_unless_they_have_an_object() -> None:
    masks = torch.zeros(1, 32, 32, dtype=torch.bool)
    masks[0, 0:10, 0:10] = True
    ignored = torch.zeros(32, 32, dtype=torch.bool)
    ignored[:20] = True
    ignored[0, 0] = False
    boxes = torch.tensor([[0.0, 0, 10, 10], [12, 0, 22, 10], [12, 22, 22, 32], [12, 12, 22, 30]])
    found = match_boxes(targets(masks, [1], ignored), boxes, REGION_MATCHER)
    assert found.classes.tolist() == [2, -1, 0, 0]


@pytest.mark.parametrize("matcher", [REGION_MATCHER, RPN_MATCHER])
def test_match__equals_torchvisions_matcher_however_many_objects(matcher: Matcher) -> None:
    draw = torch.Generator().manual_seed(4)
    low = torch.randint(0, 40, (90, 2), generator=draw).float()
    boxes = torch.cat([low, low + torch.randint(1, 20, (90, 2), generator=draw)], dim=1)
    truth = InstanceTargets(
        torch.arange(70), boxes[20:] + 0.4, None, torch.zeros(64, 64, dtype=torch.bool)
    )  # more than are looked at together
    found = match_boxes(truth, boxes, matcher)
    expected = matcher(torchvision.ops.box_iou(truth.boxes, boxes))
    assert found.classes.tolist() == [1 + at if at >= 0 else {-1: 0, -2: -1}[at] for at in expected.tolist()]
    assert found.target.tolist() == expected.clamp(min=0).tolist()


def test_proposals__what_is_ignored_gets_no_gradient() -> None:
    _, truths = batch(range(2))
    ignored = torch.zeros(64, 64, dtype=torch.bool)
    ignored[:, 32:] = True
    hidden = [InstanceTargets(one.channels[:0], one.boxes[:0], one.masks[:0], ignored) for one in truths]
    said = Proposals(8, STRIDES, MASK_RCNN)(pyramid())
    leaves = [level.detach().requires_grad_() for level in said.objectness]
    objectness, _ = proposal_losses(replace(said, objectness=leaves), hidden, replace(MASK_RCNN, anchors_to_train=5000))
    objectness.backward()
    gradient = torch.cat([level.grad for level in leaves], dim=1)
    anchors = torch.cat(said.anchors)
    inside = (anchors[:, 0] >= 32) & (anchors[:, 2] <= 64) & (anchors[:, 1] >= 0) & (anchors[:, 3] <= 64)
    assert bool(inside.any())
    assert bool((gradient[:, inside] == 0).all())
    assert bool((gradient[:, ~inside] != 0).any())


@pytest.mark.parametrize("channels", [1, 1000])
def test_mask_head__makes_only_the_asked_class(channels: int) -> None:
    torch.manual_seed(0)
    head = MaskHead(8, channels)
    asked = torch.tensor([0, channels - 1])
    features = torch.randn(2, 8, 7, 7)
    logits = head(features, asked)
    assert logits.shape == (2, 14, 14)
    every = F.conv2d(F.relu(head.up(head.layers(features))), head.weight[:, :, None, None], head.bias)
    torch.testing.assert_close(logits, every[torch.arange(2), asked], rtol=1e-4, atol=1e-5)


def test_mask_head__is_undecided_before_it_has_learned() -> None:
    torch.manual_seed(0)
    features = 3 * torch.randn(4, 32, 7, 7)
    logits = MaskHead(32, 1)(features, torch.zeros(4, dtype=torch.int64))
    assert float(logits.detach().abs().max()) < 0.1


def test_truth_at__points_read_the_object_they_lie_on() -> None:
    _, truth = scene(0)
    box = truth.boxes[:1]
    middle = torch.full((1, 1, 2), 0.5)
    shares, judged = truth_at(middle, box, torch.tensor([0]), truth)
    assert float(shares) == 1  # a disc holds its box's middle
    assert bool(judged.all())
