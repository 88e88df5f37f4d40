"""Splits of other tools: nnU-Net's splits_final.json, lists of names or paths, tables with a split column."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright.core import DataError, Problem, few, raise_collected
from segwright.data.columns import stems_named
from segwright.data.dataset import Dataset
from segwright.data.given_parts import PART_NAMES
from segwright.data.split.file import SCHEMA, read_folds
from segwright.data.split.value import PARTS, Split

COLUMN = "column:"
SPLIT_COLUMNS = ("split", "part", "subset", "set", "partition", "fold")
_FORMS = (
    "split.json, splits_final.json, a CSV with a column split or fold, a folder of train.txt and val.txt, PART=LIST, "
    "column:NAME"
)

Parts = Mapping[str, Sequence[str]]  # part -> names as the other tool wrote them


@dataclass(frozen=True)
class Lists:
    """What was read: the parts of one split, or of each fold, as names that are not yet frames."""

    folds: tuple[Parts, ...]
    several: bool
    notes: tuple[str, ...] = ()


def splits_from_elsewhere(dataset: Dataset, sources: Sequence[str]) -> tuple[Split, ...]:
    """The split, or every fold, that other tools' files describe; frames that no list names are in `left_out`.

    `sources` is one file or folder, several `PART=LIST`, or `column:NAME`: a column of the frames that says the part. A
    split.json of ours is read as it is. Names are matched as `stems_named` says; those that are no frame are counted in
    the notes.

    Raises:
        DataError: files that cannot be read or are of no known form, an unknown part, a name in two parts, or names of
            which none is a frame.
    """
    if len(sources) == 1 and _is_ours(Path(sources[0])):
        return read_folds(sources[0])
    lists = _read(dataset, sources)
    origin = ", ".join(sources)
    return tuple(
        _split(dataset, parts, lists.notes, origin, at if lists.several else None)
        for at, parts in enumerate(lists.folds)
    )


def _split(dataset: Dataset, parts: Parts, notes: Iterable[str], origin: str, fold: int | None) -> Split:
    found: dict[str, tuple[str, ...]] = {}
    strangers: list[str] = []
    for part in (part for part in PARTS if part in parts):
        stems = stems_named(dataset, parts[part])
        strangers += [name for name, stem in zip(parts[part], stems, strict=True) if stem is None]
        found[part] = tuple(sorted({stem for stem in stems if stem is not None}))
    _require_usable(dataset, found, strangers, origin)
    placed = {stem for stems in found.values() for stem in stems}
    left_out = tuple(sorted(frame.stem for frame in dataset.frames if frame.stem not in placed))
    said = list(notes)
    if strangers:
        said.append(f"{len(strangers)} names in {origin} are no frame of the dataset: {few(strangers)}")
    if left_out:
        said.append(f"{len(left_out)} frames are named in no list, and left out: {few(left_out)}")
    return Split(
        parts=found, by=None, seed=0, dataset_hash=dataset.content_hash, class_hash=dataset.classes.content_hash,
        notes=tuple(said), left_out=left_out, fold=fold, origin=origin,
    )  # fmt: skip


def _require_usable(dataset: Dataset, found: Mapping[str, Sequence[str]], strangers: list[str], origin: str) -> None:
    if not any(found.values()):
        raise DataError.of(
            origin, "names no frame of the dataset", allowed=few([frame.stem for frame in dataset.frames]),
            found=few(strangers) or "nothing", fix="write names of frames, or paths that end in them, one a line",
        )  # fmt: skip
    times = Counter(stem for stems in found.values() for stem in stems)
    twice = sorted(stem for stem, count in times.items() if count > 1)
    if twice:
        raise DataError.of(
            origin, f"puts {len(twice)} frames into more than one part", allowed="one part a frame", found=few(twice),
            fix="remove them from one of the lists",
        )  # fmt: skip


def _read(dataset: Dataset, sources: Sequence[str]) -> Lists:
    if len(sources) == 1 and sources[0].startswith(COLUMN):
        return _column(dataset, sources[0])
    named = [source.partition("=") for source in sources]
    if all(equals and not Path(source).exists() for source, (_, equals, _) in zip(sources, named, strict=True)):
        lists = [(part.strip(), Path(file), f"{part}={file}") for part, _, file in named]
        return Lists((_parts(dataset, lists),), several=False)
    if len(sources) > 1:
        raise _unknown(", ".join(sources), "several files that do not say their part")
    path = Path(sources[0])
    if path.is_dir():
        return _folder(dataset, path)
    if not path.exists():
        raise _unknown(str(path), "no such file")
    if path.suffix.lower() == ".json":
        return _json_lists(path)
    if path.suffix.lower() in (".csv", ".tsv"):
        return _table(path)
    raise _unknown(str(path), "one list, which says no part")


def _column(dataset: Dataset, source: str) -> Lists:
    """The parts that a column of the frames names; frames whose value is no part are in none, and said."""
    column = source.removeprefix(COLUMN).strip()
    values: dict[str, list[str]] = {}
    for frame in dataset.frames:
        if column in frame.columns:
            values.setdefault(frame.columns[column], []).append(frame.stem)
    known = {value: stems for value, stems in values.items() if value.lower() in PART_NAMES}
    if not known:
        found = few(sorted(values)) if values else f"columns {', '.join(dataset.column_names) or 'none'}"
        raise DataError.of(
            f"--from {source}", "names a column that says no part", allowed=f"a column of {', '.join(PART_NAMES)}",
            found=found, fix="name another column, or divide by it: segwright split DATA --by COLUMN",
        )  # fmt: skip
    other = [f"{value} ({len(stems)})" for value, stems in sorted(values.items()) if value not in known]
    notes = (f"column {column}: values that are no part: {few(other)}",) if other else ()
    return Lists((_renamed(source, known, []),), several=False, notes=notes)


def _unknown(place: str, found: str) -> DataError:
    return DataError.of(  # type: ignore[return-value]
        place, "is no split that can be read", allowed=_FORMS, found=found,
        fix="name one of these; for lists: --from train=train.txt --from validation=val.txt",
    )  # fmt: skip


def _is_ours(path: Path) -> bool:
    """Whether a file says that it is a split.json; one that is damaged is told by whoever reads it."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    content = _loaded(path)
    return isinstance(content, dict) and content.get("schema") == SCHEMA


def _loaded(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError.of(
            str(path), "is not a readable JSON file", allowed=_FORMS, found=str(error), fix="write it again"
        ) from error


def _json_lists(path: Path) -> Lists:
    """nnU-Net: a list of {train: names, val: names}, one a fold; or one such mapping alone."""
    content = _loaded(path)
    rows = content if isinstance(content, list) else [content]
    if not rows or not all(isinstance(row, dict) and all(_is_names(names) for names in row.values()) for row in rows):
        raise DataError.of(
            str(path), "is no list of folds", allowed='[{"train": [names], "val": [names]}, ...]',
            found=f"{type(content).__name__}: {json.dumps(content)[:60]}", fix="write one mapping of lists a fold",
        )  # fmt: skip
    problems: list[Problem] = []
    folds = tuple(_renamed(str(path), row, problems) for row in rows)
    raise_collected(problems)
    return Lists(folds, several=len(folds) > 1)


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _renamed(place: str, row: Parts, problems: list[Problem]) -> Parts:
    parts: dict[str, list[str]] = {}
    for name, names in row.items():
        part = PART_NAMES.get(name.strip().lower())
        if part is None:
            problems.append(_no_part(place, name))
        else:
            parts.setdefault(part, []).extend(names)
    return parts


def _no_part(place: str, name: str) -> Problem:
    return Problem(
        place, "names a part that is not known", ", ".join(PART_NAMES), name, fix="rename it: train, val, test"
    )


def _folder(dataset: Dataset, path: Path) -> Lists:
    """The lists of a folder whose names are those of parts; the others are said."""
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".txt" and not file.name.startswith("."))
    known = [(file.stem.lower(), file, str(file)) for file in files if file.stem.lower() in PART_NAMES]
    if not known:
        raise _unknown(str(path), few([file.name for file in files]) or "a folder without .txt files")
    other = [file.name for file in files if file.stem.lower() not in PART_NAMES]
    notes = (f"{path}: not read, as their names are no part: {few(other)}",) if other else ()
    return Lists((_parts(dataset, known),), several=False, notes=notes)


def _parts(dataset: Dataset, lists: Sequence[tuple[str, Path, str]]) -> Parts:
    """The names in each list: (part, file, what the message calls it)."""
    problems: list[Problem] = []
    parts: dict[str, list[str]] = {}
    for name, file, place in lists:
        part = PART_NAMES.get(name.lower())
        if part is None:
            problems.append(_no_part(place, name))
            continue
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            found = (error.strerror if isinstance(error, OSError) else None) or str(error)
            problems.append(
                Problem(place, "cannot be read", "a text file, one name a line", found, fix="check its path")
            )
            continue
        parts.setdefault(part, []).extend(_names_in(dataset, [line.strip() for line in lines if line.strip()]))
    raise_collected(problems)
    return parts


def _names_in(dataset: Dataset, lines: list[str]) -> list[str]:
    """The name in each line: the line, or its first word where it is no frame (`2007_000032 1`, `IMAGE MASK`)."""
    stems = stems_named(dataset, lines)
    return [line if stem is not None else line.split()[0] for line, stem in zip(lines, stems, strict=True)]


def _table(path: Path) -> Lists:
    """A CSV whose first column names the image and one other its part, or a number: the fold it validates in."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",") if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fix = "save it again as UTF-8, comma separated, and check its path"
        raise DataError.of(str(path), "is not a readable CSV", allowed=_FORMS, found=str(error), fix=fix) from error
    header = [name.strip().lower() for name in rows[0]] if rows else []
    at = next((header.index(name) for name in SPLIT_COLUMNS if name in header[1:]), None)
    if at is None:
        raise DataError.of(
            str(path), "has no column that says the part", allowed=f"image,{'|'.join(SPLIT_COLUMNS)}",
            found=",".join(rows[0]) if rows else "an empty file", fix="call the column with the parts `split`",
        )  # fmt: skip
    cells = [(row[0], row[at].strip() if at < len(row) else "") for row in rows[1:]]
    given = [(name, value) for name, value in cells if value]
    notes = (f"{path.name}: {len(cells) - len(given)} rows say no part",) if len(given) < len(cells) else ()
    if given and all(value.isdecimal() for _, value in given):
        return _numbered(given, notes)
    problems: list[Problem] = []
    parts = _renamed(str(path), {value: [n for n, v in given if v == value] for _, value in given}, problems)
    raise_collected(problems)
    return Lists((parts,), several=False, notes=notes)


def _numbered(rows: Sequence[tuple[str, str]], notes: tuple[str, ...]) -> Lists:
    numbers = sorted({int(value) for _, value in rows})
    folds = tuple(
        {
            "train": [name for name, value in rows if int(value) != number],
            "validation": [name for name, value in rows if int(value) == number],
        }
        for number in numbers
    )
    return Lists(folds, several=True, notes=notes)
