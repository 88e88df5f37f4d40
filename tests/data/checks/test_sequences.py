"""Cuts through time: who is a neighbour, and when a block inside another part is one scene with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from segwright.data import columns_from_pattern, open_dataset
from segwright.data.checks import RULES
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.facts import FrameFacts, gather
from segwright.data.checks.sequences import NumberedFrames, alike_from, numbered_frames
from segwright.data.split import Split
from tests.data.checks.folders import evidence, opened, painted, picture, split_of

SCENE = 1200


def drive(root: Path, numbers: list[int], second_scene_from: int = 10**9) -> Evidence:
    """A window that moves over a large picture by a pixel a number; from one number on it is another picture."""
    scenes = [picture(seed, SCENE) for seed in (11, 12)]
    frames = []
    for number in numbers:
        scene = scenes[number >= second_scene_from]
        frames.append((f"drive_{number:04}", np.ascontiguousarray(scene[number:, number:][:96, :96]), painted(0)))
    return evidence(opened(root, frames))


def reported(case: Evidence, **parts: list[int]) -> list[str]:
    named = {part: [f"drive_{number:04}" for number in numbers] for part, numbers in parts.items()}
    split = split_of(case.dataset, None, **named)
    judged = Evidence(case.dataset, case.facts, split)
    return [finding.found for finding in RULES["SEG034"].judge(judged)]


def sequence(numbers: list[int], parts: Sequence[str | None]) -> NumberedFrames:
    frames = tuple(FrameFacts(f"a_{number}", "", {}) for number in numbers)
    return NumberedFrames("a_#", tuple(numbers), frames, tuple(parts))


def test_steps__are_told_for_each_part() -> None:
    found = sequence([0, 30, 60, 99, 101, 103, 140, 170], ["train"] * 3 + ["val"] * 3 + ["train"] * 2)
    assert found.steps == {"train": 30.0, "val": 2.0}
    assert found.cuts() == [2, 5]
    assert found.enclosed(found.cuts()) == [(2, 5)]


def test_cuts__a_gap_of_more_than_three_steps_is_none() -> None:
    assert sequence([0, 30, 60, 160, 162, 164], ["train"] * 3 + ["val"] * 3).cuts() == []
    assert sequence([0, 30, 60, 90, 120], ["train", "train", None, "val", "val"]).cuts() == []


def test_enclosed__needs_one_part_inside_and_one_outside() -> None:
    found = sequence([0, 1, 2, 3, 4, 5], ["train", "train", "val", "test", "train", "train"])
    assert found.enclosed(found.cuts()) == []


def test_numbered_frames__catalogue_numbers_are_no_sequence(tmp_path: Path) -> None:
    catalogue = drive(tmp_path, [3, 9, 24, 57, 102, 230, 411, 600, 747, 1001])
    assert list(numbered_frames(catalogue.facts, {})) == []


BEFORE, INSIDE, AFTER = list(range(0, 300, 15)), list(range(320, 440, 4)), list(range(458, 760, 15))


def test_rule__an_enclosed_block_is_reported_on_both_sides(tmp_path: Path) -> None:
    case = drive(tmp_path, BEFORE + INSIDE + AFTER)
    found = reported(case, train=BEFORE + AFTER, validation=INSIDE)
    assert found == [
        "train drive_0285 | validation drive_0320, validation drive_0436 | train drive_0458",
    ]


def test_rule__a_block_with_gaps_around_it_is_not(tmp_path: Path) -> None:
    case = drive(tmp_path, BEFORE + INSIDE + AFTER)
    near = [number for number in BEFORE + AFTER if number < 230 or number > 510]
    assert reported(case, train=near, validation=INSIDE) == []


def test_rule__a_new_scene_at_the_cut_is_no_leak(tmp_path: Path) -> None:
    case = drive(tmp_path, BEFORE + INSIDE, second_scene_from=320)
    assert reported(case, train=BEFORE, validation=INSIDE) == []


@pytest.mark.parametrize(("validation", "cut"), [("val", ["0001TP_#", "0016E5_#"]), (None, [])])
def test_rule__camvid_as_published_and_by_sequence(shared_data: Path, validation: str | None, cut: list[str]) -> None:
    dataset = columns_from_pattern(open_dataset(shared_data / "semantic_camvid"), r"(?P<sequence>[^_/]+)_[^/]*$")
    parts: dict[str, list[str]] = {}
    for frame in dataset.frames:
        part = frame.stem.split("/")[0] if validation else frame.columns["sequence"]
        parts.setdefault(part, []).append(frame.stem)
    split = Split({part: tuple(stems) for part, stems in parts.items()}, None, 0, "", "")
    judged = Evidence(dataset, gather(dataset), split)
    found = [finding.place for finding in RULES["SEG034"].judge(judged)]
    assert found == [f"split: sequence {name}" for name in cut]
    times = [row for row in numbered_frames(judged.facts, judged.part_of) if alike_from(row) is not None]
    assert [row.name for row in times] == ["0001TP_#", "0016E5_#"]
