"""What is typed for a counting line or region, as the line room's values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from segwright.line.counting import Gate
    from segwright.line.track_files import Tracks


def gate_of(line: str | None, region: str | None) -> Gate | None:
    """The line or region of `--count-line` and `--count-region`; None where neither was typed.

    Raises:
        ConfigError: both, no four numbers, a line without length or a region without a pixel.
    """
    from segwright.core import Box, ConfigError
    from segwright.line.counting import CountLine, CountRegion

    if line is not None and region is not None:
        raise ConfigError.of(
            "--count-line and --count-region",
            "are both given",
            allowed="one of them",
            found=f"{line} and {region}",
            fix="leave one out, and count the other with segwright track",
        )
    if line is not None:
        left, top, right, bottom = _numbers("--count-line", line)
        if (left, top) == (right, bottom):
            raise _wrong("--count-line", line, "two different points")
        return CountLine((left, top), (right, bottom))
    if region is not None:
        left, top, right, bottom = (int(value) for value in _numbers("--count-region", region))
        if left >= right or top >= bottom:
            raise _wrong("--count-region", region, "left,top,right,bottom with left < right and top < bottom")
        return CountRegion(Box(top, left, bottom, right))
    return None


def pair_of(option: str, text: str) -> tuple[float, float]:
    """Two numbers (x, y) with a comma between.

    Raises:
        ConfigError: something else was typed.
    """
    numbers = _numbers(option, text, count=2)
    return numbers[0], numbers[1]


def counts_table(tracks: Tracks) -> Table:
    """A row a class: objects followed and, where something was counted, how many went each way."""
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for name in ("tracks", *tracks.counts.crossed):
        table.add_column(name, justify="right")
    for name, count in tracks.counts.tracks.items():
        table.add_row(name, str(count), *(str(row[name]) for row in tracks.counts.crossed.values()))
    return table


def said_of(tracks: Tracks) -> str:
    """One line on what was followed and what was left out."""
    counts = tracks.counts
    left = ", ".join(f"{count} {reason}" for reason, count in tracks.left_out.items())
    again = f"; {counts.again} crossings of objects counted before" if counts.again else ""
    out = f"; in no track: {left}" if left else ""
    return f"{sum(counts.tracks.values())} tracks through {len(tracks.frames)} frames{again}{out}"


def _numbers(option: str, text: str, count: int = 4) -> tuple[float, ...]:
    from math import isfinite

    allowed = f"{count} numbers of px with commas: {'x1,y1,x2,y2' if count == 4 else 'x,y'}"
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise _wrong(option, text, allowed) from None
    if len(numbers) != count or not all(isfinite(value) for value in numbers):
        raise _wrong(option, text, allowed)
    return numbers


def _wrong(option: str, found: str, allowed: str) -> Exception:
    from segwright.core import ConfigError

    fix = f"write it like {option} 320,480,320,0" if option != "--belt" else "write it like --belt 12,0"
    if option == "--count-region":
        fix = "write it like --count-region 100,0,540,480"
    return ConfigError.of(option, "is not what it should be", allowed=allowed, found=found, fix=fix)
