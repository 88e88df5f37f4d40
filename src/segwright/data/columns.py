"""Columns: what is known about a frame beyond its pixels, from its name, its folder or a CSV."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from segwright.core import ConfigError, DataError, Problem, few, raise_collected
from segwright.data.dataset import Dataset
from segwright.data.listing import stem_of


def columns_from_pattern(dataset: Dataset, pattern: str) -> Dataset:
    r"""The frames with a column for each named group of a regular expression searched in their stems.

    `r"(?P<sequence>[^_/]+)_[^/]*$"` gives `train/0001TP_006690` the sequence 0001TP.

    Raises:
        ConfigError: not a regular expression, or one without named groups.
        DataError: stems in which it is not found; all of them.
    """
    return dataset.with_columns(named_groups([frame.stem for frame in dataset.frames], pattern, str(dataset.root)))


def named_groups(stems: Sequence[str], pattern: str, place: str) -> dict[str, dict[str, str]]:
    """Stem -> its columns, one a named group of `pattern`; `place` is where the frames are, for messages.

    Raises:
        ConfigError, DataError: as `columns_from_pattern`.
    """
    compiled = _compiled(pattern)
    rows: dict[str, dict[str, str]] = {}
    strangers = []
    for stem in stems:
        match = compiled.search(stem)
        if match is None:
            strangers.append(stem)
        else:
            rows[stem] = {name: value for name, value in match.groupdict().items() if value is not None}
    if strangers:
        raise DataError.of(
            place,
            f"{len(strangers)} of {len(stems)} frame names do not match the column pattern",
            allowed=pattern,
            found=few(strangers),
            fix="widen the pattern; it is searched in the name without suffix",
        )
    return rows


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError.of(
            "columns",
            "is not a regular expression",
            found=f"{pattern}: {error}",
            fix="quote it in the shell, and close its brackets: '(?P<line>[^_]+)_'",
        ) from error
    if not compiled.groupindex:
        raise ConfigError.of(
            "columns",
            "names no column",
            allowed=r"named groups such as (?P<line>[^_]+)_",
            found=pattern,
            fix="--columns '(?P<line>[^_]+)_' makes the column line of what stands before the first underscore",
        )
    return compiled


def columns_from_folder(dataset: Dataset, name: str = "folder") -> Dataset:
    """The frames with a column that holds the folder part of their stem ("." where there is none)."""
    return dataset.with_columns({frame.stem: {name: str(PurePosixPath(frame.stem).parent)} for frame in dataset.frames})


def columns_from_csv(dataset: Dataset, path: Path) -> Dataset:
    """The frames with the columns of a CSV whose first column names images: path below the root, stem, or file name.

    Rows that match no frame and frames without a row are counted in the notes.

    Raises:
        DataError: not a CSV with a header and at least two columns, two rows for one frame, or no row that matches.
    """
    rows = described_rows(_names(dataset), [frame.stem for frame in dataset.frames], path)
    return replace(dataset.with_columns(rows.columns), notes=(*dataset.notes, *rows.notes))


@dataclass(frozen=True)
class DescribedRows:
    """What a CSV says of frames: stem -> its columns, and notes on rows and frames without the other."""

    columns: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = field(default=())


def described_rows(names: Mapping[str, str], stems: Sequence[str], path: Path) -> DescribedRows:
    """What the CSV at `path` says of the frames `stems`; `names` is every way it may name one -> its stem.

    Raises:
        DataError: as `columns_from_csv`.
    """
    header, rows = _table(path)
    found, strangers = _matched(path, header, rows, names)
    if not found and rows:
        raise DataError.of(
            str(path),
            "names no frame of the dataset",
            allowed=few(list(stems)),
            found=few(strangers),
            fix="write paths below the dataset's root in its first column",
        )
    without = [stem for stem in stems if stem not in found]
    notes = [f"{path.name}: {len(strangers)} rows name no frame: {few(strangers)}"] if strangers else []
    notes += [f"{path.name}: {len(without)} frames have no row: {few(without)}"] if without else []
    return DescribedRows(found, tuple(notes))


def names_of_stems(stems: Iterable[str]) -> Mapping[str, str]:
    """Every way a CSV may name frames known by their stems -> the stem: in full, or its last part where one has it."""
    claims: dict[str, set[str]] = defaultdict(set)
    for stem in stems:
        for name in {stem, PurePosixPath(stem).name}:
            claims[name].add(stem)
    return {name: next(iter(claimed)) for name, claimed in claims.items() if len(claimed) == 1}


def _matched(
    path: Path, header: list[str], rows: list[list[str]], names: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The columns of each frame that a row names, and the names that are no frame's."""
    found: dict[str, dict[str, str]] = {}
    strangers: list[str] = []
    problems: list[Problem] = []
    for number, row in enumerate(rows, start=2):
        stem = _stem_named(row[0], names)
        if stem is None:
            strangers.append(row[0])
        elif stem in found:
            problems.append(
                Problem(
                    f"{path}:{number}",
                    "describes a frame a second time",
                    "one row a frame",
                    row[0],
                    fix="remove one of the rows",
                )
            )
        else:
            found[stem] = {name: cell for name, cell in zip(header[1:], row[1:], strict=False) if cell}
    raise_collected(problems)
    return found, strangers


def column_files(dataset: Dataset, files: tuple[str, ...]) -> list[Path]:
    """The CSV files in the root whose first column names frames."""
    names = _names(dataset)
    chosen = []
    for name in files:
        if "/" in name or not name.lower().endswith(".csv"):
            continue
        try:
            header, rows = _table(dataset.root / name)
        except DataError:
            continue
        if len(header) > 1 and any(_stem_named(row[0], names) is not None for row in rows[:50]):
            chosen.append(dataset.root / name)
    return chosen


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError.of(
            str(path),
            "is not a readable CSV",
            allowed="UTF-8, comma separated",
            found=str(error),
            fix="save it again as UTF-8, comma separated, and check its path",
        ) from error
    if not lines or len(lines[0]) < 2:
        raise DataError.of(
            str(path),
            "has no columns",
            allowed="a header line: image,column,...",
            found=",".join(lines[0]) if lines else "an empty file",
            fix="write a header line, then one line an image: its path below the root first",
        )
    return lines[0], lines[1:]


def _names(dataset: Dataset) -> Mapping[str, str]:
    """Every way a CSV may name a frame -> its stem; a file name that several frames share names none of them."""
    claims: dict[str, set[str]] = defaultdict(set)
    for frame in dataset.frames:
        paths = {frame.stem}
        path = frame.image.path
        if path is not None and path.is_relative_to(dataset.root):
            paths.add(stem_of(path.relative_to(dataset.root).as_posix()))
        for name in (*paths, PurePosixPath(frame.stem).name):
            claims[name].add(frame.stem)
    return {name: next(iter(stems)) for name, stems in claims.items() if len(stems) == 1}


def _stem_named(cell: str, names: Mapping[str, str]) -> str | None:
    text = unicodedata.normalize("NFC", cell.strip().replace("\\", "/")).removeprefix("./")
    return names.get(text) or (names.get(stem_of(text)) if text else None)


def stems_named(dataset: Dataset, texts: Iterable[str]) -> list[str | None]:
    """The frame that each text names, None where it names none.

    A text is a stem, a file name, a path below the root or any longer path that ends in one (lists of other tools hold
    the paths of other machines), or a case of nnU-Net, whose images add `_0000` to its name.
    """
    names = dict(_names(dataset))
    for name, stem in list(names.items()):
        names.setdefault(_case_of(name), stem)
    return [_longest_named(text, names) for text in texts]


def _case_of(name: str) -> str:
    """A name without what volumes add to it: `.nii` of a `.nii.gz`, and the channel 0 of nnU-Net."""
    return name.removesuffix(".nii").removesuffix("_0000")


def _longest_named(text: str, names: Mapping[str, str]) -> str | None:
    steps = text.strip().replace("\\", "/").split("/")
    for at in range(len(steps)):
        rest = "/".join(steps[at:])
        stem = _stem_named(rest, names) or names.get(_case_of(stem_of(rest)) if rest else "")
        if stem is not None:
            return stem
    return None
