"""The sheet of crops: one page that needs nothing else, or one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, Image, LabelMap
from segwright.data import read_image
from segwright.pages import PreviewNumbers, write_preview

CLASSES = ClassTable.of(["background", "Kratzer ü", "<b>dent</b>"])
NUMBERS = PreviewNumbers(
    "tiny",
    3,
    12,
    {"background": 12, "Kratzer ü": 6, "<b>dent</b>": 0},
    {"background": 0.9, "Kratzer ü": 0.1, "<b>dent</b>": 0.0},
    {"Kratzer ü": 0.6},
    0.25,
    {"batch": "4"},
)


def crops(count: int, side: int = 40) -> list[tuple[Image, LabelMap]]:
    rng = np.random.default_rng(0)
    labels = LabelMap(rng.choice(np.array([0, 1, 2, 255], np.uint8), (side, side)), CLASSES)
    return [(Image(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)), labels)] * count


def test_page__holds_every_crop_twice_and_the_counts_and_fetches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "neu" / "crops ü.html"
    write_preview(path, crops(5), CLASSES, NUMBERS)
    text = path.read_text(encoding="utf-8")
    assert text.count('<img src="data:image/') == 10
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "25.0 %" in text
    assert "50.0 %" in text
    assert "<b>dent</b>" not in text
    assert "Kratzer ü" in text


@pytest.mark.parametrize(("count", "side"), [(1, 32), (5, 40), (24, 64), (3, 600)])
def test_picture__has_room_for_every_crop_and_class(tmp_path: Path, count: int, side: int) -> None:
    write_preview(tmp_path / "sheet.png", crops(count, side), CLASSES, NUMBERS)
    sheet = read_image(tmp_path / "sheet.png")
    shown = 256 if side > 256 else side * (192 // side)
    assert sheet.size.height >= -(-count // 4) * shown + 5 * 24
    assert sheet.size.width >= min(4, count) * 2 * shown
