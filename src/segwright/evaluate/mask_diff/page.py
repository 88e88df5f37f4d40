"""The page of a dataset difference: the from/to matrix, each class, and the frames that changed most, painted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import Image, LabelMap, SegwrightError
from segwright.data import Dataset
from segwright.evaluate.mask_diff.datasets import DatasetDiff, FrameChange, changed_maps
from segwright.evaluate.report.pictures import caption, data_uri, plain, window
from segwright.evaluate.report.templates import write_page
from segwright.evaluate.report.wording import class_colour, foreground_first
from segwright.infer.overlay import as_display, overlay, tint

FRAMES_SHOWN = 12
MAX_FRAME_ROWS = 500
MAX_NAMES = 200

# RGB of the delta picture, from Okabe & Ito's set: what a pixel became, or what it was where it became background.
GAINED, LOST, OTHER, VOIDED = (0, 158, 115), (213, 50, 0), (204, 121, 167), (110, 110, 110)
LEGEND = (
    (GAINED, "background before, a class now"),
    (LOST, "a class before, background now"),
    (OTHER, "another class than before"),
    (VOIDED, "void before or now"),
)


@dataclass(frozen=True)
class ChangedFrame:
    """What the page shows of one frame."""

    change: FrameChange
    image: Image | None
    old: LabelMap
    new: LabelMap


def changed_frames(old: Dataset, new: Dataset, found: DatasetDiff, most: int = FRAMES_SHOWN) -> Iterator[ChangedFrame]:
    """The frames with the most changed pixels, read again one at a time; a picture that is gone is None."""
    for row in [row for row in found.changes if row.changed_px][:most]:
        before, after = changed_maps(old, new, found, row.stem)
        try:
            image = new.read_image(new.frame(row.stem))
        except SegwrightError:
            image = None
        yield ChangedFrame(row, image if image is not None and image.size == after.size else None, before, after)


def write_diff_page(path: Path, found: DatasetDiff, frames: Iterable[ChangedFrame] = ()) -> None:
    """Write the difference as one HTML page that needs no network; to a temporary name, then one rename."""
    write_page(path, "mask_diff_page.html.j2", {**_page(found), "panels": [_panel(frame) for frame in frames]})


def _page(found: DatasetDiff) -> dict[str, Any]:
    changed = [row for row in found.changes if row.changed_px]
    total_px = 0 if found.total is None else int(found.total.pixels.sum())
    return {
        "title": "{1} against {0}".format(*found.names),
        "names": found.names,
        "facts": [
            ("frames compared", f"{found.compared:,}"),
            ("labels changed", f"{len(changed):,} frames"),
            ("added", f"{len(found.added):,}"),
            ("removed", f"{len(found.removed):,}"),
        ],
        "share": None if not total_px else sum(row.changed_px for row in changed) / total_px,
        "changed_px": sum(row.changed_px for row in changed),
        "matrix": _matrix(found),
        "classes": _class_rows(found),
        "changed": changed[:MAX_FRAME_ROWS],
        "more": max(0, len(changed) - MAX_FRAME_ROWS),
        "other": [row for row in found.changes if row.image_changed or row.columns][:MAX_FRAME_ROWS],
        "came_and_went": [
            (label, stems[:MAX_NAMES], max(0, len(stems) - MAX_NAMES))
            for label, stems in (
                ("added", found.added), ("removed", found.removed),
                ("labelled now", found.labelled), ("no longer labelled", found.unlabelled),
            )
            if stems
        ],
        "notes": found.notes,
        "legend": [(f"rgb{colour}", text) for colour, text in LEGEND],
    }  # fmt: skip


def _matrix(found: DatasetDiff) -> list[dict[str, Any]]:
    """Rows old, columns new, of labels that gained or lost pixels; the diagonal (kept) is left blank."""
    if found.total is None:
        return []
    names, pixels = [*found.classes.names, "void"], found.total.pixels
    moved_px = pixels - np.diag(np.diag(pixels))
    moved = np.flatnonzero(moved_px.sum(axis=0) + moved_px.sum(axis=1)).tolist()
    most = max(1, int(moved_px.max()))
    rows = []
    for at in moved:
        cells = [
            None if at == to else {"px": int(pixels[at, to]), "strength": (int(pixels[at, to]) / most) ** 0.4}
            for to in moved
        ]
        rows.append({"name": names[at], "cells": cells, "kept": int(pixels[at, at])})
    return rows


def _class_rows(found: DatasetDiff) -> list[dict[str, Any]]:
    if found.total is None:
        return []
    by_name = dict(zip((spec.name for spec in found.classes.foreground), found.total.classes, strict=True))
    pixels = found.total.pixels
    rows = []
    for name in foreground_first(found.classes):
        at = found.classes.channel(name)
        before, after, kept = int(pixels[at].sum()), int(pixels[:, at].sum()), int(pixels[at, at])
        union = before + after - kept
        row = by_name.get(name)
        rows.append(
            {
                "name": name, "colour": class_colour(found.classes, name), "before": before, "after": after,
                "gained": after - kept, "lost": before - kept, "agreement": kept / union if union else None,
                "diff": row, "shift": None if row is None else row.mean_shift_px,
                "p95": None if row is None else row.shift_quantile_px(0.95),
            }
        )  # fmt: skip
    return rows


def _panel(frame: ChangedFrame) -> dict[str, Any]:
    """Before, after and delta of one frame; of a large one the window with the most changes."""
    box = window(frame.old.ids != frame.new.ids)
    image = (frame.image or plain(frame.old.size)).crop(box)
    old, new = frame.old.crop(box), frame.new.crop(box)
    return {
        "change": frame.change,
        "before": data_uri(overlay(image, old)),
        "after": data_uri(overlay(image, new)),
        "delta": data_uri(_delta(image, old, new)),
        "caption": caption(box, frame.old.size),
    }


def _delta(image: Image, old: LabelMap, new: LabelMap) -> npt.NDArray[np.uint8]:
    """The frame in pale grey, and over it what changed."""
    grey = as_display(image).mean(axis=2, keepdims=True)
    canvas = np.repeat((grey * 0.45 + 140).clip(0, 255).astype(np.uint8), 3, axis=2)
    changed, background, void = old.ids != new.ids, old.classes.background_id, old.classes.void_id
    voided = changed & ((old.ids == void) | (new.ids == void))
    gained = changed & ~voided & (old.ids == background if background is not None else False)
    lost = changed & ~voided & (new.ids == background if background is not None else False)
    for mask, colour in (
        (voided, VOIDED), (gained, GAINED), (lost, LOST), (changed & ~voided & ~gained & ~lost, OTHER),
    ):  # fmt: skip
        if mask.any():
            tint(canvas, mask, colour, opacity=0.8)
    return canvas
