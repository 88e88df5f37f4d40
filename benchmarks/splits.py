"""How evenly folds share the classes, beside scikit-learn's StratifiedGroupKFold, on the same frames and groups.

    python benchmarks/splits.py FOLDER:COLUMN [FOLDER:COLUMN ...] --folds 5

A row is a set. Unevenness is the root mean square, over classes and folds, of (pixels of the class in the fold / pixels
of the class) * folds - 1: 0 is perfectly even, 1 is as far off as an empty fold. Beside it, how many pairs of fold and
class have no pixel at all, and the seconds that dividing took. The peer stratifies one label for each sample, so it is
asked twice: each frame as one sample, labelled by its rarest class; and each frame as samples of all its classes, in
proportion to their pixels. Means over the seeds.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from segwright.core import silent
from segwright.data import Dataset, columns_from_pattern, open_dataset
from segwright.data.split.balance import balanced
from segwright.data.split.divide import class_pixels
from segwright.data.split.grouping import Grouping, required_groups

SAMPLES = 20_000  # of the peer, where each frame is as many samples as it has pixels of a class
Dividing = Callable[[npt.NDArray, npt.NDArray, int, int], npt.NDArray]


def main() -> None:
    """Divide each set in three ways and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", help="FOLDER:COLUMN, where COLUMN is what --by takes")
    parser.add_argument("--columns", help="columns from file names, for all sets")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    ways: dict[str, Dividing] = {"segwright": ours, "peer, rarest class": rarest_class, "peer, pixels": by_pixels}
    print("| set | groups | way | unevenness of classes | of frames | empty | seconds |\n|---|---|---|---|---|---|---|")
    for text in arguments.sets:
        folder, _, by = text.rpartition(":")
        dataset = open_dataset(folder)
        dataset = columns_from_pattern(dataset, arguments.columns) if arguments.columns else dataset
        pixels, groups = table_of(dataset, by)
        for name, way in ways.items():
            rows = [measured(way, pixels, groups, arguments.folds, seed) for seed in range(arguments.seeds)]
            classes, frames, empty, seconds = (mean(column) for column in zip(*rows, strict=True))
            cells = [Path(folder).name, f"{groups.max() + 1}", name, f"{classes:.3f}", f"{frames:.3f}", f"{empty:.1f}"]
            print(f"| {' | '.join(cells)} | {seconds:.2f} |")


def table_of(dataset: Dataset, by: str) -> tuple[npt.NDArray, npt.NDArray]:
    """Pixels of each class, one row a frame; and the number of each frame's group."""
    counted = class_pixels(dataset, silent)
    keys = required_groups(dataset, Grouping(by))
    numbers = {key: number for number, key in enumerate(keys.members)}
    stems = [frame.stem for frame in dataset.frames]
    return np.array([counted[stem][:-1] for stem in stems]), np.array([numbers[keys.keys[stem]] for stem in stems])


def measured(
    way: Dividing, pixels: npt.NDArray, groups: npt.NDArray, folds: int, seed: int
) -> tuple[float, float, int, float]:
    """Unevenness of the classes and of the frames, empty pairs, seconds."""
    started = time.perf_counter()
    fold_of = way(pixels, groups, folds, seed)
    seconds = time.perf_counter() - started
    return (*unevenness(pixels, fold_of, folds), seconds)


def unevenness(pixels: npt.NDArray, fold_of: npt.NDArray, folds: int) -> tuple[float, float, int]:
    """Of the classes and of the frames, and how many pairs of fold and class are empty."""
    held = np.array([pixels[fold_of == fold].sum(axis=0) for fold in range(folds)])[:, pixels.sum(axis=0) > 0]
    frames = np.bincount(fold_of, minlength=folds)
    shares = held / held.sum(axis=0) * folds - 1
    return (
        float(np.sqrt((shares**2).mean())),
        float(np.sqrt(((frames / frames.mean() - 1) ** 2).mean())),
        int(np.count_nonzero(held == 0)),
    )


def ours(pixels: npt.NDArray, groups: npt.NDArray, folds: int, seed: int) -> npt.NDArray:
    """The fold of each frame, as `make_folds` divides."""
    count = int(groups.max()) + 1
    amounts = np.array(
        [[*pixels[groups == group].sum(axis=0), np.count_nonzero(groups == group)] for group in range(count)]
    )
    return np.array(balanced(amounts, np.full(folds, 1 / folds), np.random.default_rng(seed)))[groups]


def rarest_class(pixels: npt.NDArray, groups: npt.NDArray, folds: int, seed: int) -> npt.NDArray:
    """The peer, with each frame labelled by the class in it that has the fewest pixels in the set."""
    rarity = np.argsort(pixels.sum(axis=0))
    labels = np.array([next(name for name in rarity if row[name]) for row in pixels])
    return _peer(np.arange(len(pixels)), labels, groups, folds, seed)


def by_pixels(pixels: npt.NDArray, groups: npt.NDArray, folds: int, seed: int) -> npt.NDArray:
    """The peer, with each frame as samples of its classes; every class has the same number of samples in all."""
    share = pixels / np.maximum(1, pixels.sum(axis=0))
    counts = np.ceil(share * SAMPLES / pixels.shape[1]).astype(int)
    frames, classes = np.nonzero(counts)
    times = counts[frames, classes]
    rows = np.repeat(frames, times)
    return _peer(rows, np.repeat(classes, times), groups, folds, seed)


def _peer(rows: npt.NDArray, labels: npt.NDArray, groups: npt.NDArray, folds: int, seed: int) -> npt.NDArray:
    """The fold of each frame; `rows` are the frames that the samples are of."""
    fold_of = np.zeros(len(groups), int)
    peer = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class with fewer frames than folds
        for fold, (_, held) in enumerate(peer.split(np.zeros(len(rows)), labels, groups[rows])):
            fold_of[np.unique(rows[held])] = fold
    return fold_of


if __name__ == "__main__":
    main()
