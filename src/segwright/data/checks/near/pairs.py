"""Pairs of frames that show the same picture, across the parts of a split or anywhere in a set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import Listener, silent
from segwright.data.checks.near.search import Candidate, candidates
from segwright.data.checks.near.verify import Match, compare, shared_detail
from segwright.data.workers import in_threads

COPY = 0.75  # share of blocks whose fine detail agrees; copies usually reach 0.9, other frames of one camera stay below 0.7
_CLOSE_COPY = 0.9
_SAME_EXTENT = 0.04
_TRIED = 6
_TRIED_WHOLE = 3
_LEAST_WHOLE = 0.9

Thumbnails = Sequence[npt.NDArray[np.uint8] | None]


@dataclass(frozen=True, slots=True)
class NearPair:
    """Frames number `first` and `second` show the same picture; `symmetry` turns the first as the second is.

    `agreement` is the share of the picture's detail that is the same, 0..1; `exact` says pixel for pixel.
    """

    first: int
    second: int
    agreement: float
    symmetry: int = 0
    zoom: float = 1.0
    exact: bool = False

    def describe(self) -> str:
        """What was done to the one to get the other: `flipped`, `turned`, `a crop`, as far as it shows."""
        if self.exact:
            return "the same pixels"
        turns = {0: "", 3: "turned by 180 degrees", 5: "turned by 90 degrees", 6: "turned by 90 degrees"}
        parts = [turns.get(self.symmetry, "flipped"), "a part of it" if self.zoom < 1 - _SAME_EXTENT else ""]
        what = ", ".join(part for part in parts if part) or "the same extent"
        return f"{what}; {self.agreement:.0%} of the detail agrees"


def duplicates_across(
    thumbnails: Thumbnails, digests: Sequence[str], sides: Sequence[int], listener: Listener = silent
) -> list[NearPair]:
    """Pairs with one frame on either side, also where one is a crop of the other; for each frame at most one.

    `sides` gives each frame its part of the split. Frames whose thumbnail is None (nothing to see) are only compared
    by `digests`.
    """
    exact = list(_same_digest(digests, sides))
    known = {pair.first for pair in exact} | {pair.second for pair in exact}
    found = _verified(thumbnails, sides, cropped=True, most=_TRIED, least=None, listener=listener)
    near = [pair for pair in found if not (pair.first in known and pair.second in known)]
    return sorted([*exact, *near], key=lambda pair: (pair.first, pair.second))


def duplicates_within(thumbnails: Thumbnails, digests: Sequence[str], listener: Listener = silent) -> list[NearPair]:
    """Pairs anywhere in the set that show one picture to its full extent, closely."""
    same = [0] * len(thumbnails)
    exact = {(pair.first, pair.second): pair for pair in _same_digest(digests, list(range(len(digests))))}
    found = _verified(thumbnails, same, cropped=False, most=_TRIED_WHOLE, least=_LEAST_WHOLE, listener=listener)
    close = {
        (pair.first, pair.second): pair
        for pair in found
        if pair.agreement >= _CLOSE_COPY and abs(pair.zoom - 1) <= _SAME_EXTENT
    }
    return [pair for _, pair in sorted({**close, **exact}.items())]


def _same_digest(digests: Sequence[str], sides: Sequence[int]) -> Iterator[NearPair]:
    alike: dict[str, list[int]] = defaultdict(list)
    for number, digest in enumerate(digests):
        if digest:
            alike[digest].append(number)
    for numbers in alike.values():
        first = numbers[0]
        others = [number for number in numbers[1:] if sides[number] != sides[first]]
        yield from (NearPair(first, number, 1.0, exact=True) for number in others)


def _verified(
    thumbnails: Thumbnails, sides: Sequence[int], *, cropped: bool, most: int, least: float | None, listener: Listener
) -> Iterator[NearPair]:
    """Candidates that hold when looked at, each pair once, with the smaller number first."""
    numbers = [number for number, picture in enumerate(thumbnails) if picture is not None]
    if len(numbers) < 2 or (cropped and len({sides[number] for number in numbers}) < 2):
        return
    pixels = np.stack([picture for picture in thumbnails if picture is not None])
    shared = shared_detail(pixels)
    limit = {} if least is None else {"least": least}
    wanted = candidates(
        pixels, [sides[number] for number in numbers], cropped=cropped, most=most, listener=listener, **limit
    )

    def looked_at(tried: list[Candidate]) -> tuple[Candidate, Match] | None:
        """The first that holds: one partner on the other side is enough to know of."""
        for candidate in tried:
            place = pixels[candidate.query], pixels[candidate.other]
            match = compare(*place, candidate.symmetry, candidate.window, shared)
            if match is not None and match.agreement >= COPY:
                return candidate, match
        return None

    seen: set[tuple[int, int]] = set()
    for held in in_threads(looked_at, wanted):
        if held is None:
            continue
        candidate, match = held
        first, second = numbers[candidate.query], numbers[candidate.other]
        pair = (min(first, second), max(first, second))
        if pair not in seen:
            seen.add(pair)
            symmetry = candidate.symmetry if first < second else _inverse(candidate.symmetry)
            yield NearPair(*pair, match.agreement, symmetry, match.zoom)


def _inverse(symmetry: int) -> int:
    """The symmetry that undoes another: the two turns by 90 degrees undo each other, all others themselves."""
    return {5: 6, 6: 5}.get(symmetry, symmetry)
