"""The CRF against brute force and pydensecrf2, and what it does to void, thresholds and large frames."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from segwright.core import ConfigError, DataError, Image
from segwright.infer import Cleanup, Decision, Predictor, Preprocessing, TilePlan, decide
from segwright.infer.crf import Crf, refine, refined_bands
from segwright.infer.lattice import lattice_of
from tests.infer.dense_crf import (
    PYDENSECRF_ERROR,
    PYDENSECRF_USUAL,
    SEEDS,
    SETTINGS,
    exact_mean_field,
    noisy_frame,
)
from tests.infer.models import CLASSES, Colours


@pytest.mark.parametrize("dimensions", [2, 3])
def test_lattice__filters_like_a_gaussian(dimensions):
    points = np.random.default_rng(0).random((400, dimensions)).astype(np.float32) * 3
    values = np.random.default_rng(1).random((400, 2)).astype(np.float32)
    lattice = lattice_of(points)
    ours = lattice.filter(values) / lattice.filter(np.ones((400, 1), np.float32))
    kernel = np.exp(-0.5 * ((points[:, None] - points[None]) ** 2).sum(axis=2))
    exact = kernel @ values / kernel.sum(axis=1, keepdims=True)
    assert np.abs(ours - exact).max() < 0.1 * values.std()


def test_lattice__of_equal_points_is_their_sum():
    lattice = lattice_of(np.full((50, 3), 0.3, np.float32))
    answer = lattice.filter(np.arange(50, dtype=np.float32)[:, None])
    assert np.ptp(answer) < 1e-3 * answer.max()


@pytest.mark.parametrize("name", SETTINGS)
def test_refine__is_as_near_to_brute_force_as_pydensecrf(name):
    errors, differing = [], []
    for seed in SEEDS:
        pixels, probabilities = noisy_frame(seed)
        ours = refine(probabilities, Image(pixels), Crf(**SETTINGS[name]))
        exact = exact_mean_field(probabilities, pixels, **SETTINGS[name])
        errors.append(np.abs(ours - exact).mean())
        differing.append((ours.argmax(axis=0) != exact.argmax(axis=0)).mean())
    assert np.mean(errors) <= np.mean(PYDENSECRF_ERROR[name])
    assert np.mean(differing) < 0.02


def test_refine__answers_what_pydensecrf_answers():
    for seed, theirs in zip(SEEDS, PYDENSECRF_USUAL, strict=True):
        pixels, probabilities = noisy_frame(seed)
        ours = refine(probabilities, Image(pixels), Crf(**SETTINGS["usual"]))
        np.testing.assert_allclose(ours[:, 12, 14], theirs, atol=5e-3)


def test_refine__gives_probabilities():
    pixels, probabilities = noisy_frame(0)
    answer = refine(probabilities, Image(pixels), Crf())
    assert answer.dtype == np.float32
    assert answer.min() >= 0
    np.testing.assert_allclose(answer.sum(axis=0), 1, atol=1e-5)


def test_refine__pixels_that_are_not_valid_change_nothing_and_are_not_changed():
    pixels, probabilities = noisy_frame(0)
    valid = np.ones(pixels.shape[:2], bool)
    valid[4:9, 3:12] = False
    other = probabilities.copy()
    other[:, ~valid] = other[::-1][:, ~valid]
    first, second = (refine(each, Image(pixels), Crf(), valid=valid) for each in (probabilities, other))
    np.testing.assert_array_equal(first[:, valid], second[:, valid])
    np.testing.assert_array_equal(first[:, ~valid], probabilities[:, ~valid])


def test_refine__counts_levels_of_the_full_scale():
    pixels, probabilities = noisy_frame(0)
    eight = refine(probabilities, Image(pixels), Crf())
    sixteen = refine(probabilities, Image(pixels.astype(np.uint16) * 257), Crf(), full_scale=65535)
    np.testing.assert_allclose(eight, sixteen, atol=1e-4)


def test_refined_bands__blocks_answer_nearly_as_the_whole_frame_does():
    pixels, probabilities = (
        np.tile(part, (1, 60, 2)) for part in (noisy_frame(1)[0].transpose(2, 0, 1), noisy_frame(1)[1])
    )
    image, crf = Image(np.ascontiguousarray(pixels.transpose(1, 2, 0))), Crf(far_px=20.0)
    height = image.size.height
    assert height > 1024
    bands = ((top, probabilities[:, top : top + 100]) for top in range(0, height, 100))
    parts = list(refined_bands(bands, image, crf, 255.0))
    assert [top for top, _ in parts] == list(np.cumsum([0, *(part.shape[1] for _, part in parts)])[:-1])
    together = np.concatenate([part for _, part in parts], axis=1)
    np.testing.assert_array_equal(together, refine(probabilities, image, crf))
    middle = refine(probabilities[:, 200:1000], Image(np.ascontiguousarray(image.pixels[200:1000])), crf)
    differ = together[:, 300:900].argmax(axis=0) != middle[:, 100:700].argmax(axis=0)
    assert differ.mean() < 1e-3


def test_predictor__decides_on_what_the_crf_gives_by_thresholds():
    pixels = noisy_frame(0)[0]
    plain = Predictor(
        Colours(), CLASSES, Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)), decision=Decision({"dent": 0.3})
    )
    refined = replace(plain, cleanup=Cleanup(crf=Crf()))
    assert plain.probabilities(pixels) != refined.probabilities(pixels)
    answer = refined.predict(pixels, probabilities=True)
    assert answer.probabilities == refined.probabilities(pixels)
    assert answer.label_map == decide(answer.probabilities, plain.decision)


def test_crf__survives_json_and_older_cleanups_stay_as_they_were():
    cleanup = Cleanup(largest_only=("dent",), crf=Crf(levels=7))
    assert Cleanup.from_json(json.loads(json.dumps(cleanup.to_json()))) == cleanup
    assert Cleanup().to_json() == {"opening_radius_px": {}, "min_area_px": 0, "fill_holes_px": 0}


def test_crf__refuses_what_cannot_be():
    with pytest.raises(ConfigError, match=r"cleanup\.crf: has a number out of range"):
        Crf(near_px=0.5)
    with pytest.raises(DataError, match="in so many bands"):
        refine(np.ones((3, 4, 4), np.float32) / 3, Image(np.zeros((4, 4, 5), np.uint8), tuple("abcde")), Crf())
    with pytest.raises(DataError, match="another size than its probabilities"):
        refine(np.ones((3, 4, 4), np.float32) / 3, Image(np.zeros((4, 5, 3), np.uint8)), Crf())


def test_tile_plan__and_crf_meet_in_a_frame_of_one_pixel():
    model = Predictor(
        Colours(), CLASSES, Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)), TilePlan(), cleanup=Cleanup(crf=Crf())
    )
    assert model.predict(np.full((1, 1, 3), 200, np.uint8)).label_map.ids.shape == (1, 1)
