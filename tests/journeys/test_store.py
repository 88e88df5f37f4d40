"""From a store's version to a bundle that says which version trained it, while the store grows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from segwright.data import read_label_map, write_label_map
from segwright.infer import read_bundle
from segwright.project import read_project
from tests.journeys.command import done, refused, segwright
from tests.journeys.test_own_data import SETTINGS
from tests.train.tiny import CLASSES, PATTERN, write_frames

pytest.importorskip("lance", reason="the store needs segwright[store]")
SHORT = tuple(word for word in SETTINGS if not word.startswith(("data.", "training.steps", "training.loggers")))
TRAIN = ("train", *SHORT, "training.steps=6", "training.loggers=[]")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with frames."""
    write_frames(tmp_path / "my frames")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _corrected(path: Path) -> None:
    """Paint a corner of a mask."""
    labels = read_label_map(path, CLASSES)
    ids = np.array(labels.ids)
    ids[:9, :9] = 2
    write_label_map(path, type(labels)(ids, CLASSES))


def test_journey__a_run_says_which_version_trained_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put = done(segwright(capsys, "import", "my frames", "--to", "frames.store", "--columns", PATTERN, "-m", "first"))
    assert (put["version"], put["added"]) == (1, 8)
    done(segwright(capsys, "data", "tag", "frames.store", "v1"))
    done(segwright(capsys, "data", "stats", "frames.store@v1"))

    assert done(segwright(capsys, "init", "frames.store@v1"))["frames"] == 8
    data = read_project(Path("segwright.yaml")).data
    assert (data.root, data.format) == ("frames.store@v1", "auto")
    parts = ("--by", "press", "--fractions", "train=0.5,validation=0.25,calibration=0.25")
    done(segwright(capsys, "split", "segwright.yaml", *parts))
    trained = done(segwright(capsys, *TRAIN))
    run = Path(trained["run"])
    plan = yaml.safe_load((run / "plan.yaml").read_text(encoding="utf-8"))["data"]
    assert (plan["uri"], plan["format"]) == (str(folder / "frames.store@1"), "store")
    assert plan["store_commit"] == put["commit"]

    _corrected(folder / "my frames" / "masks" / "a_00.png")
    again = done(segwright(capsys, "import", "my frames", "--to", "frames.store", "--columns", PATTERN))
    assert (again["version"], again["changed"]) == (2, 1)
    done(segwright(capsys, "data", "tag", "frames.store", "v1"))  # now names version 2
    scored = done(segwright(capsys, "evaluate", run))
    assert scored["scores"]["pooled_miou"] == pytest.approx(trained["scores"]["pooled_miou"])
    assert done(segwright(capsys, "train", "--resume")) == trained

    done(segwright(capsys, "export", run, "--out", "tiny.bundle", "--frames", "2"))
    assert read_bundle(Path("tiny.bundle")).lineage.dataset_version == f"frames.store@1 commit {put['commit']}"
    provenance = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["provenance"]
    assert provenance["dataset_version"].startswith("frames.store@1")
    asked = ("--data", "frames.store@1", "--split", "split.json")
    done(segwright(capsys, "calibrate", "tiny.bundle", *asked, "--to", "c.bundle"))
    done(segwright(capsys, "evaluate", "c.bundle", *asked))


def test_journey__training_from_the_newest_version_pins_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done(segwright(capsys, "import", "my frames", "--to", "frames.store", "--columns", PATTERN))
    done(segwright(capsys, "init", "frames.store"))
    assert read_project(Path("segwright.yaml")).data.root == "frames.store"
    done(segwright(capsys, "split", "segwright.yaml", "--by", "press", "--fractions", "train=0.5,validation=0.5"))
    planned = done(segwright(capsys, *TRAIN, "--plan", "--run", "plan"))
    assert planned["plan"]["data"]["uri"] == str(folder / "frames.store@1")
    said = refused(segwright(capsys, *TRAIN, "data.format=index_png", "--plan", "--run", "other"))
    assert "a dataset store: has its own format and no options" in said
