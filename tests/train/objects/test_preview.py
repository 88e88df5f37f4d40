"""The preview of an instance training shows and counts the very objects that it will see."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassSpec, ClassTable, Image, InstanceSet, Size, instance_from_mask
from segwright.data import read_image
from segwright.pages import ObjectPreviewNumbers, write_object_preview
from segwright.train.objects.preview import object_preview
from segwright.train.objects.task import object_feed
from tests.journeys.command import done, refused, segwright
from tests.train.objects.squares import Planned, planned, write_project

CLASSES = ClassTable((ClassSpec(1, "bolt ü", "thing"), ClassSpec(7, "<b>nut</b>", "thing")))


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    project = write_project(tmp_path_factory.mktemp("squares"))
    return planned(project, "training.augment.copy_paste=0.5", "training.augment.scale=[0.5,1.5]")


def test_object_preview__is_of_the_feed_s_own_batches(squares: Planned) -> None:
    feed = object_feed(squares.plan, squares.dataset, squares.split.parts["train"])
    seen = object_preview(squares.plan, feed)
    batches = [feed.batch(step) for step in range(4)]  # the plan has no more
    targets = [target for batch in batches for target in batch.target]
    assert (seen.steps, seen.counted, len(seen.crops)) == (4, 8, 8)
    met = seen.classes["object"]
    assert met.objects == sum(map(len, targets)) > 8
    assert met.crops == sum(len(target) > 0 for target in targets)
    assert seen.most == max(map(len, targets))
    assert seen.empty == sum(len(target) == 0 for target in targets)
    assert seen.ignored_share == pytest.approx(np.mean([target.ignored.numpy() for target in targets]))
    sides = [float(mask.sum()) ** 0.5 for target in targets for mask in target.masks]
    assert met.side_px == pytest.approx(np.median(sides), abs=0.06)
    for (image, objects), target in zip(seen.crops, targets, strict=True):
        assert image.size == objects.size
        for one, mask in zip(objects, target.masks, strict=True):
            assert np.array_equal(one.over(objects.size), mask.numpy())


def test_train__preview_of_objects_writes_a_page_and_trains_nothing(
    squares: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    page = squares.project.parent / "sheet.html"
    answer = done(segwright(capsys, "train", str(squares.project), "--preview", str(page)))
    assert answer["classes"]["object"]["objects"] > 4
    text = page.read_text(encoding="utf-8")
    assert text.count('<img src="data:image/') == 2 * answer["crops"]
    assert "http" not in text.replace("http://www.w3.org", "")
    assert not (squares.project.parent / "runs").exists()
    json.dumps(answer)


def numbers(count: int) -> ObjectPreviewNumbers:
    rows = [("bolt ü", 3, 9, 14.5, 9, 0.6), ("<b>nut</b>", 0, 0, None, 0, None)]
    return ObjectPreviewNumbers("tiny", 3, count, rows, 1, 5, 0.25, {"batch": "4"})


def crops(count: int, side: int, objects: int) -> list[tuple[Image, InstanceSet]]:
    rng = np.random.default_rng(0)
    found = []
    for at in range(objects):
        mask = np.zeros((side, side), bool)
        mask[at : at + 5, at : at + 7] = True
        found.append(instance_from_mask(mask, (1, 7)[at % 2]))
    void = np.zeros((side, side), bool)
    void[-3:] = True
    objects_of = InstanceSet(Size(side, side), tuple(one for one in found if one is not None), CLASSES, void)
    return [(Image(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)), objects_of)] * count


@pytest.mark.parametrize(("count", "side", "objects"), [(1, 32, 0), (5, 40, 1), (24, 64, 30), (3, 600, 500)])
def test_object_sheet__has_room_for_every_crop_whatever_its_objects(
    tmp_path: Path, count: int, side: int, objects: int
) -> None:
    write_object_preview(tmp_path / "neu" / "sheet.png", crops(count, side, objects), CLASSES, numbers(count))
    sheet = read_image(tmp_path / "neu" / "sheet.png")
    shown = 256 if side > 256 else side * (192 // side)
    assert sheet.size.height >= -(-count // 4) * shown + 4 * 24
    write_object_preview(tmp_path / "sheet.html", crops(count, side, objects), CLASSES, numbers(count))
    text = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert text.count('<img src="data:image/') == 2 * count
    assert "<b>nut</b>" not in text
    assert "bolt ü" in text
    assert f"{objects} object{'' if objects == 1 else 's'}" in text


def test_train__preview_of_objects_refuses_what_it_cannot_write(
    squares: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "a file that ends in .html or .png" in refused(
        segwright(capsys, "train", str(squares.project), "--preview", "x.pdf")
    )
