"""split.json: round trips of splits and folds, the first schema, and which fold is chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.core import ConfigError, DataError
from segwright.data import Dataset, Grouping, make_folds, make_split, read_folds, read_split, verify_split, write_split
from tests.data.split.frames import frames_with


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    rows = {f"{line}{at}": {"line": line, "n": str(at)} for line in "ABCDEF" for at in range(6)}
    return frames_with(tmp_path, rows)


def test_write_split__folds_round_trip(dataset: Dataset, tmp_path: Path) -> None:
    folds = make_folds(dataset, by="line", folds=3, fractions={"train": 0.8, "test": 0.2})
    path = tmp_path / "out" / "folds.json"
    write_split(path, folds)
    assert read_folds(path) == folds
    assert read_split(path, 2) == folds[2]
    content = json.loads(path.read_text())
    assert sorted(content["parts"]) == ["test"]
    assert sorted(content["folds"][0]["parts"]) == ["train", "validation"]


def test_write_split__blocks_round_trip(dataset: Dataset, tmp_path: Path) -> None:
    split = make_split(dataset, by=Grouping("line,n", "3", gap="2"), fractions={"train": 0.5, "validation": 0.5})
    write_split(tmp_path / "split.json", split)
    again = read_split(tmp_path / "split.json")
    assert again == split
    assert again.grouping == Grouping("line,n", "3", gap="2")
    assert verify_split(dataset, again) == []


def test_read_split__the_fold_that_a_model_was_trained_with(dataset: Dataset, tmp_path: Path) -> None:
    folds = make_folds(dataset, by="line", folds=3)
    write_split(tmp_path / "folds.json", folds)
    assert read_split(tmp_path / "folds.json", split_hash=folds[1].content_hash) == folds[1]
    assert read_split(tmp_path / "folds.json", 0, split_hash=folds[1].content_hash) == folds[0]


def test_read_split__which_fold_must_be_said(dataset: Dataset, tmp_path: Path) -> None:
    write_split(tmp_path / "folds.json", make_folds(dataset, by="line", folds=3))
    with pytest.raises(ConfigError, match=r"(?s)holds 3 folds, and none is chosen.*segwright train split.fold=0"):
        read_split(tmp_path / "folds.json")
    with pytest.raises(ConfigError, match=r"(?s)has no such fold.*folds 0 to 2.*3"):
        read_split(tmp_path / "folds.json", 3)
    write_split(tmp_path / "split.json", make_split(dataset, by="line", fractions={"train": 0.5, "test": 0.5}))
    with pytest.raises(ConfigError, match=r"(?s)has no such fold.*one split, without folds.*leave `split.fold`"):
        read_split(tmp_path / "split.json", 0)


def test_read_split__the_first_schema(tmp_path: Path) -> None:
    first = {
        "schema": "segwright/split", "schema_version": 1, "by": "line", "seed": 3, "fractions": {"train": 0.5},
        "held_out": {"test": ["A"]}, "dataset_hash": "d", "class_hash": "c", "notes": ["n"],
        "counts": {"train": {"frames": 1, "groups": 1, "class_pixels": {"dent": 2}, "void_pixels": 0}},
        "parts": {"train": ["a"], "test": ["b"]},
    }  # fmt: skip
    (tmp_path / "split.json").write_text(json.dumps(first))
    split = read_split(tmp_path / "split.json")
    assert (split.by, split.seed, split.parts, split.left_out) == ("line", 3, {"train": ("a",), "test": ("b",)}, ())
    # Bundles made from it hold this hash: it must not change.
    assert split.content_hash == "5b34853a9ff915af1db22e84ed9e08c9d2b34844b2b919d07aa9560b0c96364a"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('{"schema": "segwright/split", "schema_version": 3}', r"(?s)not a split of this version.*1 and 2"),
        ('[{"train": ["a"], "val": ["b"]}]', r"(?s)not a split of this version.*segwright split DATA --from FILE"),
        ('{"schema": "segwright/split", "schema_version": 2, "by": null, "seed": 0, "dataset_hash": "", '
         '"class_hash": "", "folds": []}', "damaged split file"),
        ('{"schema": "segwright/split", "schema_version": 2, "by": null, "seed": 0, "dataset_hash": "", '
         '"class_hash": "", "blocks": {"gap": "1"}, "parts": {}}', r"(?s)damaged split file.*--gap: has no blocks"),
    ],
)  # fmt: skip
def test_read_folds__refusals(tmp_path: Path, text: str, rule: str) -> None:
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(DataError, match=rule):
        read_folds(tmp_path / "split.json")
