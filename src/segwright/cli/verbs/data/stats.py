"""segwright data stats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.table import Table

    from segwright.data import Fingerprint


def stats(
    data: Annotated[Path, typer.Argument(help="Labelled frames: a folder, .json, .xml, .zip; or a segwright.yaml.")],
    format: Annotated[str, typer.Option(help="auto, index_png, class_folders, coco_json, cvat_xml.")] = "auto",  # noqa: A002
    classes: Annotated[str, typer.Option(help="Class names for ids 0, 1, ..., comma-separated, or a file.")] = "",
    json: JsonFlag = False,
) -> None:
    """Say what labelled frames hold: pixels, frames, components and widths of each class."""
    from segwright.cli.datasets import class_table_of, dataset_at
    from segwright.data import fingerprint

    with Face(as_json=json) as face:
        dataset = dataset_at(data, format=format, classes=class_table_of(classes))
        for note in dataset.notes:
            face.say(f"note: {note}")
        numbers = fingerprint(dataset, listener=face.listener)
        face.finish(numbers.to_json(), _table(numbers))


def _table(numbers: Fingerprint) -> Table:
    from rich.table import Table

    table = Table(title=f"{numbers.frames} frames, void {100 * numbers.void_fraction:.2f} %")
    for heading in ("class", "share", "frames", "components", "median area px", "median width px"):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    pixels = max(1, sum(row.pixels for row in numbers.classes.values()))
    for name, row in numbers.classes.items():
        medians = ("-" if value is None else f"{value:g}" for value in (row.median_area_px, row.median_width_px))
        table.add_row(
            name, f"{100 * row.pixels / pixels:.3f} %", f"{row.frames_present:,}", f"{row.components:,}", *medians
        )
    return table
