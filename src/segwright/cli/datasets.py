"""What a command's DATA, --classes and --option name, read the same way by every verb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from segwright.core import ClassTable
    from segwright.data import Dataset, Split

FoldOption = Annotated[
    int | None,
    typer.Option(min=0, help="The fold of the split.  [default: the one the model was trained with]"),
]
PROJECT_SUFFIXES = (".yaml", ".yml")


def dataset_at(
    data: Path,
    *,
    format: str = "auto",  # noqa: A002
    classes: ClassTable | None = None,
    columns_from: str | None = None,
    columns_csv: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Dataset:
    """The frames at `data`; a project file (.yaml) brings its own format, classes, options and columns.

    The columns given here are added to those the data brings.
    """
    from segwright.data import columns_from_csv, columns_from_pattern, open_dataset, open_with_settings

    if not is_project(data):
        return open_dataset(
            data,
            format=format,
            classes=classes,
            options=options,
            columns_from=columns_from,
            columns_csv=columns_csv,
        )
    from segwright.project import read_project

    project = read_project(data)
    dataset = open_with_settings(project.data.root, project.data, project.classes.table(), data.parent)
    dataset = columns_from_pattern(dataset, columns_from) if columns_from else dataset
    return columns_from_csv(dataset, columns_csv) if columns_csv else dataset


def is_project(data: Path) -> bool:
    """Whether DATA is a project file."""
    return data.suffix.lower() in PROJECT_SUFFIXES


def split_at(path: Path | None, fold: int | None, split_hash: str | None) -> Split | None:
    """The split that --split and --fold name; of folds, the one with this hash where none is named.

    Raises:
        ConfigError: a fold of nothing.
    """
    from segwright.core import ConfigError
    from segwright.data import read_split

    if path is None and fold is not None:
        raise ConfigError.of(
            "--fold", "names a fold of no split", allowed="a fold of the split that --split names", found=str(fold),
            fix="add --split FILE, or leave out --fold",
        )  # fmt: skip
    return None if path is None else read_split(path, fold, split_hash=split_hash)


def with_given_columns(dataset: Dataset, exif: str | None, dicom: str | None, dicom_folder: Path | None) -> Dataset:
    """The frames with the columns that --columns-exif and --columns-dicom name."""
    from segwright.core import ConfigError
    from segwright.data import with_recorded_columns

    if dicom_folder is not None and not dicom:
        raise ConfigError.of(
            "--dicom", "names a folder of which nothing is read", allowed="--columns-dicom TAGS beside it",
            found=str(dicom_folder), fix="--columns-dicom PatientID,StudyDate",
        )  # fmt: skip
    return with_recorded_columns(dataset, listed(exif), listed(dicom), dicom_folder)


def listed(text: str | None) -> list[str]:
    """The entries of a comma-separated option; none where it is not given."""
    return [entry.strip() for entry in (text or "").split(",") if entry.strip()]


def refuse_with_project(data: Path, given: Mapping[str, object]) -> None:
    """Refuse options that a project file answers itself: its classes are those that training will use.

    Raises:
        ConfigError: the names of `given` whose value is set, beside a project file.
    """
    from segwright.core import ConfigError

    names = [name for name, value in given.items() if value]
    if names and is_project(data):
        raise ConfigError.of(
            ", ".join(names), f"cannot be given beside a project file, which says it itself: {data}",
            allowed="--columns and --columns-csv, which are added to the project's own", found=" ".join(names),
            fix=f"leave it out, or change `data:` and `classes:` in {data}",
        )  # fmt: skip


def class_table_of(classes: str) -> ClassTable | None:
    """The table of `--classes`: names for the ids 0, 1, 2, ..., or a file of classes; None where nothing is given."""
    from segwright.core import ClassTable
    from segwright.data import read_class_file

    if not classes:
        return None
    if Path(classes).is_file() or ("," not in classes and Path(classes).suffix.lower() in (".txt", ".json")):
        return read_class_file(Path(classes))
    return ClassTable.of([name.strip() for name in classes.split(",")])


def options_of(entries: Sequence[str] | None) -> dict[str, Any]:
    """The settings of `--option key=value`; values are read as YAML: numbers, true, [lists], else text.

    Raises:
        ConfigError: every entry that is no `key=value`, or whose value a project file cannot hold.
    """
    from segwright.core import ConfigError, Problem, raise_collected

    options: dict[str, Any] = {}
    problems = []
    for entry in entries or ():
        key, equals, text = entry.partition("=")
        value = _yaml_value(text)
        if not (key.strip() and equals):
            problems.append(
                Problem("--option", "cannot be read", "key=value, such as cut=128", entry, fix="--option cut=128")
            )
        elif not isinstance(value, str | int | float | list):
            problems.append(
                Problem(
                    "--option",
                    "has a value no setting takes",
                    "text, a number, true, false or [a, list]",
                    entry,
                    fix="docs/data-formats.md lists the settings of each format",
                )
            )
        else:
            options[key.strip()] = value
    raise_collected(problems, ConfigError)
    return options


def _yaml_value(text: str) -> Any:
    """The value of a YAML text; the text itself where it is none, such as a pattern with a bracket."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
