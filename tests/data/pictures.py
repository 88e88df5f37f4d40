"""Pictures, masks and small folders that the tests of the data room read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from segwright.core import ClassTable

CLASSES = ClassTable.of(["background", "scratch", "dent"])
TOP_LEFT_RED = np.zeros((2, 3, 3), np.uint8)
TOP_LEFT_RED[0, 0] = (250, 10, 20)


def noise(height: int, width: int, *, bands: int = 3, dtype: type = np.uint8, seed: int = 0) -> npt.NDArray:
    """Random pixels (height, width, bands), or (height, width) for one band."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, np.iinfo(dtype).max, (height, width, bands), dtype=dtype, endpoint=True)
    return pixels[..., 0] if bands == 1 else pixels


def smooth(height: int, width: int) -> npt.NDArray[np.uint8]:
    """An RGB ramp that lossy formats keep within a few grey levels."""
    rows = np.linspace(0, 200, height)[:, None]
    columns = np.linspace(0, 200, width)[None, :]
    return np.stack([rows + 0 * columns, columns + 0 * rows, (rows + columns) / 2], axis=2).astype(np.uint8)


def save(path: Path, pixels: npt.NDArray, **options: object) -> Path:
    """Write pixels with Pillow, whose encoders are not the ones under test; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(path, **options)
    return path


def mask_of(height: int = 6, width: int = 8, **places: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A mask of background with single pixels: `scratch=(row, column)`, `void=(row, column)`."""
    ids = np.zeros((height, width), np.uint8)
    for name, place in places.items():
        ids[place] = 255 if name == "void" else CLASSES[name].class_id
    return ids


def index_folder(root: Path, names: tuple[str, ...] = ("a", "b"), classes: bool = True) -> Path:
    """images/ and masks/ of 6x8 frames with a scratch at (1, 1), and classes.txt."""
    for at, name in enumerate(names):
        save(root / "images" / f"{name}.png", noise(6, 8, seed=at))
        save(root / "masks" / f"{name}.png", mask_of(scratch=(1, 1)))
    if classes:
        (root / "classes.txt").write_text("0 background\n1 scratch\n2 dent\n", encoding="utf-8")
    return root
