"""Panoptic counting against `np.unique` of combined ids, as panopticapi counts, and against PNG decoding alone.

    python benchmarks/scores_panoptic.py

writes 640x480 pairs of 15 segments, and their COCO panoptic JSON, to a temporary folder and prints, for each row, our
seconds, the peer's, and how many times ours fits into the peer's. Medians of 7, after one warm round. Seconds are those
of the processor, summed over threads: another program on the machine changes little.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import cv2
import imagecodecs
import numpy as np
import numpy.typing as npt

from segwright.core import ClassSpec, ClassTable, adopt
from segwright.evaluate.kernels import compiled
from segwright.evaluate.panoptic import PanopticFrame, Segment, count_panoptic_frame, evaluate_panoptic
from segwright.evaluate.panoptic.overlap import count_overlaps

HEIGHT, WIDTH, SEGMENTS, PAIRS, ROUNDS = 480, 640, 15, 16, 7
OFFSET = np.uint64(256**3)
CLASSES = ClassTable(
    tuple(ClassSpec(number, f"class_{number}", "thing" if number % 2 else "stuff") for number in range(1, 9))
)


def rows() -> list[tuple[str, float, float]]:
    """(what, our seconds, the peer's seconds) of each comparison."""
    pairs = [pair_of_maps(np.random.default_rng(seed)) for seed in range(PAIRS)]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for part, maps in zip(("truth", "prediction"), zip(*pairs, strict=True), strict=True):
            write_coco(root / f"{part}.json", maps)
        files = sorted(root.glob("*/*.png"))
        workers = os.cpu_count() or 1
        return [
            (
                "overlaps of a pair; np.unique of combined ids",
                *seconds(lambda: count_overlaps(*pairs[0]), lambda: by_unique(*pairs[0])),
            ),
            (
                "check, count and match a pair; np.unique of combined and of predicted ids",
                *seconds(ours(pairs[0]), lambda: (by_unique(*pairs[0]), np.unique(pairs[0][1], return_counts=True))),
            ),
            (
                f"evaluate {PAIRS} pairs; decode their PNG files, OpenCV",
                *seconds(lambda: evaluate(root), lambda: decode_all(files, workers, by_opencv)),
            ),
            (
                f"evaluate {PAIRS} pairs; decode their PNG files, imagecodecs",
                *seconds(lambda: evaluate(root), lambda: decode_all(files, workers, imagecodecs.png_decode)),
            ),
            (
                f"evaluate {PAIRS} pairs; OpenCV and np.unique, as many threads",
                *seconds(lambda: evaluate(root), lambda: unique_all(root, workers)),
            ),
        ]


def pair_of_maps(rng: np.random.Generator) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """A truth of cells around random points with wavy borders, and a prediction whose points have moved a little."""
    points = rng.random((SEGMENTS, 2)) * (HEIGHT, WIDTH)
    down, across = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    down, across = down + 6 * np.sin(across / 9), across + 6 * np.sin(down / 11)
    names = (rng.choice(256**3 - 1, SEGMENTS, replace=False) + 1).astype(np.uint32)

    def cells(sites: npt.NDArray) -> npt.NDArray[np.uint32]:
        distances = np.stack([(down - top) ** 2 + (across - left) ** 2 for top, left in sites])
        return names[distances.argmin(axis=0)]

    truth, prediction = cells(points), cells(points + rng.normal(0, 8, points.shape))
    truth[(truth == names[0]) | (rng.random(truth.shape) < 0.0005)] = 0
    return truth, prediction


def segments_of(ids: npt.NDArray[np.uint32]) -> dict[int, Segment]:
    return {each: Segment(1 + each % len(CLASSES)) for each in np.unique(ids).tolist() if each}


def write_coco(path: Path, maps: tuple[npt.NDArray[np.uint32], ...]) -> None:
    path.with_suffix("").mkdir()
    annotations = []
    for number, ids in enumerate(maps):
        name = f"{number:06d}.png"
        bgr = np.stack([ids >> 16, (ids >> 8) & 255, ids & 255], axis=-1).astype(np.uint8)
        (path.with_suffix("") / name).write_bytes(cv2.imencode(".png", bgr)[1].tobytes())
        segments = [{"id": each, "category_id": kind.class_id} for each, kind in segments_of(ids).items()]
        annotations.append({"image_id": number, "file_name": name, "segments_info": segments})
    categories = [{"id": spec.class_id, "name": spec.name, "isthing": int(spec.kind == "thing")} for spec in CLASSES]
    path.write_text(json.dumps({"annotations": annotations, "categories": categories}), encoding="utf-8")


def ours(pair: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]) -> Callable[[], None]:
    """Both frames checked, their overlaps counted, their segments matched."""
    maps = [(adopt(ids), segments_of(ids)) for ids in pair]

    def count() -> None:
        truth, prediction = (PanopticFrame("a", ids, segments, CLASSES) for ids, segments in maps)
        count_panoptic_frame(prediction, truth)

    return count


def by_unique(truth: npt.NDArray[np.uint32], prediction: npt.NDArray[np.uint32]) -> None:
    """The intersections alone."""
    np.unique(truth.astype(np.uint64) * OFFSET + prediction.astype(np.uint64), return_counts=True)


def evaluate(root: Path) -> None:
    evaluate_panoptic(root / "prediction.json", root / "truth.json")


def by_opencv(data: bytes) -> npt.NDArray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def decode_all(files: list[Path], workers: int, decode: Callable[[bytes], npt.NDArray]) -> None:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda path: decode(path.read_bytes()).shape, files))


def unique_all(root: Path, workers: int) -> None:
    def count(path: Path) -> None:
        truth, prediction = (
            cv2.imread(str(each), cv2.IMREAD_COLOR).astype(np.uint32)
            for each in (path, root / "prediction" / path.name)
        )
        ids = [bands[..., 2] + 256 * bands[..., 1] + 65536 * bands[..., 0] for bands in (truth, prediction)]
        by_unique(*ids)
        np.unique(ids[1], return_counts=True)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(count, sorted((root / "truth").glob("*.png"))))


def seconds(*calls: Callable[[], object]) -> tuple[float, ...]:
    """The median processor seconds of each call, after one that warms it."""
    medians = []
    for call in calls:
        call()
        taken = []
        for _ in range(ROUNDS):
            start = time.process_time()
            call()
            taken.append(time.process_time() - start)
        medians.append(median(taken))
    return tuple(medians)


def main() -> None:
    """Print the rows and the machine."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, numba {'in use' if compiled() else 'not installed'}")
    for what, mine, peer in rows():
        print(f"{what:76} {1e3 * mine:9.2f} ms {1e3 * peer:9.2f} ms   {peer / mine:6.2f} x")


if __name__ == "__main__":
    main()
