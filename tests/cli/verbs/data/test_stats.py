"""`segwright data stats`: what it answers, where it writes, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.pictures import index_folder
from tests.journeys.command import done, refused, segwright


def test_stats__answers_with_numbers_and_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = index_folder(tmp_path / "frames", ("press1_a", "press1_b", "press2_a"))
    page = tmp_path / "out" / "stats.html"
    words = ("--columns", "(?P<press>[^_]+)_", "--out", page)
    answer = done(segwright(capsys, "data", "stats", folder, *words))
    assert answer["classes"]["scratch"]["pixels"] == 3
    assert sorted(answer["by_domain"]["press"]) == ["press1", "press2"]
    assert {row["kind"] for row in answer["findings"]} >= {"absent", "few examples"}
    assert answer["report"] == str(page)
    assert "press2" in page.read_text(encoding="utf-8")


def test_stats__takes_the_split_of_the_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = index_folder(tmp_path / "frames", ("a_1", "a_2", "b_1", "b_2"))
    project = tmp_path / "segwright.yaml"
    done(segwright(capsys, "init", folder, "--out", project, "--columns", "(?P<line>[^_]+)_"))
    assert "part" not in done(segwright(capsys, "data", "stats", project))["by_domain"]
    split = ("--by", "line", "--fractions", "train=0.5,validation=0.5", "--out", tmp_path / "split.json")
    done(segwright(capsys, "split", project, *split))
    assert sorted(done(segwright(capsys, "data", "stats", project))["by_domain"]["part"]) == ["train", "validation"]


def test_stats__refuses_what_it_cannot_do_before_it_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = index_folder(tmp_path / "frames")
    assert "an HTML page" in refused(segwright(capsys, "data", "stats", folder, "--out", tmp_path / "stats.pdf"))
    assert "no frame has" in refused(segwright(capsys, "data", "stats", folder, "--by", "line"))
    assert "nowhere" in refused(segwright(capsys, "data", "stats", tmp_path / "nowhere"))
    assert "does not exist" in refused(segwright(capsys, "data", "stats", folder, "--split", tmp_path / "no.json"))
