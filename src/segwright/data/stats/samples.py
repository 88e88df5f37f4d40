"""Regions worth a picture: of each class the largest, the smallest, those about the median, and some by chance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from segwright.core import Box
from segwright.data.regions import Regions

SHOWN = 4
_POOL = 48  # drawn regions kept a class, of which the nearest to the median are shown
KINDS = ("largest", "median", "smallest", "random")


@dataclass(frozen=True)
class RegionSample:
    """One connected region of a class: in which frame, where, how large and wide; `draw` is a number by chance."""

    channel: int
    stem: str
    box: Box
    area_px: int
    width_px: float
    draw: float


def candidates(stem: str, channel: int, regions: Regions) -> list[RegionSample]:
    """The regions of one frame and class that may be shown; the same whatever else is counted, and in which order."""
    count = len(regions.areas)
    if not count:
        return []
    seed = hashlib.sha256(f"{channel} {stem}".encode()).digest()[:8]
    draws = np.random.default_rng(int.from_bytes(seed)).random(count)
    by_area = np.argsort(regions.areas, kind="stable")
    kept = {*by_area[:SHOWN].tolist(), *by_area[-SHOWN:].tolist(), *np.argsort(draws)[:_POOL].tolist()}
    return [
        RegionSample(
            channel,
            stem,
            Box(*(int(value) for value in regions.boxes[index])),
            int(regions.areas[index]),
            float(regions.widths[index]),
            float(draws[index]),
        )
        for index in sorted(kept)
    ]


def narrowed(samples: Iterable[RegionSample]) -> list[RegionSample]:
    """Those of one class that may still be shown once more frames are known."""
    rows = list(set(samples))
    by_area = sorted(rows, key=_by_area)
    kept = {*by_area[:SHOWN], *by_area[-SHOWN:], *sorted(rows, key=lambda row: row.draw)[:_POOL]}
    return sorted(kept, key=_by_area)


def sheet(samples: Sequence[RegionSample], median_px: float | None) -> dict[str, tuple[RegionSample, ...]]:
    """The regions to show of one class, by kind; none twice."""
    by_area = sorted(samples, key=_by_area)
    chosen = {"largest": tuple(reversed(by_area[-SHOWN:]))}
    left = [row for row in by_area if row not in chosen["largest"]]
    chosen["smallest"] = tuple(left[:SHOWN])
    left = sorted((row for row in left if row not in chosen["smallest"]), key=lambda row: row.draw)
    near = sorted(left, key=lambda row: (abs(np.log(row.area_px / (median_px or 1))), row.draw))[:SHOWN]
    chosen["median"] = tuple(near)
    chosen["random"] = tuple([row for row in left if row not in near][:SHOWN])
    return {kind: chosen[kind] for kind in KINDS if chosen[kind]}


def _by_area(row: RegionSample) -> tuple[int, float, str]:
    return row.area_px, row.draw, row.stem
