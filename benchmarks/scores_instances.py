"""Instance scores from JSON on disk to the numbers: ours beside pycocotools and faster-coco-eval.

    python benchmarks/scores_instances.py                  # as large as COCO val2017: 5,000 images
    python benchmarks/scores_instances.py --images 500     # a quick run

The set is drawn at random: polygons for the truth, a few crowds as run lengths, and for each truth about five
detections (at most 100 an image) with scores, boxes and compressed run lengths. Every reader starts
from the same two files and ends with its table of AP and AR, in a process of its own that has imported its library.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from segwright.evaluate.instances.runs import pixels_of

HEIGHT, WIDTH, CLASSES = 480, 640, 80
TRUTHS_AN_IMAGE, DETECTIONS_A_TRUTH, MOST_DETECTIONS = 7.2, 5.0, 100
CROWD_SHARE = 0.012
READERS = ("segwright", "pycocotools", "faster-coco-eval")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, in turn; the shortest is taken")
    parser.add_argument("--time", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=("segm", "bbox"), default="segm", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.time:
        seconds, score = timed(asked.time, asked.kind, asked.folder)
        print(json.dumps({"seconds": seconds, "ap": score}))
        return
    for what, ours, theirs in rows(images=asked.images, repeats=asked.repeats):
        print(f"{what:55} {ours:8.2f} s {theirs:8.2f} s   {theirs / ours:5.1f} x")


def rows(*, images: int = 5000, repeats: int = 1, seed: int = 0) -> list[tuple[str, float, float]]:
    """(what, our seconds, the peer's seconds) for mask and box scores; the averages must agree or this raises."""
    table = []
    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder), images, seed)
        for kind in ("segm", "bbox"):
            runs = [{reader: measured(reader, kind, Path(folder)) for reader in READERS} for _ in range(repeats)]
            scores = {reader: answer for reader, (_, answer) in runs[0].items()}
            if max(scores.values()) - min(scores.values()) > 1e-9:
                raise RuntimeError(f"{kind} AP differs: {scores}")
            seconds = {reader: min(run[reader][0] for run in runs) for reader in READERS}
            for peer in READERS[1:]:
                what = f"{kind} AP and AR, {images} images, against {peer}"
                table.append((what, seconds["segwright"], seconds[peer]))
    return table


def measured(reader: str, kind: str, folder: Path) -> tuple[float, float]:
    """Seconds and AP of one reader, in a fresh process."""
    command = [sys.executable, __file__, "--time", reader, "--kind", kind, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["seconds"], answer["ap"]


def timed(reader: str, kind: str, folder: Path) -> tuple[float, float]:
    """Seconds from the two files to the scores, and the AP; imports are not counted, what they compile is."""
    truth, results = folder / "truth.json", folder / "results.json"
    run = {"segwright": _ours, "pycocotools": _pycocotools, "faster-coco-eval": _faster_coco_eval}[reader]()
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        score = run(truth, results, kind)
    return time.perf_counter() - started, score


def _ours() -> Any:
    from segwright.evaluate.instances import evaluate_instances

    def run(truth: Path, results: Path, kind: str) -> float:
        name = {"segm": "mask", "bbox": "box"}[kind]
        return evaluate_instances(results, truth, kinds=(name,)).scores[f"{name}_ap"]

    return run


def _pycocotools() -> Any:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def run(truth: Path, results: Path, kind: str) -> float:
        annotations = COCO(str(truth))
        scores = COCOeval(annotations, annotations.loadRes(str(results)), kind)
        scores.evaluate()
        scores.accumulate()
        scores.summarize()
        return float(scores.stats[0])

    return run


def _faster_coco_eval() -> Any:
    from faster_coco_eval import COCO, COCOeval_faster

    def run(truth: Path, results: Path, kind: str) -> float:
        annotations = COCO(str(truth))
        scores = COCOeval_faster(annotations, annotations.loadRes(str(results)), kind)
        scores.evaluate()
        scores.accumulate()
        scores.summarize()
        return float(scores.stats[0])

    return run


def write_set(folder: Path, images: int, seed: int) -> None:
    """`truth.json` and `results.json` of a random set in `folder`."""
    rng = np.random.default_rng(seed)
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image_id in range(1, images + 1):
        detections: list[dict[str, Any]] = []
        for _ in range(rng.poisson(TRUTHS_AN_IMAGE)):
            shape = _Shape(rng)
            annotations.append(_truth(shape, image_id, len(annotations) + 1, rng))
            detections += [_detection(shape, image_id, rng) for _ in range(rng.poisson(DETECTIONS_A_TRUTH))]
        results += detections[:MOST_DETECTIONS]
    listed = [{"id": image_id, "file_name": f"{image_id:012}.jpg", "height": HEIGHT, "width": WIDTH}
              for image_id in range(1, images + 1)]  # fmt: skip
    categories = [{"id": number, "name": f"class {number}"} for number in range(1, CLASSES + 1)]
    truth = {"images": listed, "annotations": annotations, "categories": categories}
    (folder / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")


class _Shape:
    """A blob: centre, radius by angle, class."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.category = int(rng.zipf(1.4) % CLASSES) + 1
        self.centre = rng.uniform((0, 0), (WIDTH, HEIGHT))
        corners = int(rng.integers(12, 60))
        self.angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
        self.radius = np.exp(rng.normal(3.5, 0.9)) * rng.uniform(0.6, 1.4, corners)

    def polygon(self, shift: np.ndarray, stretch: float) -> list[float]:
        """x and y in turn, inside the frame, rounded as COCO's are."""
        ring = np.stack([np.cos(self.angle), np.sin(self.angle)], axis=1) * (self.radius * stretch)[:, None]
        return np.clip(ring + self.centre + shift, 0, (WIDTH, HEIGHT)).round(2).ravel().tolist()


def _truth(shape: _Shape, image_id: int, number: int, rng: np.random.Generator) -> dict[str, Any]:
    outline = shape.polygon(np.zeros(2), 1.0)
    run = coco_mask.frPyObjects([outline], HEIGHT, WIDTH)[0]
    crowd = bool(rng.random() < CROWD_SHARE)
    mask: Any = [outline]
    if crowd:
        mask = {"size": [HEIGHT, WIDTH], "counts": _uncompressed(pixels_of(run))}
    return {
        "id": number, "image_id": image_id, "category_id": shape.category, "iscrowd": int(crowd),
        "segmentation": mask, "area": float(coco_mask.area(run)), "bbox": coco_mask.toBbox(run).tolist(),
    }  # fmt: skip


def _detection(shape: _Shape, image_id: int, rng: np.random.Generator) -> dict[str, Any]:
    spread = float(rng.exponential(0.15))
    size = float(shape.radius.mean())
    outline = shape.polygon(rng.normal(0, spread * size, 2), float(np.exp(rng.normal(0, spread))))
    run = coco_mask.frPyObjects([outline], HEIGHT, WIDTH)[0]
    category = shape.category if rng.random() < 0.8 else int(rng.integers(1, CLASSES + 1))
    score = round(float(np.clip(rng.normal(0.8 - spread, 0.2), 0.01, 1)), 4)
    return {
        "image_id": image_id, "category_id": category, "score": score, "bbox": coco_mask.toBbox(run).tolist(),
        "segmentation": {"size": [HEIGHT, WIDTH], "counts": run["counts"].decode()},
    }  # fmt: skip


def _uncompressed(mask: np.ndarray) -> list[int]:
    flat = np.concatenate([[0], mask.ravel(order="F"), [2]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(ends, prepend=0).tolist()
    return counts if counts else [0]


if __name__ == "__main__":
    main()
