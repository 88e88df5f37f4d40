from __future__ import annotations

import base64

import cv2
import numpy as np

from segwright.core import Image
from segwright.evaluate.report import pictures
from segwright.evaluate.report.pictures import FramePanel, draw
from tests.evaluate.maps import labels


def decoded(uri: str) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def test_draw__colours_are_rgb():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    drawn = decoded(draw(FramePanel("f", Image(red), labels(np.zeros((16, 16))), labels(np.zeros((16, 16))))).image)
    assert drawn[8, 8, 0] > 190
    assert drawn[8, 8, 2] < 15


def test_draw__of_a_large_frame_the_window_with_the_most_errors(monkeypatch):
    monkeypatch.setattr(pictures, "WINDOW_PX", 32)
    truth = np.zeros((100, 60), np.uint8)
    truth[80:84, 40:44] = 1
    drawn = draw(FramePanel("f", None, labels(truth), labels(truth * 0)))
    assert drawn.image is None
    assert drawn.caption.startswith("32x32 px at column ")
    difference = decoded(drawn.difference)
    assert difference.shape == (32, 32, 3)
    assert ((difference[..., 0] > 180) & (difference[..., 2] < 90)).sum() >= 12


def test_draw__a_small_frame_whole():
    drawn = draw(FramePanel("f", None, labels([[0, 1]]), labels([[0, 1]])))
    assert drawn.caption == "2x1 px"
