"""Colour effects: shape, type and range stay; the same chance gives the same crop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from segwright.data.augment import ColourRanges, vary_colour
from segwright.data.augment import colour as effects

ALWAYS = ColourRanges(share=1.0)
EFFECTS = (
    "_gain",
    "_light_gradient",
    "_gamma",
    "_contrast",
    "_channel_gain",
    "_saturation",
    "_focus",
    "_noise",
    "_jpeg",
)


def crop(bands: int = 3, side: int = 24) -> npt.NDArray[np.float32]:
    return np.random.default_rng(1).random((side, side + 4, bands), dtype=np.float32)


@pytest.mark.parametrize("bands", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_vary_colour__keeps_shape_type_and_range(bands: int, seed: int) -> None:
    varied = vary_colour(crop(bands), ALWAYS, np.random.default_rng(seed))
    assert varied.shape == crop(bands).shape
    assert varied.dtype == np.float32
    assert varied.min() >= 0
    assert varied.max() <= 1
    assert not np.array_equal(varied, crop(bands))


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_vary_colour__black_and_white_give_finite_numbers(value: float, seed: int) -> None:
    flat = np.full((8, 8, 3), value, np.float32)
    assert np.isfinite(vary_colour(flat, ALWAYS, np.random.default_rng(seed))).all()


def test_vary_colour__the_same_state_of_chance_gives_the_same_crop() -> None:
    first = vary_colour(crop(), ALWAYS, np.random.default_rng(4))
    assert np.array_equal(first, vary_colour(crop(), ALWAYS, np.random.default_rng(4)))
    assert not np.array_equal(first, vary_colour(crop(), ALWAYS, np.random.default_rng(5)))


def test_vary_colour__never_used_changes_nothing() -> None:
    assert np.array_equal(vary_colour(crop(), replace(ALWAYS, share=0.0), np.random.default_rng(0)), crop())


@pytest.mark.parametrize("bands", [1, 3, 5])
@pytest.mark.parametrize("name", EFFECTS)
def test_effects__keep_shape_and_type(name: str, bands: int) -> None:
    for seed in range(4):
        changed = getattr(effects, name)(crop(bands), ALWAYS, np.random.default_rng(seed))
        assert changed.shape == crop(bands).shape
        assert changed.dtype == np.float32


@pytest.mark.parametrize(("name", "bands"), [("_saturation", 1), ("_saturation", 5), ("_jpeg", 5), ("_jpeg", 2)])
def test_effects__of_colour_pictures_leave_other_bands_alone(name: str, bands: int) -> None:
    for seed in range(4):
        assert np.array_equal(getattr(effects, name)(crop(bands), ALWAYS, np.random.default_rng(seed)), crop(bands))


def test_saturation__of_grey_changes_nothing() -> None:
    grey = np.repeat(crop(1), 3, axis=2)
    for seed in range(4):
        changed = effects._saturation(grey.copy(), ALWAYS, np.random.default_rng(seed))
        assert np.allclose(changed, grey, atol=1e-5)


@pytest.mark.parametrize("bands", [1, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_gamma_and_contrast__are_their_formulas_black_pixels_too(bands: int, seed: int) -> None:
    seen = crop(bands)
    seen[:8] = 0
    drawn = np.random.default_rng(seed).uniform(-1, 1)
    exact = seen.astype(np.float64)
    gamma = effects._gamma(seen.copy(), ALWAYS, np.random.default_rng(seed))
    assert np.allclose(gamma, exact ** np.exp(ALWAYS.gamma * drawn), atol=1e-6)
    assert gamma[:8].max() < 1e-8
    contrast = effects._contrast(seen.copy(), ALWAYS, np.random.default_rng(seed))
    assert np.allclose(contrast, exact.mean() + (1 + ALWAYS.contrast * drawn) * (exact - exact.mean()), atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_saturation__moves_each_band_from_or_to_grey(seed: int) -> None:
    seen = crop()
    factor = max(0.0, 1 + np.random.default_rng(seed).uniform(-2 * ALWAYS.saturation, ALWAYS.saturation))
    grey = (seen.astype(np.float64) @ [0.299, 0.587, 0.114])[..., np.newaxis]
    changed = effects._saturation(seen.copy(), ALWAYS, np.random.default_rng(seed))
    assert np.allclose(changed, grey + factor * (seen - grey), atol=1e-6)


def test_jpeg__keeps_the_order_of_the_bands() -> None:
    red = np.zeros((32, 32, 3), np.float32)
    red[..., 0] = 0.9
    coded = [effects._jpeg(red.copy(), ALWAYS, np.random.default_rng(seed)) for seed in range(8)]
    assert any(not np.array_equal(each, red) for each in coded)
    assert all(each[..., 0].mean() > 0.8 and each[..., 1:].max() < 0.1 for each in coded)


def test_noise__is_centred_spread_as_asked_and_not_the_same_in_every_band() -> None:
    flat = np.full((64, 64, 3), 0.5, np.float32)
    residues = [effects._noise(flat.copy(), ALWAYS, np.random.default_rng(seed)) - flat for seed in range(30)]
    assert abs(float(np.mean(residues))) < 1e-3
    spreads = [float(residue.std()) for residue in residues]
    assert max(spreads) <= 1.05 * ALWAYS.noise
    assert np.mean(spreads) == pytest.approx(ALWAYS.noise / 2, rel=0.3)
    correlation = np.corrcoef(residues[0][..., 0].ravel(), residues[0][..., 1].ravel())[0, 1]
    assert abs(correlation) < 0.1


def test_noise__a_crop_larger_than_the_table_is_covered() -> None:
    large = np.zeros((700, 700, 3), np.float32)
    noisy = effects._noise(large, ALWAYS, np.random.default_rng(2))
    assert noisy.shape == (700, 700, 3)
    assert noisy[-50:].std() > 0


def test_vary_colour__glare_saturates_a_patch_in_every_band_and_leaves_the_rest() -> None:
    crop = np.full((64, 64, 3), 0.3, dtype=np.float32)
    seen = [vary_colour(crop.copy(), ColourRanges(share=0.0, glare=1.0), np.random.default_rng(n)) for n in range(20)]
    assert sum(bool((each == 1).any()) for each in seen) >= 10
    for each in seen:
        assert np.array_equal(each[..., 0], each[..., 2])
        assert (each >= 0.3 - 1e-6).all()
        assert (each < 0.301).mean() > 0.5


def test_vary_colour__without_glare_no_number_is_drawn_for_it() -> None:
    crop = np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
    one, other = (np.random.default_rng(1) for _ in range(2))
    vary_colour(crop.copy(), ColourRanges(), one)
    vary_colour(crop.copy(), ColourRanges(glare=0.0), other)
    assert one.random() == other.random()
