"""Sizes and boxes on the pixel grid. Order is always height before width, top before left."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """Height and width in pixels, both at least 1."""

    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"a size is at least 1x1, got {self.height}x{self.width} (height x width)")

    @property
    def area_px(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A half-open pixel interval: rows `top..bottom-1`, columns `left..right-1`. One pixel has area 1.

    A box may be empty, and may lie outside any frame; `clipped` cuts it to one.
    """

    top: int
    left: int
    bottom: int
    right: int

    def __post_init__(self) -> None:
        if self.bottom < self.top or self.right < self.left:
            raise ValueError(f"a box ends at or after its start, got {self}")

    @property
    def height(self) -> int:
        """Rows inside the box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns inside the box."""
        return self.right - self.left

    @property
    def area_px(self) -> int:
        """Number of pixels inside; 0 for an empty box."""
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices for indexing an array (height, width, ...). The box must lie inside the array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def clipped(self, size: Size) -> Box:
        """The part of this box inside a frame of `size`; empty where they do not meet."""
        top, left = min(max(self.top, 0), size.height), min(max(self.left, 0), size.width)
        bottom, right = min(max(self.bottom, top), size.height), min(max(self.right, left), size.width)
        return Box(top, left, bottom, right)

    @staticmethod
    def of(size: Size) -> Box:
        """The whole frame."""
        return Box(0, 0, size.height, size.width)
