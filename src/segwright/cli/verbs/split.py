"""segwright split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.table import Table

    from segwright.data import Dataset, Split


def split(
    data: Annotated[Path, typer.Argument(help="Labelled frames: a folder, .json, .xml, .zip; or a segwright.yaml.")],
    by: Annotated[str | None, typer.Option(help="Column whose values stay together: line, sequence, patient.")] = None,
    fractions: Annotated[
        str, typer.Option(help="Share of each part: train, validation, calibration, test.")
    ] = "train=0.6,validation=0.2,calibration=0.2",
    hold_out: Annotated[
        list[str] | None, typer.Option(help="PART=VALUE or PART=COLUMN:VALUE: put these groups there. Repeatable.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to write the split.")] = Path("split.json"),
    columns: Annotated[str | None, typer.Option(help="Columns from file names: '(?P<line>[^_]+)_'.")] = None,
    columns_csv: Annotated[Path | None, typer.Option(help="Columns from a CSV whose first names the image.")] = None,
    format: Annotated[str, typer.Option(help="auto, or a format such as voc, coco_json, nifti_pairs.")] = "auto",  # noqa: A002
    classes: Annotated[str, typer.Option(help="Class names for ids 0, 1, ..., comma-separated, or a file.")] = "",
    seed: Annotated[int, typer.Option(help="Another seed, another split of the same kind.")] = 0,
    independent: Annotated[
        bool, typer.Option("--i-know-frames-are-independent", help="Allow a random split of single frames.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Divide frames into parts by a column, so that no line, sequence or tile is on both sides."""
    from segwright.cli.datasets import class_table_of, dataset_at
    from segwright.data import make_split, write_split

    _refuse_with_project(data, {"--format": format != "auto", "--classes": classes})
    with Face(as_json=json) as face:
        dataset = dataset_at(
            data, format=format, classes=class_table_of(classes), columns_from=columns, columns_csv=columns_csv
        )
        made = make_split(
            dataset,
            by=by or (None if independent else _column_of_project(data)),
            fractions=_fractions(fractions),
            held_out=_held_out(hold_out or []),
            seed=seed,
            frames_are_independent=independent,
            listener=face.listener,
        )
        write_split(out, made)
        _tell(face, made, dataset, out)


def _refuse_with_project(data: Path, given: Mapping[str, object]) -> None:
    """Refuse options that a project file answers itself: its classes are those that training will use."""
    from segwright.cli.datasets import PROJECT_SUFFIXES
    from segwright.core import ConfigError

    names = [name for name, value in given.items() if value]
    if names and data.suffix.lower() in PROJECT_SUFFIXES:
        raise ConfigError.of(
            ", ".join(names), f"cannot be given beside a project file, which says it itself: {data}",
            allowed="--columns and --columns-csv, which are added to the project's own", found=" ".join(names),
            fix=f"leave it out, or change `data:` and `classes:` in {data}",
        )  # fmt: skip


def _column_of_project(data: Path) -> str | None:
    """The `split.by` of a project file; None for frames."""
    from segwright.cli.datasets import PROJECT_SUFFIXES
    from segwright.project import read_project

    return read_project(data).split.by if data.suffix.lower() in PROJECT_SUFFIXES else None


def _tell(face: Face, made: Split, dataset: Dataset, out: Path) -> None:
    for note in dataset.notes:
        face.say(f"note: {note}")
    face.say(_table(made, dataset))
    payload = {"split": str(out), **{key: value for key, value in made.to_json().items() if key != "parts"}}
    face.finish(payload, f"written: {out}")


def _fractions(text: str) -> dict[str, float]:
    from segwright.core import ConfigError

    try:
        return {part.strip(): float(share) for part, share in (entry.split("=") for entry in text.split(","))}
    except ValueError as error:
        raise ConfigError.of(
            "--fractions", "cannot be read", allowed="PART=SHARE, comma-separated", found=text,
            fix="--fractions train=0.6,validation=0.2,calibration=0.2",
        ) from error  # fmt: skip


def _held_out(entries: list[str]) -> dict[str, list[str]]:
    from segwright.core import ConfigError

    held: dict[str, list[str]] = {}
    for entry in entries:
        part, equals, value = entry.partition("=")
        if not equals:
            raise ConfigError.of(
                "--hold-out", "cannot be read", allowed="PART=VALUE or PART=COLUMN:VALUE", found=entry,
                fix=f"--hold-out validation={entry}",
            )  # fmt: skip
        held.setdefault(part.strip(), []).append(value.strip())
    return held


def _table(made: Split, dataset: Dataset) -> Table:
    """Frames, groups and pixels of each class, one column a part: classes may be many, parts are few."""
    from rich.table import Table

    table = Table(title=f"{len(dataset)} frames by {made.by or 'nothing: frames are independent'}, seed {made.seed}")
    for heading in ("", *made.counts):
        table.add_column(heading, justify="right" if heading else "left")
    counts = made.counts.values()
    table.add_row("frames", *(f"{count.frames:,}" for count in counts))
    table.add_row("groups", *(f"{count.groups:,}" for count in counts), end_section=True)
    for name in dataset.classes.names:
        table.add_row(f"{name} px", *(f"{count.class_pixels[name]:,}" for count in counts))
    table.add_row("void px", *(f"{count.void_pixels:,}" for count in counts))
    return table
