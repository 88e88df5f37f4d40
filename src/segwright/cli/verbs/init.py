"""segwright init."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from segwright.data import Dataset, LabelSample
    from segwright.data.name_sequences import CutSequences

PROBLEMS_SHOWN = 8


def init(
    folder: Annotated[Path, typer.Argument(help="Labelled frames: a folder, a COCO .json, a CVAT .xml or .zip.")],
    out: Annotated[Path, typer.Option(help="Where to write the project file.")] = Path("segwright.yaml"),
    format: Annotated[str, typer.Option(help="auto, or a format such as voc, coco_json, nifti_pairs.")] = "auto",  # noqa: A002
    classes: Annotated[str, typer.Option(help="Class names for ids 0, 1, ..., comma-separated, or a file.")] = "",
    option: Annotated[
        list[str] | None, typer.Option(help="A setting of the format: --option masks=annotations. Repeatable.")
    ] = None,
    task: Annotated[str, typer.Option(help="semantic, instance, panoptic or auto.")] = "semantic",
    things: Annotated[str, typer.Option(help="Classes whose objects are counted, comma-separated.")] = "",
    columns: Annotated[str | None, typer.Option(help="Columns from file names: '(?P<line>[^_]+)_'.")] = None,
    columns_csv: Annotated[Path | None, typer.Option(help="Columns from a CSV whose first names the image.")] = None,
    columns_exif: Annotated[str | None, typer.Option(help="Columns from EXIF tags: DateTimeOriginal,Model.")] = None,
    columns_dicom: Annotated[str | None, typer.Option(help="Columns from DICOM tags: PatientID,StudyDate.")] = None,
    dicom: Annotated[Path | None, typer.Option(help="Folder of the DICOM files.")] = None,
    json: JsonFlag = False,
) -> None:
    """Look at a folder of labelled frames and write a commented segwright.yaml for it."""
    from segwright.cli.datasets import class_table_of, listed, options_of, with_given_columns
    from segwright.data import open_dataset, sample_labels

    _require_new(out)
    _require_task(task)
    with Face(as_json=json) as face:
        options, table = options_of(option or []), class_table_of(classes)
        ways: dict[str, Any] = {"columns_from": columns, "columns_csv": columns_csv}
        dataset = open_dataset(folder, format=format, classes=table, options=options, **ways)
        dataset = with_given_columns(dataset, columns_exif, columns_dicom, dicom)
        dataset = _counted(dataset, task, listed(things))
        told = _sequences_of(dataset) if columns is None else None
        if told is not None:
            dataset, ways["columns_from"] = told.dataset, told.pattern
        ways |= {"columns_exif": listed(columns_exif), "columns_dicom": listed(columns_dicom), "dicom": dicom}
        text = _project(folder, out.parent, dataset, {"options": options, **ways}, task)
        masks = sample_labels(dataset, listener=face.listener)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        notes = [*dataset.notes, *([] if told is None else [told.note]), *_other_tasks(dataset, task)]
        face.finish(_payload(out, dataset, masks, notes), "\n".join(_lines(folder, out, dataset, masks, notes)))


def _other_tasks(dataset: Dataset, task: str) -> Iterator[str]:
    """What else the labels would do for, where they know more than the task asks."""
    from segwright.data.frame_objects import has_objects

    if task == "semantic" and has_objects(dataset):
        both = any(spec.kind == "thing" for spec in dataset.classes) and any(
            spec.kind == "stuff" for spec in dataset.classes
        )
        others = "--task instance" + (" or --task panoptic" if both else "")
        yield f"the labels tell objects apart, and task: semantic does not ask for that; {others} does"


def _require_new(out: Path) -> None:
    from segwright.core import ConfigError

    if out.exists():
        raise ConfigError.of(
            str(out), "exists already", found="a project file", fix="edit it, or name another with --out"
        )


def _require_task(task: str) -> None:
    from segwright.core import ConfigError
    from segwright.project.template import NETWORKS

    if task not in NETWORKS:
        fix = "--task semantic names pixels, instance finds objects, panoptic does both"
        raise ConfigError.of("--task", "is not one that is trained", allowed=", ".join(NETWORKS), found=task, fix=fix)


def _counted(dataset: Dataset, task: str, things: list[str]) -> Dataset:
    """The dataset with the things that were named; of a panoptic task one is needed, named or known from the data."""
    from dataclasses import replace

    from segwright.core import ConfigError
    from segwright.project.counted import require_things, with_things

    found = replace(dataset, classes=with_things(dataset.classes, things)) if things else dataset
    if task == "panoptic":
        try:
            require_things(found.classes)
        except ConfigError as error:
            fix = f"--things {', '.join(spec.name for spec in found.classes.foreground[:2])}".replace(", ", ",")
            raise ConfigError(*(replace(row, place="--things", fix=fix) for row in error.problems)) from None
    return found


def _lines(folder: Path, out: Path, dataset: Dataset, masks: LabelSample, notes: Sequence[str]) -> Iterator[str]:
    """What was found, for people; where masks do not fit the class table, that comes before the next step."""
    reason = f", recognised by {dataset.reason}" if dataset.reason else ""
    yield f"{folder}: {len(dataset)} frames, format {dataset.format}{reason}"
    yield f"classes: {dataset.classes.describe()}"
    labelled = len(dataset) - masks.unlabelled
    yield f"masks: {masks.frames} of {labelled} read: {masks.describe()}" if labelled else "masks: none"
    if masks.unlabelled:
        yield f"note: {masks.unlabelled} of {len(dataset)} frames have no labels: nothing can be trained on those"
    yield f"columns: {', '.join(dataset.column_names) or 'none; give them with --columns or --columns-csv'}"
    yield from (f"note: {note}" for note in notes)
    yield from (str(problem) for problem in masks.problems[:PROBLEMS_SHOWN])
    if len(masks.problems) > PROBLEMS_SHOWN:
        yield f"... and {len(masks.problems) - PROBLEMS_SHOWN} more problems of {len(masks.problems)}"
    yield f"written: {out}"
    if masks.problems:
        yield f"first: correct the masks, or `classes:` and `data.options` in {out}: training refuses them as they are"
    yield f"next: segwright split {out} {_division(dataset)} --out {out.parent / 'split.json'}"


def _payload(out: Path, dataset: Dataset, masks: LabelSample, notes: Sequence[str]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "project": str(out),
        "frames": len(dataset),
        "format": dataset.format,
        "recognised_by": dataset.reason,
        "classes": dataset.classes.to_json(),
        "columns": list(dataset.column_names),
        "masks": asdict(masks),
        "notes": list(notes),
    }


def _project(folder: Path, base: Path, dataset: Dataset, given: Mapping[str, Any], task: str) -> str:
    """The text of the project file in `base` for the dataset that was found; paths are told as seen from it."""
    from segwright.data.store import is_store, place_of
    from segwright.project.schema import Data
    from segwright.project.template import project_text

    settings: dict[str, Any] = {
        key: _relative(value, base) if isinstance(value, Path) else value for key, value in given.items()
    }
    stored = is_store(folder)
    root = str(place_of(folder)) if place_of(folder).is_remote else _relative(folder, base)
    data = Data(root=root, format="auto" if stored else dataset.format, **settings)
    name = Path(place_of(folder).uri).stem if stored else folder.resolve().stem
    return project_text(name, data, dataset.classes, dataset.column_names, task)


# Column names that usually mean "frames that belong together", the likeliest first.
GROUP_WORDS = ("group", "patient", "sequence", "session", "line", "part", "tile", "video", "camera", "site", "batch")


def _sequences_of(dataset: Dataset) -> CutSequences | None:
    """Sequences told by the file names, where nothing else groups the frames and their published parts cut them."""
    from segwright.data.name_sequences import cut_sequences

    published = _published(dataset)
    grouped = _grouping(tuple(name for name in dataset.column_names if name not in published)) != "COLUMN"
    return cut_sequences(dataset, published[-1]) if published and not grouped else None


def _published(dataset: Dataset) -> list[str]:
    """The columns that hold the parts of a published split."""
    from segwright.data.given_parts import says_parts

    columns = {name: {frame.columns.get(name, "") for frame in dataset.frames} for name in dataset.column_names}
    return [name for name, values in columns.items() if says_parts(values) and "train" in values]


def _division(dataset: Dataset) -> str:
    """How `split` most likely should divide the frames: by what groups them, else as their publisher did."""
    published = _published(dataset)
    by = _grouping(tuple(name for name in dataset.column_names if name not in published))
    return f"--from column:{published[-1]}" if by == "COLUMN" and published else f"--by {by}"


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
