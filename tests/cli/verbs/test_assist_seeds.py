from __future__ import annotations

import json

import numpy as np
import pytest

from segwright.core import ClassTable, Image, LabelMap
from segwright.data import open_dataset
from segwright.data.codecs import write_image, write_label_map
from tests.cli.verbs.test_predict import run
from tests.data.test_splitting import disks

CLASSES = ClassTable.of(["background", "nucleus", "tissue"])


@pytest.fixture
def masks(tmp_path):
    for name, places in (("a", [(20, 12, 7), (20, 25, 7)]), ("b ö", [(10, 10, 5)])):
        ids = disks(*places)
        ids[36:] = 2
        ids[0] = 255
        write_image(tmp_path / "d" / "images" / f"{name}.png", Image(np.full((40, 40, 3), 90, np.uint8)))
        write_label_map(tmp_path / "d" / "masks" / f"{name}.png", LabelMap(ids, CLASSES))
    (tmp_path / "d" / "classes.json").write_text(json.dumps(CLASSES.to_json()))
    return tmp_path


def test_seeds__a_dataset_of_objects_and_a_page(masks, capsys):
    out = masks / "seeds"
    code, said, problem = run(capsys, "assist", "seeds", masks / "d", "--out", out, "--things", "nucleus")
    assert code == 0, problem
    assert "3 objects of 2 regions in 2 frames" in said
    assert "1 regions split" in said
    assert "lost: classes that are no things become background: 320 pixels" in said
    seeded = open_dataset(out)
    objects = [seeded.read_instances(frame) for frame in seeded.frames]
    assert sorted(len(one) for one in objects) == [1, 2]
    assert all(one.void is not None and one.void.sum() == 40 for one in objects)
    assert {row.attributes["seed"] for one in objects for row in one if row.attributes} == {"split"}
    page = (masks / "seeds.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 3
    assert "margin" in page


def test_seeds__json_names_the_cases(masks, capsys):
    command = ("assist", "seeds", masks / "d", "--out", masks / "s", "--things", "nucleus", "--json")
    code, said, _ = run(capsys, *command)
    assert code == 0
    answer = json.loads(said)
    assert [(row["frame"], row["reason"], row["objects"]) for row in answer["cases"]] == [("a", "split", 2)]


def test_seeds__no_things_says_how_to_name_them(masks, capsys):
    code, _, problem = run(capsys, "assist", "seeds", masks / "d", "--out", masks / "s")
    assert code == 2
    assert "add --things nucleus,tissue" in problem
    assert not (masks / "s").exists()


def test_seeds__objects_and_folders_that_are_there_are_refused(masks, capsys):
    assert run(capsys, "assist", "seeds", masks / "d", "--out", masks / "s", "--things", "nucleus")[0] == 0
    code, _, problem = run(capsys, "assist", "seeds", masks / "s", "--out", masks / "t", "--things", "nucleus")
    assert code == 2
    assert "says already which pixel is of which object" in problem
    code, _, problem = run(capsys, "assist", "seeds", masks / "d", "--out", masks / "s", "--things", "nucleus")
    assert code == 2
    assert "exists already" in problem
