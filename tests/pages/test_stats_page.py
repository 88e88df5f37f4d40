"""The page of statistics: self-contained, with every class, and what matters first."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from segwright.data import statistics
from segwright.pages import write_statistics_page
from segwright.pages.svg import Curve, curve_chart, histogram, number, place_map
from tests.data.pictures import mask_of, noise
from tests.data.stats.test_statistics import dataset_of, scratched


def test_statistics_page__opens_with_what_matters_and_needs_no_network(tmp_path: Path) -> None:
    thin = mask_of(32, 48)
    thin[3, 5:9] = 1
    dataset = dataset_of(tmp_path / "é <frames>", *((noise(32, 48, seed=at), thin) for at in range(6)), lines="aaabbb")
    write_statistics_page(tmp_path / "stats.html", dataset, statistics(dataset))
    text = (tmp_path / "stats.html").read_text(encoding="utf-8")
    assert text.index("What matters") < text.index("few examples") < text.index('id="classes"')
    assert "no frame has a pixel of it" in text  # dent
    assert "é &lt;frames&gt;" in text
    assert not re.search(r'(?:src|href)="(?!data:|#)', text)
    assert text.count("data:image/jpeg") >= 6


def test_statistics_page__of_one_frame_and_of_large_regions(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, (noise(192, 288), np.kron(scratched(2), np.ones((6, 6), np.uint8))))
    write_statistics_page(tmp_path / "stats.html", dataset, statistics(dataset))
    assert "Far from the others" not in (tmp_path / "stats.html").read_text(encoding="utf-8")


def test_charts__draw_nothing_one_value_and_many() -> None:
    assert "nothing counted" in histogram([], "#123456", "x")
    assert histogram([(3, 3, 5)], "#123456", "x").count("<rect") == 1
    assert place_map([[0, 0.5], [0, 1]], "#123456", "x").count("<rect") == 3  # the ground and two cells
    chart = curve_chart(Curve([(10, 0.5, "a"), (20, 0.5, "<b>")]), "#123456", "frames", "score")
    assert chart.count("<circle") == 2
    assert "&lt;b&gt;" in chart
    assert (number(12345), number(0.01234), number(5)) == ("12\u202f300", "0.0123", "5")
