"""The rows of benchmarks/instance_accuracy.py as Markdown: recipes beside each other, and what was learned by heart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import mean
from typing import Any

from instance_sets import SAID

Row = dict[str, Any]
SAYS = {
    "maskrcnn": "segwright's plan for Mask R-CNN as it comes, with all flips",
    "solov2": "the same for SOLOv2",
    "yolact": "the same for YOLACT",
    "boxinst": "the plan for SOLOv2, which is shown boxes and no masks (BoxInst)",
    "watershed": "segwright's semantic plan (U-Net) on as many crops; its regions cut at their necks by the distance "
    "transform, at the depth that scores best on the validation part; an object's score is the mean probability",
    "torchvision": "torchvision's MaskRCNN class with its own anchors (32 to 512 px), SGD at 0.005 as in its "
    "fine-tuning tutorial, uniform crops and the same flips, whole frames at prediction. Not its defaults, as they "
    "would take hours here: frames keep their size (its own: 800 px), 64 regions a crop (its own: 512), a pyramid of "
    "128 channels; ours has the same three on a CPU",
    "torchvision-fitted": "the same with anchors of the objects' size, AdamW, rates and schedule as ours has them",
}
SCORES = (("ap", "mask AP"), ("ap50", "AP50"), ("f1", "best F1 at IoU 0.5"))


def report(rows: Sequence[Row]) -> str:
    """The whole page."""
    groups: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[row["key"][0], row["settings"]][row["key"][1]].append(row)
    parts = [_head(rows)]
    for (kind, settings), recipes in groups.items():
        if kind == "nuclei":
            parts += [f"## Nuclei, {settings}", *(_table(name, recipes) for name in SAID)]
        else:
            parts += [f"## Learned by heart: 20 crops, {settings}", _overfit_table(recipes)]
    return "\n\n".join(parts) + "\n"


def _head(rows: Sequence[Row]) -> str:
    def of(name: str) -> str:
        return ", ".join(sorted({str(row[name]) for row in rows}))

    used = [name for name in SAYS if any(row["key"][1] == name for row in rows)]
    splits = ", ".join(sorted({row["split_hash"] for row in rows if "split_hash" in row}))
    counts = next((row["frames"] for row in rows if "frames" in row), {})
    lines = [
        "# Instances beside other recipes",
        "",
        "Written by `python benchmarks/instance_accuracy.py`, which says how; rows: `instance_accuracy.jsonl`.",
        "",
        f"- machine: {of('machine')}; torch {of('torch')}; precision {of('precision')}; dates: {of('date')}",
        f"- commits: {of('commit')}; split {splits}",
        f"- frames of the Data Science Bowl 2018: {', '.join(f'{count} {part}' for part, count in counts.items())}; "
        "`calibration` holds the imaging type that no recipe was trained on",
        "- recipes see the same number of crops of one size from the same frames, start from the same ImageNet "
        "MobileNetV2 and answer with their last weights; they are scored at native size by `segwright.evaluate`. "
        "Settings were chosen on the validation part; the scores below chose nothing",
        "- so few crops show how soon a recipe learns, not how good it becomes",
        "- each score: mean over seeds, lowest to highest in brackets; a difference within the range of one of the two "
        "is none",
        *(f"- `{name}`: {SAYS[name]}" for name in used),
    ]
    return "\n".join(lines)


def _table(name: str, recipes: dict[str, list[Row]]) -> str:
    first = next(iter(recipes.values()))[0]
    frames = {"same": first["frames"]["test"], "other": first["frames"]["calibration"]}[name]
    head = f"### {frames} {SAID[name]}, {first['objects'][name]} objects"
    lines = [
        head,
        "",
        _line(["recipe", "seeds", *(said for _, said in SCORES)]),
        _line(["---"] * (2 + len(SCORES))),
    ]
    for recipe in (each for each in SAYS if each in recipes):
        rows = recipes[recipe]
        cells = [_spread([row["scores"][name][key] or 0.0 for row in rows]) for key, _ in SCORES]
        lines.append(_line([f"`{recipe}`", str(len(rows)), *cells]))
    return "\n".join(lines)


def _overfit_table(recipes: dict[str, list[Row]]) -> str:
    lines = [_line(["network", "objects", "mask AP", "AP50", "commit"]), _line(["---"] * 5)]
    for recipe, rows in recipes.items():
        for row in rows:
            scores = row["scores"]["crops"]
            cells = [f"{scores['ap']:.3f}", f"{scores['ap50']:.3f}", row["commit"]]
            lines.append(_line([f"`{recipe}`", str(row["objects"]), *cells]))
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.3f} ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else f"{values[0]:.3f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
