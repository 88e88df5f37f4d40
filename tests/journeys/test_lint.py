"""Lint and explain as commands: what is found, accepted, corrected, refused, and what training says of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segwright.data import open_dataset, write_split
from segwright.data.checks import RULES
from tests.data.checks.cases import neighbours, with_speck
from tests.data.checks.folders import folder, painted, picture, plain, split_of
from tests.infer.bundles import make_bundle
from tests.journeys.command import done, refused, segwright
from tests.train.tiny import write_project


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_lint__a_clean_folder_ends_well_and_says_what_was_not_judged(
    own_place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(own_place / "my frames", plain())
    answer = done(segwright(capsys, "lint", "my frames", "--ignore", "SEG012"))
    assert answer["findings"] == []
    assert answer["frames"] == 2
    assert "--split FILE" in answer["skipped"]["SEG033"]


def test_lint__an_error_is_exit_code_1_and_part_of_the_answer(
    own_place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(own_place / "frames", [*plain(), ("ünï", picture(2), painted(2, 7))])
    answer = segwright(capsys, "lint", "frames")
    assert answer.code == 1
    row = answer.payload["findings"][0]
    assert (row["code"], row["rule"], row["severity"], row["frame"]) == ("SEG005", "unknown-id", "error", "ünï")
    assert answer.payload["error"] == "GateFailed"
    assert answer.payload["problems"][0]["fix"] == "segwright explain SEG005"


def test_lint__for_people_names_place_rule_and_next_command(
    own_place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from segwright.cli.app import main

    folder(own_place / "frames", [*plain(), ("c", picture(2), neighbours(2))])
    with pytest.raises(SystemExit, match=r"^$"):
        main(["lint", "frames", "--show", "1"])
    said = capsys.readouterr().out
    assert "c.png (rows 20-60, columns 40-42): SEG022" in said
    assert "segwright lint frames --select SEG022 --fix DIR" in said
    assert "SEG022 unlabelled-seam" in said
    assert "not judged: SEG011, SEG032, SEG033, SEG034: no split was given" in said


def test_lint__accepted_findings_stay_accepted(own_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(own_place / "frames", [*plain(), ("c", picture(2), painted(2, 7))])
    assert segwright(capsys, "lint", "frames").code == 1
    accepted = done(segwright(capsys, "lint", "frames", "--baseline", "ok.json", "--write-baseline"))
    assert accepted["accepted"] >= 1
    assert done(segwright(capsys, "lint", "frames", "--baseline", "ok.json"))["findings"] == []
    folder(own_place / "frames", [("d", picture(3), painted(3, 9))])
    again = segwright(capsys, "lint", "frames", "--baseline", "ok.json")
    assert [row["frame"] for row in again.payload["findings"] if row["severity"] == "error"] == ["d"]


def test_lint__corrects_into_a_new_folder_that_is_clean(own_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(own_place / "frames", [*plain(), ("c", picture(2), neighbours(2)), ("d", picture(3), with_speck(2))])
    answer = done(segwright(capsys, "lint", "frames", "--fix", "corrected"))
    assert (answer["corrected_frames"], answer["changed_px"]) == (2, 82)
    (own_place / "frames" / "images").rename(own_place / "corrected" / "images")
    assert done(segwright(capsys, "lint", "corrected", "--ignore", "rare-class"))["findings"] == []
    assert "writes to a new folder only" in refused(segwright(capsys, "lint", "corrected", "--fix", "corrected"))


def test_lint__wrong_words_are_refused(own_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(own_place / "frames", plain())
    assert "nowhere: is not a folder of frames" in refused(segwright(capsys, "lint", "nowhere"))
    assert "did you mean 'SEG033'?" in refused(segwright(capsys, "lint", "frames", "--select", "SEG333"))
    assert "add --baseline" in refused(segwright(capsys, "lint", "frames", "--write-baseline"))
    assert "nothing.json: does not exist" in refused(segwright(capsys, "lint", "frames", "--split", "nothing.json"))
    assert "no bundle" in refused(segwright(capsys, "lint", "frames", "--model", "no bundle"))
    write_split(own_place / "split.json", split_of(open_dataset("frames"), train=["a"], validation=["b"]))
    assert "are not in the dataset" in refused(segwright(capsys, "lint", "frames", "--split", "split.json"))


def test_lint__with_a_bundle_ranks_what_it_disagrees_with(own_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(own_place)
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[8:24, 8:40, 0] = 255  # red is what the bundle's network calls a scratch
    folder(own_place / "frames", [("a", pixels, np.zeros((64, 64), np.uint8)), ("b", pixels, painted(0, 1, 64))])
    answer = done(segwright(capsys, "lint", "frames", "--model", bundle.path, "--select", "SEG040"))
    assert answer["skipped"] == {}
    first = answer["findings"][0]
    assert (first["code"], first["frame"], first["box"]) == ("SEG040", "a", [8, 8, 24, 40])
    assert "is painted background where the model says scratch" in first["what"]
    ranks = [row["rank"] for row in answer["findings"]]
    assert ranks == sorted(ranks, reverse=True)


def test_train__refuses_a_leaking_split_with_the_message_of_the_rule(
    own_place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(own_place)
    frames = own_place / "frames"
    for name in ("images", "masks"):
        (frames / name / "c_00.png").write_bytes((frames / name / "a_00.png").read_bytes())
    answer = segwright(capsys, "train", "--plan")
    assert answer.code == 1
    assert "c_00.png: SEG033 validation c_00 shows the picture of train a_00" in answer.errors
    assert answer.payload["problems"][0]["found"] == "the same pixels"
    assert segwright(capsys, "lint", "segwright.yaml", "--select", "SEG033").code == 1
    done(segwright(capsys, "train", "--plan", "lint.ignore=[SEG033]"))
    assert "names no rule" in refused(segwright(capsys, "train", "--plan", "lint.ignore=[SEG333]"))


def test_explain__prints_the_page_and_lists_the_rules(own_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = done(segwright(capsys, "explain"))["rules"]
    assert [row["code"] for row in rows] == list(RULES)
    by_code, by_name = done(segwright(capsys, "explain", "SEG004")), done(segwright(capsys, "explain", "size-mismatch"))
    assert by_code == by_name
    assert by_code["page"].startswith("# SEG004 size-mismatch\n")
    assert "## Use instead" in by_code["page"]
    assert "did you mean 'SEG004'?" in refused(segwright(capsys, "explain", "SEG0004"))
    assert json.dumps(rows)
