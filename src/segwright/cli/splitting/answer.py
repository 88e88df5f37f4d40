"""What `segwright split` says: a table of the parts or folds, or what a check found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.face import Face

if TYPE_CHECKING:
    from rich.table import Table

    from segwright.data import Dataset, PartCounts, Split
    from segwright.data.split import SplitCheck

WIDEST = 8  # folds beside each other in a table


def tell_split(face: Face, splits: Sequence[Split], dataset: Dataset, out: Path) -> None:
    """The table of what was written, and where."""
    from segwright.data.split import folds_to_json, split_to_json

    for note in dataset.notes:
        face.say(f"note: {note}")
    first = splits[0]
    if first.fold is None:
        face.say(_table(_title(first, dataset), first.counts, dataset))
        content, after = split_to_json(first), f"written: {out}"
    else:
        _say_folds(face, splits, dataset)
        content = folds_to_json(splits)
        content["folds"] = [
            {k: v for k, v in row.items() if k not in ("parts", "left_out")} for row in content["folds"]
        ]
        one = f"segwright train split.fold=0, and so on to split.fold={len(splits) - 1}"
        after = f"written: {out}\nnext: segwright train --folds, or one by one: {one}"
    payload = {"split": str(out), **{key: value for key, value in content.items() if key != "parts"}}
    face.finish(payload, after)


def _say_folds(face: Face, splits: Sequence[Split], dataset: Dataset) -> None:
    fixed = {part: count for part, count in splits[0].counts.items() if part not in ("train", "validation")}
    folds = {f"fold {split.fold}": split.counts["validation"] for split in splits}
    title = f"{_title(splits[0], dataset)}: what each of {len(splits)} folds validates on"
    if len(folds) <= WIDEST:
        face.say(_table(title, {**fixed, **folds}, dataset))
        return
    frames = [count.frames for count in folds.values()]
    face.say(f"{title}: {min(frames)} to {max(frames)} frames a fold")
    if fixed:
        face.say(_table("in no fold", fixed, dataset))


def _title(split: Split, dataset: Dataset) -> str:
    made = f"from {split.origin}" if split.origin else f"seed {split.seed}"
    way = "by nothing that is known" if split.origin and split.grouping.is_random else f"by {split.grouping.describe()}"
    return f"{len(dataset)} frames {way}, {made}"


def _table(title: str, counts: Mapping[str, PartCounts], dataset: Dataset) -> Table:
    """Frames, groups and pixels of each class, one column a part: classes may be many, parts are few."""
    from rich.table import Table

    table = Table(title=title)
    for heading in ("", *counts):
        table.add_column(heading, justify="right" if heading else "left")
    columns = counts.values()
    table.add_row("frames", *(f"{count.frames:,}" for count in columns))
    table.add_row("groups", *(f"{count.groups:,}" for count in columns), end_section=True)
    for name in dataset.classes.names:
        table.add_row(f"{name} px", *(f"{count.class_pixels[name]:,}" for count in columns))
    table.add_row("void px", *(f"{count.void_pixels:,}" for count in columns))
    return table


def tell_check(face: Face, checked: SplitCheck, dataset: Dataset, sources: Sequence[str]) -> None:
    """What a check found: facts as warnings; problems fail it.

    Raises:
        GateFailed: the split does not hold.
    """
    from segwright.core import GateFailed, Note

    for note in dataset.notes:
        face.say(f"note: {note}")
    for text in checked.facts:
        face.listener(Note("check", text, "warning"))

    def gate() -> None:
        if checked.problems:
            raise GateFailed(*checked.problems)

    payload: dict[str, Any] = {
        "checked": list(sources),
        "holds": not checked.problems,
        "facts": list(checked.facts),
        "parts": [_sizes(split) for split in checked.splits],
    }
    what = "; ".join(_described(split) for split in checked.splits)
    verdict = "" if checked.problems else f"{', '.join(sources)} holds on {len(dataset)} frames: {what}"
    face.finish(payload, verdict, gate=gate)


def _sizes(split: Split) -> dict[str, Any]:
    sizes = {part: len(stems) for part, stems in split.parts.items()}
    return {"fold": split.fold, "by": split.by, **sizes, "left_out": len(split.left_out)}


def _described(split: Split) -> str:
    sizes = ", ".join(f"{part} {len(stems)}" for part, stems in split.parts.items())
    fold = "" if split.fold is None else f"fold {split.fold}: "
    return f"{fold}{sizes}{f', left out {len(split.left_out)}' if split.left_out else ''}"


def say_what_train_needs(face: Face, data: Path, ways: Mapping[str, Any], exif: str | None, dicom: str | None) -> None:
    """Columns given on the command line stand nowhere else: train and evaluate read them from a project file."""
    from segwright.cli.datasets import is_project, listed

    given = {**ways, "columns_exif": listed(exif), "columns_dicom": listed(dicom)}
    lines = [f"  {key}: {_as_yaml(value)}" for key, value in given.items() if value]
    if lines:
        where = str(data) if is_project(data) else "the segwright.yaml you train with"
        face.say(
            "\n".join([f"note: train and evaluate look for the same columns: put under `data:` in {where}", *lines])
        )


def _as_yaml(value: str | Path | list[str]) -> str:
    """A value as a project file has it; in single quotes a backslash is itself."""
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return "'" + str(value).replace("'", "''") + "'"
