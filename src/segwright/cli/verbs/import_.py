"""segwright import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from segwright.data import Dataset
    from segwright.data.store import Author, Base, Store
    from segwright.data.store.checkout import CheckedOut


def import_(
    source: Annotated[str, typer.Argument(help="Labelled frames: a folder, file, archive, or STORE@VERSION.")],
    to: Annotated[str, typer.Option(help="The store: a folder, or an address such as s3://bucket/frames.")],
    format: Annotated[str, typer.Option(help="auto, or a format of docs/data-formats.md.")] = "auto",  # noqa: A002
    classes: Annotated[str, typer.Option(help="Class names for ids 0, 1, ..., comma-separated, or a file.")] = "",
    option: Annotated[
        list[str] | None, typer.Option(help="A setting of the format: --option masks=annotations. Repeatable.")
    ] = None,
    map: Annotated[  # noqa: A002
        list[str] | None, typer.Option(help="A label or mask value to rename: --map 7=void. Repeatable.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns from file names: '(?P<line>[^_]+)_'.")] = None,
    columns_csv: Annotated[Path | None, typer.Option(help="Columns from a CSV whose first names the image.")] = None,
    message: Annotated[str, typer.Option("--message", "-m", help="Why: what the log will say.")] = "",
    who: Annotated[str, typer.Option(help="Who; else SEGWRIGHT_USER, else the user of this machine.")] = "",
    tool: Annotated[str, typer.Option(help="The tool the labels were made with.")] = "",
    model: Annotated[str, typer.Option(help="The model the labels come from, where they do.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Remove frames that the source does not have.")] = False,
    add_classes: Annotated[bool, typer.Option("--add-classes", help="Let the store learn new classes.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Of a checkout: put its changes in place over those of others.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Put labelled frames of any format into a versioned store, as its next version."""
    from segwright.cli.datasets import class_table_of, options_of
    from segwright.data import open_dataset
    from segwright.data.store import Author

    with Face(as_json=json) as face:
        settings = {**options_of(option or []), **({"map": map} if map else {})}
        table = class_table_of(classes)
        ways: dict[str, Any] = {"columns_from": columns, "columns_csv": columns_csv}
        dataset = open_dataset(source, format=format, classes=table, options=settings, **ways)
        author = Author(who, message, tool, str(source), model)
        _put(face, dataset, author, to, {"replace": replace, "add_classes": add_classes, "overwrite": overwrite})


def _put(face: Face, dataset: Dataset, author: Author, to: str, how: dict[str, bool]) -> None:
    """Import, note in a checkout what was imported from it, and say what changed."""
    from segwright.cli.stores import version_row, what_changed
    from segwright.data.store import ChangesSetAside, create_store, import_dataset
    from segwright.data.store.checkout import imported_from

    store = create_store(to)
    origin, base = _base_of(author.source, store, overwrite=how.pop("overwrite"))
    try:
        version = import_dataset(dataset, store, author, base=base, listener=face.listener, **how)
    except ChangesSetAside as error:
        if origin is not None:  # what was applied of it is in the folder and in the store
            imported_from(Path(author.source), origin, error.version)
        raise
    if version is None:
        face.finish({"version": None, "frames": len(dataset)}, f"{to}: nothing changed, no new version")
        return
    if origin is not None:
        imported_from(Path(author.source), origin, version)
    left = 0 if how["replace"] else _left_over(store, dataset)
    row = version_row(version)
    why = f" (recognised by {dataset.reason})" if dataset.reason else ""
    text = f"{to}@{version.number}: {what_changed(row)}, {len(dataset)} frames of format {dataset.format}{why}"
    more = f"\nnote: {left} frames of the store are not in the source and stay (--replace removes them)"
    face.finish({"store": to, **row, "kept": left}, text + (more if left else ""))


def _base_of(source: str, store: Store, *, overwrite: bool) -> tuple[CheckedOut | None, Base | None]:
    """Where a checkout came from and what it began with, where `source` is one of this store; else None, the newest."""
    from segwright.data.store.checkout import checked_out

    origin = checked_out(Path(source)) if Path(source).is_dir() else None
    base = None if origin is None else origin.base(store.log(), overwrite=overwrite)
    return (None, None) if base is None else (origin, base)


def _left_over(store: Store, dataset: Dataset) -> int:
    """How many frames of the store the dataset does not have."""
    return len(store.state().frames.keys() - {frame.stem for frame in dataset.frames}) if len(store.log()) else 0
