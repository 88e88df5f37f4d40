"""Class tables from the small files that lie beside masks: classes.txt, classes.json."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from segwright.core import DEFAULT_VOID_ID, ClassSpec, ClassTable, ConfigError, Problem
from segwright.core.classes import problems_of

CLASS_TABLE_FILE = "segwright-classes.json"  # written by exports, whatever the format: void, kinds and colours too
CLASS_FILES = ("classes.json", "classes.txt", "labels.txt", "class_names.txt")
_LINE = re.compile(r"^\s*(?:(?P<id>\d+)\s*[:;,=\t ]\s*)?(?P<name>\S.*?)\s*$")
_VOID = re.compile(r"void|ignore|unlabel+ed", re.IGNORECASE)


def means_void(name: str) -> bool:
    """Whether a class name says that nobody is asked to get its pixels right."""
    return _VOID.search(name) is not None


def read_class_file(path: Path) -> ClassTable:
    """The class table in a JSON file (as `ClassTable.to_json`) or in a text file of lines `0 Sky`, `0: Sky` or `Sky`.

    A line without a number takes the number of the line before it plus one. A name that contains void, ignore or
    unlabelled gives the void id; a class called background (in any case) becomes the background.

    Raises:
        ConfigError: not readable, no classes, two voids, or a table that contradicts itself: all of it at once.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return ClassTable.from_json(json.loads(text)) if path.suffix == ".json" else _from_lines(text)
    except ConfigError as error:
        raise ConfigError(*(_in_file(problem, path) for problem in error.problems)) from None
    except FileNotFoundError as error:
        raise ConfigError.of(
            str(path), "does not exist", allowed="a class table: lines such as `0 background`, or JSON",
            fix="check the path of --classes",
        ) from error  # fmt: skip
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError.of(
            str(path),
            "is not a class table",
            allowed="lines such as `0 background`, or JSON",
            found=str(error),
            fix="write one class a line: its id and its name",
        ) from error


def _in_file(problem: Problem, path: Path) -> Problem:
    """A problem of the class table, said of the file it came from."""
    return replace(problem, place=f"{path}{problem.place.removeprefix('class table')}")


def _from_lines(text: str) -> ClassTable:
    named: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None or line.lstrip().startswith("#"):
            continue
        following = named[-1][0] + 1 if named else 0
        named.append((int(match["id"]) if match["id"] else following, match["name"]))
    voids = [(class_id, name) for class_id, name in named if means_void(name)]
    specs = tuple(ClassSpec(class_id, name) for class_id, name in named if not means_void(name))
    background = next((spec.name for spec in specs if spec.name.lower() == "background"), None)
    void_id = voids[0][0] if voids else DEFAULT_VOID_ID
    if len(voids) < 2:
        return ClassTable(specs, void_id, background)
    found = ", ".join(f"{class_id} {name}" for class_id, name in voids)
    raise ConfigError(
        Problem("class table", "names void twice", "one void id", found, "keep one of the lines"),
        *problems_of(specs, void_id, background),
    )
