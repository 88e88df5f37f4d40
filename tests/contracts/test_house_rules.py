"""Rules no formatter knows: nothing of any machine or registry, no file that nobody can name or read at a sitting."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.contracts.repository import ROOT, SOURCE, modules, tracked_files

LONGEST_FILE = 400
LONGEST_FUNCTION = 40  # docstring included
MEANINGLESS = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
# Assembled from halves, so that this file does not contain what it looks for.
FOLDERS = "|".join(["ro" + "ot/", "wo" + "rk/", "ho" + "me/", "Us" + "ers/"])
MACHINE_PATHS = re.compile(rf"(?<![\w.])/(?:{FOLDERS})")
REGISTRIES = re.compile("|".join(["py" + r"pi\.", "python" + r"hosted\.", "extra-index" + "-url", r"://files\."]))


def test_lock_file__is_not_tracked() -> None:
    # uv.lock holds the address of every download; constraints.txt holds the versions alone
    assert "uv.lock" not in {path.name for path in tracked_files()}


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRIES], ids=["machine paths", "registries"])
def test_tracked_files__name_no_machine_and_no_registry(pattern: re.Pattern[str]) -> None:
    found = [f"{path.relative_to(ROOT)}: {match.group()}" for path, text in texts() for match in pattern.finditer(text)]
    assert found == []


def test_constraints__are_plain_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    strange = [line for line in lines if not re.fullmatch(r"#.*|[a-z0-9-]+==[\w.!+]+", line)]
    assert strange == []


def test_modules__have_names_that_say_what_is_inside() -> None:
    vague = [path.relative_to(SOURCE).as_posix() for path, _ in modules() if path.stem in MEANINGLESS]
    assert vague == []


def test_modules__fit_a_sitting() -> None:
    long = {
        path.relative_to(SOURCE).as_posix(): lines
        for path, _ in modules()
        if (lines := path.read_text(encoding="utf-8").count("\n")) > LONGEST_FILE
    }
    assert long == {}


def test_functions__fit_a_page() -> None:
    long = {
        f"{path.relative_to(SOURCE).as_posix()}: {part.name}": lines
        for path, tree in modules()
        for part in ast.walk(tree)
        if isinstance(part, ast.FunctionDef)
        if (lines := (part.end_lineno or 0) - part.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_modules__open_with_what_they_are_for() -> None:
    silent = [
        path.relative_to(SOURCE).as_posix()
        for path, tree in modules()
        if not (tree.body and path.read_text(encoding="utf-8").lstrip().startswith(('"""', 'r"""')))
    ]
    assert [name for name in silent if name != "_version.py"] == []


def test_public_functions__of_the_lower_rooms_say_what_they_give() -> None:
    silent = [
        f"{path.relative_to(SOURCE).as_posix()}:{member.lineno} {member.name}"
        for path, tree in modules()
        if path.relative_to(SOURCE).parts[0] in {"core", "data", "project"}
        for owner in [tree, *(part for part in tree.body if isinstance(part, ast.ClassDef) and part.name[0] != "_")]
        for member in owner.body
        if isinstance(member, ast.FunctionDef | ast.ClassDef) and member.name[0] != "_"
        if not ast.get_docstring(member)
    ]
    assert silent == []


def test_errors__say_what_to_do_next() -> None:
    silent = [
        f"{path.relative_to(SOURCE).as_posix()}:{call.lineno}"
        for path, tree in modules()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and is_problem(call.func)
        if not any(keyword.arg == "fix" for keyword in call.keywords)
        and len(call.args) < 5
        and not any(isinstance(value, ast.Starred) for value in call.args)
    ]
    assert silent == []


def is_problem(function: ast.expr) -> bool:
    """Whether a call of it makes a `Problem`: the class itself, `RefusedError`, or `SomeError.of`."""
    if isinstance(function, ast.Name):
        return function.id in {"Problem", "RefusedError"}
    owner = function.value if isinstance(function, ast.Attribute) and function.attr == "of" else None
    return isinstance(owner, ast.Name) and owner.id.endswith(("Error", "Missing", "Failed"))


def texts() -> list[tuple[Path, str]]:
    """The tracked files that are text."""
    found = []
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            found.append((path, data.decode("utf-8", errors="replace")))
    return found
