"""Several lines over the same x axis, as inline SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from segwright.evaluate.report.svg import element
from segwright.pages.svg import FAINT, SOFT, number, picture, round_steps, text

# Okabe and Ito 2008: told apart by colour-blind readers too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d31", "#444b54", "#b2182b")
_DASHES = ("none", "6 4", "2 3")
WIDTH, HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 14, 12, 40

Points = Sequence[tuple[float, float]]


def colour_of(index: int) -> str:
    """The colour of the line at `index`; after ten they come again, dashed."""
    return COLOURS[index % len(COLOURS)]


def line_chart(
    lines: Mapping[str, Points], label: str, *, x_end: float, low: float | None = None, mark: float | None = None
) -> str:
    """A chart of name -> (x, y) from x 0 to `x_end`; y from `low`, where given; a dotted line at x `mark`."""
    values = [y for points in lines.values() for _, y in points]
    if not values:
        return picture(WIDTH, HEIGHT, [text("nothing measured yet", x=_LEFT, y=60, fill=SOFT)], label, "chart lines")
    ticks = round_steps(min(values) if low is None else min(low, *values), max(values))
    parts = _axes(ticks, x_end)
    if mark is not None:
        x = _at_x(mark, x_end)
        parts.append(
            element("line", x1=x, x2=x, y1=_TOP, y2=HEIGHT - _BOTTOM, stroke="#00876a", stroke_dasharray="2 3")
        )
    for index, (name, points) in enumerate(lines.items()):
        parts += _line(name, points, index, ticks, x_end)
    return picture(WIDTH, HEIGHT, parts, label, "chart lines")


def _axes(ticks: Sequence[float], x_end: float) -> list[str]:
    parts = []
    for value in ticks:
        y = _at_y(value, ticks)
        parts.append(element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y, stroke=FAINT))
        parts.append(text(number(value), x=_LEFT - 8, y=y + 4, text_anchor="end"))
    parts += [
        text(number(value), x=_at_x(value, x_end), y=HEIGHT - _BOTTOM + 17, text_anchor="middle")
        for value in round_steps(0, x_end)
        if value <= x_end
    ]
    parts.append(text("step", x=(_LEFT + WIDTH - _RIGHT) / 2, y=HEIGHT - 6, text_anchor="middle", fill=SOFT))
    return parts


def _line(name: str, points: Points, index: int, ticks: Sequence[float], x_end: float) -> list[str]:
    colour, title = colour_of(index), element("title", escape(name))
    places = [(_at_x(x, x_end), _at_y(y, ticks)) for x, y in points]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dash = _DASHES[index // len(COLOURS) % len(_DASHES)]
    parts = [
        element("polyline", title, points=drawn, fill="none", stroke=colour, stroke_width=1.8, stroke_dasharray=dash)
    ]
    if len(points) <= 40:
        for (x, y), (step, value) in zip(places, points, strict=True):
            said = element("title", escape(f"{name} at step {step:g}: {number(value)}"))
            parts.append(element("circle", said, cx=x, cy=y, r=2.6, fill=colour))
    return parts


def _at_x(value: float, x_end: float) -> float:
    return _LEFT + value / max(x_end, 1e-9) * (WIDTH - _LEFT - _RIGHT)


def _at_y(value: float, ticks: Sequence[float]) -> float:
    return _TOP + (1 - (value - ticks[0]) / (ticks[-1] - ticks[0])) * (HEIGHT - _TOP - _BOTTOM)
