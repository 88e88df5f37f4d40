"""The checkout these tests look at: its root, its tracked files, and what its modules import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "segwright"
DOCS = ROOT / "docs"


@cache
def tracked_files() -> tuple[Path, ...]:
    """Files under version control, or, in an export without git, the files of the checkout's own folders."""
    try:
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        folders = ("src", "tests", "docs", "examples", "benchmarks")
        return tuple(path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.is_file())
    paths = (ROOT / name for name in names.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file of the package with its syntax tree."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported_names(tree: ast.Module) -> Iterator[str]:
    """The modules a file imports by absolute name, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def run_python(code: str) -> str:
    """What a fresh interpreter prints when it runs `code`; fails with its error output where it fails."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`segwright ARGUMENTS` as installed, in a process of its own."""
    command = [str(Path(sys.executable).with_name("segwright")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
