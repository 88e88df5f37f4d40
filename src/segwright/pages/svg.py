"""Small charts as inline SVG text: histograms, places in the frame, curves with a band."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from segwright.evaluate.report.svg import element

Place = Callable[[float], float]  # a value -> where it lies in the picture

INK, FAINT, SOFT = "#3b4450", "#e3e7ec", "#7b8694"


def picture(width: int, height: int, parts: Iterable[str], label: str, class_: str = "chart") -> str:
    """A whole SVG of these parts; `label` is what a screen reader says."""
    box = f"0 0 {width} {height}"
    return element("svg", "".join(parts), viewBox=box, class_=class_, role="img", aria_label=label)


def text(content: str, **attributes: float | str) -> str:
    """Text of the charts' size and ink."""
    return element("text", escape(content), **{"fill": INK, "font_size": 11, **attributes})


def place_map(cells: Sequence[Sequence[float]], colour: str, label: str) -> str:
    """A grid (rows of shares of the cell, 0..1) as squares, the fuller the darker; the fullest cell is full colour."""
    most = max((value for row in cells for value in row), default=0) or 1.0
    squares = [
        element("rect", x=column, y=row, width=1, height=1, fill=colour, opacity=round((value / most) ** 0.6, 2))
        for row, values in enumerate(cells)
        for column, value in enumerate(values)
        if value > 0.002 * most
    ]
    count = len(cells)
    frame = element("rect", x=0, y=0, width=count, height=count, fill="#f3f5f8")
    return picture(count, count, [frame, *squares], label, "places")


def histogram(
    bins: Sequence[tuple[float, float, float]], colour: str, label: str, *, ticks: Sequence[tuple[float, str]] = ()
) -> str:
    """Bars of (low, high, weight) side by side, of one width each, with the ends' values below and `ticks` marked.

    A tick is (position among the bins 0..1, what it says).
    """
    width, height, floor_ = 300, 112, 84
    if not bins:
        return picture(width, height, [text("nothing counted", x=8, y=48, fill=SOFT)], label)
    most = max(weight for *_, weight in bins) or 1.0
    step = (width - 8) / len(bins)
    parts = [element("line", x1=4, x2=width - 4, y1=floor_ + 0.5, y2=floor_ + 0.5, stroke="#c9d0d8")]
    for index, (low, high, weight) in enumerate(bins):
        if weight:
            tall = max(1.5, 74 * weight / most)
            title = element("title", f"{number(low)} to {number(high)}: {number(weight)}")
            parts.append(
                element(
                    "rect", title, x=4 + index * step + 0.5, y=floor_ - tall, width=max(1.0, step - 1), height=tall,
                    fill=colour, rx=1,
                )
            )  # fmt: skip
    parts.append(text(number(bins[0][0]), x=4, y=floor_ + 15))
    parts.append(text(number(bins[-1][1]), x=width - 4, y=floor_ + 15, text_anchor="end"))
    for place, said in ticks:
        x = 4 + place * (width - 8)
        parts.append(element("path", d=f"M{x:.1f} {floor_ + 1} l-4 6 h8 z", fill=INK))
        anchor = "start" if place < 0.2 else "end" if place > 0.8 else "middle"
        parts.append(text(said, x=x, y=floor_ + 27 if place < 0.2 or place > 0.8 else floor_ + 20, text_anchor=anchor))
    return picture(width, height, parts, label)


@dataclass(frozen=True)
class Curve:
    """Runs as dots (x, y, what the pointer is told) and, where one was fitted, a law as (x, y, low, high)."""

    dots: Sequence[tuple[float, float, str]]
    law: Sequence[tuple[float, float, float, float]] = ()
    measured_to: float | None = None


def curve_chart(curve: Curve, colour: str, x_label: str, y_label: str, *, small: bool = False) -> str:
    """Dots and law over a logarithmic x axis; beyond `measured_to` the law is dashed."""
    width, height = (330, 230) if small else (760, 380)
    left, right, top, bottom = 50, 16, 14, 44
    xs = [x for x, *_ in curve.dots] + [x for x, *_ in curve.law]
    ys = [y for _, y, _ in curve.dots] + [value for _, _, low, high in curve.law for value in (low, high)]
    x_low, x_high = min(xs) / 1.08, max(xs) * 1.08
    y_ticks = round_steps(min(ys), max(ys))
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def at_x(value: float) -> float:
        return left + (log10(value) - log10(x_low)) / (log10(x_high) - log10(x_low)) * (width - left - right)

    def at_y(value: float) -> float:
        return top + (1 - (value - y_low) / (y_high - y_low)) * (height - top - bottom)

    parts = []
    for value in y_ticks:
        parts.append(element("line", x1=left, x2=width - right, y1=at_y(value), y2=at_y(value), stroke=FAINT))
        parts.append(text(f"{value:.3g}", x=left - 8, y=at_y(value) + 4, text_anchor="end"))
    for value in _apart(sorted({round(x) for x, *_ in curve.dots} | {round(max(xs))}), at_x):
        parts.append(element("line", x1=at_x(value), x2=at_x(value), y1=top, y2=height - bottom, stroke=FAINT))
        parts.append(text(f"{value:,}".replace(",", " "), x=at_x(value), y=height - bottom + 17, text_anchor="middle"))
    parts.append(text(x_label, x=(left + width - right) / 2, y=height - 8, text_anchor="middle"))
    parts.append(
        text(y_label, transform=f"translate(12 {(height - bottom + top) / 2}) rotate(-90)", text_anchor="middle")
    )
    parts += _law(curve, colour, at_x, at_y)
    for x, y, said in curve.dots:
        title = element("title", escape(said))
        parts.append(element("circle", title, cx=at_x(x), cy=at_y(y), r=4.5, fill=colour, stroke="#fff", opacity=0.9))
    return picture(width, height, parts, f"{y_label} against {x_label}", "chart small" if small else "chart wide")


def _law(curve: Curve, colour: str, at_x: Place, at_y: Place) -> list[str]:
    if not curve.law:
        return []
    upper = [f"{at_x(x):.1f},{at_y(high):.1f}" for x, _, _, high in curve.law]
    lower = [f"{at_x(x):.1f},{at_y(low):.1f}" for x, _, low, _ in reversed(curve.law)]
    parts = [element("polygon", points=" ".join(upper + lower), fill=colour, opacity=0.15)]
    end = curve.measured_to or curve.law[-1][0]
    for dash, chosen in (
        ("none", [row for row in curve.law if row[0] <= end * 1.001]),
        ("6 5", [row for row in curve.law if row[0] >= end * 0.96]),
    ):
        points = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y, *_ in chosen)
        parts.append(
            element("polyline", points=points, fill="none", stroke=colour, stroke_width=2, stroke_dasharray=dash)
        )
    return parts


def _apart(values: Sequence[int], at_x: Place) -> list[int]:
    """The values whose labels do not run into each other; the last always."""
    kept: list[int] = []
    for value in reversed(values):
        if not kept or at_x(kept[-1]) - at_x(value) > 34:
            kept.append(value)
    return kept[::-1]


def round_steps(low: float, high: float) -> list[float]:
    """Round values that cover low..high."""
    span = max(high - low, 1e-6)
    power = 10.0 ** floor(log10(span / 4))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if span / step <= 5)
    first = floor(low / step)
    values = [first * step]
    while values[-1] < high - 1e-12:
        values.append((first + len(values)) * step)
    return values if len(values) > 1 else [values[0], values[0] + step]


def number(value: float) -> str:
    """Three digits, grouped in thousands by a thin space: 12 300, 4.57, 0.012."""
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", "\u202f")
    return f"{value:.3g}"
