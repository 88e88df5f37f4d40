"""segwright init."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from segwright.data import Dataset


def init(
    folder: Annotated[Path, typer.Argument(help="Labelled frames: a folder, a COCO .json, a CVAT .xml or .zip.")],
    out: Annotated[Path, typer.Option(help="Where to write the project file.")] = Path("segwright.yaml"),
    format: Annotated[str, typer.Option(help="auto, index_png, class_folders, coco_json, cvat_xml.")] = "auto",  # noqa: A002
    classes: Annotated[str, typer.Option(help="Class names for ids 0, 1, ..., comma-separated, or a file.")] = "",
    option: Annotated[
        list[str] | None, typer.Option(help="A setting of the format: --option masks=annotations. Repeatable.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns from file names: '(?P<line>[^_]+)_'.")] = None,
    columns_csv: Annotated[Path | None, typer.Option(help="Columns from a CSV whose first names the image.")] = None,
    json: JsonFlag = False,
) -> None:
    """Look at a folder of labelled frames and write a commented segwright.yaml for it."""
    from segwright.cli.datasets import class_table_of, options_of
    from segwright.core import ConfigError
    from segwright.data import open_dataset

    if out.exists():
        raise ConfigError.of(
            str(out), "exists already", found="a project file", fix="edit it, or name another with --out"
        )
    with Face(as_json=json) as face:
        options = options_of(option or [])
        dataset = open_dataset(
            folder,
            format=format,
            classes=class_table_of(classes),
            options=options,
            columns_from=columns,
            columns_csv=columns_csv,
        )
        text = _project(folder, out.parent, dataset, options, columns, columns_csv)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        by = _grouping(dataset.column_names)
        lines = [
            f"{folder}: {len(dataset.frames)} frames, format {dataset.format}",
            f"classes: {dataset.classes.describe()}",
            f"columns: {', '.join(dataset.column_names) or 'none; give them with --columns or --columns-csv'}",
            *(f"note: {note}" for note in dataset.notes),
            f"written: {out}",
            f"next: segwright split {out} --by {by} --out {out.parent / 'split.json'}",
        ]
        payload = {
            "project": str(out),
            "frames": len(dataset.frames),
            "format": dataset.format,
            "classes": dataset.classes.to_json(),
            "columns": list(dataset.column_names),
            "notes": list(dataset.notes),
        }
        face.finish(payload, "\n".join(lines))


def _project(
    folder: Path, base: Path, dataset: Dataset, options: dict[str, Any], columns: str | None, columns_csv: Path | None
) -> str:
    """The text of the project file in `base` for the dataset that was found."""
    from segwright.project.schema import Data
    from segwright.project.template import project_text

    data = Data(
        root=_relative(folder, base),
        format=dataset.format,
        columns_from=columns,
        columns_csv=None if columns_csv is None else _relative(columns_csv, base),
        options=options,
    )
    return project_text(folder.resolve().stem, data, dataset.classes, dataset.column_names)


# Column names that usually mean "frames that belong together", the likeliest first.
GROUP_WORDS = ("group", "patient", "sequence", "session", "line", "part", "tile", "video", "camera", "site", "batch")


def _grouping(columns: tuple[str, ...]) -> str:
    """The column a split most likely should go by; the user knows better."""
    for word in GROUP_WORDS:
        for column in columns:
            if word in column.lower():
                return column
    return "COLUMN"


def _relative(folder: Path, base: Path) -> str:
    """`folder` as seen from the project file, so that both can move together."""
    import os

    return Path(os.path.relpath(folder.resolve(), base.resolve())).as_posix()
