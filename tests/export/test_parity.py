from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segwright.core import ConfigError, Image, LabelMap
from segwright.export.parity import ParityFrame, Tolerance, parity
from segwright.infer import Predictor, Preprocessing
from tests.infer.models import CLASSES, Colours


class Shifted(Colours):
    """Calls the leftmost columns dent, whatever is there."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def __call__(self, batch):
        answer = super().__call__(batch)
        answer[..., : self.columns] = np.array([0, 0, 1], np.float32)[None, :, None, None]
        return answer


def frames() -> list[ParityFrame]:
    pixels, truth = np.zeros((40, 50, 3), np.uint8), np.zeros((40, 50), np.uint8)
    pixels[10:20, 20:40, 0] = 255
    truth[10:20, 20:40] = 1
    truth[0, :] = 255
    return [ParityFrame("a", Image(pixels), LabelMap(truth, CLASSES)), ParityFrame("b", Image(pixels))]


@pytest.fixture
def reference() -> Predictor:
    return Predictor(Colours(), CLASSES, Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)))


def test_parity__a_pipeline_agrees_with_itself(reference):
    proof = parity(reference, reference, frames())
    assert proof.passed
    assert (proof.frames, proof.pixels, proof.pixel_share) == (2, 4000, 0.0)
    assert proof.class_shares == {"background": 0.0, "scratch": 0.0, "dent": None}
    assert proof.score_differences == {"background": 0.0, "scratch": 0.0, "dent": None}
    assert proof.worst == ()


def test_parity__names_class_measure_tolerance_and_worst_frame(reference):
    proof = parity(reference, replace(reference, runtime=Shifted(2)), frames())
    assert not proof.passed
    assert proof.pixel_share == 160 / 4000
    assert proof.largest_probability_difference == 1.0
    assert proof.class_shares["dent"] == 1.0
    assert proof.class_shares["background"] == pytest.approx(160 / 3600)
    assert "4.00% of all pixels differ, tolerance 0.10%; most in a (80 px)" in proof.reasons
    assert any(reason.startswith("background: 4.44% of its pixels differ") for reason in proof.reasons)
    assert any(reason.startswith("background: pooled IoU differs by 0.0446") for reason in proof.reasons)
    assert proof.worst[0].differs[:, :2].all()
    assert proof.worst[0].pixels == 80


def test_parity__cleanup_is_part_of_what_is_compared(reference):
    from segwright.infer import Cleanup

    proof = parity(reference, replace(reference, cleanup=Cleanup(min_area_px=500)), frames())
    assert proof.largest_probability_difference == 0.0
    assert proof.class_shares["scratch"] == 1.0
    assert not proof.passed


def test_parity__a_wider_tolerance_passes_and_is_stated(reference):
    wide = Tolerance(pixel_share=0.5, class_share=1.0, score=1.0)
    proof = parity(reference, replace(reference, runtime=Shifted(2)), frames(), wide)
    assert proof.passed
    assert proof.to_json()["tolerance"] == {"pixel_share": 0.5, "class_share": 1.0, "score": 1.0, "few_px": 10}


def test_parity__a_few_pixels_of_a_small_class_pass(reference):
    tolerance = Tolerance(pixel_share=1.0, class_share=0.005, score=1.0, few_px=160)
    assert parity(reference, replace(reference, runtime=Shifted(2)), frames(), tolerance).passed


def test_parity__refuses_to_prove_on_nothing(reference):
    with pytest.raises(ConfigError, match="has no frame to compare on"):
        parity(reference, reference, [])
