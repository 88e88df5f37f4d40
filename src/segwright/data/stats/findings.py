"""What matters in the numbers, said first: classes that are absent, rare or thin, crumbs, domains that differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from segwright.data.stats.counts import Counts
from segwright.data.stats.shift import Shift
from segwright.data.stats.statistics import PART, Statistics

RARE_SHARE = 1e-3
FEW_FRAMES, FEW_REGIONS = 10, 30
THIN_PX = 5.0  # one or two cells of a network's first features, which are a quarter as fine as the frame
CRUMB_PX, CRUMB_SHARE = 10, 0.25
MUCH_VOID = 0.2
FAR = 1.5  # times chance
_SHOWN = 4


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing before training: what kind, of which class or domain, in a sentence, and what to do."""

    kind: str
    subject: str
    text: str
    advice: str

    def to_json(self) -> dict[str, str]:
        """The finding as plain values."""
        return asdict(self)


def findings_of(numbers: Statistics) -> tuple[Finding, ...]:
    """Everything that matters, most pressing first; empty where nothing stands out."""
    return tuple(
        finding
        for rule in (_absent, _held_out, _rare, _thin, _domains, _crumbs, _odd_frames, _void)
        for finding in rule(numbers)
    )


def _absent(numbers: Statistics) -> Iterator[Finding]:
    for name, pixels in zip(numbers.classes.names, numbers.counts.pixels, strict=True):
        if not pixels:
            yield Finding("absent", name, "no frame has a pixel of it", "label it, or take it out of the class table")


def _held_out(numbers: Statistics) -> Iterator[Finding]:
    for domain in numbers.domains:
        if domain.column != PART or not domain.counts.labelled:
            continue
        missing = [
            name
            for name, here, all_ in zip(numbers.classes.names, domain.counts.pixels, numbers.counts.pixels, strict=True)
            if all_ and not here
        ]
        if missing:
            yield Finding(
                "not in a part",
                domain.value,
                f"this part has no pixel of {', '.join(missing)}: nothing can be learned or said of it there",
                "segwright split again, with --hold-out or another --seed",
            )


def _rare(numbers: Statistics) -> Iterator[Finding]:
    counts = numbers.counts
    for channel, spec in enumerate(numbers.classes):
        frames, share = int(counts.frames_present[channel]), float(counts.shares[channel])
        if not frames or spec.name == numbers.classes.background:
            continue
        regions = int(counts.regions["area_px"][channel].weight)
        if frames < FEW_FRAMES or regions < FEW_REGIONS:
            said = (
                f"in {frames} of {counts.labelled} frames, {regions} regions: its scores will swing with each of them"
            )
            yield Finding("few examples", spec.name, said, "label more frames that show it, before anything else")
        elif share < RARE_SHARE:
            said = f"{100 * share:.3f} % of the pixels, in {frames} frames"
            yield Finding(
                "rare",
                spec.name,
                said,
                "watch its own IoU and not the mean; training.rare_crops cuts more crops about it",
            )


def _thin(numbers: Statistics) -> Iterator[Finding]:
    for channel, spec in enumerate(numbers.classes):
        width = numbers.counts.regions["band_width_px"][channel].quantile(0.5)
        if width is not None and width <= THIN_PX and spec.name != numbers.classes.background:
            said = f"half of its pixels lie in bands at most {width:g} px wide"
            yield Finding(
                "thin", spec.name, said, "do not shrink frames; score boundary F; no opening in cleanup for it"
            )


def _crumbs(numbers: Statistics) -> Iterator[Finding]:
    """One finding for all classes: where the brush or the tool strays, it strays in many."""
    rows = []
    for channel, name in enumerate(numbers.classes.names):
        areas = numbers.counts.regions["area_px"][channel]
        share = areas.below(CRUMB_PX)
        if share >= CRUMB_SHARE and areas.weight >= FEW_REGIONS:
            rows.append((share, f"{100 * share:.0f} % of {areas.weight:,.0f} in {name}"))
    if rows:
        said = f"regions under {CRUMB_PX} px: {', '.join(text for _, text in sorted(rows, reverse=True))}"
        subject = f"{len(rows)} of {len(numbers.classes)} classes"
        yield Finding("crumbs", subject, said, "look at the smallest regions below: strays of the brush, or real?")


def _domains(numbers: Statistics) -> Iterator[Finding]:
    """One finding a value of a column, the farthest first, with the numbers it differs in."""
    grouped: dict[tuple[str, str], list[Shift]] = defaultdict(list)
    of_classes = {row.column for row in numbers.domains if row.value in numbers.classes.names}
    for row in numbers.shifts:
        # A column that says what is labelled, such as a folder a class, differs in that by itself.
        told = row.kind == "class" and row.column in of_classes
        if row.chance and row.distance > FAR * row.chance and not told:
            grouped[row.column, row.value].append(row)
    for column in {name for name, _ in grouped}:
        values = [row.value for row in numbers.domains if row.column == column]
        if len(values) == 2 and column != PART:
            grouped.pop((column, values[1]), None)  # two values differ from each other: once is enough
    ranked = sorted(grouped.items(), key=lambda item: -max(row.distance for row in item[1]))
    for (column, value), rows in ranked[:_SHOWN]:
        rows.sort(key=lambda row: -row.distance)
        said = "; ".join(f"{row.name} {_amount(row, row.here)} against {_amount(row, row.there)}" for row in rows[:3])
        more = f"; and {len(rows) - 3} more" if len(rows) > 3 else ""
        advice = "hold it out whole (segwright split --hold-out) to see what the shift costs"
        if column == PART:
            advice = "the score on this part is of other frames than those that train: say so beside it"
        yield Finding("differs", f"{column} {value}", f"unlike {rows[0].against}: {said}{more}", advice)
    if len(ranked) > _SHOWN:
        names = ", ".join(f"{column} {value}" for (column, value), _ in ranked[_SHOWN : _SHOWN + 8])
        yield Finding("differs", f"{len(ranked) - _SHOWN} more", names, "see the table of domains")


def _amount(row: Shift, value: float) -> str:
    if row.kind == "class" or row.name in ("saturated", "black"):
        return f"{100 * value:.2g} %" if value < 0.1 else f"{100 * value:.0f} %"
    return f"{value:.3g}"


def _odd_frames(numbers: Statistics) -> Iterator[Finding]:
    stems = list(dict.fromkeys(stem for _, stem, _ in sorted(numbers.outliers, key=lambda row: -row[2])))
    if stems:
        shown = ", ".join(stems[:3]) + (" ..." if len(stems) > 3 else "")
        subject = f"{len(stems)} of {numbers.counts.frames} frames"
        yield Finding("odd pictures", subject, f"far from the others: {shown}", "glare, blur, another camera?")


def _void(numbers: Statistics) -> Iterator[Finding]:
    counts: Counts = numbers.counts
    if counts.void_fraction >= MUCH_VOID:
        said = f"{100 * counts.void_fraction:.0f} % of the labelled pixels"
        yield Finding("void", "void", said, "nothing is learned there and nothing scored: is it meant so?")
    without = counts.frames - counts.labelled
    if without:
        said = f"{without} of {counts.frames} frames have no labels"
        yield Finding("unlabelled", "labels", said, "label them, or leave them to segwright predict")
