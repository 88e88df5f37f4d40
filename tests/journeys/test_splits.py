"""Splits of public sets as their users would make, take over and check them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sklearn.model_selection import KFold

from segwright.data import read_folds, read_split
from tests.data.pictures import index_folder
from tests.journeys.command import done, refused, segwright

SEQUENCE = r"(?P<sequence>[^_/]+)_f?(?P<number>\d+)$"


@pytest.fixture
def camvid_lists(shared_data: Path, tmp_path: Path) -> list[str]:
    """The published lists, cut to the frames there are, as `--from` and `--check` take them."""
    root, words = shared_data / "semantic_camvid", []
    for name in ("train", "val", "test"):
        lines = [f"/SegNet/CamVid/{name}/{path.name}\n" for path in sorted((root / name).iterdir())]
        (tmp_path / f"{name}.txt").write_text("".join(lines))
        words += ["--check", f"{name}={tmp_path / f'{name}.txt'}"]
    return words


def test_camvid__the_published_split_is_found_to_leak(
    shared_data: Path, camvid_lists: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    frames = shared_data / "semantic_camvid"
    told = done(segwright(capsys, "split", frames, "--columns", SEQUENCE, *camvid_lists))
    assert "split: validation shares sequence 0016E5 with train" in told["facts"]
    assert any("17 of its 17 frames lie inside the range of train" in fact for fact in told["facts"])
    held = segwright(capsys, "split", frames, "--columns", SEQUENCE, "--by", "sequence", *camvid_lists)
    assert held.code == 1
    assert held.payload["problems"][0]["found"] == "0001TP, 0016E5"


def test_camvid__a_split_in_blocks_with_a_gap_holds(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--columns", SEQUENCE, "--by", "sequence,number", "--block", "300", "--gap", "60")
    out = tmp_path / "split.json"
    done(segwright(capsys, "split", shared_data / "semantic_camvid", *asked, "--out", out))
    split = read_split(out)
    assert 0 < len(split.left_out) < 30
    told = done(segwright(capsys, "split", shared_data / "semantic_camvid", "--columns", SEQUENCE, "--check", out))
    assert told["holds"]


def test_magnetic_tiles__a_random_split_is_told_what_it_tears_apart(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames, out = shared_data / "defect_magnetic_tile", tmp_path / "split.json"
    assert "would be at random" in refused(segwright(capsys, "split", frames, "--out", out))
    done(segwright(capsys, "split", frames, "--i-know-frames-are-independent", "--out", out))
    assert any("tile_group_inferred (70 values)" in note for note in read_split(out).notes)
    held = segwright(capsys, "split", frames, "--by", "tile_group_inferred", "--check", out)
    assert held.code == 1
    assert "values of 'tile_group_inferred' are on both sides" in held.payload["problems"][0]["rule"]


def test_clinicdb__each_sequence_is_left_out_once(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, out = tmp_path / "segwright.yaml", tmp_path / "folds.json"
    root = json.dumps(str(shared_data / "medical_cvc_clinicdb"))
    project.write_text(
        "classes: {names: {background: 0, polyp: 1}, background: background}\n"
        f"data: {{root: {root}, options: {{cut: 128}}}}\nsplit: {{by: sequence_inferred}}\n",
        encoding="utf-8",
    )
    told = done(segwright(capsys, "split", project, "--folds", "each", "--out", out))
    assert [fold["counts"]["validation"]["groups"] for fold in told["folds"]] == [1] * 5
    assert sum(len(fold.parts["validation"]) for fold in read_folds(out)) == 103
    assert done(segwright(capsys, "split", project, "--check", out))["holds"]


def test_hippocampus__folds_of_nnunet_are_taken_over_by_case(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The case names of the set; the five folds as nnU-Net draws them (its seed)."""
    cases = sorted(
        path.name.removesuffix(".nii.gz") for path in (shared_data / "medical_hippocampus" / "images").iterdir()
    )[:20]
    frames = index_folder(tmp_path / "set", tuple(f"{case}_0000" for case in cases))
    folds = [
        {"train": [cases[at] for at in train], "val": [cases[at] for at in val]}
        for train, val in KFold(5, shuffle=True, random_state=12345).split(cases)
    ]
    (tmp_path / "splits_final.json").write_text(json.dumps(folds))
    out = tmp_path / "split.json"
    by_case = ("--columns", r"(?P<case>hippocampus_\d+)", "--by", r"case~(\d+)")
    done(segwright(capsys, "split", frames, *by_case, "--from", tmp_path / "splits_final.json", "--out", out))
    assert [[stem.removesuffix("_0000") for stem in fold.parts["validation"]] for fold in read_folds(out)] == [
        fold["val"] for fold in folds
    ]
