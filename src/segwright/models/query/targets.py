"""What queries are matched with: the true segments of one frame, each with a class, and the pixels that count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from segwright.core import DataError
from segwright.models.losses.target import VOID_CHANNEL

NO_SEGMENT = -1


@dataclass(frozen=True, eq=False)
class SegmentTargets:
    """The true segments of a frame, numbered from 0, and where they are.

    Attributes:
        channels: (segments,) int64, each segment's class as the network counts classes.
        places: which pixels are a segment's: bool (segments, height, width), where segments may overlap, or int64
            (height, width) with a segment's number or `NO_SEGMENT`, which takes the same memory however many there are.
        valid: bool (height, width), False in void, crowd and ignored regions: there nothing is asked of any query.
            A frame without a valid pixel is as if it were not there.

    No segments is a valid frame. `of_channels` and `of_masks` leave out segments that have no valid pixel.

    Raises:
        DataError: shapes or types that do not fit each other.
    """

    channels: Tensor
    places: Tensor
    valid: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.valid.shape)
        as_map = self.places.dtype == torch.int64 and tuple(self.places.shape) == shape
        as_masks = self.places.dtype == torch.bool and tuple(self.places.shape) == (len(self.channels), *shape)
        typed = (self.channels.dtype, self.valid.dtype) == (torch.int64, torch.bool)
        if not typed or self.channels.ndim != 1 or self.valid.ndim != 2 or not (as_map or as_masks):
            found = (f"{name} {tuple(value.shape)} {value.dtype}" for name, value in vars(self).items())
            raise DataError.of(
                "segments of a frame",
                "have shapes or types that do not fit each other",
                allowed="channels (n,) int64; places (n, height, width) bool or (height, width) int64; "
                "valid (height, width) bool",
                found=", ".join(found),
                fix="build them with SegmentTargets.of_channels or SegmentTargets.of_masks",
            )

    def __len__(self) -> int:
        return len(self.channels)

    @staticmethod
    def of_channels(target: Tensor) -> SegmentTargets:
        """One segment for each class that is present in `target` (height, width) of channel numbers, void -1."""
        valid = target != VOID_CHANNEL
        channels, numbers = torch.unique(target[valid], return_inverse=True)
        places = torch.full_like(target, NO_SEGMENT, dtype=torch.int64)
        places[valid] = numbers
        return SegmentTargets(channels.long(), places, valid)

    @staticmethod
    def of_masks(channels: Tensor, masks: Tensor, ignored: Tensor) -> SegmentTargets:
        """One segment for each of `masks` (segments, height, width) that has a pixel outside of `ignored`."""
        masks, valid = masks.bool(), ~ignored
        seen = (masks & valid).flatten(1).any(1)
        return SegmentTargets(channels[seen], masks[seen], valid)

    def to(self, device: torch.device | str, **kwargs: Any) -> SegmentTargets:
        """The same segments on `device`."""
        moved = (each.to(device, **kwargs) for each in (self.channels, self.places, self.valid))
        return SegmentTargets(*moved)

    def at(self, segments: Tensor, pixels: Tensor) -> Tensor:
        """Whether pixels are each segment's: bool (segments, pixels).

        `segments` (segments,) are numbers, `pixels` positions in the flattened frame: (pixels,), the same for all
        segments, or (segments, pixels).
        """
        if self.places.ndim == 2:
            return self.places.flatten()[pixels] == segments.unsqueeze(1)
        return self.places.flatten(1)[segments.unsqueeze(1), pixels]
