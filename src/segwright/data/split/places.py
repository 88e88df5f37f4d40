"""Where frames are, in time or in a scene: blocks of neighbours, and how near frames of two parts are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from segwright.core import ConfigError, Problem
from segwright.data.dataset import Dataset
from segwright.data.split.quantities import (
    METRES,
    PIXELS,
    SECONDS,
    are_numbers,
    duration_text,
    moment_text,
    number,
    number_text,
    quantity,
    seconds_since_1970,
)

Key = tuple[str, ...]
# Pairs of columns that say where a frame is, the first that all frames have is taken; degrees stand last.
PLACE_COLUMNS = (("x", "y"), ("easting", "northing"), ("longitude", "latitude"), ("lon", "lat"))
_EARTH_RADIUS_M = 6371008.8  # mean radius R1. Source: IUGG; Moritz, Geodetic Reference System 1980
# Where frames of two parts are too near, the one of the later part goes: what is measured on stays whole.
KEPT_FIRST = ("test", "calibration", "validation", "train")
_SHOWN = 8


@dataclass(frozen=True)
class Places:
    """The block each frame lies in, and its coordinates.

    `keys` end with the name of the block. Only frames of one `series` (the key without the block) can be near each
    other. Coordinates are seconds, the columns' own unit, or metres from the Earth's centre; `norm` is the exponent of
    the distance between them: infinity takes the larger of the two differences, as squares do.
    """

    keys: Mapping[str, Key]
    series: Mapping[str, Key]
    coordinates: Mapping[str, tuple[float, ...]]
    gap: float | None
    norm: float
    unit: str

    def left_out(self, parts: Mapping[str, Iterable[str]]) -> set[str]:
        """The stems that are nearer than the gap to a frame of another part; of a pair, the one of the later part."""
        if not self.gap:
            return set()
        kept: dict[Key, list[str]] = defaultdict(list)
        out: set[str] = set()
        for part in (name for name in KEPT_FIRST if name in parts):
            stays = []
            for series, stems in self._by_series(parts[part]).items():
                distances, _ = self._nearest(stems, kept[series])
                near = {stem for stem, distance in zip(stems, distances, strict=True) if distance < self.gap}
                out |= near
                stays += [stem for stem in stems if stem not in near]
            for series, stems in self._by_series(stays).items():
                kept[series] += stems
        return out

    def nearest_pair(self, parts: Mapping[str, Iterable[str]]) -> tuple[float, str, str] | None:
        """The smallest distance between frames of two parts, and the two frames; None where no series is in two."""
        best: tuple[float, str, str] | None = None
        earlier: dict[Key, list[str]] = defaultdict(list)
        for part in (name for name in KEPT_FIRST if name in parts):
            for series, stems in self._by_series(parts[part]).items():
                if earlier[series]:
                    distances, others = self._nearest(stems, earlier[series])
                    at = int(np.argmin(distances))
                    pair = (float(distances[at]), stems[at], earlier[series][int(others[at])])
                    best = pair if best is None or pair < best else best
            for series, stems in self._by_series(parts[part]).items():
                earlier[series] += stems
        return best

    def distance_text(self, distance: float) -> str:
        """A distance with its unit."""
        return duration_text(distance) if self.unit == "s" else f"{distance:g}{self.unit}"

    def _by_series(self, stems: Iterable[str]) -> dict[Key, list[str]]:
        series: dict[Key, list[str]] = defaultdict(list)
        for stem in sorted(stems):
            series[self.series[stem]].append(stem)
        return series

    def _nearest(self, stems: Sequence[str], others: Sequence[str]) -> tuple[npt.NDArray, npt.NDArray]:
        """For each of `stems`, how far the nearest of `others` is, and which it is; infinity where there is none."""
        if not others:
            return np.full(len(stems), math.inf), np.zeros(len(stems), int)
        tree = KDTree([self.coordinates[stem] for stem in others])
        distances, at = tree.query([self.coordinates[stem] for stem in stems], p=self.norm)
        return np.asarray(distances), np.asarray(at)


def time_places(keys: Mapping[str, Key], block: str, gap: str | None) -> tuple[Places, list[Problem]]:
    """The last text of each key, a time or a number, cut into blocks; frames whose text is neither are a problem.

    Blocks start at 1970-01-01 and at 0, so that frames added later change no block.

    Raises:
        ConfigError: a block or gap that is no length of time (for times) or no number (for numbers).
    """
    texts = {stem: key[-1] for stem, key in keys.items()}
    numeric = are_numbers(texts.values())
    units = {"": 1} if numeric else SECONDS
    size = _length("--block", block, units, "numbers" if numeric else "times")
    distance = None if gap is None else _length("--gap", gap, units, "numbers" if numeric else "times", least=0)
    places = {stem: number(text) if numeric else seconds_since_1970(text) for stem, text in texts.items()}
    known = {stem: at for stem, at in places.items() if at is not None}
    name = number_text if numeric else moment_text
    blocks = {stem: (*keys[stem][:-1], name(at // size * size)) for stem, at in known.items()}
    problems = _strange("are neither times nor numbers", {stem: texts[stem] for stem in texts if stem not in known})
    return (
        Places(
            keys=blocks,
            series={stem: keys[stem][:-1] for stem in known},
            coordinates={stem: (float(at),) for stem, at in known.items()},
            gap=None if distance is None else float(distance),
            norm=math.inf,
            unit="" if numeric else "s",
        ),
        problems,
    )


def place_columns(dataset: Dataset, wanted: tuple[str, str] | None, offered: str) -> tuple[str, str]:
    """The two columns that say where a frame is.

    Raises:
        ConfigError: no frame has them.
    """
    for pair in PLACE_COLUMNS if wanted is None else (wanted,):
        if set(pair) <= set(dataset.column_names):
            return pair
    pairs = " or ".join(",".join(pair) for pair in PLACE_COLUMNS)
    raise ConfigError.of(
        "--by-block", "has no columns that say where a frame is", allowed=f"{pairs}, or two named by --position",
        found=offered,
        fix="make them from file names: --columns '_(?P<x>\\d+)_(?P<y>\\d+)$', or from a CSV: --columns-csv FILE",
    )  # fmt: skip


def scene_places(
    dataset: Dataset, keys: Mapping[str, Key], columns: tuple[str, str], lengths: tuple[str, str | None]
) -> tuple[Places, list[Problem]]:
    """Each key with the square its frame lies in; `lengths` are the side of the squares and the gap.

    In degrees (columns called lon... and lat...), the length of a degree of longitude is that in the middle of the
    frame's degree of latitude, so that a square does not depend on the other frames; it is off by under 1 % up to 45
    degrees, and distances are exact.

    Raises:
        ConfigError: lengths that are none, or not in metres for degrees.
    """
    degrees = all(name.lower().startswith(("lon", "lat")) for name in columns)
    units, what = (METRES, "degrees") if degrees else ({"": 1, **PIXELS, "m": 1}, "positions")
    side = _length("--by-block", lengths[0], units, what)
    gap = None if lengths[1] is None else _length("--gap", lengths[1], units, what, least=0)
    if degrees and columns[0].lower().startswith("lat"):
        columns = (columns[1], columns[0])
    rows = {frame.stem: tuple(frame.columns.get(name, "") for name in columns) for frame in dataset.frames}
    points = {stem: tuple(number(text) for text in row) for stem, row in rows.items()}
    known = {stem: (x, y) for stem, (x, y) in points.items() if x is not None and y is not None and stem in keys}
    flat = {stem: _metres(*at) if degrees else at for stem, at in known.items()}
    unit = "m" if degrees else (quantity(lengths[0]) or (0, ""))[1]
    strangers = {stem: ",".join(rows[stem]) for stem in keys if stem not in known}
    return (
        Places(
            keys={
                stem: (*keys[stem], *(number_text(value // side * side) for value in at)) for stem, at in flat.items()
            },
            series={stem: keys[stem] for stem in known},
            coordinates={
                stem: _on_the_globe(*at) if degrees else (float(at[0]), float(at[1])) for stem, at in known.items()
            },
            gap=None if gap is None else float(gap),
            norm=2 if degrees else math.inf,
            unit=unit,
        ),
        _strange(f"have no numbers in the columns {' and '.join(columns)}", strangers),
    )


def _metres(longitude: Fraction, latitude: Fraction) -> tuple[Fraction, Fraction]:
    """East and north of 0, 0; a degree of longitude is as long as in the middle of its degree of latitude."""
    degree = math.radians(1) * _EARTH_RADIUS_M
    middle = math.floor(latitude) + 0.5
    return longitude * Fraction(degree * math.cos(math.radians(middle))), latitude * Fraction(degree)


def _on_the_globe(longitude: Fraction, latitude: Fraction) -> tuple[float, float, float]:
    """Metres from the Earth's centre, taken as a sphere."""
    east, north = math.radians(longitude), math.radians(latitude)
    around = _EARTH_RADIUS_M * math.cos(north)
    return around * math.cos(east), around * math.sin(east), _EARTH_RADIUS_M * math.sin(north)


def _length(
    place: str, text: str, units: Mapping[str, int | Fraction], what: str, least: int | None = None
) -> Fraction:
    """The length in the unit of the coordinates; above 0 unless `least` says that 0 is one."""
    found = quantity(text)
    named = ", ".join(unit for unit in units if unit)
    example = f"{text.strip()}{'min' if 'min' in units else 'm'}" if "" not in units else "300"
    if found is None or found[1] not in units or (found[0] <= 0 and least is None):
        allowed = "a number, in the unit of the columns" if "" in units else f"a number with a unit: {named}"
        fix = f"{place} {example if found is not None and not found[1] else ('1h' if 'h' in units else '300')}"
        raise ConfigError.of(place, f"is no length by which {what} can be cut", allowed=allowed, found=text, fix=fix)
    return found[0] * units[found[1]]


def _strange(rule: str, texts: Mapping[str, str]) -> list[Problem]:
    if not texts:
        return []
    shown = [f"{stem}: '{text}'" for stem, text in list(texts.items())[:_SHOWN]]
    return [
        Problem("split", f"{len(texts)} frames {rule}", "2024-05-01T13:00:00, 2024-05-01, or a number",
                ", ".join(shown) + (" ..." if len(texts) > _SHOWN else ""),
                fix="correct the column, or cut the part out that is one: --by 'name[:10]'")
    ]  # fmt: skip
