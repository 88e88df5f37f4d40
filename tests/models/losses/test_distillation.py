"""What a student learns from a teacher: where the gradient goes, and where it does not."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.losses.distillation import FeatureMatch, outline_weights, softened_divergence


def logits(seed: int, *, batch: int = 2, channels: int = 3, side: int = 6) -> Tensor:
    return torch.randn(batch, channels, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_divergence__is_torchs_over_all_pixels() -> None:
    student, teacher = logits(1), logits(2)
    found = softened_divergence(student, teacher, torch.ones(2, 6, 6, dtype=torch.float64), temperature=3.0)
    theirs = F.kl_div((student / 3).log_softmax(1), (teacher / 3).log_softmax(1), reduction="none", log_target=True)
    torch.testing.assert_close(found, 9 * theirs.sum(1).mean())


def test_divergence__of_the_teacher_from_itself_is_nothing_and_has_no_gradient() -> None:
    student = logits(1).requires_grad_()
    loss = softened_divergence(student, logits(1), torch.ones(2, 6, 6, dtype=torch.float64), temperature=2.0)
    loss.backward()
    assert loss.item() == 0
    assert student.grad is not None
    assert student.grad.abs().max() < 1e-12


def test_divergence__pixels_that_do_not_count_have_no_gradient_and_change_nothing() -> None:
    weights = torch.ones(2, 6, 6, dtype=torch.float64)
    weights[:, 2:4] = 0
    student, other = logits(1).requires_grad_(), logits(1)
    other[:, :, 2:4] = 50.0
    loss = softened_divergence(student, logits(2), weights, temperature=1.0)
    loss.backward()
    assert student.grad is not None
    assert (student.grad[:, :, 2:4] == 0).all()
    assert (student.grad[:, :, 4:] != 0).all()
    assert softened_divergence(other, logits(2), weights, temperature=1.0).item() == loss.item()


def test_divergence__of_no_pixel_is_zero_with_gradient_zero() -> None:
    student = logits(1).requires_grad_()
    loss = softened_divergence(student, logits(2), torch.zeros(2, 6, 6, dtype=torch.float64), temperature=1.0)
    loss.backward()
    assert loss.item() == 0
    assert student.grad is not None
    assert not student.grad.any()


def test_outline_weights__count_more_beside_the_teachers_outline_and_nothing_where_not_counted() -> None:
    teacher = torch.zeros(1, 2, 1, 8)
    teacher[:, 1, :, 4:] = 1.0  # the outline runs between the pixels 3 and 4
    counted = torch.ones(1, 1, 8, dtype=torch.bool)
    counted[..., 0] = counted[..., 4] = False
    weights = outline_weights(teacher, counted, extra=2.0, band_px=2)
    assert weights.flatten().tolist() == [0, 1, 3, 3, 0, 3, 1, 1]
    assert outline_weights(teacher, counted, extra=0.0, band_px=2).flatten().tolist() == [0, 1, 1, 1, 0, 1, 1, 1]


def test_feature_match__reaches_student_and_projection_and_only_counted_places() -> None:
    torch.manual_seed(0)
    match = FeatureMatch([4], [5])
    student = torch.randn(1, 4, 2, 2, requires_grad=True)
    counted = torch.ones(1, 16, 16, dtype=torch.bool)
    counted[:, :8] = False
    loss = match([student], [torch.randn(1, 5, 2, 2)], counted)
    loss.backward()
    assert 0 < loss.item() < 2
    assert student.grad is not None
    assert (student.grad[:, :, 0] == 0).all()
    assert student.grad[:, :, 1].abs().min() > 0
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in match.parameters())


def test_feature_match__of_a_student_that_points_the_teachers_way_is_nothing() -> None:
    match = FeatureMatch([3], [3])
    with torch.no_grad():
        match.projections[0].weight.copy_(torch.eye(3).view(3, 3, 1, 1))  # type: ignore[operator, union-attr]
    features = torch.randn(1, 3, 4, 4)
    assert abs(match([2 * features], [features], torch.ones(1, 32, 32, dtype=torch.bool)).item()) < 1e-6
