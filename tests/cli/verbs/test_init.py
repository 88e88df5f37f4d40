"""`segwright init` as a user types it: what it writes opens as what was seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segwright.cli.datasets import dataset_at
from segwright.project import read_project
from tests.cli.verbs.test_evaluate import command  # noqa: F401  # fixture
from tests.data.pictures import index_folder, mask_of, save
from tests.data.recorded import photograph, scan
from tests.train.objects.panoptic_frames import write_panoptic_set

NAMES = ("press-1_0", "press-2_0")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return index_folder(tmp_path / "my frames", NAMES)


def test_init__writes_options_and_columns_that_the_other_verbs_read(command, root: Path, tmp_path: Path) -> None:  # noqa: F811
    (root / "masks").rename(root / "painted")
    table = tmp_path / "lamps.csv"
    table.write_text("image,lamp\npress-1_0.png,dim\npress-2_0.png,bright\n", encoding="utf-8")
    out = tmp_path / "project" / "segwright.yaml"
    given = ("--format", "index_png", "--option", "images=images", "--option", "masks=painted")
    columns = ("--columns", r"(?P<line>press-\d)_", "--columns-csv", table)
    code, said, _ = command("init", root, *given, *columns, "--out", out)
    assert code == 0
    assert "columns: lamp, line" in said
    assert "--by line" in said
    project = read_project(out)
    assert project.data.options == {"images": "images", "masks": "painted"}
    assert project.data.columns_csv == "../lamps.csv"
    assert [dict(frame.columns) for frame in dataset_at(out).frames] == [
        {"line": "press-1", "lamp": "dim"},
        {"line": "press-2", "lamp": "bright"},
    ]


def test_init__classes_from_a_file(command, root: Path, tmp_path: Path) -> None:  # noqa: F811
    (root / "classes.txt").unlink()
    (tmp_path / "names.txt").write_text("0 background\n1 scratch\n2 dent\n250 void\n", encoding="utf-8")
    out = tmp_path / "segwright.yaml"
    assert command("init", root, "--classes", tmp_path / "names.txt", "--out", out)[0] == 0
    assert read_project(out).classes.table().describe() == "0 background, 1 scratch, 2 dent, 250 void"


def test_init__says_what_the_masks_hold(command, root: Path, tmp_path: Path) -> None:  # noqa: F811
    code, said, _ = command("init", root, "--out", tmp_path / "segwright.yaml")
    assert code == 0
    assert "masks: 2 of 2 read: background 97.92%, scratch 2.08%, dent none, void none" in said
    assert "first:" not in said


def test_init__ids_in_no_class_table_are_said_now_and_not_at_training(command, root: Path, tmp_path: Path) -> None:  # noqa: F811
    mask = mask_of()
    mask[2, 2] = 7
    save(root / "masks" / "press-2_0.png", mask)
    code, said, _ = command("init", root, "--out", tmp_path / "segwright.yaml")
    assert code == 0
    assert "press-2_0.png: " in said
    assert "not in the class table" in said
    assert said.index("first: correct the masks") < said.index("next: segwright split")
    _, answer, _ = command("init", root, "--out", tmp_path / "again.yaml", "--json")
    (problem,) = json.loads(answer)["masks"]["problems"]
    assert "7" in problem["found"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--option", "masks"), "--option: cannot be read"),
        (("--option", "=m"), "--option: cannot be read"),
        (("--option", "mask=m"), "did you mean 'masks'"),
        (("--option", "masks={a: 1}"), "--option: has a value no setting takes"),
        (("--columns", "(?P<line>x)_"), "do not match the column pattern"),
        (("--columns", "("), "is not a regular expression"),
        (("--columns-csv", "none.csv"), "none.csv: is not a readable CSV"),
    ],
)
def test_init__refusals_write_nothing(command, root: Path, tmp_path: Path, arguments, said: str) -> None:  # noqa: F811
    out = tmp_path / "segwright.yaml"
    code, _, err = command("init", root, *arguments, "--out", out)
    assert code == 2
    assert said in err
    assert not out.exists()


def test_init__columns_that_a_camera_and_a_scanner_recorded(command, tmp_path: Path) -> None:  # noqa: F811
    pytest.importorskip("pydicom", reason="DICOM needs the extra `volumes`")
    for at in range(2):
        photograph(tmp_path / "set" / "images" / f"{at}.jpg", {"Model": f"cam{at}"})
        save(tmp_path / "set" / "masks" / f"{at}.png", mask_of(8, 8, scratch=(1, 1)))
        scan(tmp_path / "dicom" / f"{at}.dcm", PatientID=f"P{at}")
    out = tmp_path / "segwright.yaml"
    asked = ("--columns-exif", "Model", "--columns-dicom", "PatientID", "--dicom", tmp_path / "dicom")
    code, said, _ = command("init", tmp_path / "set", "--classes", "background,scratch", *asked, "--out", out)
    assert code == 0
    assert "columns: camera, patient" in said
    data = read_project(out).data
    assert (data.columns_exif, data.columns_dicom, data.dicom) == (["Model"], ["PatientID"], "dicom")
    assert dataset_at(out).frame("1").columns == {"camera": "cam1", "patient": "P1"}


def test_init__says_what_the_format_was_recognised_by(command, root: Path, tmp_path: Path) -> None:  # noqa: F811
    reason = "2 images with a mask of the same name in a sibling folder"
    _, said, _ = command("init", root, "--out", tmp_path / "segwright.yaml")
    assert f"format index_png, recognised by {reason}" in said
    _, said, _ = command("init", root, "--out", tmp_path / "other.yaml", "--json")
    assert json.loads(said)["recognised_by"] == reason
    _, said, _ = command("init", root, "--format", "index_png", "--out", tmp_path / "told.yaml", "--json")
    assert json.loads(said)["recognised_by"] == ""


def test_init__frames_that_nobody_labelled_are_counted_and_no_problem(command, tmp_path: Path) -> None:  # noqa: F811
    root = tmp_path / "frames"
    frames = [
        {"file_name": "train/a.png", "mask_file_name": "masks/a.png", "line": "one"},
        {"file_name": "train/b.png", "mask_file_name": None, "line": "two"},
    ]
    for name in ("a", "b"):
        save(root / "train" / f"{name}.png", np.full((6, 8, 3), 90, np.uint8))
    save(root / "masks/a.png", np.eye(6, 8, dtype=np.uint8))
    (root / "metadata.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in frames), encoding="utf-8")
    code, said, _ = command("init", root, "--classes", "background,dent", "--out", tmp_path / "segwright.yaml")
    assert code == 0
    assert "masks: 1 of 1 read: background 87.50%, dent 12.50%, void none" in said
    assert "1 of 2 frames have no labels" in said
    assert "first:" not in said


def test_init__a_published_split_is_the_next_step_where_no_column_groups(command, tmp_path: Path) -> None:  # noqa: F811
    root = index_folder(tmp_path / "frames", NAMES)
    (root / "parts.csv").write_text("image,part\npress-1_0.png,train\npress-2_0.png,val\n", encoding="utf-8")
    out = tmp_path / "segwright.yaml"
    _, said, _ = command("init", root, "--out", out)
    assert f"next: segwright split {out} --from column:part" in said
    code, said, _ = command("split", out, "--from", "column:part", "--out", tmp_path / "split.json", "--json")
    assert code == 0
    assert {part: row["frames"] for part, row in json.loads(said)["counts"].items()} == {"train": 1, "validation": 1}


def test_init__a_fix_is_said_as_what_this_command_takes(command, root: Path, tmp_path: Path) -> None:  # noqa: F811
    (root / "masks").rename(root / "painted")
    save(root / "more" / "x.png", np.full((6, 8, 3), 90, np.uint8))
    code, _, said = command("init", root, "--out", tmp_path / "segwright.yaml")
    assert code == 2
    assert "`--format index_png --option images=A --option masks=B`" in said


def test_init__images_alone_are_told_from_a_strange_format(command, tmp_path: Path) -> None:  # noqa: F811
    save(tmp_path / "frames/a.png", np.full((6, 8, 3), 90, np.uint8))
    code, _, said = command("init", tmp_path / "frames", "--out", tmp_path / "segwright.yaml")
    assert code == 2
    assert "holds images in one folder, and nothing that labels them" in said


def test_init__of_a_panoptic_set_the_things_are_known(command, tmp_path: Path) -> None:  # noqa: F811
    write_panoptic_set(tmp_path / "frames", frames=1)
    out = tmp_path / "segwright.yaml"
    assert command("init", tmp_path / "frames", "--task", "panoptic", "--format", "coco_panoptic", "--out", out)[0] == 0
    project = read_project(out)
    assert (project.task, project.model.network, project.classes.things) == (
        "panoptic",
        "panoptic_fpn",
        ["bolt", "plate"],
    )


def test_init__things_are_named_or_asked_for(command, root: Path, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "segwright.yaml"
    code, _, said = command("init", root, "--task", "panoptic", "--out", out)
    assert code == 2
    assert "--things: names no class, and a panoptic map needs to know" in said
    assert "--things scratch,dent" in said
    code, _, said = command("init", root, "--task", "panoptik", "--out", out)
    assert (code, out.exists()) == (2, False)
    assert "allowed: semantic, instance, panoptic, auto" in said
    code, _, said = command("init", root, "--task", "panoptic", "--things", "dnet", "--out", out)
    assert "did you mean 'dent'?" in said
    assert command("init", root, "--task", "panoptic", "--things", "dent", "--out", out)[0] == 0
    assert read_project(out).classes.things == ["dent"]


def test_init__a_published_split_that_cuts_recordings_is_not_the_next_step(command, tmp_path: Path) -> None:  # noqa: F811
    names = ("0006R0_f00930", "0006R0_f00960", "0001TP_008520", "0001TP_008550")
    root, out = index_folder(tmp_path / "frames", names), tmp_path / "segwright.yaml"
    parts = zip(names, ("train", "val", "train", "test"), strict=True)
    rows = "".join(f"{name}.png,{part}\n" for name, part in parts)
    (root / "parts.csv").write_text(f"image,part\n{rows}", encoding="utf-8")
    _, said, _ = command("init", root, "--out", out)
    assert "cut what the file names show as one sequence: 0001TP (test, train), 0006R0 (train, val)" in said
    assert f"next: segwright split {out} --by sequence" in said
    assert read_project(out).data.columns_from is not None
    code, said, _ = command("split", out, "--by", "sequence", "--fractions", "train=0.5,validation=0.5", "--json",
                            "--out", tmp_path / "split.json")  # fmt: skip
    assert code == 0
    assert {part: row["frames"] for part, row in json.loads(said)["counts"].items()} == {"train": 2, "validation": 2}
