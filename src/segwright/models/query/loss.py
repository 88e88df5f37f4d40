"""What queries learn from: after matching, the class of each query, and the masks of those that have a segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.joint import joint_mean, joint_sum
from segwright.models.query.matching import TermWeights, match
from segwright.models.query.output import QueryOutput
from segwright.models.query.points import Grid, generators_on, logits_at, unsure_pixels
from segwright.models.query.targets import SegmentTargets

TERMS = ("class", "mask", "dice")


@dataclass(frozen=True)
class QueryLoss:
    """The weighted sum of three terms over all layers that answer, and each term of the last layer unweighted.

    Each layer is matched by itself. The class term is cross-entropy over all queries of all frames, a query without a
    segment weighted by `no_object_weight`; the mask terms are cross-entropy and Dice at `points` points of each matched
    mask, summed over masks and divided by the number of segments in the batch.

    Void is drawn for no point, so it changes neither matching nor loss; a frame of nothing but void is left out of all
    terms. A frame without segments teaches its queries "no object". Segments beyond the number of queries stay
    unmatched, the costliest ones. Computed in float32 whatever autocast says, in float64 where the logits are.

    Within `joint_batch` sums and numbers of segments are those of all processes, and so is the loss.

    Source: Cheng et al. 2022 (Mask2Former), sections 3.3 and 4.1; equal to transformers' Mask2FormerLoss at the same
    points on frames without void.
    """

    weights: TermWeights = field(default_factory=TermWeights)
    no_object_weight: float = 0.1
    points: int = 12544

    @staticmethod
    def of(options: Mapping[str, Any]) -> QueryLoss:
        """The loss that a network's options describe."""
        weights = TermWeights(options["class_weight"], options["mask_weight"], options["dice_weight"])
        return QueryLoss(weights, options["no_object_weight"], options["points"])

    def __call__(self, output: QueryOutput, targets: Sequence[SegmentTargets]) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, a scalar with gradient, and its terms without, for one target a frame."""
        generators = generators_on(output.mask_logits.device, len(targets))
        grids = [Grid.of(target.valid) for target in targets]
        layers = [self._terms(layer, targets, grids, generators) for layer in (*output.auxiliary, output)]
        factors = (self.weights.class_weight, self.weights.mask_weight, self.weights.dice_weight)
        total = torch.stack([factor * term for layer in layers for factor, term in zip(factors, layer, strict=True)])
        return total.sum(), {name: term.detach() for name, term in zip(TERMS, layers[-1], strict=True)}

    def _terms(
        self,
        output: QueryOutput,
        targets: Sequence[SegmentTargets],
        grids: Sequence[Grid],
        generators: Sequence[torch.Generator],
    ) -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast(output.mask_logits.device.type, enabled=False):
            class_logits, mask_logits = (_exact(each) for each in (output.class_logits, output.mask_logits))
            wanted = torch.full(class_logits.shape[:2], class_logits.shape[2] - 1, device=class_logits.device)
            counted = torch.tensor([len(grid.pixels) > 0 for grid in grids], device=class_logits.device)
            mask_terms = mask_logits.new_zeros(2) + mask_logits[..., :0].sum()  # a gradient of 0 where none is added
            for frame, (target, grid, generator) in enumerate(zip(targets, grids, generators, strict=True)):
                if len(target) and len(grid.pixels):
                    queries, segments = self._matched(class_logits[frame], mask_logits[frame], target, grid, generator)
                    wanted[frame, queries] = target.channels[segments]
                    masks = mask_logits[frame, queries]
                    mask_terms = mask_terms + self._of_masks(masks, segments, target, grid, generator)
            mask, dice = joint_mean(mask_terms, sum(len(target) for target in targets))
            return self._of_classes(class_logits[counted], wanted[counted]), mask, dice

    def _matched(
        self, class_logits: Tensor, masks: Tensor, target: SegmentTargets, grid: Grid, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        pixels = grid.draw((self._points(grid),), generator)
        return match(class_logits, masks, target, grid, pixels, self.weights)

    def _points(self, grid: Grid) -> int:
        return min(self.points, grid.size.area_px)

    def _of_masks(
        self, masks: Tensor, segments: Tensor, target: SegmentTargets, grid: Grid, generator: torch.Generator
    ) -> Tensor:
        """The sums over masks (masks, height, width) of cross-entropy and Dice with `segments`: (2,)."""
        pixels = unsure_pixels(masks, grid, self._points(grid), generator)
        truth = target.at(segments, pixels).to(masks.dtype)
        logits = logits_at(masks, pixels, grid.size)
        entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(1)
        probabilities = logits.sigmoid()
        overlap = (2 * (probabilities * truth).sum(1) + 1) / (probabilities.sum(1) + truth.sum(1) + 1)
        return torch.stack([entropy.sum(), (1 - overlap).sum()])

    def _of_classes(self, class_logits: Tensor, wanted: Tensor) -> Tensor:
        """Cross-entropy of (frames, queries, channels + 1) with channels (frames, queries), "no object" weighed."""
        weights = class_logits.new_ones(class_logits.shape[-1])
        weights[-1] = self.no_object_weight
        losses = F.cross_entropy(class_logits.flatten(0, 1), wanted.flatten(), weight=weights, reduction="none")
        return joint_sum(losses.sum()) / joint_sum(weights[wanted].sum()).clamp(min=1e-6)


def _exact(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()
