"""The labelling budget: subsets by group, runs that are kept, gone on with, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.core import ArtefactError, ConfigError, Note
from segwright.data import Dataset, Split, open_dataset, read_split
from segwright.data.columns import columns_from_pattern
from segwright.project import read_project
from segwright.train.budget import draw_subsets, measure_budget, points_of_runs
from tests.train.tiny import CLASSES, PATTERN, write_frames, write_project

SHORT = ("training.steps=2", "training.validate_every=2")


@pytest.fixture(scope="module")
def pressed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Split]:
    """Twelve frames of six presses; five of them train."""
    root = write_frames(tmp_path_factory.mktemp("pressed"), lines=tuple("abcdef"))
    dataset = columns_from_pattern(open_dataset(root, classes=CLASSES), PATTERN)
    stems = [frame.stem for frame in dataset.frames]
    return dataset, Split({"train": tuple(stems[:10]), "validation": tuple(stems[10:])}, "press", 0, "", "")


def test_subsets__hold_whole_groups_and_lie_in_each_other(pressed: tuple[Dataset, Split]) -> None:
    dataset, split = pressed
    subsets = draw_subsets(dataset, split, [3, 6, None], seeds=3)
    assert [(len(row.stems), row.groups) for row in subsets] == [(2, 1)] * 3 + [(6, 3)] * 3 + [(10, 5)] * 3
    for seed in range(3):
        small, middle, whole = (set(row.stems) for row in subsets if row.seed == seed)
        assert small < middle < whole
        presses = {dataset.frame(stem).columns["press"] for stem in middle}
        assert len(presses) == 3
    assert len({row.stems for row in subsets if len(row.stems) == 6}) > 1
    assert not {stem for row in subsets for stem in row.stems} & set(split.parts["validation"])


def test_subsets__two_sizes_of_the_same_frames_are_one(pressed: tuple[Dataset, Split]) -> None:
    assert len(draw_subsets(*pressed, [2, 3, None], seeds=1)) == 2


@pytest.mark.parametrize("sizes", [[0], [10], [11, None], [4, 4], []])
def test_subsets__sizes_that_cannot_be_drawn_are_refused(
    sizes: list[int | None], pressed: tuple[Dataset, Split]
) -> None:
    with pytest.raises(ConfigError, match="cannot be drawn from the training part") as caught:
        draw_subsets(*pressed, sizes, seeds=1)
    assert caught.value.problems[0].fix == "--sizes 1,2,5,all"


def test_budget__trains_keeps_and_goes_on(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    settings = read_project(project, SHORT)
    folder = tmp_path / "runs" / "budget"
    told: list[object] = []
    measured = measure_budget(settings, tmp_path, folder, [2, None], seeds=1, listener=told.append)
    texts = [row.text for row in told if isinstance(row, Note) and row.stage == "budget"]
    assert any(text.startswith("2 different sizes can be drawn (2, 4 frames): a forecast takes 4") for text in texts)
    assert [(point.frames, point.groups, point.seed) for point in measured.points] == [(2, 1, 0), (4, 2, 0)]
    assert set(measured.points[0].scores) >= {"pooled_miou", "blob.iou", "line.iou"}
    small = folder / "frames-0002-seed-0"
    assert len(read_split(small / "split.json").stems("train")) == 2

    before = (small / "evaluation.json").stat().st_mtime_ns
    (folder / "frames-all-seed-0" / "evaluation.json").unlink()  # as if it had been killed while it was scored
    notes: list[object] = []
    again = measure_budget(settings, tmp_path, folder, [2, None], seeds=1, listener=notes.append)
    assert again == measured
    assert (small / "evaluation.json").stat().st_mtime_ns == before
    assert Note("budget", "frames-0002-seed-0 is finished and kept") in notes

    assert points_of_runs([small, folder / "frames-all-seed-0"]) == measured
    with pytest.raises(ArtefactError, match="holds runs that were made from something else"):
        measure_budget(read_project(project, ["training.steps=3"]), tmp_path, folder, [2, None], seeds=1)


def test_points_of_runs__refuses_what_did_not_finish_and_what_is_none(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="is not a run"):
        points_of_runs([tmp_path])


def test_budget__a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    folder = tmp_path / "budget"
    folder.mkdir()
    (folder / "budget.json").write_text("{", encoding="utf-8")
    with pytest.raises(ArtefactError, match="is not JSON"):
        measure_budget(read_project(project, SHORT), tmp_path, folder, [2], seeds=1)
    (folder / "budget.json").write_text(json.dumps({"settings_hash": "0"}), encoding="utf-8")
    with pytest.raises(ArtefactError, match="made from something else"):
        measure_budget(read_project(project, SHORT), tmp_path, folder, [2], seeds=1)
