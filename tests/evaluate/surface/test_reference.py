"""Every score equals that of google-deepmind/surface-distance, on drawn and on real maps and volumes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segwright.core import ClassTable, LabelMap
from segwright.evaluate.surface import class_scores, count_surfaces, count_volume_surfaces
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs
from tests.evaluate.surface.peer import HIPPOCAMPUS, assert_is_peers, peer_scores, read_nifti

TOLERANCES = (0.5, 1.0, 2.0)


def compare(counts, prediction: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> None:
    """Each class of one frame against the reference on its two masks, void truth taken out of both."""
    rows, valid = class_scores(counts), truth != counts.classes.void_id
    for channel, spec in enumerate(counts.classes):
        masks = [(ids == spec.class_id) & valid for ids in (prediction, truth)]
        row = rows[spec.name]
        assert counts.frames[0].sides(channel) == sum(mask.any() for mask in masks)
        if not any(mask.any() for mask in masks):
            assert {row[name] for name in row if name not in ("surface_images", "one_sided")} == {None}
        elif all(mask.any() for mask in masks):
            expected = peer_scores(*masks, spacing, counts.tolerances)
            assert_is_peers(row, expected)
            np.testing.assert_allclose(counts.frames[0].surface[channel], expected["surface"], rtol=1e-12)
        else:
            assert (row["nsd@2"], row["hd95"], row["assd"], row["one_sided"]) == (0.0, None, None, 1)


@settings(max_examples=25)
@given(map_pairs(), st.sampled_from([(1.0, 1.0), (0.5, 2.0), (0.7, 0.3)]))
def test_count_surfaces__is_the_reference_on_small_maps(maps, spacing) -> None:
    prediction, truth = maps
    counts = count_surfaces(labels(prediction), labels(truth), tolerances_px=TOLERANCES, spacing=spacing)
    compare(counts, prediction, truth, spacing)


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1.0, 1.0), (1.5, 0.4)]))
def test_count_surfaces__is_the_reference_on_blobs(seed, spacing) -> None:
    rng = np.random.default_rng(seed)
    heights = [cv2.GaussianBlur(rng.normal(size=(60, 90)), (0, 0), 5) for _ in range(2)]
    fields = heights[0], heights[0] + 0.4 * heights[1]
    prediction, truth = (np.digitize(field, [0.0, 0.08]).astype(np.uint8) for field in fields)
    truth[20:24, 30:60] = VOID
    counts = count_surfaces(labels(prediction), labels(truth), tolerances_px=TOLERANCES, spacing=spacing)
    compare(counts, prediction, truth, spacing)


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1.0, 1.0, 1.0), (3.0, 0.7, 1.1)]), st.booleans())
def test_count_volume_surfaces__is_the_reference(seed, spacing, smooth) -> None:
    rng = np.random.default_rng(seed)
    if smooth:
        middle = rng.normal(6, 1, (2, 3))
        grid = np.stack(np.meshgrid(*(np.arange(12),) * 3, indexing="ij"), axis=-1)
        prediction, truth = (np.digitize(((grid - each) ** 2).sum(axis=-1), [9, 25]) for each in middle)
    else:
        prediction, truth = (rng.integers(0, 3, (5, 6, 7)) for _ in range(2))
    truth = np.where(rng.random(truth.shape) < 0.05, VOID, truth)
    counts = count_volume_surfaces(prediction, truth, CLASSES, tolerances_mm=TOLERANCES, spacing_mm=spacing)
    compare(counts, prediction, truth, spacing)


@pytest.mark.parametrize("stem", ["blackswan/00000", "scooter-black/00034"])
def test_count_surfaces__is_the_reference_on_real_masks(stem, shared_data) -> None:
    classes = ClassTable.of(["background", "object"])
    root = shared_data / "video_davis2016"
    truth = np.asarray(Image.open(root / "Annotations" / "480p" / f"{stem}.png")) > 127
    prediction = np.asarray(Image.open(root / "predictions_osvos2017" / f"{stem}.png")) > 0
    maps = [LabelMap(mask.astype(np.uint8), classes) for mask in (prediction, truth)]
    compare(count_surfaces(*maps, tolerances_px=(1, 2, 3)), maps[0].ids, maps[1].ids, (1.0, 1.0))


def test_count_volume_surfaces__is_the_reference_on_a_real_volume(shared_data) -> None:
    truth, spacing = read_nifti(shared_data / "medical_hippocampus" / "labels" / "hippocampus_001.nii.gz")
    assert sorted(np.unique(truth)) == [0, 1, 2]
    prediction = np.roll(truth, (1, 2), (0, 2))
    for steps in (spacing, (2.5, 1.0, 0.8)):
        counts = count_volume_surfaces(prediction, truth, HIPPOCAMPUS, spacing_mm=steps)
        compare(counts, prediction, truth, steps)
