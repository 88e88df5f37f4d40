"""How well near-duplicates are found on public sets, and how long 10,000 frames take to lint.

    python benchmarks/lint.py duplicates SHARED_DATA
    python benchmarks/lint.py speed FOLDER [FRAMES]

`duplicates` prints a Markdown table: for each set the pairs reported between different groups (sequence, tile; every
frame is its own group where the set has none), and the share of altered copies of some frames that is found.
`speed` writes FRAMES frames (10,000) of 640x480 with masks of four classes to FOLDER, divides them, lints them, and
prints seconds, processor time, peak memory and the machine.
"""

from __future__ import annotations

import csv
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from segwright.core import GREY, RGB, ClassTable, Image, LabelMap, Progress
from segwright.data import open_dataset, read_image, write_image, write_label_map
from segwright.data.checks import lint
from segwright.data.checks.near import duplicates_across, larger_of
from segwright.data.checks.near.descriptor import thumbnail
from segwright.data.checks.near.pairs import Larger
from segwright.data.split import Split

SAMPLED = 12
Pixels = np.ndarray
Rng = np.random.Generator


def main() -> None:
    """Run what the first argument names."""
    if len(sys.argv) < 3 or sys.argv[1] not in ("duplicates", "speed"):
        sys.exit(__doc__)
    what, place, *rest = sys.argv[1:]
    print(f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}, OpenCV {cv2.__version__}\n")
    if what == "duplicates":
        measure_duplicates(Path(place))
    else:
        measure_speed(Path(place), int(rest[0]) if rest else 10_000)


def measure_duplicates(shared: Path) -> None:
    """One line a set."""
    names = [name for name, _ in alterations()]
    print(f"| set | frames | groups | reported | {' | '.join(names)} |\n|{'---|' * (len(names) + 4)}")
    for name, paths, group_of in sets(shared):
        images = [read_image(path) for path in paths]
        pictures = [thumbnail(image) for image in images]
        groups = [group_of(path) for path in paths]
        order = sorted(set(groups))
        pairs = duplicates_across(
            pictures,
            [""] * len(paths),
            [order.index(group) for group in groups],
            _larger(images),
        )
        found = recall(images, pictures, groups)
        cells = [f"{100 * found[alteration]:.0f} %" for alteration in names]
        print(f"| {name} | {len(paths)} | {len(order)} | {len(pairs)} | {' | '.join(cells)} |", flush=True)
        for pair in pairs[:8]:
            print(f"  {paths[pair.first].stem} {paths[pair.second].stem}: {pair.describe()}", file=sys.stderr)


def recall(images: list[Image], pictures: list, groups: list[str]) -> dict[str, float]:
    """Alteration -> the share of copies altered so that is found beside the set; the frame or one of its group."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(images), min(SAMPLED, len(images)), replace=False)
    names = [name for name, _ in alterations() for _ in chosen]
    sources = [groups[number] for _ in alterations() for number in chosen]
    altered = [_image(alter(images[number].pixels, rng)) for _, alter in alterations() for number in chosen]
    copies = [thumbnail(image) for image in altered]
    larger = _larger([*images, *altered])
    sides = [0] * len(images) + [1] * len(copies)
    hits = set()
    for pair in duplicates_across([*pictures, *copies], [""] * len(sides), sides, larger):
        copy = pair.second - len(images)
        if pair.first < len(images) <= pair.second and groups[pair.first] == sources[copy]:
            hits.add(copy)
    return {name: sum(names[hit] == name for hit in hits) / len(chosen) for name, _ in alterations()}


def _larger(images: list[Image]) -> Larger:
    return larger_of(images.__getitem__, lambda number: images[number].size)


def alterations() -> list[tuple[str, Callable[[Pixels, Rng], Pixels]]]:
    """What is done to a frame, by name."""
    return [
        ("flip", lambda pixels, rng: pixels[:, ::-1] if rng.random() < 0.5 else pixels[::-1]),
        ("turn", lambda pixels, rng: np.rot90(pixels, int(rng.integers(1, 4)))),
        ("rescale 0.5-2", _rescaled),
        ("JPEG 30", lambda pixels, _: _jpeg(pixels, 30)),
        ("JPEG 90", lambda pixels, _: _jpeg(pixels, 90)),
        ("light", _lit),
        ("crop 90 %", lambda pixels, rng: _cropped(pixels, rng, 0.9)),
        ("crop 80 %", lambda pixels, rng: _cropped(pixels, rng, 0.8)),
        ("crop 70 %", lambda pixels, rng: _cropped(pixels, rng, 0.7)),
        ("crop 60 %", lambda pixels, rng: _cropped(pixels, rng, 0.6)),
        ("crop, turn, light, JPEG 60", _all_at_once),
    ]


def _rescaled(pixels: Pixels, rng: Rng) -> Pixels:
    factor = rng.uniform(0.5, 2)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=how)


def _jpeg(pixels: Pixels, quality: int) -> Pixels:
    data = cv2.imencode(".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)


def _lit(pixels: Pixels, rng: Rng) -> Pixels:
    """Contrast 0.7 to 1.3 and brightness up to 25 grey levels off, clipped as a camera clips."""
    return np.clip(pixels * rng.uniform(0.7, 1.3) + rng.uniform(-25, 25), 0, 255).astype(np.uint8)


def _cropped(pixels: Pixels, rng: Rng, share: float) -> Pixels:
    height, width = int(pixels.shape[0] * share), int(pixels.shape[1] * share)
    top = int(rng.integers(0, pixels.shape[0] - height + 1))
    left = int(rng.integers(0, pixels.shape[1] - width + 1))
    return pixels[top : top + height, left : left + width]


def _all_at_once(pixels: Pixels, rng: Rng) -> Pixels:
    cropped = _cropped(pixels, rng, rng.uniform(0.65, 0.95))
    return _jpeg(_lit(np.rot90(cropped, int(rng.integers(0, 4))), rng), 60)


def _image(pixels: Pixels) -> Image:
    pixels = np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[..., None])
    return Image(pixels, GREY if pixels.shape[2] == 1 else RGB)


def sets(shared: Path) -> Iterator[tuple[str, list[Path], Callable[[Path], str]]]:
    """(name, images, group of an image) of each set under `shared`."""
    tiles, colon = shared / "defect_magnetic_tile", shared / "medical_cvc_clinicdb"
    tile_of = {row["image"]: row["tile_group_inferred"] for row in _rows(tiles / "groups.csv")}
    sequence_of = {row["frame"]: row["sequence_inferred"] for row in _rows(colon / "groups.csv")}
    yield "magnetic tiles", _sorted(tiles, "MT_*/Imgs/*.jpg"), lambda path: tile_of[path.relative_to(tiles).as_posix()]
    camvid = shared / "semantic_camvid"
    yield "CamVid", [p for p in _sorted(camvid, "*/*.png") if "annot" not in p.parent.name], _before_underscore
    yield "CVC-ClinicDB", _sorted(colon, "Original/*"), lambda path: sequence_of[path.stem]
    yield "DSB 2018", _sorted(shared / "instance_dsb2018", "stage1_train/*/images/*.png"), str
    yield "CrackForest", _sorted(shared / "defect_crackforest", "image/*"), str
    yield "ISBI 2012", _sorted(shared / "medical_isbi2012", "image/*"), str
    yield "DAVIS 2016", _sorted(shared / "video_davis2016", "JPEGImages/480p/*/*.jpg"), lambda path: path.parent.name
    yield "COCO", _sorted(shared / "instance_coco_mini", "train2017/*.jpg"), str


def _before_underscore(path: Path) -> str:
    return path.stem.partition("_")[0]


def _sorted(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measure_speed(folder: Path, frames: int) -> None:
    """Write, divide and lint generated frames."""
    if not (folder / "classes.txt").exists():
        _write_frames(folder, frames)
    dataset = open_dataset(folder)
    stems = [frame.stem for frame in dataset.frames]
    cut = int(0.6 * len(stems))
    parts = {"train": tuple(stems[:cut]), "validation": tuple(stems[cut:])}
    split = Split(parts, None, 0, dataset.content_hash, dataset.classes.content_hash)
    stages: dict[str, list[float]] = {}

    def listen(event: object) -> None:
        if isinstance(event, Progress):
            now = time.perf_counter()
            stages.setdefault(event.stage, [now, now])[1] = now

    started, busy = time.perf_counter(), time.process_time()
    report = lint(dataset, split=split, listener=listen)
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(dataset)} frames of 640x480: {seconds:.0f} s ({busy:.0f} s of processor time), peak {peak:.2f} GiB")
    print(", ".join(f"{stage} {last - first:.0f} s" for stage, (first, last) in stages.items()))
    print({code: sum(counts.values()) for code, counts in report.by_rule.items() if counts})


def _write_frames(folder: Path, frames: int) -> None:
    """Soft textures with four kinds of blobs; every 500th frame of the last 40 % is a flipped copy of an early one."""
    table = ClassTable.of(["background", "a", "b", "c"])
    for number in range(frames):
        source = number // 500 if number > 0.6 * frames and number % 500 == 0 else number
        rng = np.random.default_rng(source)
        soft = [cv2.resize(rng.random((12 * scale, 16 * scale, 3), np.float32), (640, 480)) for scale in (1, 4, 16)]
        pixels = (255 * (soft[0] * 0.4 + soft[1] * 0.3 + soft[2] * 0.3)).astype(np.uint8)
        field = cv2.resize(rng.random((9, 12), np.float32), (640, 480), interpolation=cv2.INTER_CUBIC)
        ids = np.digitize(field, [0.7, 0.8, 0.9]).astype(np.uint8)
        if source != number:
            pixels, ids = np.ascontiguousarray(pixels[:, ::-1]), np.ascontiguousarray(ids[:, ::-1])
        write_image(folder / "images" / f"{number:05}.jpg", Image(pixels))
        write_label_map(folder / "masks" / f"{number:05}.png", LabelMap(ids, table))
    (folder / "classes.txt").write_text("0 background\n1 a\n2 b\n3 c\n", encoding="utf-8")


if __name__ == "__main__":
    main()
