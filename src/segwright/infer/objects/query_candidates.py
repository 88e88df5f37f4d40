"""A network of queries as one that answers with candidates: what finds objects, tiles and all, runs it unchanged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from segwright.infer.objects.answers import Queries, QueryRuntime
from segwright.infer.objects.candidates import Candidates, Floats
from segwright.infer.objects.query import candidates

MOST = 100  # as many as average precision looks at; more where there are more queries


@dataclass(frozen=True)
class CandidatesOfQueries:
    """A runtime of candidates from one of queries, whose channels are the classes but the background."""

    queries: QueryRuntime

    @property
    def name(self) -> str:
        """What runs the network, for messages and manifests."""
        return self.queries.name

    @property
    def stride_px(self) -> int:
        """Height and width of a batch must be multiples of this."""
        return self.queries.stride_px

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Candidates]:
        return [candidates_of(answer) for answer in self.queries(batch)]


def candidates_of(answer: Queries) -> Candidates:
    """The surest pairs of a query and a class; a score is the class's probability times the mean one inside the mask.

    Pairs whose mask is nowhere above one half are left out.

    Source: Cheng et al. 2021 (MaskFormer), `instance_inference`; the mean is over the cells of the coarse mask.
    """
    found = candidates(answer.class_logits, answer.mask_logits, most=max(MOST, len(answer.class_logits)))
    inside = found.mask_logits > 0
    seen = inside.any(axis=(1, 2))
    masks, inside = found.mask_logits[seen], inside[seen]
    means = (expit(masks) * inside).sum(axis=(1, 2)) / np.maximum(1, inside.sum(axis=(1, 2)))
    scores = (found.scores[seen] * means).astype(np.float32)
    height, width = answer.input_px.height, answer.input_px.width
    boxes = _boxes(inside, height, width)
    return Candidates(scores, found.channels[seen], boxes, masks, "image", height, width, "logits")


def _boxes(inside: npt.NDArray[np.bool_], height: int, width: int) -> Floats:
    """x_min, y_min, x_max, y_max of each mask's cells, px of the input."""
    boxes = np.zeros((len(inside), 4), np.float32)
    rows, columns = np.any(inside, axis=2), np.any(inside, axis=1)
    sides: tuple[tuple[int, npt.NDArray[np.bool_], int], ...] = ((1, rows, height), (0, columns, width))
    for first, lines, length in sides:
        count = lines.shape[1]
        boxes[:, first] = lines.argmax(axis=1) * length / count
        boxes[:, first + 2] = (count - lines[:, ::-1].argmax(axis=1)) * length / count
    return boxes
