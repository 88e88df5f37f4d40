from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ArtefactError, ConfigError, Size
from segwright.infer.tiles import TilePlan, predict_probabilities, probability_bands
from tests.infer.models import Identity

lengths = st.integers(1, 90)
tiles = st.sampled_from([8, 16, 24, 40])


@settings(deadline=None, max_examples=150)
@given(
    size=st.builds(Size, lengths, lengths),
    tile=st.builds(Size, tiles, tiles),
    overlap=st.floats(0, 0.99),
    blend=st.sampled_from(["gaussian", "constant"]),
    stretch=st.sampled_from([1.0, 1.25, 3.0]),
    flips=st.booleans(),
    batch=st.integers(1, 5),
)
def test_tiles__identity_model_gives_the_input_back(size, tile, overlap, blend, stretch, flips, batch):
    pixels = np.random.default_rng(size.area_px).random((3, size.height, size.width), np.float32)
    plan = TilePlan(tile, int(overlap * min(tile.height, tile.width)), blend, stretch, flips)
    answer = predict_probabilities(pixels, Identity(), plan, batch=batch)
    np.testing.assert_allclose(answer, pixels, atol=1e-5)  # up to 256 tiles meet in one pixel


@settings(deadline=None, max_examples=100)
@given(size=st.builds(Size, lengths, lengths), tile=st.builds(Size, tiles, tiles), overlap_px=st.integers(0, 7))
def test_tiles__cover_every_pixel_and_overlap_by_at_least_the_plan(size, tile, overlap_px):
    plan = TilePlan(tile, overlap_px)
    boxes = plan.boxes(size, stride_px=8)
    seen = np.zeros((size.height, size.width), int)
    for box in boxes:
        seen[box.clipped(size).slices] += 1
    assert seen.min() >= 1
    lefts = sorted({box.left for box in boxes})
    assert all(left + boxes[0].width - following >= overlap_px for left, following in pairwise(lefts))
    assert len({(box.height, box.width) for box in boxes}) == 1


def test_tiles__both_axes_are_cut():
    boxes = TilePlan(Size(64, 64), 16).boxes(Size(200, 200))
    assert len({box.top for box in boxes}) == len({box.left for box in boxes}) > 1


def test_tiles__an_axis_slightly_longer_than_the_tile_is_one_pass():
    runtime = Identity(stride_px=32)
    predict_probabilities(np.zeros((3, 480, 640), np.float32), runtime, TilePlan(Size(512, 512), 128))
    assert runtime.batches == [(1, 3, 480, 640)]


def test_tiles__a_frame_of_one_pixel_is_padded_by_repetition():
    runtime = Identity()
    answer = predict_probabilities(np.full((3, 1, 1), 0.5, np.float32), runtime, TilePlan(Size(64, 64), 16))
    assert runtime.batches == [(1, 3, 8, 8)]
    assert answer.shape == (3, 1, 1)


def test_tiles__the_middle_of_a_tile_outweighs_its_border():
    class LeftColumnEverywhere(Identity):
        def __call__(self, batch):
            return np.repeat(batch[..., :1], batch.shape[-1], axis=-1)

    pixels = np.zeros((1, 64, 112), np.float32)
    pixels[..., :48] = 1  # the tiles start at 0 and 48: the first answers 1 throughout, the second 0
    answer = predict_probabilities(pixels, LeftColumnEverywhere(1), TilePlan(Size(64, 64), 16, stretch=1))[0, 0]
    assert answer[48:64].tolist() == sorted(answer[48:64], reverse=True)
    assert answer[49] > 0.9
    assert answer[62] < 0.1


def test_tiles__bands_come_from_the_top_and_hold_only_one_row_of_tiles():
    size, plan = Size(300, 40), TilePlan(Size(64, 64), 16)
    pixels = np.random.default_rng(0).random((3, 300, 40), np.float32)
    bands = [
        (top, band.shape[1])
        for top, band in probability_bands(size, lambda box: pixels[:, *box.slices], Identity(), plan)
    ]
    assert [top for top, _ in bands] == list(np.cumsum([0, *(rows for _, rows in bands)])[:-1])
    assert sum(rows for _, rows in bands) == 300
    assert max(rows for _, rows in bands) <= 64


def test_tiles__refuse_an_answer_that_is_not_finite():
    class Overflowing(Identity):
        def __call__(self, batch):
            return np.full(batch.shape, np.nan, np.float32)

    with pytest.raises(ArtefactError, match="not finite"):
        predict_probabilities(np.zeros((3, 8, 8), np.float32), Overflowing(), TilePlan(Size(64, 64), 16))


def test_tiles__refuse_an_answer_of_another_size():
    class Half(Identity):
        def __call__(self, batch):
            return batch[..., ::2, ::2]

    with pytest.raises(ArtefactError, match="another shape"):
        predict_probabilities(np.zeros((3, 8, 8), np.float32), Half(), TilePlan(Size(64, 64), 16))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"overlap_px": 512}, "overlap by more than a tile"),
        ({"blend": "cosine"}, "unknown blend"),
        ({"stretch": 0.5}, "stretch below"),
    ],
)
def test_tile_plan__refuses_what_cannot_be(settings, text):
    with pytest.raises(ConfigError, match=text):
        TilePlan(**settings)


def test_tile_plan__refuses_a_tile_the_network_cannot_take():
    with pytest.raises(ConfigError, match=r"a multiple of 32 px, such as 512"):
        TilePlan(Size(500, 500)).boxes(Size(2000, 2000), stride_px=32)


def test_tile_plan__survives_json():
    plan = TilePlan(Size(256, 320), 64, "constant", 1.0, True)
    assert TilePlan.from_json(plan.to_json()) == plan
