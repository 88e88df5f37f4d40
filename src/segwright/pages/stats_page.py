"""A dataset's statistics as one self-contained page that opens with what matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import Listener, silent
from segwright.data import Dataset
from segwright.data.stats import (
    GRID,
    IMAGE_STATISTICS,
    SHIFT,
    Counts,
    Distribution,
    DomainNumbers,
    RegionSample,
    Shift,
    Statistics,
    findings_of,
)
from segwright.data.stats.samples import sheet
from segwright.evaluate.report.templates import write_page
from segwright.evaluate.report.wording import class_colour, ink_of
from segwright.pages.svg import histogram, number, place_map
from segwright.pages.thumbnails import Thumbnail, frame_thumbnail, thumbnails

_GREY = "#8d99a8"
_MEASURES = {"area_px": "Area, px", "width_px": "Width, px", "elongation": "Elongation"}
_ODD_SHOWN = 8
_DEFINED = {
    "region": "8-connected pixels of one class",
    "width": "diameter of the largest disk of pixels that fits in a region; 1 for a one-pixel line",
    "band width": "of the straight band whose pixels are on average as far from the outside; the median over pixels",
    "elongation": "long over short axis of the ellipse with the region's second moments; a line of n pixels has n",
    "place": f"share of the pixels in a cell of {GRID} by {GRID} of the class, the fullest cell at full colour",
    "touching": "pixel sides that two classes share, of all sides that the row's class shares with others",
    "together": "frames that show both classes, of the frames that show the row's",
    "void": "in its own share and in nothing else",
}


def write_statistics_page(path: Path, dataset: Dataset, numbers: Statistics, listener: Listener = silent) -> None:
    """Write the page of `numbers`, which were counted on `dataset`; some frames are read again for their pictures."""
    sheets = [_sheet(numbers, channel) for channel in range(len(numbers.classes))]
    samples = [sample for kinds in sheets for found in kinds.values() for sample in found]
    drawn = thumbnails(dataset, samples, listener)
    content = {
        "title": f"Statistics of {Path(numbers.place).name or numbers.place}",
        "facts": _facts(numbers),
        "findings": findings_of(numbers),
        "notes": numbers.notes,
        "classes": [_class_row(numbers, channel, sheets[channel], drawn) for channel in range(len(numbers.classes))],
        "matrices": _matrices(numbers),
        "domains": list(_domains(numbers)),
        "images": list(_images(numbers)),
        "odd": _odd(dataset, numbers),
        "definitions": {**_DEFINED, **IMAGE_STATISTICS, "shift": SHIFT},
        "frames": numbers.counts.frames,
    }
    write_page(path, "stats_page.html.j2", content, "segwright.pages")


def _facts(numbers: Statistics) -> list[tuple[str, str]]:
    rows, counts = numbers.rows, numbers.counts
    heights, widths = [row.height for row in rows], [row.width for row in rows]
    sizes = {(row.width, row.height) for row in rows}
    size = f"{min(widths)}x{min(heights)} px"
    if len(sizes) > 1:
        size = f"{min(widths)} to {max(widths)} x {min(heights)} to {max(heights)} px, {len(sizes)} sizes"
    bands = [name.removeprefix("mean_") for name in numbers.image_values() if name.startswith("mean_")]
    labelled = (
        f"{counts.frames:,}" if counts.frames == counts.labelled else f"{counts.frames:,}, {counts.labelled} labelled"
    )
    return [
        ("frames", labelled), ("classes", str(len(numbers.classes))), ("void", _percent(counts.void_fraction)),
        ("size", size), ("bands", ", ".join(bands)), ("format", numbers.format),
        ("from", str(Path(numbers.place).resolve())),
    ]  # fmt: skip


def _sheet(numbers: Statistics, channel: int) -> Mapping[str, tuple[RegionSample, ...]]:
    return sheet(numbers.samples[channel], numbers.counts.regions["area_px"][channel].quantile(0.5))


def _class_row(
    numbers: Statistics,
    channel: int,
    kinds: Mapping[str, tuple[RegionSample, ...]],
    drawn: Mapping[RegionSample, Thumbnail],
) -> dict[str, Any]:
    counts, name = numbers.counts, numbers.classes.names[channel]
    colour = class_colour(numbers.classes, name)
    paint = ink_of(colour) if colour != "#000000" else _GREY
    medians = {measure: counts.regions[measure][channel].quantile(0.5) for measure in counts.regions}
    share = float(counts.shares[channel])
    return {
        "name": name,
        "colour": colour,
        "background": name == numbers.classes.background,
        "share": share,
        "share_text": _percent(share),
        "bar": _log_bar(share),
        "pixels": int(counts.pixels[channel]),
        "frames": int(counts.frames_present[channel]),
        "frames_share": counts.frames_present[channel] / max(1, counts.labelled),
        "regions": int(counts.regions["area_px"][channel].weight),
        "area": _said(medians["area_px"]),
        "width": _said(medians["band_width_px"]),
        "elongation": _said(medians["elongation"]),
        "places": place_map(_place_shares(counts, channel), paint, f"where {name} lies in the frame"),
        "histograms": [
            {"label": label, "chart": _distribution(counts.regions[measure][channel], paint, f"{label} of {name}")}
            for measure, label in _MEASURES.items()
        ],
        "sheet": {kind: [drawn[sample] for sample in samples] for kind, samples in kinds.items()},
    }


def _place_shares(counts: Counts, channel: int) -> list[list[float]]:
    """Of each cell the share of its pixels that are of the class."""
    whole = np.maximum(counts.places.sum(axis=0), 1)
    return (counts.places[channel] / whole).tolist()


def _distribution(found: Distribution, colour: str, label: str) -> str:
    bins = found.histogram()
    median = found.quantile(0.5)
    if not bins or median is None or len(bins) == 1:
        return histogram(bins, colour, label)
    low, high = np.log(bins[0][0]), np.log(bins[-1][1])
    place = float((np.log(median) - low) / (high - low))
    return histogram(bins, colour, label, ticks=[(place, f"median {number(median)}")])


def _matrices(numbers: Statistics) -> list[dict[str, Any]]:
    names = numbers.classes.names
    counts = numbers.counts
    made = []
    for title, lead, matrix, whole in (
        ("Seen together", "together", counts.together, counts.frames_present),
        ("Touching", "touching", counts.touching, counts.touching.sum(axis=1)),
    ):
        rows = [
            {
                "name": name,
                "whole": int(whole[row]),
                "cells": [_cell(matrix, whole, row, column) for column in range(len(names))],
            }
            for row, name in enumerate(names)
        ]
        made.append({"title": title, "lead": _DEFINED[lead], "names": names, "rows": rows})
    return made


def _cell(matrix: npt.NDArray, whole: npt.NDArray, row: int, column: int) -> dict[str, Any]:
    share = float(matrix[row, column]) / whole[row] if whole[row] and row != column else None
    return {"share": share, "text": "" if share is None else _percent(share), "count": int(matrix[row, column])}


def _domains(numbers: Statistics) -> Iterator[dict[str, Any]]:
    by_column: dict[str, list[DomainNumbers]] = {}
    for domain in numbers.domains:
        by_column.setdefault(domain.column, []).append(domain)
    names = [("class", name) for name in numbers.classes.names] + [("image", name) for name in IMAGE_STATISTICS]
    for column, domains in by_column.items():
        shifted = {(row.value, row.kind, row.name): row for row in numbers.shifts if row.column == column}
        rows = [
            {
                "value": domain.value,
                "frames": domain.counts.frames,
                "cells": [_domain_cell(domain, kind, name, numbers, shifted) for kind, name in names],
            }
            for domain in domains
        ]
        against = "the training frames" if column == "part" else "all other frames"
        yield {"column": column, "heads": [name for _, name in names], "rows": rows, "against": against}


def _domain_cell(
    domain: DomainNumbers, kind: str, name: str, numbers: Statistics, shifted: Mapping[tuple[str, str, str], Shift]
) -> dict[str, Any]:
    """The number of a domain, and how far beyond chance it is shifted, 0..1 for the colour."""
    shift = shifted.get((domain.value, kind, name))
    if kind == "class":
        text = _percent(float(domain.counts.shares[numbers.classes.channel(name)]))
    else:
        value = domain.images[name]
        text = "–" if value is None else _percent(value) if name in ("saturated", "black") else number(value)
    said, strength = "", 0.0
    if shift is not None:
        said = f"shift {shift.distance:.2f}, chance {shift.chance:.2f}"
        strength = min(1.0, (shift.distance - shift.chance) / 1.5) if shift.differs else 0.0
    return {
        "text": text,
        "shift": None if shift is None else f"{shift.distance:.2f}",
        "said": said,
        "strength": max(0.0, strength),
    }


def _images(numbers: Statistics) -> Iterator[dict[str, Any]]:
    for name, definition in IMAGE_STATISTICS.items():
        values = numbers.image_values()[name]
        known = values[np.isfinite(values)]
        if not len(known):
            continue
        counts, edges = np.histogram(known, bins=24)
        bins = [(float(edges[i]), float(edges[i + 1]), float(counts[i])) for i in range(24)]
        median = float(np.median(known))
        place = (median - edges[0]) / (edges[-1] - edges[0])
        chart = histogram(bins, "#6d93c4", name, ticks=[(float(place), f"median {number(median)}")])
        yield {"name": name, "definition": definition, "chart": chart}


def _odd(dataset: Dataset, numbers: Statistics) -> list[dict[str, Any]]:
    rows = {row.stem: row for row in numbers.rows}
    reasons: dict[str, list[str]] = {}
    for name, stem, z in sorted(numbers.outliers, key=lambda row: -row[2]):
        value = rows[stem].values[name]
        reasons.setdefault(stem, []).append(f"{name} {number(value or 0)} (z {z:.0f})")
    return [
        {"stem": stem, "why": ", ".join(why), "uri": frame_thumbnail(dataset, stem)}
        for stem, why in list(reasons.items())[:_ODD_SHOWN]
    ]


def _log_bar(share: float) -> float:
    """0..1 for a bar over five powers of ten: a share of 0.001 % is empty, of 100 % full."""
    return float(np.clip(1 + np.log10(max(share, 1e-9)) / 5, 0, 1))


def _percent(share: float) -> str:
    if share == 0:
        return "0"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %" if share >= 1e-5 else "< 0.001 %"


def _said(value: float | None) -> str:
    return "–" if value is None else number(value)
