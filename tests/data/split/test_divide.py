"""Splits: groups whole, classes spread, deterministic, refused where they would leak; and the file that says so."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ConfigError, DataError, Note
from segwright.data import (
    Dataset,
    Frame,
    ImageFile,
    Split,
    columns_from_pattern,
    make_split,
    open_dataset,
    read_split,
    verify_split,
    write_split,
)
from segwright.data.shapes import Runs, ShapeMask
from tests.data.pictures import CLASSES, noise, save

THREE = {"train": 0.6, "validation": 0.2, "calibration": 0.2}


def _dataset(tmp_path: Path, groups: dict[str, list[tuple[int, int]]]) -> Dataset:
    """One frame for each (scratch pixels, dent pixels) of each group; all share one 10x10 picture."""
    image = tmp_path / "a.png"
    if not image.exists():
        save(image, noise(10, 10))
    frames = []
    for group, rows in groups.items():
        for at, (scratch, dent) in enumerate(rows):
            shapes = (Runs(1, (0, scratch, 100 - scratch)), Runs(2, (100 - dent, dent)))
            mask = ShapeMask(shapes, 0, None, f"{group}{at}")
            frames.append(Frame(f"{group}_{at}", ImageFile(image), mask, {"line": group, "lamp": "ab"[at % 2]}))
    return Dataset(tmp_path, CLASSES, tuple(frames), "test")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    rng = np.random.default_rng(1)
    return _dataset(
        tmp_path,
        {f"g{at}": [tuple(rng.integers(0, 20, 2)) for _ in range(rng.integers(1, 6))] for at in range(20)},
    )


def _straddling(dataset: Dataset, split: Split, column: str = "line") -> set[str]:
    sides = defaultdict(set)
    for part, stems in split.parts.items():
        for stem in stems:
            sides[dataset.frame(stem).columns[column]].add(part)
    return {value for value, parts in sides.items() if len(parts) > 1}


def test_make_split__groups_whole_and_every_frame_once(dataset: Dataset) -> None:
    split = make_split(dataset, by="line", fractions=THREE)
    assert _straddling(dataset, split) == set()
    assert sorted(stem for stems in split.parts.values() for stem in stems) == sorted(f.stem for f in dataset.frames)
    assert verify_split(dataset, split) == []
    assert split.made_from(dataset)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 5), min_size=3, max_size=12), seed=st.integers(0, 9))
def test_make_split__laws_hold_for_any_groups(tmp_path_factory, sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = {f"g{at}": [tuple(rng.integers(0, 9, 2)) for _ in range(size)] for at, size in enumerate(sizes)}
    dataset = _dataset(tmp_path_factory.getbasetemp(), groups)
    split = make_split(dataset, by="line", fractions=THREE, seed=seed)
    assert set(split.parts) == set(THREE)
    assert all(split.parts.values())
    assert _straddling(dataset, split) == set()
    assert sum(count.frames for count in split.counts.values()) == len(dataset)
    assert split == make_split(dataset, by="line", fractions=THREE, seed=seed)


def test_make_split__class_pixels_near_their_share(dataset: Dataset) -> None:
    split = make_split(dataset, by="line", fractions=THREE)
    for name in ("scratch", "dent"):
        total = sum(count.class_pixels[name] for count in split.counts.values())
        for part, share in THREE.items():
            assert split.counts[part].class_pixels[name] / total == pytest.approx(share, abs=0.06)


def test_make_split__rare_class_reaches_every_part(tmp_path: Path) -> None:
    groups = {f"g{at}": [(5, 40 if at < 3 else 0)] * 4 for at in range(15)}
    split = make_split(_dataset(tmp_path, groups), by="line", fractions=THREE)
    assert all(count.class_pixels["dent"] for count in split.counts.values())
    assert split.notes == ()


def test_make_split__class_missing_from_a_part_is_said(tmp_path: Path) -> None:
    heard = []
    groups = {f"g{at}": [(5, 40 if at == 0 else 0)] for at in range(6)}
    split = make_split(_dataset(tmp_path, groups), by="line", fractions=THREE, listener=heard.append)
    assert len(split.notes) == 2
    assert "has no pixel of dent" in split.notes[0]
    assert [event.text for event in heard if isinstance(event, Note)] == list(split.notes)


def test_make_split__held_out_groups_and_nothing_else(dataset: Dataset) -> None:
    split = make_split(dataset, by="line", fractions=THREE, held_out={"validation": ["g3", "g7"]})
    assert {dataset.frame(stem).columns["line"] for stem in split.parts["validation"]} == {"g3", "g7"}
    frames = {part: count.frames for part, count in split.counts.items()}
    assert frames["train"] / (frames["train"] + frames["calibration"]) == pytest.approx(0.75, abs=0.08)


def test_make_split__held_out_by_another_column(dataset: Dataset) -> None:
    finer = dataset.with_columns({f.stem: {"part": f.stem} for f in dataset.frames})
    split = make_split(finer, by="part", fractions=THREE, held_out={"test": ["line:g3"]})
    assert {finer.frame(stem).columns["line"] for stem in split.parts["test"]} == {"g3"}
    assert set(split.parts) == {"train", "validation", "calibration", "test"}


def test_make_split__hold_out_problems_are_told_together(dataset: Dataset) -> None:
    with pytest.raises(DataError, match="no frame has this line") as caught:
        make_split(dataset, by="line", fractions=THREE, held_out={"test": ["g99", "lamp:b"], "validation": ["g1"]})
    assert any("in two" in problem.rule for problem in caught.value.problems)
    with pytest.raises(DataError, match="is held out twice"):
        make_split(dataset, by="line", fractions=THREE, held_out={"test": ["g1"], "validation": ["g1"]})


def test_make_split__too_few_frames_speaks_of_frames(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, {"p1": [(1, 1)]})
    with pytest.raises(DataError, match=r"(?s)fewer frames than parts: 1 for .*at least 3 frames that") as caught:
        make_split(dataset, by=None, fractions=THREE, frames_are_independent=True)
    assert "None" not in str(caught.value)


def test_make_split__too_few_groups_names_them(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, {"p1": [(1, 1)], "p2": [(1, 1)]})
    with pytest.raises(DataError, match=r"(?s)fewer groups than parts: 2 for train, validation, calibration.*p1, p2"):
        make_split(dataset, by="line", fractions=THREE)


def test_make_split__random_frames_only_on_a_promise(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"(?s)at random.*lamp \(2 values\), line \(20 values\).*--i-know"):
        make_split(dataset, by=None, fractions=THREE)
    split = make_split(dataset, by=None, fractions=THREE, frames_are_independent=True)
    assert split.by is None
    assert _straddling(dataset, split) != set()
    assert verify_split(dataset, split) == []


def test_make_split__request_problems_are_told_together(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="unknown part") as caught:
        make_split(dataset, by="sequence", fractions={"train": 0.6, "validate": 0.2})
    rules = " ".join(problem.rule for problem in caught.value.problems)
    assert "do not sum to 1" in rules
    assert "goes by a column that no frame has" in rules


def test_make_split__frames_without_the_column(dataset: Dataset) -> None:
    bare = replace(dataset, frames=(*dataset.frames[:-2], *(replace(f, columns={}) for f in dataset.frames[-2:])))
    with pytest.raises(DataError, match=r"2 of \d+ frames have no column 'line'"):
        make_split(bare, by="line", fractions=THREE)


def test_make_split__void_pixels_do_not_count(tmp_path: Path) -> None:
    def with_void(cover: int) -> Split:
        plain = _dataset(tmp_path, {f"g{at}": [(5 + at, at)] for at in range(9)})
        frames = tuple(
            replace(f, mask=replace(f.mask, unpainted_id=255 if cover else 0))
            for f in plain.frames  # type: ignore[type-var]
        )
        return make_split(replace(plain, frames=frames), by="line", fractions=THREE)

    assert with_void(1).counts["train"].class_pixels["background"] == 0
    assert with_void(1).counts["train"].void_pixels > 0


def test_make_split__seed_changes_it(dataset: Dataset) -> None:
    assert len({make_split(dataset, by="line", fractions=THREE, seed=seed).content_hash for seed in range(5)}) > 1


def test_write_split__round_trip_and_readable(dataset: Dataset, tmp_path: Path) -> None:
    split = make_split(dataset, by="line", fractions=THREE, held_out={"test": ["g1"]})
    write_split(tmp_path / "out" / "split.json", split)
    assert read_split(tmp_path / "out" / "split.json") == split
    assert json.loads((tmp_path / "out" / "split.json").read_text())["held_out"] == {"test": ["g1"]}


@pytest.mark.parametrize(
    ("text", "rule"),
    [("{", "is not a split file"), ("[]", "is not a split of this version"), ('{"schema": "x"}', "of this version"),
     ('{"schema": "segwright/split", "schema_version": 1}', "is a damaged split file")],
)  # fmt: skip
def test_read_split__refusals(tmp_path: Path, text: str, rule: str) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_split(tmp_path / "split.json")
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(DataError, match=rule):
        read_split(tmp_path / "split.json")


def test_stems__unknown_part(dataset: Dataset) -> None:
    split = make_split(dataset, by="line", fractions=THREE)
    assert split.stems("train") == split.parts["train"]
    with pytest.raises(DataError, match=r"(?s)no such part.*train, validation, calibration"):
        split.stems("holdout")


def test_verify_split__finds_everything_at_once(dataset: Dataset) -> None:
    good = make_split(dataset, by="line", fractions=THREE)
    train = list(good.parts["train"])
    group = [stem for stem in train if stem.startswith(train[0].split("_")[0] + "_")]
    parts = {**good.parts, "train": (*train[1:], "ghost"), "validation": (*good.parts["validation"], *group[1:])}
    bad = replace(good, parts=parts, class_hash="0" * 64)
    rules = " | ".join(problem.rule for problem in verify_split(dataset, bad))
    assert "1 frames of the split are not in the dataset" in rules
    assert "1 frames of the dataset are in no part" in rules
    assert "class table" in rules
    if len(group) > 1:
        assert "in more than one part" in rules


def test_verify_split__published_camvid_split_leaks(shared_data: Path) -> None:
    dataset = columns_from_pattern(open_dataset(shared_data / "semantic_camvid"), r"(?P<sequence>[^_/]+)_[^/]*$")
    names = {"train": "train", "val": "validation", "test": "test"}
    parts = {
        part: tuple(frame.stem for frame in dataset.frames if frame.columns["folder"] == folder)
        for folder, part in names.items()
    }
    published = Split(parts, "sequence", 0, dataset.content_hash, dataset.classes.content_hash)
    problems = verify_split(dataset, published)
    assert [problem.rule for problem in problems] == [
        "2 values of 'sequence' are on both sides: scores would be of frames seen in training"
    ]
    assert problems[0].found == "0001TP, 0016E5"


def test_verify_split__without_the_column_it_was_made_by(dataset: Dataset) -> None:
    split = make_split(dataset, by="line", fractions=THREE)
    bare = replace(dataset, frames=tuple(replace(f, columns={}) for f in dataset.frames))
    problem = verify_split(bare, split)[0]
    assert "have no column 'line'" in problem.rule
    assert "data.columns_from: '(?P<line>" in problem.fix


def test_make_split__magnetic_tiles_by_tile(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "defect_magnetic_tile")
    split = make_split(dataset, by="tile_group_inferred", fractions=THREE)
    assert _straddling(dataset, split, "tile_group_inferred") == set()
    assert split.notes == ()
