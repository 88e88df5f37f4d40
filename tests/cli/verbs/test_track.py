from __future__ import annotations

import json

import numpy as np
import pytest

from segwright.core import Image
from segwright.data.codecs import write_image
from segwright.infer.prediction_folder import predict_folder
from tests.cli.verbs.test_predict import run
from tests.infer.bundles import make_bundle
from tests.infer.object_bundles import make_object_bundle
from tests.infer.objects.test_panoptic_predictor import predictor, regions


@pytest.fixture
def video(tmp_path):
    """Twelve frames, the names without leading zeros: red goes right over column 32, green stands; red hides once."""
    for at in range(12):
        pixels = np.zeros((48, 64, 3), np.uint8)
        if at != 6:
            pixels[8:20, 4 + 4 * at : 16 + 4 * at, 0] = 255
        pixels[30:40, 20:30, 1] = 255
        write_image(tmp_path / "frames" / f"frame_{at}.png", Image(pixels))
    return tmp_path


@pytest.fixture
def predicted(video, capsys):
    code, _, said = run(capsys, "predict", make_object_bundle(video).path, video / "frames", "--out", video / "p")
    assert code == 0, said
    return video / "p"


def test_predict__with_track_counts_what_crosses_the_line(video, capsys):
    bundle, out = make_object_bundle(video).path, video / "p"
    command = ("predict", bundle, video / "frames", "--out", out, "--track", "--count-line", "32,48,32,0")
    code, said, _ = run(capsys, *command)
    assert code == 0
    assert "2 tracks through 12 frames" in said
    assert "forward: 1 red part" in said
    assert "backward: nothing" in said
    rows = json.loads((out / "tracks.json").read_text(encoding="utf-8"))
    assert [row["file_name"] for row in rows["images"]] == [f"frame_{at}" for at in range(12)]
    assert rows["counts"]["crossed"]["forward"] == {"red part": 1, "green part": 0}
    assert len(rows["annotations"]) == 24
    hidden = [row for row in rows["annotations"] if not row["seen"]]
    assert [(row["image_id"], row["bbox"]) for row in hidden] == [(7, [28, 8, 12, 12])]
    assert {row["track_id"] for row in rows["annotations"]} == {1, 2}


def test_track__of_predictions_says_the_same_as_predict(video, predicted, capsys):
    code, said, _ = run(capsys, "track", predicted, "--out", video / "t.json", "--count-line", "32,48,32,0", "--json")
    assert code == 0
    assert json.loads(said)["counts"] == {
        "crossed": {"forward": {"red part": 1, "green part": 0}, "backward": {"red part": 0, "green part": 0}},
        "again": 0,
        "tracks": {"red part": 1, "green part": 1},
    }


def test_track__table_for_people_and_a_region(video, predicted, capsys):
    code, said, _ = run(capsys, "track", predicted, "--out", video / "t.json", "--count-region", "0,0,32,48")
    assert code == 0
    assert [line.split() for line in said.splitlines()[1:]] == [
        ["class", "tracks", "in", "out"],
        ["red", "part", "1", "0", "1"],
        ["green", "part", "1", "0", "0"],
    ]


def test_track__no_memory_makes_two_of_one(video, predicted, capsys):
    code, said, _ = run(capsys, "track", predicted, "--out", video / "t.json", "--max-misses", "0", "--json")
    assert code == 0
    assert json.loads(said)["counts"]["tracks"]["red part"] == 2


def test_track__frames_without_objects_are_no_tracks(tmp_path, capsys):
    for name in ("a", "b"):
        write_image(tmp_path / "frames" / f"{name}.png", Image(np.zeros((48, 64, 3), np.uint8)))
    bundle = make_object_bundle(tmp_path).path
    code, said, _ = run(capsys, "predict", bundle, tmp_path / "frames", "--out", tmp_path / "p", "--track", "--json")
    assert code == 0
    assert json.loads(said)["counts"]["tracks"] == {"red part": 0, "green part": 0}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--count-line", "1,2,3"), "4 numbers of px with commas"),
        (("--count-line", "5,5,5,5"), "two different points"),
        (("--count-line", "a,b,c,d"), "found:   a,b,c,d"),
        (("--count-line", "0,0,0,nan"), "0,0,0,nan"),
        (("--count-region", "9,9,3,3"), "left < right"),
        (("--count-line", "0,0,1,1", "--count-region", "0,0,1,1"), "are both given"),
        (("--belt", "3"), "write it like --belt 12,0"),
        (("--min-hits", "0"), "min_hits of tracking: is out of range"),
    ],
)
def test_track__what_is_typed_wrong(predicted, capsys, arguments, text):
    code, _, problem = run(capsys, "track", predicted, *arguments)
    assert code == 2
    assert text in problem
    assert "fix:" in problem


def test_track__what_is_no_prediction_of_objects(video, predicted, capsys):
    code, _, problem = run(capsys, "track", video / "nowhere")
    assert code == 2
    assert "cannot be read" in problem
    semantic = make_bundle(video).path
    assert run(capsys, "predict", semantic, video / "frames", "--out", video / "s")[0] == 0
    code, _, problem = run(capsys, "track", video / "s")
    assert code == 2
    assert "holds no predictions of objects" in problem
    code, _, problem = run(capsys, "predict", semantic, video / "frames", "--out", video / "t", "--track")
    assert code == 2
    assert "finds no objects that could be followed" in problem
    assert not (video / "t").exists()
    (predicted / "instances.json").write_text('[{"image_id": "frame_1", "segmentation": {"size": [48, 64]}}]')
    code, _, problem = run(capsys, "track", predicted, "--out", video / "t.json")
    assert code == 2
    assert "frame frame_1: has an object that cannot be read" in problem


def test_track__an_existing_file_stays(video, predicted, capsys):
    (video / "t.json").write_text("mine")
    code, _, problem = run(capsys, "track", predicted, "--out", video / "t.json")
    assert code == 2
    assert "exists, and tracks are never edited" in problem
    assert (video / "t.json").read_text() == "mine"


def test_predict__a_line_without_tracks(video, capsys):
    bundle = make_object_bundle(video).path
    code, _, problem = run(capsys, "predict", bundle, video / "frames", "--out", video / "p", "--count-line", "0,0,1,1")
    assert code == 2
    assert "add --track" in problem


def test_track__of_panoptic_maps_follows_the_things_with_their_scores(tmp_path, capsys):
    """A bolt goes right over column 32 and hides once; a plate, of score 0.6, stands; belt and floor are no tracks."""
    frames = []
    for at in range(8):
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:, :10, 1] = 255
        if at != 4:
            pixels[8:20, 4 + 5 * at : 16 + 5 * at] = (255, 0, 0)
        pixels[30:40, 20:30] = (0, 0, 255)
        frames.append((f"frame_{at}", tmp_path / "frames" / f"frame_{at}.png"))
        write_image(frames[-1][1], Image(pixels))
    predict_folder(frames, predictor(regions), tmp_path / "p", {"bundle": "by colour", "bundle_hash": "0"})
    rows = json.loads((tmp_path / "p" / "panoptic.json").read_text(encoding="utf-8"))["annotations"][0]["segments_info"]
    assert [(row["category_id"], row.get("score")) for row in rows] == [(3, 0.9), (4, 0.6), (1, None), (2, None)]
    line = ("--count-line", "32,48,32,0", "--json")
    code, said, _ = run(capsys, "track", tmp_path / "p", "--out", tmp_path / "t.json", *line)
    assert code == 0
    counts = json.loads(said)["counts"]
    assert counts["crossed"]["forward"]["bolt"] == 1
    assert counts["tracks"] == {"belt": 0, "floor": 0, "bolt": 1, "plate": 1}
    tracked = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert {row["score"] for row in tracked["annotations"]} == {0.9, 0.6}
    assert [row["image_id"] for row in tracked["annotations"] if not row["seen"]] == [5]
    code, said, _ = run(capsys, "track", tmp_path / "p", "--out", tmp_path / "u.json", "--sure", "0.7", "--json")
    assert json.loads(said)["counts"]["tracks"]["plate"] == 0
    (tmp_path / "p" / "panoptic.json").write_text('{"images": [], "annotations": [{"image_id": "frame_0"}]}')
    code, _, problem = run(capsys, "track", tmp_path / "p", "--out", tmp_path / "v.json")
    assert code == 2
    assert "panoptic.json: has an object that cannot be read" in problem
