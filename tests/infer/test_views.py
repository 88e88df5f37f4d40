"""Views of a tile: each symmetry once, undone exactly, and as costly as it says."""

from __future__ import annotations

import numpy as np
import pytest

from segwright.core import ConfigError, Size
from segwright.infer.card import model_card
from segwright.infer.tiles import TilePlan, predict_probabilities
from segwright.infer.views import Views
from tests.infer.bundles import make_bundle
from tests.infer.models import Identity

BOTH = ("horizontal", "vertical")


@pytest.mark.parametrize(
    ("views", "looks"),
    [
        (Views(), 1),
        (Views(("horizontal",)), 2),
        (Views(("vertical",)), 2),
        (Views(BOTH), 4),
        (Views((), quarter_turns=True), 4),
        (Views(("horizontal",), quarter_turns=True), 8),
        (Views(BOTH, quarter_turns=True), 8),
    ],
)
def test_views__hold_each_symmetry_once_and_undo_it(views, looks):
    batch = np.random.default_rng(0).random((2, 3, 8, 16)).astype(np.float32)
    seen = [view.apply(batch) for view in views.symmetries]
    assert len({(part.shape, part.tobytes()) for part in seen}) == len(seen) == looks
    for view, part in zip(views.symmetries, seen, strict=True):
        np.testing.assert_array_equal(view.undo(part), batch)
    assert np.array_equal(seen[0], batch)


def test_views__vertical_is_upside_down():
    batch = np.arange(6, dtype=np.float32).reshape(1, 1, 3, 2)
    seen = [view.apply(batch) for view in Views(("vertical",)).symmetries]
    assert any(np.array_equal(part, batch[..., ::-1, :]) for part in seen)


def test_tiles__an_identity_gives_the_input_back_under_every_symmetry():
    pixels = np.random.default_rng(0).random((3, 50, 70), np.float32)
    plan = TilePlan(Size(32, 48), 8, flips=BOTH, quarter_turns=True)
    np.testing.assert_allclose(predict_probabilities(pixels, Identity(), plan), pixels, atol=1e-5)


def test_tiles__scales_are_multiples_of_the_stride_and_come_back_at_native_size():
    runtime = Identity(stride_px=8)
    rows, columns = np.mgrid[:64, :64].astype(np.float32) / 64
    smooth = np.stack([rows, columns, 1 - (rows + columns) / 2])
    answer = predict_probabilities(smooth, runtime, TilePlan(Size(64, 64), 8, scales=(0.7, 1, 1.25)))
    assert [shape[-2:] for shape in runtime.batches] == [(48, 48), (64, 64), (80, 80)]
    assert answer.shape == smooth.shape
    np.testing.assert_allclose(answer, smooth, atol=0.01)


def test_tiles__probabilities_still_sum_to_one():
    class Softmax(Identity):
        def __call__(self, batch):
            odds = np.exp(3 * batch)
            return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

    pixels = np.random.default_rng(0).random((3, 40, 40), np.float32)
    plan = TilePlan(Size(24, 24), 8, flips=BOTH, scales=(0.5, 1, 2))
    answer = predict_probabilities(pixels, Softmax(), plan)
    np.testing.assert_allclose(answer.sum(axis=0), 1, atol=1e-4)


def test_views__cost_what_goes_through_the_network():
    pixels = np.zeros((3, 64, 64), np.float32)
    once, often = Identity(), Identity()
    predict_probabilities(pixels, once, TilePlan(Size(64, 64), 8))
    plan = TilePlan(Size(64, 64), 8, flips=BOTH, scales=(0.5, 1, 1.5))
    predict_probabilities(pixels, often, plan)
    work = [sum(np.prod(shape) for shape in runtime.batches) for runtime in (once, often)]
    assert plan.views.cost == 14
    assert work[1] == 14 * work[0]


def test_tile_plan__of_older_bundles_reads_and_writes_as_before():
    old = {"height": 64, "width": 64, "overlap_px": 8, "blend": "gaussian", "stretch": 1.25, "flips": True}
    assert TilePlan.from_json(old).to_json() == old
    assert TilePlan.from_json(old).views == Views(("horizontal",))
    assert TilePlan.from_json({**old, "flips": False}).to_json() == {**old, "flips": False}
    plan = TilePlan(Size(64, 64), 8, flips=BOTH, quarter_turns=True, scales=(0.75, 1))
    assert TilePlan.from_json(plan.to_json()) == plan


def test_card__says_what_is_averaged(tmp_path):
    manifest = make_bundle(tmp_path).to_json()
    assert "averaged" not in model_card(manifest)
    plan = TilePlan(Size(64, 64), 16, flips=BOTH, scales=(0.5, 1))
    assert "over 4 mirrored and turned views at scales 0.5, 1: 5 times the work" in model_card(
        {**manifest, "tiles": plan.to_json()}
    )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"flips": ("diagonal",)}, r"inference\.flips: names no flip"),
        ({"flips": ("vertical", "vertical")}, "or one twice"),
        ({"scales": (0.1,)}, r"inference\.scales: cannot be read at"),
        ({"scales": ()}, "at least one"),
        ({"scales": (1, 1)}, "different numbers"),
    ],
)
def test_tile_plan__refuses_views_that_cannot_be(settings, text):
    with pytest.raises(ConfigError, match=text):
        TilePlan(**settings)


def test_bundle__without_views_crf_or_a_search_says_what_it_always_said(tmp_path):
    manifest = make_bundle(tmp_path).to_json()
    assert set(manifest["tiles"]) == {"height", "width", "overlap_px", "blend", "stretch", "flips"}
    assert set(manifest["cleanup"]) == {"opening_radius_px", "min_area_px", "fill_holes_px"}
    assert "cleanup_choice" not in manifest
