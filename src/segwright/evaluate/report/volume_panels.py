"""The worst cases of volumes as pictures: of each the slice with the most wrong voxels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from segwright.core import Image, LabelMap
from segwright.data.codecs.nifti import is_volume, read_volume_values, volume_stem
from segwright.data.listing import list_files
from segwright.evaluate.report.pictures import FramePanel
from segwright.evaluate.report.worst import WORST_FRAMES
from segwright.evaluate.result import Evaluation
from segwright.evaluate.volume_evaluation import volume_slices
from segwright.evaluate.volume_pairs import VolumePairs


def volume_panels(
    evaluation: Evaluation, pairs: VolumePairs, images: Path | None, count: int = WORST_FRAMES
) -> Iterator[FramePanel]:
    """The `count` worst cases, worst first; over a slice of their image where the folder `images` has one.

    Raises:
        DataError: no such folder, or an image that cannot be read.
    """
    found = _images_in(images)
    for pair, axis, at in volume_slices(evaluation, pairs, count):
        prediction, truth = (
            LabelMap(np.rot90(np.take(volume.ids, at, axis=axis)).copy(), evaluation.class_table)
            for volume in (pair.prediction, pair.truth)
        )
        image = None
        if pair.stem in found:
            values = read_volume_values(found[pair.stem])
            if values.shape == pair.truth.ids.shape:
                image = _shown(np.rot90(np.take(values, at, axis=axis)))
        yield FramePanel(pair.stem, image, truth, prediction)


def _images_in(folder: Path | None) -> Mapping[str, Path]:
    if folder is None:
        return {}
    listing = list_files(folder)
    return {volume_stem(name): listing.path(name) for name in listing.files if is_volume(name)}


def _shown(values: np.ndarray) -> Image:
    """The slice in grey, between its 0.5 and 99.5 percentile."""
    low, high = np.percentile(values, (0.5, 99.5))
    grey = np.clip((values - low) * (255 / max(float(high - low), 1e-6)), 0, 255).astype(np.uint8)
    return Image(np.repeat(grey[..., np.newaxis], 3, axis=2))
