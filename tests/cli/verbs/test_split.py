"""`segwright split` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.cli.app import main
from segwright.data import open_dataset, read_folds, read_split, verify_split
from tests.data.pictures import index_folder, mask_of, save
from tests.data.recorded import photograph

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
    assert "put under `data:` in the segwright.yaml you train with\n  columns_from: '(?P<line>[^_]+)_'" in shown
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


LINES = ("--columns", r"(?P<line>[^_]+)_(?P<at>\d)")


def test_split__folds_of_the_lines(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "split.json"
    fixed = ("--fractions", "train=0.75,test=0.25")
    assert _run(root, *LINES, "--by", "line", "--folds", "3", *fixed, "--out", out) == 0
    shown = capsys.readouterr().out
    assert "what each of 3 folds validates on" in shown
    assert "segwright train split.fold=0, and so on to split.fold=2" in shown
    assert [len(fold.parts["validation"]) for fold in read_folds(out)] == [3, 3, 3]


def test_split__leave_one_out_in_json(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "split.json"
    assert _run(root, *LINES, "--by", "line", "--folds", "each", "--out", out, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert [fold["counts"]["validation"]["groups"] for fold in answer["folds"]] == [1, 1, 1, 1]
    assert "parts" not in answer["folds"][0]


def test_split__many_folds_are_told_in_a_line(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--i-know-frames-are-independent", "--folds", "each", "--hold-out", "test=press-1_0")
    assert _run(root, *asked, "--out", tmp_path / "split.json") == 0
    shown = capsys.readouterr().out
    assert "11 folds validates on: 1 to 1 frames a fold" in shown
    assert "in no fold" in shown


def test_split__blocks_gap_and_expression(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "split.json"
    parts = ("--fractions", "train=0.5,validation=0.5")
    assert _run(root, *LINES, "--by", "line[:6]+'x', at", "--block", "1", "--gap", "1", *parts, "--out", out) == 0
    assert read_split(out).grouping.describe() == "line[:6]+'x', at in blocks of 1, a gap of 1"
    named = ("--columns", r"press-(?P<x>\d)_(?P<y>\d)")
    assert _run(root, *named, "--by-block", "2px", *parts, "--out", out) == 0
    assert "by squares of 2px" in capsys.readouterr().out
    assert _run(root, *named, "--by-block", "2", "--position", "y,x", *parts, "--out", out) == 0
    assert read_split(out).blocks == {"by_block": "2", "position": ["y", "x"]}


def test_split__a_project_says_the_blocks(root: Path, tmp_path: Path) -> None:
    project, out = tmp_path / "segwright.yaml", tmp_path / "split.json"
    project.write_text(
        "classes: {names: {background: 0, scratch: 1, dent: 2}, background: background}\n"
        f"data: {{root: {json.dumps(root.name)}, columns_from: 'press-(?P<x>.)_(?P<y>.)'}}\n"
        "split: {by_block: 1, gap: 1}\n",
        encoding="utf-8",
    )
    assert _run(project, "--out", out) == 0
    assert read_split(out).blocks == {"by_block": "1", "gap": "1"}
    assert _run(project, "--gap", "0.5", "--out", out) == 0
    assert read_split(out).blocks == {"by_block": "1", "gap": "0.5"}
    assert _run(project, "--by", "x", "--out", out) == 0
    assert (read_split(out).by, read_split(out).blocks) == ("x", {})


def test_split__from_lists_then_checked(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.txt").write_text("".join(f"images/{name}.png\n" for name in NAMES[:8]))
    (tmp_path / "val.txt").write_text("".join(f"images/{name}.png\n" for name in NAMES[8:]))
    lists = [f"{part}={tmp_path / f'{part}.txt'}" for part in ("train", "val")]
    out = tmp_path / "split.json"
    assert _run(root, *LINES, "--from", lists[0], "--from", lists[1], "--out", out) == 0
    assert "validation shares line press-3 with train" in " ".join(capsys.readouterr().err.split())
    assert read_split(out).origin == ", ".join(lists)
    assert _run(root, *LINES, "--check", out) == 0
    assert "holds on 12 frames: train 8, validation 4" in capsys.readouterr().out
    assert _run(root, *LINES, "--by", "line", "--check", lists[0], "--check", lists[1], "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["holds"] is False
    assert answer["problems"][0]["found"] == "press-3"
    assert (
        _run(root, *LINES, "--by", "line", "--from", lists[0], "--from", lists[1], "--out", tmp_path / "no.json") == 2
    )
    assert not (tmp_path / "no.json").exists()


def test_split__columns_from_exif(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for at in range(4):
        photograph(tmp_path / "set" / "images" / f"{at}.jpg", {"DateTimeOriginal": f"2024:05:01 1{at}:30:00"})
        save(tmp_path / "set" / "masks" / f"{at}.png", mask_of(8, 8, scratch=(1, 1)))
    asked = ("--columns-exif", "DateTimeOriginal", "--by", "time", "--block", "2h", "--gap", "90min")
    parts = ("--classes", "background,scratch,dent", "--fractions", "train=0.5,validation=0.5")
    out = tmp_path / "split.json"
    assert _run(tmp_path / "set", *asked, *parts, "--out", out) == 0
    assert len(read_split(out).left_out) == 1
    assert "1 of 4 frames are left out: nearer than 90min" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "line", "--folds", "some"), "--folds: cannot be read"),
        (("--by", "line", "--folds", "9"), "--folds: are more than there are groups"),
        (("--by", "line", "--folds", "2", "--fractions", "train=0.5,validation=0.5"), "validation part beside folds"),
        (("--by", "line", "--fractions", "train=0.5,train=0.5"), "--fractions: cannot be read"),
        (("--by", "lin"), "did you mean 'line'?"),
        (("--by", "line +"), "lacks a column"),
        (("--by", "line", "--gap", "1h"), "--gap: has no blocks"),
        (("--block", "1h", "--i-know-frames-are-independent"), "--block: has nothing to cut"),
        (("--by", "line", "--block", "1h"), "4 frames are neither times nor numbers"),
        (("--by-block", "9"), "--by-block: has no columns that say where a frame is"),
        (("--by-block", "9", "--position", "x"), "--position: names no two columns"),
        (("--check", "split.json", "--folds", "3"), "--check: takes a split as it is"),
        (("--from", "nowhere.json"), "is no split that can be read"),
        (("--columns-exif", "Modell", "--by", "line"), "did you mean Model?"),
        (("--dicom", "somewhere", "--by", "line"), "--dicom: names a folder of which nothing is read"),
    ],
)  # fmt: skip
def test_split__further_refusals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    frames = index_folder(tmp_path / "set", ("a_0", "b_1", "c_2", "d_3"))
    assert _run(frames, *LINES, *arguments, "--out", tmp_path / "split.json") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "split.json").exists()
