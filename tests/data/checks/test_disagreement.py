"""What a model that has not learned a class is told to be, and that its doubts are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segwright.core import Event, Image, Note, Probabilities
from segwright.data.checks.disagreement import ranked_regions
from tests.data.checks.folders import opened, painted, picture


def test_ranked_regions__a_class_below_chance_is_said_and_ranked(tmp_path: Path) -> None:
    dataset = opened(tmp_path, [("a", picture(0), painted(0))])
    size = dataset.read_labels(dataset.frames[0]).size
    values = np.zeros((len(dataset.classes), size.height, size.width), np.float32)
    values[0], values[1:] = 0.9, 0.1 / (len(dataset.classes) - 1)

    def predict(image: Image) -> Probabilities:
        return Probabilities(values, dataset.classes)

    events: list[Event] = []
    regions = ranked_regions(dataset, ["a"], predict, events.append)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert len(notes) == 1
    assert notes[0].startswith("the model gives less than chance to the pixels painted ")
    assert {region.predicted for region in regions} == {"background"}
