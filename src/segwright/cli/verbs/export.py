"""segwright export."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from segwright.infer.bundle import Bundle


class Format(StrEnum):
    """What a network can be exported to."""

    onnx = "onnx"


def export(
    run: Annotated[Path, typer.Argument(help="The run's folder, runs/NAME; or that of all folds, runs/NAME-folds.")],
    to: Annotated[Format, typer.Option(help="The format of the network's file.")] = Format.onnx,
    out: Annotated[Path | None, typer.Option(help="The new bundle; default NAME.bundle.")] = None,
    frames: Annotated[int, typer.Option(min=1, help="How many held-out frames prove that nothing changed.")] = 8,
    json: JsonFlag = False,
) -> None:
    """Turn a run into a bundle. Fails with 1 where the exported pipeline does not say what the trained one says."""
    from segwright.export import export_folds, export_run
    from segwright.train.folds import is_folds, open_folds
    from segwright.train.run import open_run

    target = out or Path(f"{run.resolve().name}.bundle")
    with Face(as_json=json) as face:
        if is_folds(run):
            bundle = export_folds(open_folds(run), target, parity_frames=frames, listener=face.listener)
        else:
            bundle = export_run(open_run(run), target, parity_frames=frames, listener=face.listener)
        payload = {"bundle": str(target), "format": to.value, "hash": bundle.content_hash, "parity": bundle.parity}
        face.finish(payload, _answer(bundle))


def _answer(bundle: Bundle) -> str:
    proof = bundle.parity or {}
    if bundle.segments is not None:
        says = f"of {proof['segments']} segments {proof['alone']} are given by one pipeline only"
        says += f", {proof['pixel_share']:.2e} of the pixels are in other segments"
    elif bundle.objects is None:
        says = f"{proof['pixel_share']:.2e} of the pixels differ"
        says += f", probabilities by at most {proof['largest_probability_difference']:.1e}"
    else:
        says = f"of {proof['objects']} objects {proof['alone']} are found by one pipeline only"
        says += f", scores differ by at most {proof['largest_score_difference']:.1e}"
    head = f"{bundle.path}: {bundle.weights.file}, {len(bundle.classes)} classes"
    return f"{head}\nparity on {proof['frames']} whole frames: {says}"
