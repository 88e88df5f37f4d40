"""`segwright train --preview` of a project that learns objects."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.cli.training.preview import settings_of

if TYPE_CHECKING:
    from segwright.cli.face import Face
    from segwright.data import Dataset
    from segwright.pages import ObjectPreviewNumbers
    from segwright.train import Plan
    from segwright.train.objects.preview import ObjectPreview


def show_object_preview(face: Face, plan: Plan, frames: Dataset, out: Path) -> None:
    """Write the sheet of the training `frames`' crops with their objects, and say what was counted."""
    from segwright.pages import write_object_preview
    from segwright.train.objects.preview import object_preview, preview_feed

    stems = [frame.stem for frame in frames.frames]
    seen = object_preview(plan, preview_feed(plan, frames, stems, face.listener), face.listener)
    write_object_preview(out, seen.crops, plan.classes, _numbers(plan, seen))
    counted = {
        "crops": seen.counted,
        "steps": seen.steps,
        "empty": seen.empty,
        "most": seen.most,
        "ignored_share": seen.ignored_share,
        "classes": {name: asdict(met) for name, met in seen.classes.items()},
    }
    face.finish({"preview": str(out), **counted}, _answer(out, seen))


def _numbers(plan: Plan, seen: ObjectPreview) -> ObjectPreviewNumbers:
    from segwright.pages import ObjectPreviewNumbers

    shares, asked = plan.sampling.class_shares, plan.sampling.rare_share
    rows = [
        (name, met.crops, met.objects, met.side_px, met.small, shares[name] * asked if name in shares else None)
        for name, met in seen.classes.items()
    ]
    counts = (seen.empty, seen.most, seen.ignored_share)
    return ObjectPreviewNumbers(plan.name, seen.steps, seen.counted, rows, *counts, settings_of(plan))


def _answer(out: Path, seen: ObjectPreview) -> str:
    rows = [f"{'':16}{'crops':>8}{'objects':>10}{'median side':>13}{'small':>8}"]
    for name, met in seen.classes.items():
        side = "-" if met.side_px is None else f"{met.side_px:g} px"
        rows.append(f"{name:16}{met.crops / seen.counted:>8.0%}{met.objects:>10}{side:>13}{met.small:>8}")
    head = f"{out}: {len(seen.crops)} of {seen.counted} crops of the first {seen.steps} steps"
    tail = (
        f"{seen.empty} crops without an object, {seen.most} objects in the fullest; ignored: {seen.ignored_share:.1%}"
    )
    return "\n".join([head, *rows, f"{tail} of all pixels"])
