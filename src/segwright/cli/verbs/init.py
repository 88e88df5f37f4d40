"""segwright init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def init(
    folder: Annotated[Path, typer.Argument(help="Labelled frames: a folder, a COCO .json, a CVAT .xml or .zip.")],
    out: Annotated[Path, typer.Option(help="Where to write the project file.")] = Path("segwright.yaml"),
    format: Annotated[str, typer.Option(help="auto, index_png, class_folders, coco_json, cvat_xml.")] = "auto",  # noqa: A002
    classes: Annotated[
        str, typer.Option(help="Class names for ids 0, 1, 2 ..., comma-separated, where the data has none.")
    ] = "",
    json: JsonFlag = False,
) -> None:
    """Look at a folder of labelled frames and write a commented segwright.yaml for it."""
    from segwright.core import ClassTable, ConfigError
    from segwright.data import open_dataset
    from segwright.project.template import project_text

    if out.exists():
        raise ConfigError.of(
            str(out), "exists already", found="a project file", fix="edit it, or name another with --out"
        )
    with Face(as_json=json) as face:
        table = ClassTable.of([name.strip() for name in classes.split(",")]) if classes else None
        dataset = open_dataset(folder, format=format, classes=table)
        root = _relative(folder, out.parent)
        text = project_text(folder.resolve().stem, root, dataset.format, dataset.classes, dataset.column_names, {})
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        by = _grouping(dataset.column_names)
        lines = [
            f"{folder}: {len(dataset.frames)} frames, format {dataset.format}",
            f"classes: {dataset.classes.describe()}",
            f"columns: {', '.join(dataset.column_names) or 'none; give data.columns_from or data.columns_csv'}",
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
