"""The rows of benchmarks/accuracy.py as Markdown: one recipe beside the other, and what each part of ours brings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from accuracy_sets import SETS

Row = dict[str, Any]
Group = dict[str, list[Row]]  # recipe -> its rows
RIVALS = ("smp", "smp-ce", "nnunet")
SCORES = (("miou", "pooled mIoU, foreground"), ("boundary_f", "boundary F at 3 px"))

SAYS = {
    "ours": "segwright's plan as it comes, with the flips the set allows, also at prediction (`inference.flips`)",
    "smp": "segmentation-models-pytorch's U-Net, cross-entropy + its Dice loss, Adam at 1e-3, uniform random crops, "
    "the same flips, whole frames at prediction; the same encoder and weights, batch norm given back as ours is",
    "smp-ce": "the same with cross-entropy alone",
    "nnunet": "nnU-Net v2 2d: its own plan, loss, optimiser, augmentation and prediction; from random weights, "
    "the last ones taken; its patch and batch set to the benchmark's",
    "ours-rare_crops": "no crops centred on rare classes",
    "ours-dice": "cross-entropy alone",
    "ours-ema": "no average of the weights",
    "ours-colour": "no colour augmentation",
    "ours-warp": "no turned or scaled crops",
    "ours-hold": "a learning rate that falls from the start",
    "ours-mirrored": "frames seen once at prediction",
    "ours-pretrained": "random weights",
}


def report(rows: Sequence[Row], skipped: Mapping[str, str] | None = None) -> str:
    """The whole page; `skipped` is recipe -> why it did not run."""
    by_settings: dict[str, dict[str, Group]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in rows:
        by_settings[row["settings"]][row["key"][0]][row["key"][1]].append(row)
    parts = [_head(rows, skipped or {})]
    for settings, sets in by_settings.items():
        parts.append(f"## {settings}\n\n{_main_table(sets)}")
        removed = {name: group for name, group in sets.items() if any(key.startswith("ours-") for key in group)}
        if removed:
            parts.append(f"### Ours without one part\n\n{_parts_table(removed)}")
        parts.append(f"### By class\n\n{_class_table(sets)}")
    parts.append(f"## Sets and splits\n\n{_split_table(rows)}")
    return "\n\n".join(parts) + "\n"


def _head(rows: Sequence[Row], skipped: Mapping[str, str]) -> str:
    def of(name: str) -> str:
        return ", ".join(sorted({str(row[name]) for row in rows}))

    used = [name for name in SAYS if any(row["key"][1] == name for row in rows)]
    lines = [
        "# Accuracy beside other recipes",
        "",
        "Written by `python benchmarks/accuracy.py`, which says how; the rows are in `accuracy.jsonl`.",
        "",
        f"- machine: {of('machine')}; torch {of('torch')}; precision {of('precision')}; dates: {of('date')}",
        f"- commits: {of('commit')}",
        "- recipes see the same number of crops of one size from the same frames, and are scored on the held-out part "
        "alone, at native size, by `segwright.evaluate`, from index PNGs",
        "- after a first table, in which ours lagged on ISBI and DRIVE, it was chosen on validation parts (ISBI, "
        "DRIVE, CamVid, CVC, tiles) how often crops are warped and coloured and how long the rate holds; "
        "then all of ours was run anew",
        "- checkpoints are chosen on the validation part, at the same steps for `ours` and `smp`",
        "- each score: mean over seeds, lowest to highest in brackets. *Ahead* and *behind* are said where the means "
        "differ by more than the larger of the two ranges; with two or three seeds that is a hint, no test",
        *(f"- `{name}`: {SAYS[name]}" for name in used),
        *(f"- `{name}` did not run: {why}" for name, why in skipped.items()),
    ]
    return "\n".join(lines)


def _main_table(sets: Mapping[str, Group]) -> str:
    lines = [_line(["set", "test frames", "recipe", "seeds", *(said for _, said in SCORES), "ours beside it"])]
    lines.append(_line(["---"] * (5 + len(SCORES))))
    for name, group in sets.items():
        for recipe in ("ours", *RIVALS):
            if rows := group.get(recipe):
                verdict = _verdicts(group["ours"], rows) if recipe != "ours" and group.get("ours") else ""
                lines.append(_scored([name, str(rows[0]["frames"]["test"]), f"`{recipe}`"], rows, verdict))
    return "\n".join(lines)


def _parts_table(sets: Mapping[str, Group]) -> str:
    lines = [_line(["set", "recipe", "seeds", *(said for _, said in SCORES), "whole recipe beside it"])]
    lines.append(_line(["---"] * (4 + len(SCORES))))
    for name, group in sets.items():
        for recipe in ("ours", *(key for key in SAYS if key.startswith("ours-"))):
            if rows := group.get(recipe):
                verdict = _verdicts(group["ours"], rows) if recipe != "ours" and group.get("ours") else ""
                lines.append(_scored([name, f"`{recipe}`: {SAYS[recipe]}"], rows, verdict))
    return "\n".join(lines)


def _class_table(sets: Mapping[str, Group]) -> str:
    """IoU of each foreground class, mean over seeds; one without a test frame is left out."""
    lines = [_line(["set", "recipe", "IoU"]), _line(["---"] * 3)]
    for name, group in sets.items():
        for recipe, rows in group.items():
            seen = {key: [row["iou"][key] for row in rows] for key in rows[0]["iou"]}
            told = [
                f"{key} {mean(value or 0.0 for value in values):.3f}"
                for key, values in seen.items()
                if any(value is not None for value in values)
            ]
            lines.append(_line([name, f"`{recipe}`", ", ".join(told)]))
    return "\n".join(lines)


def _split_table(rows: Iterable[Row]) -> str:
    lines = [_line(["set", "split", "train", "validation", "test", "split's hash"]), _line(["---"] * 6)]
    seen = {(row["key"][0], row["split_hash"]): row for row in rows}
    for (name, digest), row in seen.items():
        lines.append(_line([name, SETS[name].said, *(str(count) for count in row["frames"].values()), digest]))
    return "\n".join(lines)


def _scored(first: list[str], rows: Sequence[Row], verdict: str) -> str:
    spreads = [_spread([row[key] for row in rows]) for key, _ in SCORES]
    return _line([*first, str(len(rows)), *spreads, verdict])


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.3f} ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else f"{values[0]:.3f}"


def _verdicts(ours: Sequence[Row], theirs: Sequence[Row]) -> str:
    return "; ".join(
        f"{short} {_verdict([row[key] for row in ours], [row[key] for row in theirs])}"
        for key, short in (("miou", "mIoU"), ("boundary_f", "boundary F"))
    )


def _verdict(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Ahead or behind where the means differ by more than the larger range of the two; of one seed just the gap."""
    gap = mean(ours) - mean(theirs)
    if min(len(ours), len(theirs)) < 2:
        return f"{gap:+.3f}, one seed"
    spread = max(max(ours) - min(ours), max(theirs) - min(theirs))
    if abs(gap) <= spread:
        return f"{gap:+.3f}, within the spread"
    return f"{gap:+.3f}, **{'ahead' if gap > 0 else 'behind'}**"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
