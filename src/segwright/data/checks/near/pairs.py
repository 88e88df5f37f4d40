"""Pairs of frames that show the same picture, across the parts of a split or anywhere in a set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from segwright.core import Image, Listener, Size, silent, tracked
from segwright.data.checks.near.descriptor import thumbnail
from segwright.data.checks.near.search import LEAST_ALIKE, Candidate, candidates
from segwright.data.checks.near.verify import Match, compare, compare_closely, shared_detail
from segwright.data.workers import in_threads

COPY = 0.75  # share of blocks whose fine detail agrees
# The same for the faintest detail of larger pictures. On drawn brackets of 320x240 px, where parts of one shape are
# hardest to tell apart, different parts reach 0.62 and copies (JPEG of quality 40) at least 0.74.
CLOSE = 0.68
UNSEEN_COPY = 0.97  # share of blocks where the pictures are too small for a closer look
_CLOSE_COPY = 0.9
_SAME_EXTENT = 0.04
_TRIED = 6
_TRIED_WHOLE = 3
_LEAST_WHOLE = 0.9

_LARGER_PX = (512, 384, 256)
_PICTURES_KEPT = 512

Thumbnails = Sequence[npt.NDArray[np.uint8] | None]
Larger = Callable[[int, int], tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None]


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


def larger_of(read: Callable[[int], Image], size: Callable[[int], Size]) -> Larger:
    """Two frames by their numbers as larger thumbnails of one side; None where either has fewer pixels than that.

    `size` tells a frame's size, if it can without decoding it. The pictures of the last frames are kept: 128 MB at
    most.
    """
    size_of = cache(size)

    @lru_cache(maxsize=_PICTURES_KEPT)
    def picture(number: int, side: int) -> npt.NDArray[np.uint8] | None:
        return thumbnail(read(number), side)

    def larger(first: int, second: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None:
        most = min(max(one.height, one.width) for one in (size_of(first), size_of(second)))
        side = next((side for side in _LARGER_PX if side <= most), None)
        if side is None:
            return None
        one, two = picture(first, side), picture(second, side)
        return None if one is None or two is None else (one, two)

    return larger


def duplicates_across(
    thumbnails: Thumbnails,
    digests: Sequence[str],
    sides: Sequence[int],
    larger: Larger | None = None,
    listener: Listener = silent,
) -> list[NearPair]:
    """Pairs with one frame on either side, also where one is a crop of the other; for each frame at most one.

    `sides` gives each frame its part of the split. Frames whose thumbnail is None (nothing to see) are only compared
    by `digests`. `larger` gives a pair's pictures for the last, closer look; without it there is none.
    """
    exact = list(_same_digest(digests, sides))
    known = {pair.first for pair in exact} | {pair.second for pair in exact}
    found = _verified(thumbnails, sides, larger, cropped=True, listener=listener)
    near = [pair for pair in found if not (pair.first in known and pair.second in known)]
    return sorted([*exact, *near], key=lambda pair: (pair.first, pair.second))


def duplicates_within(
    thumbnails: Thumbnails, digests: Sequence[str], larger: Larger | None = None, listener: Listener = silent
) -> list[NearPair]:
    """Pairs anywhere in the set that show one picture to its full extent, closely."""
    same = [0] * len(thumbnails)
    exact = {(pair.first, pair.second): pair for pair in _same_digest(digests, list(range(len(digests))))}
    found = _verified(thumbnails, same, larger, cropped=False, listener=listener)
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
    thumbnails: Thumbnails, sides: Sequence[int], larger: Larger | None, *, cropped: bool, listener: Listener
) -> Iterator[NearPair]:
    """Candidates that hold when looked at, each pair once, with the smaller number first."""
    numbers = [number for number, picture in enumerate(thumbnails) if picture is not None]
    if len(numbers) < 2 or (cropped and len({sides[number] for number in numbers}) < 2):
        return
    pixels = np.stack([picture for picture in thumbnails if picture is not None])
    shared = shared_detail(pixels)
    most, least = (_TRIED, LEAST_ALIKE) if cropped else (_TRIED_WHOLE, _LEAST_WHOLE)
    parts = [sides[number] for number in numbers]
    wanted = candidates(pixels, parts, cropped=cropped, most=most, least=least, listener=listener)

    verdicts: dict[Candidate, Match | None] = {}  # two whole frames are each other's candidates: they are compared once

    def verified(candidate: Candidate) -> Match | None:
        place = pixels[candidate.query], pixels[candidate.other]
        match = compare(*place, candidate.symmetry, candidate.window, shared)
        held = match is not None and match.agreement >= COPY and _holds(candidate, match, numbers, larger)
        return match if held else None

    def looked_at(tried: list[Candidate]) -> tuple[Candidate, Match] | None:
        """The first that holds: one partner on the other side is enough to know of."""
        for candidate in map(_either_way, tried):
            if candidate not in verdicts:
                verdicts[candidate] = verified(candidate)
            match = verdicts[candidate]
            if match is not None:
                return candidate, match
        return None

    yield from _each_once(tracked(in_threads(looked_at, wanted), listener, "comparing", len(numbers)), numbers)


def _each_once(found: Iterable[tuple[Candidate, Match] | None], numbers: Sequence[int]) -> Iterator[NearPair]:
    """The pairs of what held; `numbers` are the frames that the candidates count."""
    seen: set[tuple[int, int]] = set()
    for held in found:
        if held is None:
            continue
        candidate, match = held
        first, second = numbers[candidate.query], numbers[candidate.other]
        pair = (min(first, second), max(first, second))
        if pair not in seen:
            seen.add(pair)
            symmetry = candidate.symmetry if first < second else _inverse(candidate.symmetry)
            yield NearPair(*pair, match.agreement, symmetry, match.zoom)


def _holds(candidate: Candidate, match: Match, numbers: Sequence[int], larger: Larger | None) -> bool:
    """Whether two pictures of one kind share their grain too; where nobody can look closer they must agree all over."""
    if larger is None:
        return True
    pictures = larger(numbers[candidate.query], numbers[candidate.other])
    if pictures is None:
        return match.agreement >= UNSEEN_COPY
    return compare_closely(*pictures, candidate.symmetry, match.warp) >= CLOSE


def _either_way(candidate: Candidate) -> Candidate:
    """Two whole frames the same way round whichever was asked about: the answer must not depend on that."""
    if candidate.window.share < 1:
        return candidate
    first, second = sorted((candidate.query, candidate.other))
    symmetry = candidate.symmetry if first == candidate.query else _inverse(candidate.symmetry)
    return Candidate(first, second, 0.0, symmetry, candidate.window)


def _inverse(symmetry: int) -> int:
    """The symmetry that undoes another: the two turns by 90 degrees undo each other, all others themselves."""
    return {5: 6, 6: 5}.get(symmetry, symmetry)
