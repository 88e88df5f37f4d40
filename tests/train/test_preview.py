"""The preview shows and counts the very crops that training will see."""

from __future__ import annotations

import numpy as np
import pytest

from segwright.infer.preprocess import Preprocessing
from segwright.train.preview import SHOWN, _pictures, preview
from segwright.train.tasks import make_feed
from tests.train.conftest import Tiny


def test_preview__is_of_the_feed_s_own_batches(tiny: Tiny) -> None:
    feed = make_feed(tiny.plan, tiny.dataset, tiny.split)
    seen = preview(tiny.plan, feed)
    targets = np.concatenate([feed.batch(step).target.numpy() for step in range(seen.steps)])
    assert seen.steps == 24  # the plan has no more
    assert seen.counted == len(targets) == 48
    assert len(seen.crops) == SHOWN
    assert seen.void_share == pytest.approx(np.mean(targets == -1))
    for channel, name in enumerate(tiny.plan.classes.names):
        assert seen.crop_counts[name] == sum(bool((target == channel).any()) for target in targets)
        assert seen.pixel_shares[name] == pytest.approx(np.mean(targets[targets >= 0] == channel))
    labels = seen.crops[0][1].ids
    assert np.array_equal(labels == 255, targets[0] == -1)
    assert np.array_equal(labels[labels != 255], targets[0][targets[0] != -1])


@pytest.mark.parametrize(("dtype", "bands"), [("uint8", 3), ("uint16", 1), ("float32", 5)])
def test_pictures__are_the_frame_s_own_brightness_again(tiny: Tiny, dtype: str, bands: int) -> None:
    how = Preprocessing(tuple(f"b{n}" for n in range(bands)), 1.0, (0.4,) * bands, (0.2,) * bands, dtype)
    brightness = np.random.default_rng(0).random((bands, 16, 16), dtype=np.float32)
    fed = ((brightness - np.float32(0.4)) / np.float32(0.2)).astype(np.float32)
    ((image, _),) = _pictures([(fed, np.zeros((16, 16), np.int64))], tiny.plan.classes, how)
    assert image.pixels.shape == (16, 16, 3)
    expected = 255 * (brightness[:3] if bands >= 3 else np.repeat(brightness, 3, axis=0)).transpose(1, 2, 0)
    assert np.abs(image.pixels - expected).max() < (0.51 if dtype != "float32" else 4)
