"""The dense CRF beside pydensecrf2 where that is installed: how near both are to brute force, and how long they take.

    PYTHONPATH=. python benchmarks/crf.py [PYTHON_WITH_PYDENSECRF]

`pydensecrf2` builds from source (pip install pydensecrf2) and need not be in the environment of segwright: name a
Python that has it. Prints two Markdown tables: mean absolute difference from mean field over every pair of pixels, and
seconds of processor time on one thread.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tests.infer.dense_crf import SEEDS, SETTINGS, exact_mean_field, noisy_frame

from segwright.core import Image
from segwright.infer.crf import Crf, refine

SIZES = ((128, 128, 3), (480, 640, 3), (480, 640, 19), (1080, 1920, 3))
ROUNDS = 2
PEER = """
import sys, time
import numpy as np
import pydensecrf.densecrf as dcrf
data = np.load(sys.argv[1])
pixels, values = np.ascontiguousarray(data["pixels"]), data["values"]
settings = {name: float(data[name]) for name in ("near_px", "near_weight", "far_px", "levels", "alike_weight")}
channels, height, width = values.shape
times = []
for _ in range(int(data["rounds"])):
    started = time.process_time()
    model = dcrf.DenseCRF2D(width, height, channels)
    model.setUnaryEnergy(np.ascontiguousarray(-np.log(np.maximum(values, 1e-5)).reshape(channels, -1)))
    model.addPairwiseGaussian(sxy=settings["near_px"], compat=settings["near_weight"])
    model.addPairwiseBilateral(sxy=settings["far_px"], srgb=settings["levels"], rgbim=pixels,
                               compat=settings["alike_weight"])
    answer = np.array(model.inference(int(data["iterations"])))
    times.append(time.process_time() - started)
np.savez(sys.argv[2], answer=answer.reshape(values.shape), seconds=min(times))
"""


def main() -> None:
    """Print both tables."""
    peer = sys.argv[1] if len(sys.argv) > 1 else None
    cv2.setNumThreads(1)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, one thread, numpy {np.__version__}, OpenCV {cv2.__version__}\n"
    )
    print("| settings | ours from brute force | pydensecrf2 from brute force | ratio |\n|---|---|---|---|")
    for name, settings in SETTINGS.items():
        print(f"| {name} | {' | '.join(accuracy(peer, settings))} |")
    print("\n| frame | ours, s | pydensecrf2, s | ratio |\n|---|---|---|---|")
    for height, width, channels in SIZES:
        print(f"| {width}x{height}, {channels} classes | {' | '.join(speed(peer, height, width, channels))} |")
    print(f"\npeak memory of ours over all of it: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


def accuracy(peer: str | None, settings: dict[str, Any]) -> list[str]:
    """Mean absolute differences over the frames of all seeds."""
    own, theirs = [], []
    for seed in SEEDS:
        pixels, values = noisy_frame(seed)
        exact = exact_mean_field(values, pixels, **settings)
        own.append(np.abs(refine(values, Image(pixels), Crf(**settings)) - exact).mean())
        if peer:
            theirs.append(np.abs(asked(peer, pixels, values, settings)[0] - exact).mean())
    return row(float(np.mean(own)), float(np.mean(theirs)) if theirs else None, ".2e")


def speed(peer: str | None, height: int, width: int, channels: int) -> list[str]:
    """Seconds of the fastest of some rounds, on a photograph-like frame."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (height // 40, width // 40, 3)).astype(np.uint8)
    pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    pixels = np.clip(pixels + random.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)
    odds = np.exp(random.normal(0, 1, (channels, height, width))).astype(np.float32)
    values = odds / odds.sum(axis=0)
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        refine(values, Image(pixels), Crf())
        times.append(time.process_time() - started)
    theirs = asked(peer, pixels, values, SETTINGS["usual"])[1] if peer else None
    return row(min(times), theirs, ".3f")


def asked(peer: str, pixels: np.ndarray, values: np.ndarray, settings: dict[str, Any]) -> tuple[np.ndarray, float]:
    """pydensecrf2's probabilities and seconds, from a Python that has it."""
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "given.npz", Path(folder) / "answer.npz"
        np.savez(given, pixels=pixels, values=values, rounds=ROUNDS, **settings)
        subprocess.run([peer, "-c", PEER, str(given), str(answer)], check=True)
        found = np.load(answer)
        return found["answer"], float(found["seconds"])


def row(own: float, theirs: float | None, form: str) -> list[str]:
    """Both numbers and ours over theirs."""
    return [
        f"{own:{form}}",
        "-" if theirs is None else f"{theirs:{form}}",
        "-" if not theirs else f"{own / theirs:.2f}",
    ]


if __name__ == "__main__":
    main()
