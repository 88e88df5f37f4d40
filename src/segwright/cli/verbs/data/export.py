"""segwright data export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def export(
    data: Annotated[str, typer.Argument(help="STORE@VERSION, labelled frames, or a segwright.yaml.")],
    to: Annotated[Path, typer.Option(help="The new folder, or a .zip where the format has one.")],
    format: Annotated[str, typer.Option(help="The format to write: coco_json, index_png, ...")],  # noqa: A002
    option: Annotated[
        list[str] | None, typer.Option(help="A setting of writing: --option key=value. Repeatable.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Write labelled frames in another format, and say what it cannot hold."""
    from segwright.cli.datasets import dataset_at, options_of
    from segwright.data import export_dataset

    with Face(as_json=json) as face:
        dataset = dataset_at(Path(data))
        for note in dataset.notes:
            face.say(f"note: {note}")
        written = export_dataset(dataset, to, format, options=options_of(option or []), listener=face.listener)
        for loss in written.losses:
            face.say(f"lost: {loss}")
        payload = {"out": str(to), "format": format, "frames": written.frames, "losses": list(written.losses)}
        face.finish(payload, f"written: {to}: {written.frames} frames as {format}")
