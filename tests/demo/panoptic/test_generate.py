import csv
import json

import numpy as np
import pytest

from segwright.cli.app import main
from segwright.core import ArtefactError, Progress, Size
from segwright.data import open_dataset
from segwright.demo.panoptic import CLASSES, SceneSpec, generate_scenes, make_scene

SMALL = SceneSpec(frames_per_line=3, size=Size(160, 200))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return generate_scenes(tmp_path_factory.mktemp("scenes") / "set", SMALL)


def read_all(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_generate_scenes__is_read_as_coco_panoptic_with_the_drawn_segments(folder):
    dataset = open_dataset(folder, columns_csv=folder / "columns.csv")
    assert dataset.format == "coco_panoptic"
    assert dataset.classes == CLASSES
    assert dataset.notes == ()
    assert len(dataset) == 9
    for frame in dataset.frames:
        line, _, index = frame.stem.split("_")
        assert dataset.read_panoptic(frame) == make_scene(SMALL, line, int(index)).panoptic
        assert frame.columns["session"].startswith(line)


def test_generate_scenes__columns_count_what_lies_there(folder):
    rows = list(csv.DictReader((folder / "columns.csv").read_text(encoding="utf-8").splitlines()))
    document = json.loads((folder / "panoptic.json").read_text(encoding="utf-8"))
    stems = {image["id"]: image["file_name"].removesuffix(".jpg") for image in document["images"]}
    for annotation in document["annotations"]:
        row = next(row for row in rows if row["image"] == stems[annotation["image_id"]])
        kinds = [segment["category_id"] for segment in annotation["segments_info"]]
        assert (kinds.count(2), kinds.count(3)) == (int(row["brackets"]), int(row["bolts"]))
        assert sum(segment["area"] for segment in annotation["segments_info"]) == SMALL.size.area_px


def test_generate_scenes__workers_write_the_same_bytes(folder, tmp_path):
    assert read_all(generate_scenes(tmp_path / "set", SMALL, workers=2)) == read_all(folder)


def test_generate_scenes__a_complete_set_is_not_drawn_again_and_another_is_refused(folder):
    events = []
    assert generate_scenes(folder, SMALL, listener=events.append) == folder
    assert events == []
    with pytest.raises(ArtefactError, match="holds other scenes"):
        generate_scenes(folder, SceneSpec(frames_per_line=4, size=Size(160, 200)))


def test_generate_scenes__an_interrupted_set_is_gone_on_with(folder, tmp_path):
    (tmp_path / "panoptic").mkdir()
    events = []
    generate_scenes(tmp_path, SMALL, listener=events.append)
    assert events[-1] == Progress("frames", 9, 9)
    assert np.array_equal([*read_all(tmp_path)], [*read_all(folder)])


def test_demo__panoptic_draws_frames_to_train_on(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--panoptic", "--frames", "3", "--out", str(tmp_path / "scene"), "--json"])
    assert not ended.value.code
    answer = json.loads(capsys.readouterr().out)
    assert answer["frames"] == 3
    assert len(open_dataset(tmp_path / "scene")) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--frames", "3"], "add --panoptic"), (["--panoptic"], "name another folder with --out")],
)
def test_demo__says_what_does_not_fit(tmp_path, capsys, words, said):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--out", str(tmp_path), *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert (tmp_path / "notes.txt").read_text() == "mine"
