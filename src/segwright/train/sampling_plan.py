"""The plan's section on crops: where they are cut, what is mixed into them, how they are varied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from segwright.data.augment import ColourRanges, GeometryRanges


@dataclass(frozen=True, slots=True)
class MixPlan:
    """How often something is mixed into a crop, as a share of the crops; 0 is never.

    `pasted` are the classes whose pieces are pasted; each by its share in `SamplingPlan.class_shares`.
    """

    copy_paste: float = 0.0
    pasted: tuple[str, ...] = ()
    paste_edge_px: float = 1.5
    cutmix: float = 0.0
    mosaic: float = 0.0
    erase: float = 0.0


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """Where crops are cut: `rare_share` of them around a pixel of a class drawn from `class_shares`.

    The pixel is drawn among all of the class in the frame, or (`rare_by` is "component") from a piece of it, each piece
    as likely as another. `hard_share` of all crops come from where the loss was high lately. `sides` are those a batch
    may have, in turn at random; empty: `crop` alone.
    """

    crop: int
    batch: int
    rare_share: float
    class_shares: dict[str, float]
    geometry: GeometryRanges
    colour: ColourRanges
    workers: int
    cache_gb: float
    rare_by: str = "pixel"
    hard_share: float = 0.0
    sides: tuple[int, ...] = ()
    mix: MixPlan = field(default_factory=MixPlan)

    @staticmethod
    def from_json(data: dict[str, Any]) -> SamplingPlan:
        """The section as it stands in plan.yaml, also in files written before a field was there."""
        geometry = {**data["geometry"], "scale": tuple(data["geometry"]["scale"])}
        mix = dict(data.get("mix", {}))
        given = {
            **data,
            "geometry": GeometryRanges(**geometry),
            "colour": ColourRanges(**data["colour"]),
            "sides": tuple(data.get("sides", ())),
            "mix": MixPlan(**{**mix, "pasted": tuple(mix.get("pasted", ()))}),
        }
        return SamplingPlan(**given)
