"""Milliseconds a training sample: our pipeline beside albumentations, torchvision v2 and kornia, on one thread.

    python benchmarks/augment.py [--out results.md]

Rivals are timed where they are installed (`pip install albumentations==2.0.8 kornia`, in an environment of their own:
they are no part of the product). Every pipeline takes the same 512 px uint8 RGB frame with its label map and gives a
256 px float crop with labels: crop, flip, affine, colour jitter, blur, normalise. Times are medians of rounds in which
the pipelines take turns, so that what else the machine does hits all alike; ratios are ours over the rival's.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from segwright.core import RGB, Size
from segwright.data.augment import (
    ColourRanges,
    Geometry,
    GeometryRanges,
    centre_anywhere,
    cut,
    draw_geometry,
    vary_colour,
)
from segwright.infer.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from segwright.train.feed import normalised

FRAME_PX, CROP_PX = 512, 256
PREPROCESSING = Preprocessing(RGB, 1 / 255, IMAGENET_MEAN, IMAGENET_STD, "uint8")
MEAN, STD = (np.array(row, np.float32) for row in (IMAGENET_MEAN, IMAGENET_STD))
Task = Callable[[], object]


def main() -> None:
    """Time what is installed and print it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=8, help="calls of each pipeline a round")
    parser.add_argument("--out", type=Path, help="write the tables here too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    pixels = cv2.resize(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8), (FRAME_PX, FRAME_PX))
    labels = cv2.resize(
        rng.integers(0, 4, (16, 16), dtype=np.uint8), (FRAME_PX, FRAME_PX), interpolation=cv2.INTER_NEAREST
    )
    sample: dict[str, Task] = {"segwright": ours(pixels, labels)}
    elastic: dict[str, Task] = {"segwright": our_elastic(pixels, labels)}
    for name, make in (("albumentations", albumentations), ("torchvision v2", torchvision), ("kornia", kornia)):
        if importlib.util.find_spec(name.split()[0]) is not None:
            sample[name], rival_elastic = make(pixels, labels)
            elastic |= {} if rival_elastic is None else {name: rival_elastic}
    parts = our_parts(pixels, labels)
    lines = [
        f"One thread of {processor()}, Python {platform.python_version()}, OpenCV {cv2.__version__}; processor time.",
        "",
        *table(f"{FRAME_PX} -> {CROP_PX} px: crop, flip, affine, jitter, blur, normalise", sample, arguments),
        *table(f"Elastic at {FRAME_PX} px, image and labels", elastic, arguments),
        *table(f"Ours by effect, on a {CROP_PX} px crop", parts, arguments, ratios=False),
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


def table(title: str, tasks: dict[str, Task], arguments: argparse.Namespace, *, ratios: bool = True) -> list[str]:
    """Median milliseconds of each task, and ours over each other's."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    for _ in range(arguments.rounds):
        for name, task in tasks.items():
            started = time.process_time()
            for _ in range(arguments.calls):
                task()
            times[name].append(1000 * (time.process_time() - started) / arguments.calls)
    medians = {name: statistics.median(each) for name, each in times.items()}
    first = next(iter(medians.values()))
    head = ["| | ms | ours / its |", "|---|---|---|"] if ratios else ["| | ms |", "|---|---|"]
    rows = [f"| {name} | {ms:.2f} |" + (f" {first / ms:.2f} |" if ratios else "") for name, ms in medians.items()]
    return [f"## {title}", "", *head, *rows, ""]


def processor() -> str:
    """The processor's name, where the system says it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def ours(pixels: np.ndarray, labels: np.ndarray) -> Task:
    """The same effects as the rivals', each always on."""
    rng = np.random.default_rng(0)
    ranges = GeometryRanges(rotate_degrees=15, scale=(0.8, 1.25), warp_share=1.0)
    colour = ColourRanges(light_gradient=0, gamma=0, channel_gain=0, sharpen=0, noise=0, jpeg_quality=96, share=1.0)
    frame, size = Size(*labels.shape), Size(CROP_PX, CROP_PX)

    def run() -> object:
        geometry = draw_geometry(size, ranges, rng)
        crop, channels = cut(pixels, labels, geometry, centre_anywhere(geometry, frame, rng), void=255)
        varied = vary_colour(crop.astype(np.float32) * np.float32(1 / 255), colour, rng)
        return normalised(varied, PREPROCESSING), channels

    return run


def our_elastic(pixels: np.ndarray, labels: np.ndarray) -> Task:
    """One elastic warp of the whole frame."""
    rng = np.random.default_rng(0)
    ranges = GeometryRanges(flip_horizontal=False, rotate_degrees=0, scale=(1, 1), warp_share=1.0, elastic=1.0)
    size, middle = Size(FRAME_PX, FRAME_PX), ((FRAME_PX - 1) / 2,) * 2

    def run() -> object:
        geometry = draw_geometry(size, ranges, rng)
        while not geometry.bent:  # it is used on half of the crops
            geometry = draw_geometry(size, ranges, rng)
        return cut(pixels, labels, geometry, middle, void=255)

    return run


def our_parts(pixels: np.ndarray, labels: np.ndarray) -> dict[str, Task]:
    """Each bend and the dearer effects by themselves."""
    size, place, eye = Size(CROP_PX, CROP_PX), (255.5, 255.5), np.eye(2)
    turned = np.array([[0.9, -0.2], [0.2, 0.9]])
    bends = {
        "slice": Geometry(size, eye),
        "affine": Geometry(size, turned),
        "distortion": Geometry(size, turned, lens=0.2),
        "perspective": Geometry(size, turned, tilt=(0.1, 0.1)),
    }
    crop = np.random.default_rng(0).random((CROP_PX, CROP_PX, 3), dtype=np.float32)
    crop[: CROP_PX // 10] = 0  # as the dark rim of many a frame
    names = ("gain", "gamma", "contrast", "channel_gain", "saturation", "light_gradient", "blur_px", "sharpen", "noise")
    off = dict.fromkeys(names, 0.0)
    effects = {
        "gamma": 0.35,
        "contrast": 0.3,
        "saturation": 0.5,
        "sensor_noise": 1.0,
        "banding": 1.0,
        "hot_pixels": 1.0,
        "motion_blur_px": 8.0,
        "shadow": 1.0,
        "glare": 1.0,
    }
    rng = np.random.default_rng(0)

    def warped(geometry: Geometry) -> Task:
        return lambda: cut(pixels, labels, geometry, place, void=255)

    def varied(name: str, strength: float) -> Task:
        ranges = ColourRanges(**{**off, name: strength}, jpeg_quality=96, share=1.0)
        return lambda: vary_colour(crop.copy(), ranges, rng)

    return {
        **{name: warped(geometry) for name, geometry in bends.items()},
        **{name: varied(name, strength) for name, strength in effects.items()},
    }


def albumentations(pixels: np.ndarray, labels: np.ndarray) -> tuple[Task, Task]:
    import albumentations as A

    pipeline = A.Compose(
        [
            A.RandomCrop(CROP_PX, CROP_PX),
            A.HorizontalFlip(p=0.5),
            A.Affine(scale=(0.8, 1.25), rotate=(-15, 15), p=1.0),
            A.ColorJitter(0.3, 0.3, 0.3, 0.0, p=1.0),
            A.GaussianBlur(blur_limit=(3, 5), p=1.0),
            A.Normalize(),
        ]
    )
    elastic = A.Compose([A.ElasticTransform(alpha=50, sigma=8, p=1.0)])
    return (lambda: pipeline(image=pixels, mask=labels)), (lambda: elastic(image=pixels, mask=labels))


def torchvision(pixels: np.ndarray, labels: np.ndarray) -> tuple[Task, Task]:
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    image = tv_tensors.Image(torch.from_numpy(pixels).permute(2, 0, 1).contiguous())
    mask = tv_tensors.Mask(torch.from_numpy(labels))
    pipeline = v2.Compose(
        [
            v2.RandomCrop(CROP_PX),
            v2.RandomHorizontalFlip(0.5),
            v2.RandomAffine(15, scale=(0.8, 1.25), interpolation=v2.InterpolationMode.BILINEAR),
            v2.ColorJitter(0.3, 0.3, 0.3),
            v2.GaussianBlur(5, (0.2, 1.2)),
            v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
            v2.Normalize(MEAN.tolist(), STD.tolist()),
        ]
    )
    elastic = v2.ElasticTransform(alpha=50.0, sigma=8.0)
    return (lambda: pipeline(image, mask)), (lambda: elastic(image, mask))


def kornia(pixels: np.ndarray, labels: np.ndarray) -> tuple[Task, None]:
    import torch
    from kornia import augmentation as K

    torch.set_num_threads(1)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    mask = torch.from_numpy(labels)[None, None].float()
    pipeline = K.AugmentationSequential(
        K.RandomCrop((CROP_PX, CROP_PX)),
        K.RandomHorizontalFlip(p=0.5),
        K.RandomAffine(15.0, scale=(0.8, 1.25), p=1.0),
        K.ColorJitter(0.3, 0.3, 0.3, 0.0, p=1.0),
        K.RandomGaussianBlur((5, 5), (0.2, 1.2), p=1.0),
        K.Normalize(torch.from_numpy(MEAN), torch.from_numpy(STD)),
        data_keys=["input", "mask"],
    )
    return (lambda: pipeline(image, mask)), None


if __name__ == "__main__":
    main()
