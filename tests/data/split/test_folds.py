"""Folds: every group is validated on once, test and calibration stay, classes are as even as groups allow."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from segwright.core import ConfigError, DataError
from segwright.data import Dataset, Split, make_folds, open_dataset, verify_split
from tests.data.split.frames import frames_with, named


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return _lines(tmp_path, [1, 2, 3, 4, 5, 4, 3, 2, 1, 3, 2, 4])


def _lines(folder: Path, sizes: list[int], seed: int = 1) -> Dataset:
    """A line of each size, its frames with some scratches and dents."""
    rng = np.random.default_rng(seed)
    rows = {f"g{line:02}_{at}": {"line": f"g{line:02}"} for line, size in enumerate(sizes) for at in range(size)}
    return frames_with(folder, rows, {stem: tuple(rng.integers(0, 20, 2)) for stem in rows})  # type: ignore[misc]


def _lines_of(dataset: Dataset, stems: tuple[str, ...]) -> set[str]:
    return {dataset.frame(stem).columns["line"] for stem in stems}


def test_make_folds__each_group_is_validated_on_once(dataset: Dataset) -> None:
    folds = make_folds(dataset, by="line", folds=4)
    assert [fold.fold for fold in folds] == [0, 1, 2, 3]
    times = Counter(stem for fold in folds for stem in fold.parts["validation"])
    assert times == Counter(frame.stem for frame in dataset.frames)
    for fold in folds:
        assert set(fold.parts) == {"train", "validation"}
        assert verify_split(dataset, fold) == []
        assert fold.counts["train"].frames + fold.counts["validation"].frames == len(dataset)


def test_make_folds__test_and_calibration_are_the_same_in_each(dataset: Dataset) -> None:
    shares = {"train": 0.6, "calibration": 0.2, "test": 0.2}
    folds = make_folds(dataset, by="line", folds=3, fractions=shares)
    assert len({fold.parts["test"] for fold in folds}) == len({fold.parts["calibration"] for fold in folds}) == 1
    assert all(verify_split(dataset, fold) == [] for fold in folds)
    again = make_folds(dataset, by="line", folds=4, fractions=shares)
    assert again[0].parts["test"] == folds[0].parts["test"]


def test_make_folds__leave_one_group_out(dataset: Dataset) -> None:
    folds = make_folds(dataset, by="line", folds=None, held_out={"test": ["g03"]})
    left = [_lines_of(dataset, fold.parts["validation"]) for fold in folds]
    assert [line for lines in left for line in sorted(lines)] == [f"g{line:02}" for line in range(12) if line != 3]
    assert {_one(_lines_of(dataset, fold.parts["test"])) for fold in folds} == {"g03"}


def test_make_folds__groups_held_out_for_train_always_train(dataset: Dataset) -> None:
    folds = make_folds(dataset, by="line", folds=3, held_out={"train": ["g04"]})
    assert all("g04" in _lines_of(dataset, fold.parts["train"]) for fold in folds)


def test_make_folds__random_only_on_a_promise_and_with_a_warning(tmp_path: Path, dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="would be at random"):
        make_folds(dataset, by=None, folds=3)
    folds = make_folds(dataset, by=None, folds=3, frames_are_independent=True)
    assert "drawn frame by frame, although columns group them: line (12 values)" in folds[0].notes[-1]
    plain = make_folds(named(tmp_path, "abcdef"), by=None, folds=3, frames_are_independent=True)
    assert all(fold.notes == () for fold in plain)


def test_make_folds__refusals(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"--folds: are too few") as caught:
        make_folds(dataset, by="line", folds=1, fractions={"validation": 1.0})
    assert [problem.rule for problem in caught.value.problems][1:] == [
        "has a validation part beside folds, which are the validation parts", "leaves nothing to fold",
    ]  # fmt: skip
    with pytest.raises(DataError, match=r"(?s)--folds: are more than there are groups to train on: 13 for 12.*g00"):
        make_folds(dataset, by="line", folds=13)
    with pytest.raises(DataError, match=r"more than there are groups to train on: 2 for 1"):
        make_folds(dataset, by="line", folds=None, held_out={"test": [f"g{line:02}" for line in range(11)]})


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=3, max_size=12),
    folds=st.sampled_from([None, 2, 3]),
    test=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 9),
)
def test_make_folds__laws(tmp_path_factory, sizes: list[int], folds: int | None, test: float, seed: int) -> None:
    """Groups whole, every frame in one part of each fold, each line validated on once or in test; order is nothing."""
    sizes = [*sizes, 1, 1]
    dataset = _lines(tmp_path_factory.getbasetemp(), sizes, seed)
    turned = Dataset(dataset.root, dataset.classes, dataset.frames[::-1], "test")
    shares = {"train": 1 - test, "test": test}

    def made(of: Dataset) -> tuple[Split, ...]:
        return make_folds(of, by="line", folds=folds, fractions=shares, seed=seed)

    splits = made(dataset)
    for split in splits:
        assert verify_split(dataset, split) == []
        assert all(split.parts.values())
    validated = Counter(line for split in splits for line in _lines_of(dataset, split.parts["validation"]))
    in_test = _lines_of(dataset, splits[0].parts.get("test", ()))
    assert validated == Counter({f"g{line:02}": 1 for line in range(len(sizes)) if f"g{line:02}" not in in_test})
    assert splits == made(dataset)
    assert [split.parts for split in splits] == [split.parts for split in made(turned)]


@pytest.mark.parametrize("labelled", ["rarest class", "pixels"])
def test_make_folds__as_even_as_stratified_group_k_fold_on_magnetic_tiles(shared_data: Path, labelled: str) -> None:
    dataset = open_dataset(shared_data / "defect_magnetic_tile")
    _require_as_even(dataset, "tile_group_inferred", labelled)


@pytest.mark.parametrize("labelled", ["rarest class", "pixels"])
def test_make_folds__as_even_as_stratified_group_k_fold_on_camvid(shared_data: Path, labelled: str) -> None:
    dataset = open_dataset(shared_data / "semantic_camvid", columns_from=r"(?P<sequence>[^_/]+)_f?(?P<block>\d+)\d{3}$")
    _require_as_even(dataset, "sequence,block", labelled)


def _require_as_even(dataset: Dataset, by: str, labelled: str, folds: int = 5) -> None:
    """Over a few seeds, the classes' shares of our folds are at least as even as those of scikit-learn's."""
    seeds = range(3)
    splits = [make_folds(dataset, by=by, folds=folds, seed=seed) for seed in seeds]
    ours = [_unevenness(_held(split)) for split in splits]
    pixels = np.array([_pixels(dataset, frame.stem) for frame in dataset.frames])
    keys = [",".join(frame.columns[name] for name in by.split(",")) for frame in dataset.frames]
    theirs = [_unevenness(_peer(pixels, keys, labelled, folds, seed)) for seed in seeds]
    assert np.mean(ours) <= np.mean(theirs)


def _held(folds: tuple[Split, ...]) -> npt.NDArray:
    return np.array([list(fold.counts["validation"].class_pixels.values()) for fold in folds])


def _unevenness(held: npt.NDArray) -> float:
    """Root mean square of how far a fold's share of a class is from an even one; `held` are pixels (folds, classes)."""
    held = held[:, held.sum(axis=0) > 0]
    return float(np.sqrt(((held / held.mean(axis=0) - 1) ** 2).mean()))


def _pixels(dataset: Dataset, stem: str) -> list[int]:
    ids = dataset.read_labels(dataset.frame(stem)).ids
    return [int((ids == class_id).sum()) for class_id in dataset.classes.ids]


def _peer(pixels: npt.NDArray, keys: list[str], labelled: str, folds: int, seed: int) -> npt.NDArray:
    """What scikit-learn's folds hold: each frame is one sample of its rarest class, or samples of all its classes."""
    if labelled == "rarest class":
        rarity = np.argsort(pixels.sum(axis=0))
        rows, labels = np.arange(len(pixels)), np.array([next(c for c in rarity if row[c]) for row in pixels])
    else:
        counts = np.ceil(pixels / np.maximum(1, pixels.sum(axis=0)) * 2000).astype(int)
        frames, classes = np.nonzero(counts)
        rows, labels = (np.repeat(values, counts[frames, classes]) for values in (frames, classes))
    groups = np.array(keys)[rows]
    peer = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class of fewer frames than folds
        return np.array([pixels[np.unique(rows[held])].sum(axis=0) for _, held in peer.split(rows, labels, groups)])


def _one(values: set[str]) -> str:
    assert len(values) == 1
    return values.pop()
