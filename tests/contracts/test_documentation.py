"""The pages say what the code does: each verb, option, format, score and key has its place, and none is invented."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
import yaml
from pydantic import BaseModel
from typer.core import TyperCommand, TyperGroup

from segwright.cli.app import GROUPS, VERBS, build
from tests.contracts.repository import DOCS, ROOT, run_command

# Every command: a verb, or a group's verb with a subverb.
SUBVERBS = [(verb, subverb) for verb, subverbs in GROUPS.items() for subverb in subverbs]
COMMANDS = [*((verb,) for verb in VERBS if verb not in GROUPS), *SUBVERBS]
PAGES = sorted(DOCS.rglob("*.md"))
PROSE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
SCORE_PAGES = sorted((DOCS / "scores").glob("*.md"))
STORE_PAGE = DOCS / "dataset-store.md"
PYTHON_BLOCK = re.compile(r"^```(?:python|pycon)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command__has_a_page_that_names_each_option(command: tuple[str, ...]) -> None:
    text = page_of(*command)
    assert [flag for flag in sorted(flags_of(*command)) if f"`{flag}`" not in text] == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command__has_a_page_that_invents_no_option(command: tuple[str, ...]) -> None:
    known = set().union(*(flags_of(*other) for other in COMMANDS))  # a page may speak of another verb's option
    assert set(FLAG.findall(page_of(*command))) - known - {"--help"} == set()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command__has_a_line_of_help_and_a_docstring(command: tuple[str, ...]) -> None:
    line = GROUPS[command[0]][command[1]] if command[1:] else VERBS[command[0]]
    assert line.endswith(".")
    assert inspect.getdoc(command_of(*command).callback)


@pytest.mark.parametrize("verb", GROUPS)
def test_group__is_a_verb_with_a_line_of_help_and_a_page_with_a_section_each(verb: str) -> None:
    assert VERBS[verb].endswith(".")
    sections = re.findall(r"^## (\w+)$", (DOCS / "commands" / f"{verb}.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in GROUPS[verb] if name not in sections] == []


@pytest.mark.parametrize("verb", GROUPS)
def test_group_help__lists_every_subverb(verb: str) -> None:
    done = run_command(verb, "--help")
    assert done.returncode == 0, done.stderr
    assert [name for name in GROUPS[verb] if not re.search(rf"^\s+{name}\s", done.stdout, re.MULTILINE)] == []


def test_help__lists_every_verb() -> None:
    done = run_command("--help")
    assert done.returncode == 0, done.stderr
    assert [verb for verb in VERBS if not re.search(rf"^\s+{verb}\s", done.stdout, re.MULTILINE)] == []


def test_unknown_verb__is_refused_with_the_nearest_one() -> None:
    done = run_command("trian")
    assert done.returncode == 2
    assert "has no such verb" in done.stderr
    assert "did you mean 'train'?" in done.stderr


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_page__shows_only_commands_that_parse(path: Path) -> None:
    wrong = []
    for words in commands_in(path):
        command = tuple(words[: 2 if words[0] in GROUPS else 1])
        if command not in COMMANDS:
            wrong += [] if words[0] in GROUPS and words[1:] in ([], ["--help"]) else [" ".join(words)]
            continue
        given = {word.partition("=")[0] for word in words[len(command) :] if word.startswith("--")}
        wrong += [f"{' '.join(command)} {flag}" for flag in given - flags_of(*command) - {"--help"}]
    assert wrong == []


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_page__links_to_what_exists(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (path.parent / target).exists()] == []


def test_navigation__holds_every_page_once() -> None:
    listed = list(leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES)


def test_formats_page__names_every_format_and_option() -> None:
    from segwright.data import FORMATS

    pages = [DOCS / "data-formats.md", *sorted((DOCS / "formats").glob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    for name, form in FORMATS.items():
        section = text.partition(f"## {name}:")[2].partition("\n## ")[0]
        known = (*form.options, *form.write_options)
        assert [option for option in known if f"`{option}`" not in section] == [], name


def test_scores_page__names_every_score() -> None:
    from segwright.evaluate import DEFINITIONS

    text = (DOCS / "scores.md").read_text(encoding="utf-8")
    assert [name for name in DEFINITIONS if name != "void" and f"`{name}`" not in text] == []


@pytest.mark.parametrize("path", [*SCORE_PAGES, STORE_PAGE], ids=lambda path: path.stem)
def test_pages__run_their_examples(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks with `>>>` are one session: a name made in one is there in the next. Others show how to import."""
    monkeypatch.chdir(tmp_path)
    blocks = PYTHON_BLOCK.findall(path.read_text(encoding="utf-8"))
    examples = [block for block in blocks if block.startswith(">>> ")]
    assert examples, "a page without a worked example"
    session = doctest.DocTestParser().get_doctest("\n".join(examples), {}, path.stem, str(path), 0)
    said: list[str] = []
    failed, _ = doctest.DocTestRunner().run(session, out=said.append)
    assert not failed, "".join(said)
    for block in blocks:
        if block not in examples:
            imports = [part for part in ast.parse(block).body if isinstance(part, ast.Import | ast.ImportFrom)]
            exec(compile(ast.Module(imports, []), str(path), "exec"), {})


def test_scores_overview__links_to_every_page() -> None:
    text = (DOCS / "scores.md").read_text(encoding="utf-8")
    assert [page.name for page in SCORE_PAGES if f"(scores/{page.name})" not in text] == []


def test_project_page__names_every_key() -> None:
    from segwright.project.schema import Project

    text = (DOCS / "project-file.md").read_text(encoding="utf-8")
    missing = []
    for name, field in Project.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
            missing += [f"{name}.{key}" for key in field.annotation.model_fields if f"`{key}`" not in section]
    assert missing == []


def page_of(verb: str, subverb: str = "") -> str:
    """The page of a verb; of a subverb its section of the group's page, from `## NAME` to the next of that level."""
    text = (DOCS / "commands" / f"{verb}.md").read_text(encoding="utf-8")
    return text.partition(f"\n## {subverb}\n")[2].partition("\n## ")[0] if subverb else text


@cache
def command_of(*words: str) -> TyperCommand:
    command = typer.main.get_command(build(*words))
    for word in words:
        assert isinstance(command, TyperGroup)
        command = command.commands[word]
    assert isinstance(command, TyperCommand)
    return command


@cache
def flags_of(*words: str) -> frozenset[str]:
    """The long options of a command."""
    options = (
        option for parameter in command_of(*words).params for option in (*parameter.opts, *parameter.secondary_opts)
    )
    return frozenset(option for option in options if option.startswith("--"))


def commands_in(path: Path) -> Iterator[list[str]]:
    """The words after `segwright` in each command line of a page's console blocks and inline code."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:console|bash|sh)\n(.*?)```", text, re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`(segwright [a-z][^`]*)`", text)
    for line in lines:
        if line.startswith("segwright "):
            yield shlex.split(line, comments=True)[1:]


def leaves(node: object) -> Iterator[str]:
    """The page names in a navigation tree."""
    if isinstance(node, str):
        yield node
    else:
        for child in node if isinstance(node, list) else node.values():  # type: ignore[attr-defined]
            yield from leaves(child)
