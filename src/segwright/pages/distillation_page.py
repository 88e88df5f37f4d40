"""What a student lost and kept, class by class, as one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segwright.evaluate.report.templates import write_page

_WHO = {
    "teacher": "the network whose answers are learned from",
    "student": "the network that was trained on labels and on those answers, and is exported",
    "alone": "the same network with the same settings and seed, trained on the labels alone",
}


def write_distillation_page(path: Path, found: Mapping[str, Any], *, title: str) -> None:
    """Write the page of a distillation.json at `path`."""
    who = list(found["scores"])
    boundary = next(key for key in found["lost"] if key != "iou")
    score = "pooled_miou"
    content = {
        "title": title,
        "facts": [("held-out frames", str(found["images"])), ("score", score)],
        "who": who,
        "cards": [(name, found["scores"][name][score], found["parameters"][name]) for name in who],
        "tables": [
            {"name": name, "key": key, "rows": _rows(found["classes"], key, who)}
            for name, key in (("IoU", "iou"), (f"Boundary F at {boundary.partition('@')[2]} px", boundary))
        ],
        "lost": found["lost"]["iou"],
        "definitions": {name: text for name, text in _WHO.items() if name in who},
    }
    write_page(path, "distillation_page.html.j2", content, "segwright.pages")


def _rows(classes: Mapping[str, Any], key: str, who: list[str]) -> list[dict[str, Any]]:
    rows = []
    for name, scores in classes.items():
        values = [scores[each][key] for each in who]
        teacher, student = values[0], values[1]
        change = None if teacher is None or student is None else student - teacher
        rows.append({"name": name, "values": values, "change": change})
    return rows
