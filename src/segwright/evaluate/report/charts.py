"""Small charts as inline SVG text. Every axis runs from 0 to 1 unless it says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from segwright.evaluate.reliability import BINS
from segwright.evaluate.report.svg import element as _element

WIDTH, HEIGHT = 440, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 40
_INK, _FAINT = "#3b4450", "#e3e7ec"
FEW_POINTS = 12


@dataclass(frozen=True)
class Line:
    """One line of a chart: points (x, y), None where there is no value; the colour as `#rrggbb`."""

    label: str
    colour: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True)
class Axis:
    """The horizontal axis: its label, its range and where it is marked."""

    label: str
    low: float = 0.0
    high: float = 1.0
    ticks: Sequence[float] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

    def x(self, value: float) -> float:
        span = (self.high - self.low) or 1.0
        return _LEFT + (value - self.low) / span * (WIDTH - _LEFT - _RIGHT)


def line_chart(lines: Sequence[Line], axis: Axis, y_label: str) -> str:
    """Lines, with a dot at each point where there are few; the legend is the page's."""
    body = [_grid(axis, y_label)]
    for line in lines:
        points = [(axis.x(x), _y(y)) for x, y in line.points if y is not None]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        body.append(_element("polyline", points=path, fill="none", stroke=line.colour, stroke_width=2))
        if len(points) <= FEW_POINTS:
            body += [_element("circle", cx=x, cy=y, r=3, fill=line.colour, stroke="#fff") for x, y in points]
    return _svg(body, y_label)


def reliability_chart(
    pixels: Sequence[int],
    hits: Sequence[int],
    sums: Sequence[float],
    *,
    x_label: str = "confidence: largest probability",
    y_label: str = "share of right pixels",
) -> str:
    """Share of hits among the pixels of a bin against their mean probability, a bar a bin of `BINS`.

    `sums` are the probabilities added up; a bin without pixels has no bar. A calibrated model's bars end on the
    diagonal.
    """
    axis = Axis(x_label)
    body = [_grid(axis, y_label)]
    most = max(pixels) or 1
    for index, (count, hit, sure) in enumerate(zip(pixels, hits, sums, strict=True)):
        if count:
            # the darker, the more pixels: a bin of a handful of pixels proves nothing
            opacity = 0.25 + 0.75 * (count / most) ** 0.25
            title = f"{count} pixels: {y_label} {hit / count:.3f} at a mean of {sure / count:.3f}"
            body.append(_reliability_bin(axis, index, title, hit / count, sure / count, opacity))
    body.append(_element("line", x1=axis.x(0), y1=_y(0), x2=axis.x(1), y2=_y(1), stroke=_INK, stroke_dasharray="4 4"))
    return _svg(body, f"reliability: {y_label}")


def scatter_chart(points: Sequence[tuple[float, float, str]], x_label: str, y_label: str) -> str:
    """A dot a point (x, y, what the pointer is told), with the diagonal: above it y is larger than x."""
    axis = Axis(x_label)
    body = [_grid(axis, y_label)]
    body.append(_element("line", x1=axis.x(0), y1=_y(0), x2=axis.x(1), y2=_y(1), stroke=_INK, stroke_dasharray="4 4"))
    for x, y, text in points:
        colour = "#009e73" if y > x else "#d53200" if y < x else "#7b8694"
        title = _element("title", escape(text))
        body.append(_element("circle", title, cx=axis.x(x), cy=_y(y), r=4, fill=colour, opacity=0.7))
    return _svg(body, f"{y_label} against {x_label}")


def spread_chart(scores: Sequence[float], colour: str) -> str:
    """Every image's score as a translucent tick between 0 and 1, with the median marked; one line of text high."""
    left, span = 4, 292
    ticks = [
        _element(
            "line",
            x1=left + span * score,
            x2=left + span * score,
            y1=5,
            y2=21,
            stroke=colour,
            stroke_width=2,
            opacity=0.45,
        )
        for score in scores
    ]
    base = _element("line", x1=left, x2=left + span, y1=24, y2=24, stroke=_FAINT, stroke_width=2)
    middle = [_element("path", d=f"M{left + span * median(scores):.1f} 26 l-4 6 h8 z", fill=_INK)] if scores else []
    return _element(
        "svg", "".join([base, *ticks, *middle]), viewBox="0 0 300 34", class_="spread", role="img",
        aria_label="IoU of single images",
    )  # fmt: skip


def _reliability_bin(axis: Axis, index: int, said: str, share: float, sure: float, opacity: float) -> str:
    left, right = axis.x(index / BINS) + 1, axis.x((index + 1) / BINS) - 1
    title = _element("title", escape(said))
    height = _y(0) - _y(share)
    bar = _element(
        "rect", title, x=left, y=_y(share), width=right - left, height=height, fill="#3f6fb0", opacity=opacity
    )
    return bar + _element("line", x1=left, x2=right, y1=_y(sure), y2=_y(sure), stroke="#c2410c", stroke_width=2)


def _grid(axis: Axis, y_label: str) -> str:
    """Grid, ticks and axis labels."""
    parts = []
    for value in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(_element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=_y(value), y2=_y(value), stroke=_FAINT))
        parts.append(_text(f"{value:.1f}", x=_LEFT - 8, y=_y(value) + 4, text_anchor="end"))
    for tick in axis.ticks:
        parts.append(_text(f"{tick:g}", x=axis.x(tick), y=HEIGHT - _BOTTOM + 16, text_anchor="middle"))  # noqa: PERF401
    parts.append(_text(axis.label, x=(_LEFT + WIDTH - _RIGHT) / 2, y=HEIGHT - 6, text_anchor="middle"))
    turned = f"translate(12 {(HEIGHT - _BOTTOM + _TOP) / 2}) rotate(-90)"
    parts.append(_text(y_label, transform=turned, text_anchor="middle"))
    return "".join(parts)


def _y(value: float) -> float:
    return _TOP + (1 - value) * (HEIGHT - _TOP - _BOTTOM)


def _svg(body: Sequence[str], label: str) -> str:
    box = f"0 0 {WIDTH} {HEIGHT}"
    return _element("svg", "".join(body), viewBox=box, class_="chart", role="img", aria_label=label)


def _text(text: str, **attributes: float | str) -> str:
    return _element("text", escape(text), fill=_INK, font_size=11, **attributes)
