"""The objects of successive frames as tracks: one number an object for as long as it is followed.

Masks are compared with where each object should be by now (`motion`), assigned as a whole (`association`), sure objects
first and unsure ones to what is left, as in ByteTrack (Zhang et al. 2022, https://arxiv.org/abs/2110.06864).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from segwright.core import ConfigError, DataError, Instance, InstanceSet, Problem, Size, instance_from_mask
from segwright.line.association import associated
from segwright.line.motion import Motion, Velocity, expected, gone_on

Reason = Literal["crowd", "unsure", "brief"]
Item = TypeVar("Item")


@dataclass(frozen=True)
class TrackSettings:
    """When an object is one that was there before.

    min_hits: in so many frames running an object must be found before it is a track; 1 believes every one.
    max_misses: a track ends when it was not found in more frames running than this.
    min_iou: an object belongs to a track from this mask IoU with where the track should be by now.
    min_iou_unsure: the same for unsure objects, which only go on with tracks found in the frame before.
    sure: objects with at least this score start tracks; one without a score is sure.
    velocity: what a new object should move by each frame, as a belt does, in px; 0, 0 where nobody knows.

    Raises:
        ConfigError: a value outside its range; all of them.
    """

    min_hits: int = 2
    max_misses: int = 10
    min_iou: float = 0.2
    min_iou_unsure: float = 0.5
    sure: float = 0.5
    velocity: Velocity = field(default_factory=Velocity)

    def __post_init__(self) -> None:
        rows = [("min_hits", ">= 1", 1, float("inf")), ("max_misses", ">= 0", 0, float("inf"))]
        rows += [(name, "0 to 1", 0, 1) for name in ("min_iou", "min_iou_unsure", "sure")]
        problems = [
            Problem(f"{name} of tracking", "is out of range", allowed, str(getattr(self, name)), f"set it to {allowed}")
            for name, allowed, low, high in rows
            if not low <= getattr(self, name) <= high
        ]
        if problems:
            raise ConfigError(*problems)


@dataclass(frozen=True)
class TrackedObject:
    """An object of a track in one frame.

    `age` counts the frames since the track was first found, 1 in that frame. `seen` is False where the object was not
    found and `instance` is where it should be, cut to the frame, with its last score.
    """

    track_id: int
    instance: Instance
    age: int
    seen: bool


@dataclass(frozen=True)
class LeftOut:
    """An object of frame `at` that belongs to no track: a crowd, too unsure to start one, or gone before it was one."""

    at: int
    instance: Instance
    reason: Reason


@dataclass(frozen=True)
class TrackedFrame:
    """What tracking says after frame `at`, the first being 0.

    `objects` are the tracks alive, by track id. `earlier` holds (frame, object) of the frames in which a track born now
    was found before anybody knew it for one. `ended` are the tracks that ended with this frame: not found for too long,
    or gone out of the frame.
    """

    at: int
    objects: tuple[TrackedObject, ...]
    earlier: tuple[tuple[int, TrackedObject], ...] = ()
    ended: tuple[int, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, eq=False)
class _Track:
    """A track, or what may become one (`track_id` None); `hits` are (frame, object), all of them until its birth."""

    motion: Motion
    first: int
    hits: tuple[tuple[int, Instance], ...]
    track_id: int | None = None


class Tracker:
    """Follows the objects of frames given one by one, in order.

    What it answers depends on the objects of each frame and not on their order. Objects of different classes are never
    one track. Memory grows with the tracks alive, not with the frames.
    """

    def __init__(self, settings: TrackSettings = TrackSettings()) -> None:
        self.settings = settings
        self._tracks: list[_Track] = []
        self._at = -1
        self._born = 0
        self._size: Size | None = None

    def update(self, objects: InstanceSet) -> TrackedFrame:
        """Take the next frame's objects and say what they are.

        Raises:
            DataError: a frame of another size than those before: it is not of the same camera.
        """
        self._at += 1
        self._size = _same_size(self._size, objects.size, self._at)
        rest = sorted((one for one in objects if not one.crowd), key=_order)
        born, waiting = _parted(self._tracks, lambda track: track.track_id is not None)
        sure, unsure = _parted(rest, lambda one: one.score is None or one.score >= self.settings.sure)

        born, lost, sure = self._matched(born, sure, self.settings.min_iou)
        current, older = _parted(lost, lambda track: track.motion.seen_at == self._at - 1)
        held, missed, unsure = self._matched(current, unsure, self.settings.min_iou_unsure)
        waiting, given_up, sure = self._matched(waiting, sure, self.settings.min_iou)
        waiting += [self._begun(one) for one in sure]

        new = [self._named(track) for track in waiting if len(track.hits) >= self.settings.min_hits]
        waiting = [track for track in waiting if len(track.hits) < self.settings.min_hits]
        alive, ended = _parted([*missed, *older], self._goes_on)
        followed = sorted([*born, *held, *alive, *new], key=lambda track: track.track_id or 0)
        self._tracks = [*followed, *waiting]
        reasons: list[tuple[Iterable[tuple[int, Instance]], Reason]] = [
            (((self._at, one) for one in objects if one.crowd), "crowd"),
            (((self._at, one) for one in unsure), "unsure"),
            ((hit for track in given_up for hit in track.hits), "brief"),
        ]
        return TrackedFrame(
            self._at,
            tuple(self._answer(track) for track in followed),
            tuple(_earlier(new, self._at)),
            tuple(sorted(track.track_id for track in ended if track.track_id is not None)),
            tuple(LeftOut(at, one, reason) for hits, reason in reasons for at, one in hits),
        )

    def finish(self) -> tuple[LeftOut, ...]:
        """The objects still waiting to become tracks when the frames are over."""
        waiting = [track for track in self._tracks if track.track_id is None]
        return tuple(LeftOut(at, one, "brief") for track in waiting for at, one in track.hits)

    def _matched(
        self, tracks: Sequence[_Track], found: Sequence[Instance], least_iou: float
    ) -> tuple[list[_Track], list[_Track], list[Instance]]:
        """The tracks found in this frame, those that were not, and the objects that are none of them."""
        pairs = dict(associated([expected(track.motion, self._at) for track in tracks], found, least_iou))
        here = [self._found(tracks[at], found[other]) for at, other in pairs.items()]
        missing = [track for at, track in enumerate(tracks) if at not in pairs]
        taken = set(pairs.values())
        return here, missing, [one for at, one in enumerate(found) if at not in taken]

    def _found(self, track: _Track, one: Instance) -> _Track:
        assert self._size is not None  # set by the frame that is being worked on
        hits = () if track.track_id is not None else (*track.hits, (self._at, one))
        return replace(track, motion=gone_on(track.motion, one, self._at, self._size), hits=hits)

    def _begun(self, one: Instance) -> _Track:
        return _Track(Motion(one, self._at, self.settings.velocity), self._at, ((self._at, one),))

    def _named(self, track: _Track) -> _Track:
        self._born += 1
        return replace(track, track_id=self._born)

    def _goes_on(self, track: _Track) -> bool:
        """Whether a track that was not found is kept: not for too long yet, and still inside the frame."""
        missed = self._at - track.motion.seen_at
        return missed <= self.settings.max_misses and self._shown(track) is not None

    def _shown(self, track: _Track) -> Instance | None:
        """Where the track should be, cut to the frame; None outside it."""
        assert self._size is not None
        whole = expected(track.motion, self._at)
        inside = whole.box.clipped(self._size)
        top, left = inside.top - whole.box.top, inside.left - whole.box.left
        cut = whole.mask[max(top, 0) : max(top, 0) + inside.height, max(left, 0) : max(left, 0) + inside.width]
        at = (inside.top, inside.left)
        return instance_from_mask(cut, whole.class_id, at=at, score=whole.score, attributes=whole.attributes)

    def _answer(self, track: _Track) -> TrackedObject:
        seen = track.motion.seen_at == self._at
        shown = track.motion.instance if seen else self._shown(track)
        assert track.track_id is not None
        assert shown is not None  # a track outside the frame has ended
        return TrackedObject(track.track_id, shown, self._at - track.first + 1, seen)


def track_frames(frames: Iterable[InstanceSet], settings: TrackSettings = TrackSettings()) -> Iterator[TrackedFrame]:
    """The tracks after each of `frames`, which are successive pictures of one camera; see `Tracker`."""
    tracker = Tracker(settings)
    for objects in frames:
        yield tracker.update(objects)


def _earlier(new: Sequence[_Track], at: int) -> Iterator[tuple[int, TrackedObject]]:
    for track in new:
        for when, one in track.hits:
            if when < at and track.track_id is not None:
                yield when, TrackedObject(track.track_id, one, when - track.first + 1, seen=True)


def _parted(items: Sequence[Item], holds: Callable[[Item], bool]) -> tuple[list[Item], list[Item]]:
    """Those for which `holds`, and the others."""
    return [one for one in items if holds(one)], [one for one in items if not holds(one)]


def _order(one: Instance) -> tuple:
    """An order that depends on the objects alone."""
    return one.class_id, one.box, -1.0 if one.score is None else one.score, one.mask.tobytes(), *one.attributes.items()


def _same_size(before: Size | None, now: Size, at: int) -> Size:
    if before not in (None, now):
        raise DataError.of(
            f"frame {at}",
            "has another size than the frames before it, and tracks go through the frames of one camera",
            allowed=str(before),
            found=str(now),
            fix="track the frames of each camera apart",
        )
    return now
