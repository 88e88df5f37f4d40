"""Lint as a whole: which rules judge, baselines, corrections, gates."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ConfigError, DataError, GateFailed, Note, Problem
from segwright.data import Dataset, open_dataset, read_label_map
from segwright.data.checks import (
    RULES,
    LintReport,
    ProjectFacts,
    chosen_rules,
    enforce_gates,
    lint,
    rule_named,
    without_accepted,
    write_baseline,
    write_corrected,
)
from segwright.data.checks.notes import note_problem
from tests.data.checks.cases import neighbours, with_speck
from tests.data.checks.folders import CLASSES, folder, opened, painted, picture, plain, split_of


def judged(dataset: Dataset) -> LintReport:
    """What all rules find but the one that says three frames are few."""
    return lint(dataset, rules=chosen_rules([], ["SEG012"]))


def copied(root: Path) -> Path:
    """Frames of which `two` is `one` flipped."""
    first = picture(7)
    return folder(
        root, [("one", first, painted(7)), ("two", np.ascontiguousarray(first[:, ::-1]), painted(8)), *plain()]
    )


def test_chosen_rules__by_code_by_name_and_by_the_start_of_a_code() -> None:
    assert [rule.code for rule in chosen_rules(["SEG005", "box-masks"])] == ["SEG005", "SEG021"]
    assert {rule.code for rule in chosen_rules(["SEG03"])} == {code for code in RULES if code.startswith("SEG03")}
    assert "SEG033" not in {rule.code for rule in chosen_rules([], ["near-duplicate-across-split"])}
    assert len(chosen_rules()) == len(RULES)


def test_chosen_rules__all_unknown_names_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"select: names no rule[\s\S]*did you mean 'box-masks'[\s\S]*ignore: names"):
        chosen_rules(["box-mask"], ["SEG999"])


def test_rule_named__a_start_of_several_codes_is_refused() -> None:
    with pytest.raises(ConfigError, match="names several rules"):
        rule_named("SEG02")


def test_lint__says_of_each_rule_that_did_not_judge_what_it_needs(tmp_path: Path) -> None:
    report = lint(opened(tmp_path, plain()))
    assert set(report.skipped) == {"SEG011", "SEG032", "SEG033", "SEG034", "SEG040", "SEG050"}
    assert "--split FILE" in report.skipped["SEG033"]
    assert {row.code for row in report.rows} == {"SEG012"}
    assert set(report.judged) | set(report.skipped) == set(RULES)


def test_lint__each_frame_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from segwright.data import dataset as module

    seen: list[str] = []
    whole = module.Dataset.read
    monkeypatch.setattr(module.Dataset, "read", lambda self, frame: (seen.append(frame.stem), whole(self, frame))[1])
    frames = opened(tmp_path, plain(5))
    lint(frames, split=split_of(frames, train=["framea", "frameb"], validation=["framec", "framed", "framee"]))
    assert sorted(seen) == ["framea", "frameb", "framec", "framed", "framee"]


def test_lint__worst_first_and_unread_frames_are_said(tmp_path: Path) -> None:
    said: list[str] = []
    frames = opened(tmp_path, [*plain(1), ("b", picture(1), painted(1, 9)), ("c", picture(2), neighbours(2))])
    report = lint(frames, listener=lambda event: said.append(event.text) if isinstance(event, Note) else None)
    assert [row.code for row in report.rows][:2] == ["SEG005", "SEG022"]
    assert report.by_rule["SEG005"]["error"] == 1
    assert "1 of 3 frames could not be read" in said[0]


def test_baseline__accepts_by_content_and_not_by_name(tmp_path: Path) -> None:
    root = folder(tmp_path / "a", [*plain(), ("c", picture(2), neighbours(2))])
    report = judged(open_dataset(root))
    assert [row.code for row in report.rows] == ["SEG022"]
    assert write_baseline(tmp_path / "lint.json", report) == 1
    (root / "images" / "c.png").rename(root / "images" / "z.png")
    (root / "masks" / "c.png").rename(root / "masks" / "z.png")
    left = without_accepted(judged(open_dataset(root)), tmp_path / "lint.json")
    assert (left.rows, left.accepted) == ((), 1)
    folder(root, [("z", picture(2), np.roll(neighbours(2), 3, 0))])
    assert [row.code for row in without_accepted(judged(open_dataset(root)), tmp_path / "lint.json").rows] == ["SEG022"]


def test_baseline__is_added_to_and_never_overwrites_another_file(tmp_path: Path) -> None:
    one = judged(opened(tmp_path / "a", [*plain(), ("c", picture(2), neighbours(2))]))
    two = judged(opened(tmp_path / "b", [*plain(), ("c", picture(2), with_speck(2))]))
    write_baseline(tmp_path / "lint.json", one)
    assert write_baseline(tmp_path / "lint.json", two) == 2
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="is not a lint baseline"):
        write_baseline(tmp_path / "other.json", one)
    with pytest.raises(DataError, match=r"gone\.json: does not exist"):
        without_accepted(one, tmp_path / "gone.json")


def test_corrections__go_to_a_new_folder_and_leave_the_masks_alone(tmp_path: Path) -> None:
    root = folder(tmp_path / "a", [*plain(), ("c", picture(2), neighbours(2)), ("d", picture(3), with_speck(2))])
    before = {path: path.read_bytes() for path in root.rglob("*.png")}
    frames = open_dataset(root)
    report = lint(frames)
    changed = write_corrected(frames, report, list(RULES.values()), tmp_path / "new")
    assert {(row.stem, row.codes) for row in changed} == {("c", ("SEG022",)), ("d", ("SEG023",))}
    assert {path: path.read_bytes() for path in root.rglob("*.png")} == before
    fixed = read_label_map(tmp_path / "new" / "masks" / "c.png", CLASSES).ids
    assert np.array_equal(fixed[20:60, 20:60], np.repeat([[1] * 21 + [2] * 19], 40, 0))
    assert read_label_map(tmp_path / "new" / "masks" / "framea.png", CLASSES).ids.tolist() == painted(0, 1).tolist()
    assert json.loads((tmp_path / "new" / "corrections.json").read_text())["frames"][0]["rules"] == ["SEG022"]
    with pytest.raises(ConfigError, match="writes to a new folder only"):
        write_corrected(frames, report, list(RULES.values()), tmp_path / "new")


def test_corrections__hold_when_judged_again(tmp_path: Path) -> None:
    frames = opened(tmp_path / "a", [*plain(), ("c", picture(2), neighbours(2)), ("d", picture(3), with_speck(2))])
    write_corrected(frames, lint(frames), list(RULES.values()), tmp_path / "new")
    for path in (tmp_path / "a" / "images").iterdir():
        target = tmp_path / "new" / "images" / path.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert judged(open_dataset(tmp_path / "new")).rows == ()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEGWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_gates__a_leaking_split_fails_with_the_rule_and_is_remembered(tmp_path: Path, cache: Path) -> None:
    frames = open_dataset(copied(tmp_path / "a"))
    split = split_of(frames, train=["one", "framea"], validation=["two", "frameb"])
    said: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, Note):
            said.append(event.text)

    for _ in range(2):
        with pytest.raises(GateFailed, match=r"two\.png: SEG033 validation two shows the picture of train one"):
            enforce_gates(frames, split, listener=listen)
    assert "look at 4 frames" in said[0]
    assert "judged these frames and this split before" in said[-1]
    enforce_gates(frames, split, ignore=["SEG033"])


def test_gates__are_judged_again_when_a_file_changes(tmp_path: Path, cache: Path) -> None:
    root = copied(tmp_path / "a")
    frames = open_dataset(root)
    split = split_of(frames, train=["one", "two", "framea"], validation=["frameb"])
    enforce_gates(frames, split, project=ProjectFacts("unet", "resnet34"))
    folder(root, [("frameb", picture(7), painted(1))])
    with pytest.raises(GateFailed, match="SEG033"):
        enforce_gates(open_dataset(root), split)


def test_gates__a_cache_that_is_damaged_or_read_only_costs_time_only(tmp_path: Path, cache: Path) -> None:
    frames = open_dataset(folder(tmp_path / "a", plain()))
    split = split_of(frames, train=["framea"], validation=["frameb"])
    enforce_gates(frames, split)
    for path in (cache / "lint").iterdir():
        path.write_text("[{", encoding="utf-8")
    enforce_gates(frames, split)
    for path in (cache / "lint").iterdir():
        assert json.loads(path.read_text(encoding="utf-8")) == []


def test_gates__files_that_cannot_be_used_are_data_errors(tmp_path: Path, cache: Path) -> None:
    frames = open_dataset(folder(tmp_path / "a", [*plain(), ("c", picture(2), painted(2, 9))]))
    split = split_of(frames, train=["framea", "c"], validation=["frameb"])
    with pytest.raises(DataError, match=r"c\.png: SEG005 \d+ pixels have value 9"):
        enforce_gates(frames, split)


def test_note__comes_apart_as_it_was_put_together() -> None:
    problem = Problem("pairs", "3 images have no mask", "one mask an image", "a, b: c", "add masks: now")
    assert note_problem(str(problem)) == problem
    assert note_problem("a.csv: 3 rows name no frame: x") == replace(
        Problem("a.csv", "3 rows name no frame: x"), fix=""
    )
