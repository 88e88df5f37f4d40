"""Tracks on a generated belt with crossing objects, on real predictions of video, and the time of a frame.

    python benchmarks/tracking.py                            # the belt and the time for 300 objects
    python benchmarks/tracking.py --davis FOLDER             # a folder of DAVIS with predictions beside, too

Counts are CLEAR MOT's (Bernardin and Stiefelhagen 2008) at mask IoU 0.5: MOTA = 1 - (misses + false + switches) /
objects. An object that is hidden by more than three quarters is neither asked for nor wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image as Picture

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.line.conveyor import CLASSES, MotScores, Truth, conveyor, followed, mot_scores, seen_by_frame

from segwright.core import InstanceSet, Size, instance_from_mask
from segwright.line import Tracker, TrackSettings

SETTINGS = {
    "as it is": TrackSettings(),
    "no second pass (sure = 0)": TrackSettings(sure=0.0),
    "no unsure objects at all": TrackSettings(min_iou_unsure=1.0),
    "no memory (max_misses = 0)": TrackSettings(max_misses=0),
    "every object at once (min_hits = 1)": TrackSettings(min_hits=1),
}
COLUMNS = ("misses", "false", "switches", "MOTA")
LEAST_PX = 50  # of a connected part of a video prediction


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--davis", type=Path, help="folder with Annotations/480p and predictions_osvos2017")
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--frames", type=int, default=40, help="frames of the timed scene")
    given = parser.parse_args()
    belt(given.scenes)
    for size in (Size(480, 640), Size(1080, 1920)):
        crowd(given.frames, size)
    if given.davis:
        davis(given.davis)


def belt(scenes: int) -> None:
    print(_row(f"belt, {scenes} scenes", "objects", *COLUMNS))
    rows = [conveyor(seed) for seed in range(scenes)]
    for name, settings in SETTINGS.items():
        scores = [mot_scores(truth, seen_by_frame(followed(said, settings))) for truth, said in rows]
        total = MotScores(*(sum(getattr(one, key) for one in scores) for key in MotScores.__dataclass_fields__))
        print(_row(name, total.objects, total.misses, total.false, total.switches, f"{total.mota:.3f}"))


def crowd(frames: int, size: Size, objects: int = 300) -> None:
    """300 squares of the frame's twentieth that move with a belt, each with a jitter of its own."""
    rng = np.random.default_rng(0)
    side = size.height // 20
    places = rng.uniform(0, (size.height - side, size.width - side), (objects, 2))
    ways = rng.normal((0, 3), (0.7, 0.7), (objects, 2))
    tracker, seconds, tracks = Tracker(), [], 0
    for at in range(frames):
        found = []
        for down, right in np.round((places + at * ways) % (size.height - side, size.width - side)).astype(int):
            found.append(instance_from_mask(np.ones((side, side), bool), 1, at=(down, right), score=0.9))
        answer = InstanceSet(size, tuple(found), CLASSES)
        start = time.perf_counter()
        tracks = len(tracker.update(answer).objects)
        seconds.append(time.perf_counter() - start)
    middle, worst = 1000 * np.median(seconds), 1000 * max(seconds)
    print(f"{objects} objects at {size}: {middle:.1f} ms a frame, slowest {worst:.1f} ms; {tracks} tracks in the last")


def davis(root: Path) -> None:
    print(_row("\nDAVIS 2016, OSVOS predictions", "frames", *COLUMNS, "tracks"))
    for sequence in sorted(path for path in (root / "predictions_osvos2017").iterdir() if path.is_dir()):
        names = sorted(path.name for path in sequence.glob("*.png"))
        truth = [_values(root / "Annotations" / "480p" / sequence.name / name) > 0 for name in names]
        for what in ("as one object", "by object id", "connected parts"):
            said = [_objects(_values(sequence / name), what) for name in names]
            answers = followed(said)
            scores = mot_scores([_truth(mask) for mask in truth], seen_by_frame(answers))
            tracks = len({one.track_id for answer in answers for one in answer.objects})
            counts = scores.misses, scores.false, scores.switches, f"{scores.mota:.3f}", tracks
            print(_row(f"{sequence.name}, {what}", len(names), *counts))


def _row(name: str, *cells: object) -> str:
    return f"{name:<38}" + "".join(f"{cell!s:>10}" for cell in cells)


def _values(path: Path) -> np.ndarray:
    with Picture.open(path) as picture:
        return np.asarray(picture)


def _truth(mask: np.ndarray) -> Truth:
    one = instance_from_mask(mask, 1)
    return Truth({} if one is None else {1: one}, {})


def _objects(values: np.ndarray, what: str) -> InstanceSet:
    """The objects of a prediction: all it painted, one a number, or one a connected part whatever its number."""
    import cv2

    painted = (values > 0).astype(np.uint8)
    parts = what == "connected parts"
    numbers = cv2.connectedComponents(painted)[1] if parts else values if what == "by object id" else painted
    found = [instance_from_mask(numbers == number, 1) for number in np.unique(numbers) if number]
    kept = tuple(one for one in found if one is not None and one.area_px >= (LEAST_PX if parts else 1))
    return InstanceSet(Size(*values.shape), kept, CLASSES)


if __name__ == "__main__":
    main()
