"""The query loss: equal to transformers' on the same points, blind in void, flat in memory, right at the extremes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import Mask2FormerConfig
from transformers.models.mask2former.modeling_mask2former import Mask2FormerLoss

from segwright.models.query import QueryLoss, QueryOutput, SegmentTargets
from segwright.models.query import matching as matching_module
from segwright.models.query.matching import TermWeights, match, pair_costs
from segwright.models.query.points import Grid, generators_on, logits_at, unsure_pixels
from tests.models.query.tiny import answer, segments

POINTS = 48
LOSS = QueryLoss(points=POINTS)


def void(rows: slice, side: int = 8) -> Tensor:
    region = torch.zeros(side, side, dtype=torch.bool)
    region[rows] = True
    return region


def gradients(output: QueryOutput, targets: list[SegmentTargets]) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    loss, _ = LOSS(output, targets)
    said, masks = torch.autograd.grad(loss, [output.class_logits, output.mask_logits], allow_unused=True)
    return loss.detach(), said, torch.zeros_like(output.mask_logits) if masks is None else masks


class _Script:
    """Pixel positions drawn once: the same points for us and, as their centres, for transformers."""

    def __init__(self, side: int) -> None:
        self.side, self.drawn = side, torch.Generator().manual_seed(7)
        self.kept: list[Tensor] = []

    def ours(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        self.kept.append(torch.randint(self.side**2, shape, generator=self.drawn))
        return self.kept[-1]

    def theirs(self) -> Iterator[Tensor]:
        for pixels in self.kept:
            at = torch.stack([pixels % self.side, pixels // self.side], dim=-1)
            yield (at.double() + 0.5) / self.side


def reference(channels: int) -> Mask2FormerLoss:
    config = Mask2FormerConfig(num_labels=channels, train_num_points=POINTS)
    weights = {"loss_cross_entropy": 2.0, "loss_mask": 5.0, "loss_dice": 5.0}
    return Mask2FormerLoss(config, weights).double()


@pytest.mark.parametrize("count", [1, 3, 9])
def test_loss__equals_transformers_at_the_same_points(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One frame, matched and weighed as theirs; more segments (9) than queries (5) too."""
    output, target, script = answer(frames=1), segments(count), _Script(8)
    monkeypatch.setattr(Grid, "draw", script.ours)
    _, ours = LOSS(output, [target])
    points = script.theirs()
    monkeypatch.setattr(torch, "rand", lambda *shape, **_: next(points).reshape(*shape))
    masks = [target.places.double()]
    theirs = reference(3)(output.mask_logits, output.class_logits, masks, [target.channels])
    names = {"class": "loss_cross_entropy", "mask": "loss_mask", "dice": "loss_dice"}
    for name, their_name in names.items():  # the weight of no object is float32 there
        torch.testing.assert_close(ours[name], theirs[their_name].detach(), rtol=1e-7, atol=1e-9)


def test_pair_costs__take_segments_in_portions_without_another_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    output, target = answer(frames=1), segments(7)
    pixels = torch.arange(64)
    logits = logits_at(output.mask_logits[0], pixels, Grid.of(target.valid).size)
    once = pair_costs(output.class_logits[0], logits, target, pixels, TermWeights())
    monkeypatch.setattr(matching_module, "SEGMENTS_AT_ONCE", 2)
    torch.testing.assert_close(pair_costs(output.class_logits[0], logits, target, pixels, TermWeights()), once)


def test_total__is_the_weighted_sum_over_all_layers() -> None:
    output = answer()._replace(auxiliary=(answer(seed=3), answer(seed=4)))
    targets = [segments(3), segments(2, seed=5)]
    torch.manual_seed(0)
    loss, terms = LOSS(output, targets)
    torch.manual_seed(0)
    generators = generators_on(torch.device("cpu"), 2)
    grids = [Grid.of(target.valid) for target in targets]
    layers = [LOSS._terms(layer, targets, grids, generators) for layer in (*output.auxiliary, output)]
    torch.testing.assert_close(loss, sum(2 * own + 5 * mask + 5 * dice for own, mask, dice in layers))
    assert list(terms) == ["class", "mask", "dice"]
    assert not any(term.requires_grad for term in terms.values())


@pytest.mark.parametrize("extreme", [1.0, 1e3, 1e30])
def test_void__changes_no_bit_of_loss_or_gradient(extreme: float) -> None:
    """Matching included: whatever masks and truth say in the void rows, the answer is the same, gradient 0 there."""
    region = void(slice(0, 3))
    targets = [segments(3, void=region), segments(2, void=region, seed=4)]
    output = answer()
    loss, said, masks = gradients(output, targets)
    other = torch.where(region, extreme * torch.randn_like(output.mask_logits), output.mask_logits).detach()
    moved = [
        SegmentTargets(each.channels, each.places ^ (region & (torch.rand(8, 8) > 0.5)), each.valid) for each in targets
    ]
    again = gradients(QueryOutput(output.class_logits, other.requires_grad_()), moved)
    for before, after in zip((loss, said, masks), again, strict=True):
        assert torch.equal(before, after)
    assert not masks[..., :3, :].any()
    assert masks[..., 3:, :].any()


def test_void__coarse_logits_that_lie_over_it_alone_get_no_gradient() -> None:
    output, region = answer(side=4), void(slice(0, 4))
    target = SegmentTargets.of_masks(torch.tensor([1, 2]), torch.rand(2, 8, 8) > 0.5, region)
    _, _, masks = gradients(output, [target, target])
    assert not masks[..., 0, :].any()
    assert masks[..., 2:, :].any()


def test_void__a_frame_of_nothing_else_is_as_if_it_were_not_there() -> None:
    both, one = answer(frames=2), answer(frames=1)
    both = QueryOutput(*(torch.cat([mine.detach(), its.detach()[1:]]).requires_grad_() for mine, its in (
        (one.class_logits, both.class_logits), (one.mask_logits, both.mask_logits))))  # fmt: skip
    nothing = SegmentTargets.of_channels(torch.full((8, 8), -1))
    alone, with_it = gradients(one, [segments(3)]), gradients(both, [segments(3), nothing])
    torch.testing.assert_close(with_it[0], alone[0])
    torch.testing.assert_close(with_it[1][:1], alone[1])
    assert not with_it[1][1].any()
    assert not with_it[2][1].any()
    loss, said, _ = gradients(one, [nothing])
    assert loss == 0
    assert not said.any()


def test_no_segments__teach_every_query_no_object() -> None:
    output = answer(frames=1)
    loss, said, masks = gradients(output, [segments(0)])
    assert torch.isfinite(loss)
    assert (said[..., -1] < 0).all()
    assert (said[..., :-1] > 0).all()
    assert not masks.any()


def test_500_segments__are_matched_one_query_each() -> None:
    output, target = answer(frames=1, queries=20), segments(500)
    pixels = Grid.of(target.valid).pixels
    queries, found = match(
        output.class_logits[0], output.mask_logits[0], target, Grid.of(target.valid), pixels, TermWeights()
    )
    assert sorted(queries.tolist()) == list(range(20))
    assert len(set(found.tolist())) == 20
    assert torch.isfinite(gradients(output, [target])[0])


class _Largest(TorchDispatchMode):
    """Remembers how many numbers the largest tensor had that an operation gave."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor):
            self.numbers = max(self.numbers, out.numel())
        return out


def test_memory__does_not_grow_with_the_number_of_segments() -> None:
    """roboflow/rf-detr#1084, #1460, #639: out of memory in matching, of training and of validation."""
    found = []
    for count in (64, 500):
        places = torch.arange(32 * 32).reshape(32, 32) % count
        target = SegmentTargets(torch.zeros(count, dtype=torch.int64), places, torch.ones(32, 32, dtype=torch.bool))
        output = answer(frames=1, queries=20, side=16)
        with _Largest() as largest:
            QueryLoss(points=256)(output, [target])
        found.append(largest.numbers)
    assert found[0] == found[1]


def test_match__finds_the_segments_a_network_says_exactly() -> None:
    target = SegmentTargets.of_channels(torch.arange(4).repeat_interleave(16).reshape(8, 8))
    order = torch.tensor([2, 0, 3, 1])
    said = torch.full((4, 5), -5.0)
    said[torch.arange(4), order] = 5.0
    masks = torch.stack([torch.where(target.places == number, 9.0, -9.0) for number in order])
    grid = Grid.of(target.valid)
    queries, found = match(said, masks, target, grid, grid.pixels, TermWeights())
    assert queries.tolist() == [0, 1, 2, 3]
    assert found.tolist() == order.tolist()


def test_match__what_is_not_finite_costs_most_and_does_not_fail() -> None:
    target = SegmentTargets.of_channels(torch.zeros(4, 4, dtype=torch.int64))
    masks = torch.stack([torch.full((4, 4), float("nan")), torch.full((4, 4), 3.0)])
    grid = Grid.of(target.valid)
    queries, _ = match(torch.zeros(2, 2), masks, target, grid, grid.pixels, TermWeights())
    assert queries.tolist() == [1]


def test_logits_at__are_those_of_the_enlarged_mask() -> None:
    masks, size = torch.randn(3, 5, 6), Grid.of(torch.ones(20, 18, dtype=torch.bool)).size
    whole = torch.nn.functional.interpolate(masks[None], size=(20, 18), mode="bilinear", align_corners=False)[0]
    pixels = torch.arange(360)
    torch.testing.assert_close(logits_at(masks, pixels, size), whole.flatten(1))
    torch.testing.assert_close(logits_at(masks, pixels.expand(3, -1), size), whole.flatten(1))


def test_unsure_pixels__are_mostly_those_near_the_outline_and_none_is_void() -> None:
    valid = torch.ones(32, 32, dtype=torch.bool)
    valid[:, :4] = False
    masks = torch.linspace(-16, 16, 32).expand(1, 32, 32).contiguous()  # unsure in the middle columns
    pixels = unsure_pixels(masks, Grid.of(valid), 400, torch.Generator().manual_seed(0))
    columns = pixels % 32
    assert pixels.shape == (1, 400)
    assert (columns >= 4).all()
    assert ((columns - 15.5).abs() < 6).float().mean() > 0.75


def test_draws__depend_on_the_random_state_a_checkpoint_holds() -> None:
    output, targets = answer(), [segments(3), segments(2)]
    state = torch.get_rng_state()
    first = LOSS(output, targets)[0]
    assert LOSS(output, targets)[0] != first
    torch.set_rng_state(state)
    assert LOSS(output, targets)[0] == first


def test_no_object_weight__of_zero_stays_finite_without_segments() -> None:
    loss, _ = QueryLoss(no_object_weight=0.0, points=POINTS)(answer(), [segments(0), segments(0)])
    assert loss == 0


def test_half_precision__is_left_for_the_loss() -> None:
    output, targets = answer(), [segments(3), segments(2)]
    rounded = QueryOutput(*(each.detach().bfloat16() for each in (output.class_logits, output.mask_logits)))
    with torch.autocast("cpu", torch.bfloat16):
        loss, terms = LOSS(rounded, targets)
    assert loss.dtype == torch.float32
    assert all(term.dtype == torch.float32 for term in terms.values())
