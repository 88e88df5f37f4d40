"""What is asked for, and what one frame is."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, Problem, Size, raise_collected
from segwright.demo.frames.looks import LIGHTS, LOOKS

CLASSES = ClassTable.of(("background", "scratch", "dent", "discoloration"))
BACKGROUND_ID, SCRATCH_ID, DENT_ID, DISCOLORATION_ID = CLASSES.ids
VOID_ID = CLASSES.void_id
LINES = tuple(LOOKS)
LIGHTINGS = tuple(LIGHTS)
HELD_OUT_LINE = "press-3"
LEAST_SIDE_PX = 160
SESSIONS_A_LINE = 10


@dataclass(frozen=True, slots=True)
class FrameSpec:
    """A set of frames: the same spec gives the same pixels, whichever worker draws them.

    A line's frames are taken in sessions, one lighting each in turn. `rejected_share` of the frames carry more defect
    area than the 2 % rule allows, `borderline_share` lie near the limit, and the rest are acceptable.

    Raises:
        ConfigError: a line or lighting that does not exist, a share outside 0..1, a frame too small to hold a bracket.
    """

    frames_per_line: int = 100
    size: Size = field(default_factory=lambda: Size(480, 640))
    lines: tuple[str, ...] = LINES
    lightings: tuple[str, ...] = LIGHTINGS
    seed: int = 7
    rejected_share: float = 0.41
    borderline_share: float = 0.04

    def __post_init__(self) -> None:
        raise_collected(_spec_problems(self), ConfigError)

    @property
    def scale(self) -> float:
        """How much larger than the reference frame of 640 px width things are drawn."""
        return min(self.size.width / 640, self.size.height / 480)

    @property
    def session_frames(self) -> int:
        """Frames taken in one go, under one lighting."""
        return max(1, -(-self.frames_per_line // SESSIONS_A_LINE))

    def session(self, index: int) -> int:
        """The recording session of a line's frame `index`."""
        return index // self.session_frames

    def lighting(self, index: int) -> str:
        """The light setup of a line's frame `index`; sessions take turns."""
        return self.lightings[self.session(index) % len(self.lightings)]

    def stem(self, line: str, index: int) -> str:
        """`press-1_ring_0007`."""
        return f"{line}_{self.lighting(index)}_{index:04d}"

    def to_json(self) -> dict[str, object]:
        """What decides the frames, as plain values."""
        return {
            "frames_per_line": self.frames_per_line,
            "height_px": self.size.height,
            "width_px": self.size.width,
            "lines": list(self.lines),
            "lightings": list(self.lightings),
            "seed": self.seed,
            "rejected_share": self.rejected_share,
            "borderline_share": self.borderline_share,
        }


@dataclass(frozen=True, slots=True)
class GeneratedFrame:
    """One frame and what is true about it.

    image: (height, width, 3) uint8, RGB. labels: (height, width) uint8, ids of `CLASSES`, 255 void, as painted.
    part: (height, width) bool, True on the bracket, False on the belt and in the holes.
    columns: the row of `frames.csv`, all text.
    """

    stem: str
    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    part: npt.NDArray[np.bool_]
    columns: dict[str, str]


def random_stream(spec: FrameSpec, line: str, *numbers: int) -> np.random.Generator:
    """The stream of one thing on one line: the same whatever was drawn before."""
    return np.random.default_rng([spec.seed, zlib.crc32(line.encode()), *numbers])


def _spec_problems(spec: FrameSpec) -> list[Problem]:
    problems = []
    for what, values, known in (("lines", spec.lines, LINES), ("lightings", spec.lightings, LIGHTINGS)):
        unknown = [value for value in values if value not in known]
        if unknown or not values or len(set(values)) < len(values):
            rule, found, fix = "are not known, or named twice", ", ".join(values) or "none", "name each known one once"
            problems.append(Problem(f"frame spec: {what}", rule, ", ".join(known), found, fix))
    if spec.frames_per_line < 1:
        what, found, fix = "frames_per_line", str(spec.frames_per_line), "ask for at least one frame a line"
        problems.append(Problem(f"frame spec: {what}", "is too small", "1 or more", found, fix))
    if min(spec.size.height, spec.size.width) < LEAST_SIDE_PX:
        rule, allowed = "is too small to show a bracket", f"{LEAST_SIDE_PX} px a side or more"
        problems.append(Problem("frame spec: size", rule, allowed, str(spec.size), "ask for larger frames"))
    if min(spec.rejected_share, spec.borderline_share) < 0 or spec.rejected_share + spec.borderline_share > 1:
        rule, allowed = "do not fit into one whole", "0 or more, together 1 at most"
        found = f"{spec.rejected_share} + {spec.borderline_share}"
        problems.append(Problem("frame spec: shares", rule, allowed, found, "lower one of the shares"))
    return problems
