"""`segwright split` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.cli.app import main
from segwright.data import open_dataset, read_split, verify_split
from tests.data.pictures import index_folder

NAMES = tuple(f"press-{line}_{at}" for line in range(1, 5) for at in range(3))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return index_folder(tmp_path / "my frames", NAMES)


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["split", *(str(argument) for argument in arguments)])
    return int(left.value.code or 0)


def test_split__table_and_file(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "split.json"
    assert (
        _run(root, "--columns", "(?P<line>[^_]+)_", "--by", "line", "--hold-out", "validation=press-3", "--out", out)
        == 0
    )
    shown = capsys.readouterr().out
    assert "12 frames by line, seed 0" in shown
    assert "scratch px" in shown
    assert "written:" in shown
    split = read_split(out)
    assert split.parts["validation"] == ("press-3_0", "press-3_1", "press-3_2")
    assert set(split.parts) == {"train", "validation", "calibration"}


def test_split__json_for_machines(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "split.json"
    assert _run(root, "--columns", "(?P<line>[^_]+)_", "--by", "line", "--out", out, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["split"] == str(out)
    assert sum(count["frames"] for count in answer["counts"].values()) == 12


def test_split__of_a_project_file(root: Path, tmp_path: Path) -> None:
    project = tmp_path / "segwright.yaml"
    project.write_text(
        "classes:\n  names: {background: 0, scratch: 1, dent: 2}\n  background: background\n"
        "data:\n  root: my frames\n  columns_from: '(?P<line>[^_]+)_'\n"
    )
    assert _run(project, "--by", "line", "--out", tmp_path / "split.json") == 0
    dataset = open_dataset(root)
    split = read_split(tmp_path / "split.json")
    assert split.class_hash == dataset.classes.content_hash
    assert "have no column 'line'" in verify_split(dataset, split)[0].rule


@pytest.mark.parametrize(("option", "value"), [("--format", "index_png"), ("--classes", "background,scratch")])
def test_split__what_a_project_file_says_itself_is_refused_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert _run(tmp_path / "segwright.yaml", option, value, "--by", "line", "--out", tmp_path / "split.json") == 2
    said = capsys.readouterr().err
    assert f"{option}: cannot be given beside a project file" in said
    assert "fix:     leave it out" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "would be at random"),
        (("--by", "line"), "goes by a column that no frame has"),
        (("--i-know-frames-are-independent", "--fractions", "train"), "--fractions: cannot be read"),
        (("--i-know-frames-are-independent", "--fractions", "train=0.9"), "do not sum to 1"),
        (("--i-know-frames-are-independent", "--hold-out", "press-3"), "--hold-out: cannot be read"),
        (("--columns", "(?P<line>x)", "--by", "line"), "do not match the column pattern"),
    ],
)
def test_split__refusals_are_exit_code_two(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert _run(root, *arguments, "--out", tmp_path / "split.json") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "split.json").exists()


def test_split__independent_frames_and_given_classes(root: Path, tmp_path: Path) -> None:
    (root / "classes.txt").unlink()
    out = tmp_path / "split.json"
    given = ("--i-know-frames-are-independent", "--fractions", "train=0.5,test=0.5")
    assert _run(root, *given, "--classes", "background,scratch", "--out", out) == 0
    assert {part: len(stems) for part, stems in read_split(out).parts.items()} == {"train": 6, "test": 6}


def test_split__goes_by_the_column_the_project_file_names(root: Path, tmp_path: Path) -> None:
    project, out = tmp_path / "segwright.yaml", tmp_path / "split.json"
    project.write_text(
        "classes: {names: {background: 0, scratch: 1, dent: 2}, background: background}\n"
        f"data: {{root: {json.dumps(root.name)}, columns_from: '(?P<line>[^_]+)_(?P<at>.)'}}\nsplit: {{by: line}}\n",
        encoding="utf-8",
    )
    assert _run(project, "--out", out) == 0
    assert read_split(out).by == "line"
    assert _run(project, "--by", "at", "--out", tmp_path / "other.json") == 0
    assert read_split(tmp_path / "other.json").by == "at"
    assert _run(project, "--i-know-frames-are-independent", "--out", tmp_path / "single.json") == 0
    assert read_split(tmp_path / "single.json").by is None
