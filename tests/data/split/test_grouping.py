"""Blocks of time and of a scene: what stays together, what is left out between them, and what is refused."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segwright.core import ConfigError, DataError
from segwright.data import Dataset, Grouping, Split, make_folds, make_split, verify_split
from segwright.data.split.grouping import group_name, required_groups
from segwright.data.split.quantities import duration_text, moment_text, number, quantity, seconds_since_1970
from tests.data.split.frames import frames_with

TWO = {"train": 0.5, "validation": 0.5}
THREE = {"train": 0.6, "validation": 0.2, "test": 0.2}


def _names(dataset: Dataset, grouping: Grouping) -> dict[str, str]:
    return {stem: group_name(key) for stem, key in required_groups(dataset, grouping).keys.items()}


def _minutes(folder: Path, every: int, count: int, **columns: str) -> Dataset:
    start = datetime(2024, 5, 1, 22, 30)
    times = [(start + timedelta(minutes=every * at)).isoformat() for at in range(count)]
    return frames_with(folder, {f"f{at:03}": {"time": time, **columns} for at, time in enumerate(times)})


def test_block__cuts_times_at_full_hours(tmp_path: Path) -> None:
    names = _names(_minutes(tmp_path, 30, 5), Grouping("time", "1h"))
    assert list(names.values()) == [
        "2024-05-01T22:00",
        "2024-05-01T23:00",
        "2024-05-01T23:00",
        "2024-05-02",
        "2024-05-02",
    ]


def test_block__of_the_last_of_several_keys(tmp_path: Path) -> None:
    dataset = frames_with(tmp_path, {"a": {"line": "A", "n": "5"}, "b": {"line": "B", "n": "-5"}})
    assert _names(dataset, Grouping("line,n", "10")) == {"a": "A,0", "b": "B,-10"}


def test_block__of_decimals_is_exact(tmp_path: Path) -> None:
    dataset = frames_with(tmp_path, {"a": {"n": "0.3"}, "b": {"n": "0.29"}})
    assert _names(dataset, Grouping("n", "0.1")) == {"a": "0.3", "b": "0.2"}


def test_by_block__squares_of_positions(tmp_path: Path) -> None:
    rows = {"a": {"x": "0", "y": "511"}, "b": {"x": "511", "y": "0"}, "c": {"x": "512", "y": "-1"}}
    names = _names(frames_with(tmp_path, rows), Grouping(by_block="512"))
    assert names == {"a": "0,0", "b": "0,0", "c": "512,-512"}


def test_by_block__of_each_scene(tmp_path: Path) -> None:
    rows = {"a": {"x": "0", "y": "0", "scene": "s"}, "b": {"x": "1", "y": "1", "scene": "t"}}
    assert _names(frames_with(tmp_path, rows), Grouping("scene", by_block="512px")) == {"a": "s,0,0", "b": "t,0,0"}


def test_by_block__metres_of_degrees(tmp_path: Path) -> None:
    """At 45.5 degrees north 0.001 degrees are 111.2 m to the north, and 77.9 m to the east."""
    rows = {
        name: {"longitude": f"{7 + east / 1000}", "latitude": f"{45.5 + north / 1000}"}
        for name, east, north in (("a", 0, 0), ("b", 1, 0), ("c", 0, 1), ("d", 5, 5))
    }
    found = required_groups(frames_with(tmp_path, rows), Grouping(by_block="10km", gap="100m"))
    assert found.places is not None
    assert found.places.nearest_pair({"train": ["a"], "test": ["b"]})[0] == pytest.approx(77.94, abs=0.01)
    assert found.places.nearest_pair({"train": ["a"], "test": ["c"]})[0] == pytest.approx(111.195, abs=0.001)
    assert found.places.left_out({"train": ["a", "d"], "test": ["b"]}) == {"a"}
    assert found.keys["a"] == found.keys["b"]


def test_make_split__gap_leaves_out_frames_of_train_and_says_so(tmp_path: Path) -> None:
    dataset = _minutes(tmp_path, 5, 96)
    split = make_split(dataset, by=Grouping("time", "1h", gap="20min"), fractions=TWO)
    assert split.left_out
    assert verify_split(dataset, split) == []
    assert any(f"{len(split.left_out)} of 96 frames are left out" in note for note in split.notes)
    assert _nearest(dataset, split) >= 20 * 60
    assert split.counts["train"].frames == len(split.parts["train"])


def test_make_split__without_a_gap_the_nearest_frames_are_told(tmp_path: Path) -> None:
    split = make_split(_minutes(tmp_path, 5, 96), by=Grouping("time", "1h"), fractions=TWO)
    assert split.left_out == ()
    assert any("the nearest frames of two parts are 5min apart" in note for note in split.notes)


def test_make_split__frames_of_another_series_are_no_neighbours(tmp_path: Path) -> None:
    rows = {f"{line}{at}": {"line": line, "n": str(at)} for line in "AB" for at in range(4)}
    split = make_split(frames_with(tmp_path, rows), by=Grouping("line,n", "100", gap="10"), fractions=TWO)
    assert split.left_out == ()


def test_make_split__gap_that_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)--gap: leaves no frame in train.*make the gap smaller"):
        make_split(_minutes(tmp_path, 5, 48), by=Grouping("time", "1h", gap="1d"), fractions=TWO)


def test_verify_split__a_gap_that_is_not_kept(tmp_path: Path) -> None:
    dataset = _minutes(tmp_path, 5, 96)
    split = make_split(dataset, by=Grouping("time", "1h", gap="20min"), fractions=TWO)
    back = tuple(sorted((*split.parts["train"], *split.left_out)))
    filled = Split(
        {**split.parts, "train": back}, split.by, 0, split.dataset_hash, split.class_hash, blocks=split.blocks
    )
    assert [problem.rule for problem in verify_split(dataset, filled)] == [
        f"{len(split.left_out)} frames are nearer than 20min to a frame of another part"
    ]


@pytest.mark.parametrize(
    ("settings_", "rule"),
    [
        ({"block": "1h"}, "--block: has nothing to cut"),
        ({"by": "line", "gap": "1h"}, "--gap: has no blocks"),
        ({"by": "line", "position": ("x", "y")}, "--position: has no use"),
        ({"by": "line", "block": "1h", "by_block": "512"}, "blocks of time and blocks of a scene"),
    ],
)
def test_grouping__settings_that_contradict(settings_: dict, rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        Grouping(**settings_)


@pytest.mark.parametrize(
    ("rows", "grouping", "rule"),
    [
        ({"a": {"time": "2024-05-01"}}, Grouping("time", "300"), r"(?s)times can be cut.*fix:     --block 300min"),
        ({"a": {"time": "7"}}, Grouping("time", "1h"), r"(?s)--block: .*numbers can be cut.*a number, in the unit"),
        ({"a": {"time": "7"}}, Grouping("time", "0"), "--block: is no length"),
        ({"a": {"time": "7"}}, Grouping("time", "fast"), "--block: is no length"),
        ({"a": {"time": "7"}}, Grouping("time", "5", gap="x"), "--gap: is no length"),
        ({"a": {"line": "7"}}, Grouping(by_block="5"), r"(?s)no columns that say where.*x,y or easting"),
        ({"a": {"lon": "7", "lat": "1"}}, Grouping(by_block="5"), r"(?s)degrees can be cut.*with a unit: mm, cm"),
        ({"a": {"u": "7"}}, Grouping(by_block="5", position=("u", "v")), "--by-block: has no columns"),
    ],
)  # fmt: skip
def test_grouped__refusals(tmp_path: Path, rows: dict, grouping: Grouping, rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        required_groups(frames_with(tmp_path, rows), grouping)


def test_grouped__frames_that_have_no_time_or_place_are_all_told(tmp_path: Path) -> None:
    rows = {"a": {"time": "2024-05-01"}, "b": {"time": "noon"}, "c": {"time": "2024-13-01"}}
    with pytest.raises(DataError, match="2 frames are neither times nor numbers") as caught:
        required_groups(frames_with(tmp_path, rows), Grouping("time", "1h"))
    assert caught.value.problems[0].found == "b: 'noon', c: '2024-13-01'"
    placed = {"a": {"x": "1", "y": "1"}, "b": {"x": "1", "y": "inf"}, "c": {"x": "1"}}
    with pytest.raises(DataError, match="2 frames have no numbers in the columns x and y"):
        required_groups(frames_with(tmp_path, placed), Grouping(by_block="5"))
    missing = {"a": {"line": "1"}, "b": {}}
    with pytest.raises(DataError, match=r"1 of 2 frames have no column 'line'"):
        required_groups(frames_with(tmp_path, missing), Grouping("line"))


def test_quantities__read_and_written() -> None:
    assert quantity("1.5 h") == (number("1.5"), "h")
    assert quantity("h") is None
    assert [number(text) for text in ("nan", "inf", "1e999999999", "", "1/0", "١x")] == [None] * 6
    assert seconds_since_1970("2024:05:01 13:00:00") == seconds_since_1970("2024-05-01T15:00:00+02:00")
    assert seconds_since_1970("1970-01-01T00:00:01.5") == number("1.5")
    assert moment_text(number("0.25")) == "1970-01-01T00:00:00.250000"
    assert moment_text(number("-99999999999")).startswith("-")
    assert [duration_text(value) for value in (0.5, 90, 5400, 172800)] == ["0.5s", "1.5min", "1.5h", "2d"]


@settings(max_examples=40)
@given(
    places=st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=12, max_size=40, unique=True),
    side=st.integers(3, 30),
    gap=st.integers(0, 8),
    seed=st.integers(0, 5),
    folds=st.sampled_from([None, 2, 3]),
)
def test_squares__laws(tmp_path_factory, places, side: int, gap: int, seed: int, folds: int | None) -> None:
    """Squares whole but for the gap, every frame in one place, no two parts nearer than the gap; order is nothing."""
    rows = {f"f{at:02}": {"x": str(x), "y": str(y)} for at, (x, y) in enumerate(places)}
    dataset = frames_with(tmp_path_factory.getbasetemp(), rows)
    turned = frames_with(tmp_path_factory.getbasetemp(), dict(reversed(rows.items())))
    grouping = Grouping(by_block=str(side), gap=str(gap))

    def splits(of: Dataset) -> tuple[Split, ...]:
        if folds is None:
            return (make_split(of, by=grouping, fractions=THREE, seed=seed),)
        return make_folds(of, by=grouping, folds=folds, seed=seed)

    try:
        made = splits(dataset)
    except DataError as error:
        assume("fewer groups" not in str(error) and "more than there are groups" not in str(error))
        assume("leaves no frame" not in str(error))
        raise
    for split in made:
        assert verify_split(dataset, split) == []
        everywhere = [stem for stems in (*split.parts.values(), split.left_out) for stem in stems]
        assert sorted(everywhere) == sorted(rows)
        assert _nearest_square(places, split) >= gap
    assert [split.parts for split in splits(turned)] == [split.parts for split in made]


def _nearest(dataset: Dataset, split: Split) -> float:
    """Seconds between the nearest frames of two parts, by brute force."""
    times = {f.stem: datetime.fromisoformat(f.columns["time"]).timestamp() for f in dataset.frames}
    part_of = {stem: part for part, stems in split.parts.items() for stem in stems}
    return min(abs(times[a] - times[b]) for a in part_of for b in part_of if part_of[a] != part_of[b])


def _nearest_square(places: list[tuple[int, int]], split: Split) -> float:
    by_part = defaultdict(list)
    for part, stems in split.parts.items():
        by_part[part] += [places[int(stem[1:])] for stem in stems]
    points = {part: np.array(rows) for part, rows in by_part.items()}
    distances = [
        np.abs(points[one][:, None] - points[other][None]).max(axis=2).min()
        for one in points
        for other in points
        if one < other
    ]
    return min(distances, default=np.inf)
