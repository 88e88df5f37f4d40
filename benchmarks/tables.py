"""results.jsonl of benchmarks/semantic.py as Markdown tables: mean over seeds, spread, and every class.

python benchmarks/tables.py benchmarks/results/semantic.jsonl
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

METHODS = ("ours-pretrained", "strong", "ours-scratch", "plain")


def main() -> None:
    """Print one table a set."""
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    by_set: dict[tuple[str, int, str, str], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_set[row["set"], row["crops"], row.get("crop", "192"), row["split_hash"]][row["method"]].append(row)
    for (name, crops, side, split), methods in by_set.items():
        print(f"### {name}: {crops} crops of {side} px seen, split {split}\n\n{table(methods)}\n")


def table(methods: dict[str, list[dict[str, Any]]]) -> str:
    """One line a method; a class no test frame has is left out, one that is never predicted scores 0."""
    classes = [name for name, value in next(iter(methods.values()))[0]["iou"].items() if value is not None]
    head = ["method", "seeds", "pooled mIoU", "boundary F at 3 px", *(f"IoU {name}" for name in classes)]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for method in METHODS:
        rows = methods.get(method, [])
        if rows:
            scores = [_spread([row[key] or 0.0 for row in rows]) for key in ("pooled_miou", "boundary_f@3")]
            ious = [f"{mean(row['iou'][name] or 0.0 for row in rows):.3f}" for name in classes]
            lines.append(f"| {' | '.join([method, str(len(rows)), *scores, *ious])} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    return f"{mean(values):.3f} ± {stdev(values):.3f}" if len(values) > 1 else f"{values[0]:.3f}"


if __name__ == "__main__":
    main()
