"""What is asked for: how many frames of the scene, how large, and from which seed."""

from __future__ import annotations

from dataclasses import dataclass, field

from segwright.core import ClassSpec, ClassTable, Size
from segwright.demo.frames import FrameSpec

BELT, FLOOR, BRACKET, BOLT = 0, 1, 2, 3
FULL_FRAMES, FULL_SIZE = 4000, Size(960, 1280)
CLASSES = ClassTable(
    (
        ClassSpec(BELT, "belt", "stuff", (60, 70, 80)),
        ClassSpec(FLOOR, "floor", "stuff", (170, 150, 110)),
        ClassSpec(BRACKET, "bracket", "thing", (86, 180, 233)),
        ClassSpec(BOLT, "bolt", "thing", (230, 159, 0)),
    )
)


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """A set of scenes: the same spec gives the same pixels, whichever worker draws them.

    Lines, lightings and sessions are those of the worked example's frames; a session also fixes where the belt runs.

    Raises:
        ConfigError: a frame too small to show a part, or less than one frame a line.
    """

    frames_per_line: int = 80
    size: Size = field(default_factory=lambda: Size(240, 320))
    seed: int = 7

    def __post_init__(self) -> None:
        _ = self.camera

    @property
    def camera(self) -> FrameSpec:
        """The same lines, sizes and sessions as the frames of the worked example."""
        return FrameSpec(self.frames_per_line, self.size, seed=self.seed)

    def to_json(self) -> dict[str, object]:
        """What decides the frames, as plain values."""
        return {
            "frames_per_line": self.frames_per_line,
            "height_px": self.size.height,
            "width_px": self.size.width,
            "seed": self.seed,
        }
