"""For each rule a dataset on which it fires and a clean one: `CASES` maps a code to two functions of a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from segwright.data.checks import Evidence, ProjectFacts
from tests.data.checks.folders import (
    confident,
    evidence,
    folder,
    opened,
    painted,
    picture,
    plain,
    shaped,
    split_of,
)
from tests.data.pictures import save

Case = Callable[[Path], Evidence]


def clean(root: Path) -> Evidence:
    return evidence(opened(root, plain()))


def with_mask(ids: np.ndarray, **how: object) -> Case:
    """One plain frame and one with this mask."""
    return lambda root: evidence(opened(root, [*plain(1), ("frameb", picture(1), ids)], **how))  # type: ignore[arg-type]


def with_lone_mask(root: Path) -> Evidence:
    folder(root, plain())
    save(root / "masks" / "nobody.png", painted())
    return evidence(opened(root, plain()))


def with_stranger_in_csv(root: Path) -> Evidence:
    folder(root, plain())
    (root / "groups.csv").write_text("image,tile\nframea.png,1\nframeb.png,2\nghost.png,3\n", encoding="utf-8")
    return evidence(opened(root, plain()))


def with_cut_off_image(root: Path) -> Evidence:
    folder(root, plain())
    path = root / "images" / "framea.png"
    path.write_bytes(path.read_bytes()[:300])
    from segwright.data import open_dataset

    return evidence(open_dataset(root))


def smoothed() -> np.ndarray:
    return cv2.GaussianBlur(painted(1) * np.uint8(250), (0, 0), 3)


def stripes(averaged: bool) -> np.ndarray:
    ids = np.zeros((96, 96), np.uint8)
    ids[:, 20:60] = 2
    ids[10:30, 70:90] = 1
    if averaged:
        ids[:, 19] = ids[:, 60] = 1
    return ids


def with_grey_masks(level: int) -> Case:
    def case(root: Path) -> Evidence:
        frames = [(name, pixels, np.where(ids > 0, level, 0).astype(np.uint8)) for name, pixels, ids in plain()]
        return evidence(opened(root, frames, options={"cut": 100}, names="background scratch"))

    return case


def in_parts(case: Case, by: str | None = None, **parts: list[str]) -> Case:
    """The same evidence with a split."""

    def divided(root: Path) -> Evidence:
        found = case(root)
        return replace(found, split=split_of(found.dataset, by, **parts))

    return divided


def blobs(count: int, frames: int = 1) -> Case:
    """Frames with `count` blobs of scratch each, and one of dent."""

    def case(root: Path) -> Evidence:
        ids = np.zeros((96, 96), np.uint8)
        for at in range(count):
            cv2.circle(ids, (8 + 12 * (at % 7), 8 + 12 * (at // 7)), 3, 1, -1)
        named = [(f"frame{'abcdefgh'[at]}", picture(at), ids) for at in range(frames)]
        return evidence(opened(root, named, names="background scratch"))

    return case


def many(void: bool) -> Case:
    def case(root: Path) -> Evidence:
        ids = painted(0)
        if void:
            ids[:3] = 255
        return evidence(opened(root, [(f"frame{at}", picture(at, 24), ids[:24, :24]) for at in range(50)]))

    return case


def in_folders(root: Path, ids: np.ndarray) -> Evidence:
    frames = [("scratch/a", picture(0), ids), ("free/b", picture(1), np.zeros((96, 96), np.uint8))]
    return evidence(opened(root, frames))


def boxes(filled: bool) -> Case:
    ids = np.zeros((96, 96), np.uint8)
    for at in range(12):
        top, left = 4 + 24 * (at // 4), 2 + 24 * (at % 4)
        if filled:
            ids[top : top + 12, left : left + 14] = 1
        else:
            cv2.circle(ids, (left + 8, top + 8), 7, 1, -1)
    return with_mask(ids)


def neighbours(gap_px: int) -> np.ndarray:
    """Scratch and dent side by side with a line of background between; none where the gap is 0."""
    ids = np.zeros((96, 96), np.uint8)
    ids[20:60, 20:40] = 1
    ids[20:60, 40 + gap_px : 60] = 2
    return ids


def with_speck(area_px: int) -> np.ndarray:
    ids = painted(3)
    ids[2, 2 : 2 + area_px] = 1
    return ids


def copies(same_mask: bool) -> Case:
    """Two frames of one picture, the second flipped, and others."""
    first, ids = picture(7), painted(7)
    other = ids[:, ::-1] if same_mask else np.zeros_like(ids)
    pair = [("one", first, ids), ("two", np.ascontiguousarray(first[:, ::-1]), np.ascontiguousarray(other))]
    return lambda root: evidence(opened(root, [*pair, *plain()]))


def annotated_twice(agree: bool) -> Case:
    def case(root: Path) -> Evidence:
        pixels, ids = picture(5), painted(5)
        frames = [("a_anna", pixels, ids), ("a_ben", pixels, ids if agree else np.roll(ids, 14, 1))]
        folder(root, frames)
        (root / "people.csv").write_text("image,annotator\na_anna.png,anna\na_ben.png,ben\n", encoding="utf-8")
        return evidence(opened(root, frames))

    return case


def grouped(root: Path) -> Evidence:
    folder(root, plain(4))
    rows = [f"frame{name}.png,{group}" for name, group in zip("abcd", "1122", strict=True)]
    (root / "groups.csv").write_text("\n".join(["image,tile", *rows]) + "\n", encoding="utf-8")
    return evidence(opened(root, plain(4)))


def walk(root: Path) -> Evidence:
    """A window that moves over a large picture: frame_000 to frame_190 in steps of ten."""
    scene = picture(11, 240)
    frames = [(f"frame_{10 * at:03}", scene[5 * at :, 5 * at :][:96, :96], painted(at)) for at in range(20)]
    return evidence(opened(root, [(name, np.ascontiguousarray(pixels), ids) for name, pixels, ids in frames]))


WALK = [f"frame_{10 * at:03}" for at in range(20)]


def judged_by_model(wrong: bool) -> Case:
    def case(root: Path) -> Evidence:
        dataset = opened(root, [("a", picture(0), painted(0)), ("b", picture(1), painted(0, 2))])
        truth = dataset.read_labels(dataset.frames[0])
        both = [dataset.read_labels(frame) for frame in dataset.frames]
        first = dataset.read_image(dataset.frames[0])
        window = (slice(70, 90), slice(70, 90)) if wrong else None

        def predict(image):
            return confident(truth, window)(image) if image == first else confident(both[1])(image)

        return evidence(dataset, predict=predict)

    return case


def with_network(network: str, encoder: str) -> Case:
    return lambda root: evidence(opened(root, plain()), project=ProjectFacts(network, encoder))


def outlined(*points: list[tuple[float, float]]) -> Case:
    return lambda root: evidence(shaped(root, *points))


def both_classes(root: Path) -> Evidence:
    return evidence(opened(root, [(f"frame{name}", picture(at), neighbours(0)) for at, name in enumerate("ab")]))


SQUARE = [(10, 10), (40, 10), (40, 40), (10, 40)]
BOW_TIE = [(10, 10), (40, 40), (40, 10), (10, 40)]
TWO = {"train": ["framea"], "validation": ["frameb"]}
SHIFTED = np.where(painted(0) > 0, 3, np.where(np.arange(96)[:, None] < 50, 1, 2)).astype(np.uint8)
VOID = np.full((96, 96), 255, np.uint8)
COPIES = {"train": ["one", "framea"], "validation": ["two", "frameb"]}

# code -> (a dataset on which the rule fires, a clean one)
CASES: dict[str, tuple[Case, Case]] = {
    "SEG001": (with_lone_mask, clean),
    "SEG002": (with_stranger_in_csv, grouped),
    "SEG003": (with_cut_off_image, clean),
    "SEG004": (with_mask(painted(1, 1, 64)), clean),
    "SEG005": (with_mask(painted(1, 7)), clean),
    "SEG006": (with_mask(smoothed()), with_mask(painted(1))),
    "SEG007": (with_mask(stripes(averaged=True)), with_mask(stripes(averaged=False))),
    "SEG008": (with_grey_masks(128), with_grey_masks(255)),
    "SEG009": (with_mask(painted(1), suffix=".jpg"), clean),
    "SEG010": (with_mask(painted(1)), clean),
    "SEG011": (in_parts(clean, **TWO), in_parts(both_classes, **TWO)),
    "SEG012": (blobs(5), blobs(21)),
    "SEG013": (many(void=False), many(void=True)),
    "SEG014": (with_mask(VOID), clean),
    "SEG015": (lambda root: evidence(opened(root, [("a", picture(0), SHIFTED)])), clean),
    "SEG020": (lambda root: in_folders(root, np.zeros((96, 96), np.uint8)), lambda root: in_folders(root, painted(2))),
    "SEG021": (boxes(filled=True), boxes(filled=False)),
    "SEG022": (with_mask(neighbours(2)), with_mask(neighbours(0))),
    "SEG023": (with_mask(with_speck(2)), with_mask(with_speck(9))),
    "SEG024": (outlined(BOW_TIE, [(50, 50), (130, 50), (60, 60)]), outlined(SQUARE)),
    "SEG030": (copies(same_mask=False), copies(same_mask=True)),
    "SEG031": (annotated_twice(agree=False), annotated_twice(agree=True)),
    "SEG032": (
        in_parts(grouped, "tile", train=["framea", "framec"], validation=["frameb", "framed"]),
        in_parts(grouped, "tile", train=["framea", "frameb"], validation=["framec", "framed"]),
    ),
    "SEG033": (
        in_parts(copies(same_mask=True), **COPIES),
        in_parts(copies(same_mask=True), train=["one", "two", "framea"], validation=["frameb"]),
    ),
    "SEG034": (
        in_parts(walk, train=WALK[:12], validation=WALK[12:]),
        in_parts(walk, train=WALK[:10], validation=WALK[14:]),
    ),
    "SEG040": (judged_by_model(wrong=True), judged_by_model(wrong=False)),
    "SEG050": (with_network("mask2former", "resnet34"), with_network("unet", "mobilenetv3_large_100")),
}  # fmt: skip
