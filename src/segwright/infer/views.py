"""How often a tile is looked at: mirrored, turned, at other scales. The answers are averaged where the tile lies.

Source: Isensee et al., "nnU-Net" (Nature Methods 2021), Methods, "Inference": mirroring along all axes; Chen et al.,
"DeepLab" (2017), section 4.3: several scales. Both average probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import ConfigError

Flip = Literal["horizontal", "vertical"]
FLIPS: tuple[Flip, ...] = ("horizontal", "vertical")
SCALE_RANGE = (0.25, 4.0)
Pixels = npt.NDArray[np.float32]
Run = Callable[[Pixels], Pixels]


@dataclass(frozen=True)
class Symmetry:
    """Mirrored left to right (or not), then turned counter-clockwise by quarters."""

    mirrored: bool
    quarters: int

    def apply(self, batch: Pixels) -> Pixels:
        """The batch (..., height, width) as this view sees it; height and width change places at odd quarters."""
        seen = batch[..., ::-1] if self.mirrored else batch
        return np.ascontiguousarray(np.rot90(seen, self.quarters, axes=(-2, -1)))

    def undo(self, batch: Pixels) -> Pixels:
        """What `apply` gave, as it lay before."""
        back = np.rot90(batch, -self.quarters, axes=(-2, -1))
        return back[..., ::-1] if self.mirrored else back


@dataclass(frozen=True)
class Views:
    """Which views of a tile are averaged: every combination of `flips`, of `quarter_turns`, at every scale.

    A flip or a turn is right only where what it shows could be a frame: only the user knows. `scales` are of the tile
    as the network reads it; each side is rounded to a multiple of the network's stride.
    """

    flips: tuple[Flip, ...] = ()
    quarter_turns: bool = False
    scales: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "flips", tuple(self.flips))
        object.__setattr__(self, "scales", tuple(float(scale) for scale in self.scales))
        if len(set(self.flips)) < len(self.flips) or not set(self.flips) <= set(FLIPS):
            raise ConfigError.of(
                "inference.flips",
                "names no flip, or one twice",
                allowed=", ".join(FLIPS),
                found=", ".join(map(str, self.flips)),
                fix="inference.flips=[horizontal, vertical], or false",
            )
        low, high = SCALE_RANGE
        inside = all(low <= scale <= high for scale in self.scales)
        if not self.scales or not inside or len(set(self.scales)) < len(self.scales):
            raise ConfigError.of(
                "inference.scales",
                "cannot be read at",
                allowed=f"different numbers from {low:g} to {high:g}, at least one",
                found=str(list(self.scales)),
                fix="inference.scales=[0.75, 1, 1.25], or leave it out",
            )

    @property
    def symmetries(self) -> tuple[Symmetry, ...]:
        """The mirrored and turned views, each once, the tile as it is first."""
        found = {Symmetry(mirrored=False, quarters=0)}
        steps = [_STEPS[flip] for flip in self.flips] + (
            [Symmetry(mirrored=False, quarters=1)] if self.quarter_turns else []
        )
        while True:
            more = {_after(first, then) for first in found for then in steps} - found
            if not more:
                return tuple(sorted(found, key=lambda view: (view.mirrored, view.quarters)))
            found |= more

    @property
    def cost(self) -> float:
        """Pixels that go through the network, as a multiple of those of one look."""
        return len(self.symmetries) * sum(scale**2 for scale in self.scales)

    @property
    def single(self) -> bool:
        """Whether there is nothing to average: the tile as it is, once."""
        return len(self.symmetries) == 1 and self.scales == (1.0,)

    def run(self, network: Run, batch: Pixels, stride_px: int) -> Pixels:
        """The mean answer of `network` over all views of a batch (batch, bands, height, width), at its own size."""
        if self.single:
            return network(batch)
        total: Pixels | None = None
        for scale in self.scales:
            seen = _resized(batch, _sides(batch, scale, stride_px))
            answer = self._over_symmetries(network, seen)
            answer = _resized(answer, (batch.shape[-2], batch.shape[-1]))
            total = answer if total is None else total + answer
        assert total is not None  # there is at least one scale
        return np.multiply(total, 1 / (len(self.scales) * len(self.symmetries)), dtype=np.float32)

    def _over_symmetries(self, network: Run, batch: Pixels) -> Pixels:
        total: Pixels | None = None
        for view in self.symmetries:
            answer = view.undo(network(view.apply(batch)))
            total = answer if total is None else total + answer
        assert total is not None  # the tile as it is
        return total

    def to_json(self) -> dict[str, Any]:
        """As JSON values. What older bundles had is written as they wrote it, so that they keep their hash."""
        simple = {(): False, ("horizontal",): True}
        later = {"quarter_turns": self.quarter_turns, "scales": list(self.scales)}
        return {"flips": simple.get(self.flips, list(self.flips)), **(later if self._is_later else {})}

    @property
    def _is_later(self) -> bool:
        return self.quarter_turns or self.scales != (1.0,)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Views:
        """What `to_json` gave; in older manifests `flips` is true or false and nothing else is there."""
        return Views(flips_of(data["flips"]), data.get("quarter_turns", False), tuple(data.get("scales", (1.0,))))

    def __str__(self) -> str:
        turned = f"{len(self.symmetries)} mirrored and turned views" if len(self.symmetries) > 1 else ""
        scaled = f"scales {', '.join(f'{scale:g}' for scale in self.scales)}" if self.scales != (1.0,) else ""
        return " at ".join(text for text in (turned, scaled) if text) or "one view"


def flips_of(given: bool | Sequence[Flip]) -> tuple[Flip, ...]:
    """The flips that `flips` names: true is the horizontal one, as it was when there was no other."""
    return (("horizontal",) if given else ()) if isinstance(given, bool) else tuple(given)


# An image upside down is one mirrored left to right and turned by half.
_STEPS: dict[Flip, Symmetry] = {"horizontal": Symmetry(True, 0), "vertical": Symmetry(True, 2)}


def _after(first: Symmetry, then: Symmetry) -> Symmetry:
    """Both, one after the other: mirroring what was turned turns it the other way."""
    quarters = (-first.quarters if then.mirrored else first.quarters) + then.quarters
    return Symmetry(first.mirrored != then.mirrored, quarters % 4)


def _sides(batch: Pixels, scale: float, stride_px: int) -> tuple[int, int]:
    """Height and width at a scale, multiples of the stride."""
    height, width = (max(1, round(side * scale / stride_px)) * stride_px for side in batch.shape[-2:])
    return height, width


def _resized(batch: Pixels, sides: tuple[int, int]) -> Pixels:
    """The batch at another height and width; probabilities stay in 0..1 and their sums 1, within rounding."""
    if batch.shape[-2:] == sides:
        return batch
    shrinks = sides[0] * sides[1] < batch.shape[-2] * batch.shape[-1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    output = np.empty((*batch.shape[:2], *sides), np.float32)
    for frame, target in zip(batch, output, strict=True):
        for plane, into in zip(frame, target, strict=True):
            cv2.resize(np.ascontiguousarray(plane), (sides[1], sides[0]), dst=into, interpolation=how)
    return output
