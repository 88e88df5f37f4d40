"""A data set on disk whose truth the bundle of `tests.infer.bundles` can see: red is scratch, green is dent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.evaluate.maps import VOID

CLASS_LINES = "0 background\n1 scratch\n2 dent\n"


def frame(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """An RGB image (48, 64, 3) and its ids: a red bar, a green block, void in a corner, noise of the sensor."""
    rng = np.random.default_rng(seed)
    ids = np.zeros((48, 64), np.uint8)
    top, left = int(rng.integers(2, 20)), int(rng.integers(2, 30))
    ids[top : top + 3, left : left + 30] = 1
    ids[30:42, left : left + 12] = 2
    ids[:3, :3] = VOID
    image = rng.integers(0, 25, (48, 64, 3))
    image[ids == 1, 0] = 150
    image[ids == 2, 1] = 150
    return image.astype(np.uint8), ids


def write_masks(folder: Path, masks: dict[str, np.ndarray]) -> Path:
    for stem, ids in masks.items():
        path = folder / f"{stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), ids)
    return folder


def write_dataset(root: Path, count: int = 4, first: int = 0) -> Path:
    """images/ and masks/ of frames f0, f1, ... with classes.txt and a CSV that gives them the column line."""
    rows = ["image,line"]
    for seed in range(first, first + count):
        image, ids = frame(seed)
        write_masks(root / "masks", {f"f{seed}": ids})
        write_masks(root / "images", {f"f{seed}": image[..., ::-1]})
        rows.append(f"f{seed}.png,{'AB'[seed % 2]}")
    (root / "classes.txt").write_text(CLASS_LINES)
    (root / "frames.csv").write_text("\n".join(rows) + "\n")
    return root
