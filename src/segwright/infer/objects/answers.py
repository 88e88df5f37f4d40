"""What networks of objects and segments answer about one input, before anything is decided, and what runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.infer.objects.candidates import Candidates, Floats

Answer = TypeVar("Answer", covariant=True)


@dataclass(frozen=True, eq=False)
class Regions:
    """Candidates of things, and `stuff_logits` (stuff classes + 1, height, width) of the input; last is "some thing".

    The candidates' channels are positions among the classes of things, those of the map among the classes of stuff,
    each in the table's order.
    """

    candidates: Candidates
    stuff_logits: Floats


@dataclass(frozen=True, eq=False)
class Queries:
    """`class_logits` (queries, channels + 1), "no object" last, and `mask_logits` (queries, rows, columns).

    The masks cover the whole input, which is of size `input_px`.
    """

    class_logits: Floats
    mask_logits: Floats
    input_px: Size


class TileRuntime(Protocol[Answer]):
    """A network ready to run: (batch, bands, height, width) float32 -> what it says of each input."""

    @property
    def name(self) -> str:
        """What runs the network, for messages and manifests."""
        ...

    @property
    def stride_px(self) -> int:
        """Height and width of a batch must be multiples of this."""
        ...

    def __call__(self, batch: npt.NDArray[np.float32], /) -> Sequence[Answer]: ...


ObjectRuntime: TypeAlias = TileRuntime[Candidates]
RegionRuntime: TypeAlias = TileRuntime[Regions]
QueryRuntime: TypeAlias = TileRuntime[Queries]


def split_queries(class_logits: Floats, mask_logits: Floats, batch_shape: tuple[int, ...]) -> list[Queries]:
    """The answers about each input of a batch (batch, bands, height, width)."""
    size = Size(*batch_shape[-2:])
    return [Queries(*row, size) for row in zip(class_logits, mask_logits, strict=True)]
