"""Many frames of which few are asked for: each is made when it is asked for, and once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from segwright.data.dataset import Frame


_BLOCK = 4096


class LazyFrames(Sequence["Frame"]):
    """Frames known by their stems and columns; equal to any sequence of equal frames."""

    def __init__(self, stems: Sequence[str]) -> None:
        self.stems = stems
        self._made: dict[int, Frame] = {}

    @abstractmethod
    def columns(self, at: int) -> Mapping[str, str]:
        """The columns of the frame at this place, without making it."""

    @abstractmethod
    def _make(self, at: int) -> Frame:
        """The frame at this place."""

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Stem -> its place."""
        return {stem: at for at, stem in enumerate(self.stems)}

    def _make_block(self, start: int, stop: int) -> Sequence[Frame]:
        """The frames from one place up to another: one by one, where nothing quicker is known."""
        return [self._make(at) for at in range(start, stop)]

    def __iter__(self) -> Iterator[Frame]:
        for start in range(0, len(self), _BLOCK):
            stop = min(start + _BLOCK, len(self))
            places = range(start, stop)
            if not all(at in self._made for at in places):
                for at, frame in zip(places, self._make_block(start, stop), strict=True):
                    self._made.setdefault(at, frame)
            yield from (self._made[at] for at in places)

    def __len__(self) -> int:
        return len(self.stems)

    @overload
    def __getitem__(self, at: int) -> Frame: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, at: int | slice) -> Frame | tuple[Frame, ...]:
        if isinstance(at, slice):
            return tuple(self[place] for place in range(*at.indices(len(self))))
        place = at + len(self) if at < 0 else at
        found = self._made.get(place)
        if found is None:
            if not 0 <= place < len(self):
                raise IndexError(f"frame {at} of {len(self)}")
            found = self._made.setdefault(place, self._make(place))  # of two threads, one frame is everybody's
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LazyFrames | tuple):
            return NotImplemented
        return len(self) == len(other) and all(ours == theirs for ours, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]
