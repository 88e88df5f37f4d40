import csv
import json

import cv2
import numpy as np
import pytest

from segwright.core import ArtefactError, Progress, Size
from segwright.demo.frames import CLASSES, FrameSpec, generate, make_frame

SMALL = FrameSpec(frames_per_line=4, size=Size(180, 240))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("frames") / "set", SMALL)


def read_all(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_generate__writes_three_files_a_frame_and_a_table(folder):
    rows = list(csv.DictReader((folder / "frames.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 12
    for row in rows:
        assert (folder / "images" / f"{row['stem']}.jpg").exists()
        assert (folder / "masks" / f"{row['stem']}.png").exists()
        assert (folder / "parts" / f"{row['stem']}.png").exists()
    assert {row["line"] for row in rows} == set(SMALL.lines)
    assert len(read_all(folder)) == 3 * 12 + 2


def test_generate__masks_and_parts_are_lossless_and_images_nearly(folder):
    frame = make_frame(SMALL, "press-3", 2)
    mask = cv2.imread(str(folder / "masks" / f"{frame.stem}.png"), cv2.IMREAD_UNCHANGED)
    part = cv2.imread(str(folder / "parts" / f"{frame.stem}.png"), cv2.IMREAD_UNCHANGED)
    image = cv2.imread(str(folder / "images" / f"{frame.stem}.jpg"))
    assert np.array_equal(mask, frame.labels)
    assert np.array_equal(part, frame.part * 255)
    assert image is not None
    assert np.abs(image[:, :, ::-1].astype(int) - frame.image).mean() < 1.5


def test_generate__workers_write_the_same_bytes(folder, tmp_path):
    assert read_all(generate(tmp_path / "set", SMALL, workers=2)) == read_all(folder)


def test_generate__manifest_holds_spec_and_classes(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["spec"] == SMALL.to_json()
    assert manifest["classes"] == CLASSES.to_json()
    assert manifest["spec"]["seed"] == 7


def test_generate__a_complete_set_is_not_drawn_again(folder):
    events = []
    assert generate(folder, SMALL, listener=events.append) == folder
    assert events == []


def test_generate__refuses_a_folder_of_another_spec(folder):
    with pytest.raises(ArtefactError, match="holds frames of another spec"):
        generate(folder, FrameSpec(frames_per_line=5, size=Size(180, 240)))


def test_generate__says_how_far_it_is(tmp_path):
    events = []
    spec = FrameSpec(frames_per_line=2, lines=("press-1",), size=Size(180, 240))
    generate(tmp_path, spec, listener=events.append)
    assert events == [Progress("frames", done, 2) for done in range(3)]
