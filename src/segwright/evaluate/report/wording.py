"""What the pages call things: scores, facts, definitions; and the classes' colours as the page writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from segwright.core import ClassTable
from segwright.evaluate.difference import Code
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.result import Evaluation
from segwright.evaluate.scores import DEFINITIONS

_HASH = re.compile(r"[0-9a-f]{40,64}")
HEADLINES = {
    "pooled_miou_foreground": "mIoU, foreground",
    "pooled_miou": "mIoU, all classes",
    "mean_image_miou": "mean image mIoU",
    "ece": "calibration error",
    "classwise_ece": "calibration error by class",
    "brier": "Brier",
}
COLUMNS = {"iou": "IoU", "dice": "Dice", "precision": "Precision", "recall": "Recall"}
_OTHERS = {
    "mean_image_iou": "Mean image IoU",
    "frequency_weighted_iou": "frequency weighted IoU",
    "hd95": "HD95",
    "assd": "ASSD",
    "assd_of_prediction": "ASSD of prediction",
    "assd_of_truth": "ASSD of truth",
    "cldice": "clDice",
}


def facts_of(evaluation: Evaluation | ObjectEvaluation) -> list[tuple[str, str]]:
    """What was scored, as label and value: the number of images first, hashes last."""
    facts = [("images", str(evaluation.images))]
    if evaluation.void_fraction is not None:
        facts.append(("void", f"{100 * evaluation.void_fraction:.2f} % of pixels"))
    known = {key: str(value) for key, value in evaluation.provenance.items() if value is not None}
    hashes = {key: value[:12] for key, value in known.items() if _HASH.fullmatch(value)}
    plain = {key: value for key, value in known.items() if key not in hashes}
    return [*facts, *((key.replace("_", " "), value) for key, value in {**plain, **hashes}.items())]


def units_of(task: str) -> Mapping[str, str]:
    """What the page counts, in words: pixels of images, or voxels of cases."""
    if task == "volume":
        return {"points": "voxels", "short": "voxels", "frames": "cases", "distance": "mm"}
    return {"points": "pixels", "short": "px", "frames": "images", "distance": "px"}


def score_label(name: str) -> str:
    """What a table calls the score; its own name where no short one is known."""
    known = {**HEADLINES, **COLUMNS, **_OTHERS}
    if name.startswith("nsd@"):
        return f"NSD, {name.partition('@')[2]} px"
    return known.get(name) or (boundary_label(name) if name.startswith("boundary_") else name.replace("_", " "))


def boundary_label(name: str) -> str:
    """`boundary_f@3` and `boundary_iou` as a table calls them."""
    return "Boundary IoU" if name == "boundary_iou" else f"Boundary F, {name.partition('@')[2]} px"


def foreground_first(classes: ClassTable) -> list[str]:
    """The classes' names, the background last: it is what nobody looks for."""
    return [*(spec.name for spec in classes.foreground), *([classes.background] if classes.background else [])]


def definitions_in_order(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Name and sentence of each score, pixel accuracy last because it misleads."""
    order = {name: text for name, text in evaluation.definitions.items() if name != "pixel_accuracy"}
    last = evaluation.definitions.get("pixel_accuracy", DEFINITIONS["pixel_accuracy"])
    return [*order.items(), ("pixel_accuracy", last)]


def why_misleading(classes: ClassTable) -> str:
    """Why pixel accuracy is marked."""
    return "background alone scores its share" if classes.background else "the largest classes decide it"


def legend_of(colours: Mapping[Code, tuple[int, int, int]], meanings: Mapping[Code, str]) -> list[tuple[str, str]]:
    """Colour as `#rrggbb` and meaning of each code that is drawn."""
    return [(hex_colour(colour), meanings[code]) for code, colour in colours.items()]


def class_colour(classes: ClassTable, name: str) -> str:
    """The display colour of the class called `name`, as `#rrggbb`."""
    return hex_colour(classes.colour(classes[name].class_id))


def hex_colour(colour: tuple[int, int, int]) -> str:
    """RGB as `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def ink_of(colour: str) -> str:
    """The colour, darkened where it would be too pale for a thin line on white."""
    red, green, blue = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    factor = min(1.0, 150 / luminance) if luminance else 1.0
    return hex_colour((round(red * factor), round(green * factor), round(blue * factor)))


def mark_worst(cells: Sequence[dict[str, Any]]) -> None:
    """Mark the lowest of a column, where the column has something to compare."""
    present = [cell["score"] for cell in cells if cell["score"] is not None]
    if len(present) > 1 and min(present) < max(present):
        for cell in cells:
            cell["worst"] = cell["score"] == min(present)
