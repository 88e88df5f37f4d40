"""Further families of scores: counted where asked for, added over frames and workers, by class, domain and overall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ConfigError
from segwright.evaluate import Evaluation, count_frames, evaluate, score_frames, summarise
from segwright.evaluate.further import FAMILIES
from segwright.evaluate.surface import score_surfaces
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs, pair

ALL = tuple(FAMILIES)


def square(at: int = 2) -> np.ndarray:
    ids = np.zeros((12, 12), np.uint8)
    ids[at : at + 5, at : at + 6] = 1
    return ids


def test_further__stand_beside_the_usual_scores_with_their_definitions():
    scored = score_frames([pair(square(3), square(2), "a", line="A"), pair(square(), square(), "b")], CLASSES, also=ALL)
    scratch = scored.classes["scratch"]
    assert scratch["nsd@2"] == 1.0
    assert scratch["cldice"] == scratch["topology_sensitivity"] == 1.0  # shifted by a pixel, the centreline is inside
    assert scratch["component_f1@0.5"] == 1.0  # the shifted square has an IoU of 20 in 40: just matched
    assert scored.scores["hd95"] == scratch["hd95"]
    assert scored.classes["dent"]["nsd@1"] is None
    assert {"nsd@2", "cldice", "component_f1@0.5", "hd95"} <= scored.definitions.keys()
    assert "K = 2" in scored.definitions["nsd@2"]
    assert list(scored.scores)[-1] == "pixel_accuracy"
    sizes = scored.details["sizes"]["area"]["all"]
    assert [row["objects"] for row in sizes if row["objects"]] == [2]


def test_further__each_domain_has_its_own():
    frames = [pair(square(3), square(2), "a", line="A"), pair(square(), square(), "b", line="B")]
    domains = score_frames(frames, CLASSES, also=("surface",)).by_domain["line"]
    alone = score_surfaces(labels(square(3)), labels(square(2)))["scratch"]
    assert domains["A"].classes["scratch"]["assd"] == alone["assd"]
    assert domains["B"].classes["scratch"]["assd"] == 0.0


def test_further__nothing_is_counted_unless_asked_for():
    scored = score_frames([pair(square(), square(), "a")], CLASSES)
    assert not {"nsd@1", "cldice", "component_f1@0.5"} & scored.classes["scratch"].keys()
    assert scored.details == {}


def test_further__an_unknown_family_is_refused_before_any_frame():
    with pytest.raises(ConfigError, match=r"surface, cldice, components") as caught:
        count_frames(iter([]), CLASSES, also=("surfaces",))
    assert "surfaces" in str(caught.value)


def test_further__survive_the_file():
    scored = evaluate(square(3), square(), classes=["background", "scratch"], also=ALL)
    assert Evaluation.from_json(scored.to_json()) == scored


@given(st.lists(map_pairs(), min_size=2, max_size=4), st.integers(0, 2**31))
def test_further__any_sharding_is_the_same_and_void_changes_nothing(maps, seed):
    rng = np.random.default_rng(seed)
    frames = [pair(prediction, truth, f"f{index}") for index, (prediction, truth) in enumerate(maps)]
    whole = score_frames(frames, CLASSES, also=ALL)
    parts = [count_frames([frame], CLASSES, also=ALL) for frame in reversed(frames)]
    total = parts[0]
    for part in parts[1:]:
        total += part
    assert summarise(total) == whole
    painted = []
    for index, (prediction, truth) in enumerate(maps):
        ids, hidden = prediction.copy(), truth == VOID
        ids[hidden] = rng.choice([0, 1, 2, VOID], int(hidden.sum()))
        painted.append(pair(ids, truth, f"f{index}"))
    assert score_frames(painted, CLASSES, also=ALL) == whole
