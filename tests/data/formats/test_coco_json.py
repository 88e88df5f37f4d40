"""COCO instances JSON against pycocotools, and everything that a file can get wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import check, open_dataset
from tests.data.pictures import noise, save

# the reference implementation itself warns under numpy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SQUARE = [[1, 1, 5, 1, 5, 4, 1, 4]]


def _annotation(number: int, segmentation: Any, *, category: int = 1, image: int = 1, **more: Any) -> dict:
    return {"id": number, "image_id": image, "category_id": category, "segmentation": segmentation, **more}


def _folder(root: Path, annotations: list[dict], images: int = 1, **more: Any) -> Path:
    for at in range(1, images + 1):
        save(root / "images" / f"f{at}.png", noise(6, 8, seed=at))
    data = {
        "images": [{"id": at, "file_name": f"f{at}.png", "height": 6, "width": 8} for at in range(1, images + 1)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "scratch"}, {"id": 3, "name": "dent"}],
        **more,
    }
    (root / "annotations").mkdir(exist_ok=True)
    (root / "annotations" / "instances.json").write_text(json.dumps(data))
    return root


def test_read__shared_set_equals_pycocotools(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "instance_coco_mini", options={"crowd": "class"})
    data = json.loads((shared_data / "instance_coco_mini/annotations/instances_train2017.json").read_text())
    assert len(dataset.classes) == 81
    for image in data["images"][::8]:
        expected = np.zeros((image["height"], image["width"]), np.uint8)
        rows = [row for row in data["annotations"] if row["image_id"] == image["id"]]
        for row in sorted(rows, key=lambda row: (not row["iscrowd"], -row["area"])):
            runs = coco.frPyObjects(row["segmentation"], image["height"], image["width"])
            mask = coco.decode(coco.merge(runs) if isinstance(runs, list) else runs)
            expected[mask.astype(bool)] = row["category_id"]
        labels = dataset.read_labels(dataset.frame(Path(image["file_name"]).stem))
        assert np.array_equal(labels.ids, expected), image["file_name"]


def test_read__opened_by_its_file_finds_images_beside_the_annotations_folder(tmp_path: Path) -> None:
    root = _folder(tmp_path, [_annotation(1, SQUARE)])
    by_file = open_dataset(root / "annotations" / "instances.json")
    assert by_file.content_hash == open_dataset(root).content_hash
    assert by_file.classes.describe() == "0 background, 1 scratch, 3 dent, 255 void"


def test_read__polygon_runs_and_text_paint_the_same(tmp_path: Path) -> None:
    packed = coco.frPyObjects(SQUARE, 6, 8)[0]
    mask = coco.decode(packed)
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    forms = [SQUARE, {"size": [6, 8], "counts": counts}, {"size": [6, 8], "counts": packed["counts"].decode()}]
    for at, form in enumerate(forms):
        dataset = open_dataset(_folder(tmp_path / str(at), [_annotation(1, form)]))
        assert np.array_equal(dataset.read_labels(dataset.frames[0]).ids, mask)


def test_read__smaller_objects_lie_above_larger(tmp_path: Path) -> None:
    large = [[0, 0, 8, 0, 8, 6, 0, 6]]
    rows = [_annotation(1, SQUARE, category=3, area=12), _annotation(2, large, area=48)]
    dataset = open_dataset(_folder(tmp_path, rows))
    assert dataset.read_labels(dataset.frames[0]).area_px("dent") == 12


@pytest.mark.parametrize(("crowd", "value"), [("void", 255), ("class", 1), ("leave_out", 0)])
def test_read__crowd_becomes_what_was_asked(tmp_path: Path, crowd: str, value: int) -> None:
    runs = {"size": [6, 8], "counts": [0, 6, 42]}
    root = _folder(tmp_path, [_annotation(1, runs, iscrowd=1)])
    dataset = open_dataset(root, options={"crowd": crowd})
    assert set(dataset.read_labels(dataset.frames[0]).ids[:, 0].tolist()) == {value}
    assert "1 crowd regions" in dataset.notes[0]


def test_read__image_without_annotations_is_background(tmp_path: Path) -> None:
    dataset = open_dataset(_folder(tmp_path, [_annotation(1, SQUARE)], images=2))
    assert dataset.read_labels(dataset.frame("f2")).area_px("background") == 48


def test_read__missing_and_surplus_images_are_counted(tmp_path: Path) -> None:
    root = _folder(tmp_path, [_annotation(1, SQUARE)], images=3)
    (root / "images" / "f2.png").unlink()
    save(root / "images" / "extra.png", noise(6, 8))
    dataset = open_dataset(root)
    assert [frame.stem for frame in dataset.frames] == ["f1", "f3"]
    assert "1 annotated images are not there and were left out" in dataset.notes[0]
    assert "1 image files are not in the annotation file" in dataset.notes[1]
    assert "extra.png" in dataset.notes[1]


def test_read__file_names_never_lead_out_of_the_root(tmp_path: Path) -> None:
    save(tmp_path / "secret.png", noise(6, 8))
    images = [{"id": 1, "file_name": "../../secret.png"}, {"id": 2, "file_name": str(tmp_path / "secret.png")}]
    root = _folder(tmp_path / "set", [], images=1)
    data = json.loads((root / "annotations/instances.json").read_text())
    data["images"] += [{**image, "id": image["id"] + 1} for image in images]
    (root / "annotations/instances.json").write_text(json.dumps(data))
    dataset = open_dataset(root)
    assert [frame.stem for frame in dataset.frames] == ["f1"]
    assert "2 annotated images are not there" in dataset.notes[0]


def test_read__every_bad_annotation_is_told_in_one_run(tmp_path: Path) -> None:
    rows = [
        _annotation(1, SQUARE, image=99),
        _annotation(2, SQUARE, category=77),
        _annotation(3, [[1, 1, 2, 2]]),
        _annotation(4, [[1, 1, 2, 2, float("nan"), 3]]),
        _annotation(5, [], bbox=[1, 1, 2, 2]),
        _annotation(6, {"counts": 5}),
        _annotation(7, SQUARE),
    ]
    with pytest.raises(DataError, match="image that is not listed") as caught:
        open_dataset(_folder(tmp_path, rows))
    places = [problem.place.rpartition(" ")[2] for problem in caught.value.problems]
    assert sorted(places) == ["1", "2", "3", "4", "5", "6"]
    assert all(problem.allowed and problem.found and problem.fix for problem in caught.value.problems)


@pytest.mark.parametrize(("boxes", "value"), [("void", 255), ("class", 1)])
def test_read__boxes_without_outline_only_when_asked(tmp_path: Path, boxes: str, value: int) -> None:
    root = _folder(tmp_path, [_annotation(1, [], bbox=[1, 1, 3, 2])])
    dataset = open_dataset(root, options={"boxes": boxes})
    assert int((dataset.read_labels(dataset.frames[0]).ids == value).sum()) == 6


def test_read__runs_that_do_not_fit_are_told_by_check(tmp_path: Path) -> None:
    dataset = open_dataset(_folder(tmp_path, [_annotation(1, {"size": [6, 8], "counts": [3, 4]})]))
    problems = check(dataset)
    assert "cover 7 pixels, not the 48" in problems[0].found
    assert "f1.png" in problems[0].place


def test_read__image_of_another_size_is_refused(tmp_path: Path) -> None:
    root = _folder(tmp_path, [_annotation(1, SQUARE)])
    save(root / "images" / "f1.png", noise(12, 16))
    assert check(open_dataset(root))[0].rule == "was annotated on an image of another size"


def test_read__labels_outside_the_table_and_renamed(tmp_path: Path) -> None:
    root = _folder(tmp_path, [_annotation(1, SQUARE), _annotation(2, SQUARE, category=3)])
    table = ClassTable.of(["background", "crack"])
    with pytest.raises(ConfigError, match=r"(?s)2 labels that are not in the class table.*scratch, dent"):
        open_dataset(root, classes=table)
    dataset = open_dataset(root, classes=table, options={"map": ["scratch=crack", "dent=void"]})
    assert dataset.classes == table
    assert set(np.unique(dataset.read_labels(dataset.frames[0]).ids)) <= {0, 1, 255}


@pytest.mark.parametrize(
    ("categories", "names"),
    [
        ([{"id": 0, "name": "a"}, {"id": 1, "name": "b"}], "0 background, 1 a, 2 b, 255 void"),
        ([{"id": 0, "name": "Background"}, {"id": 1, "name": "b"}], "0 Background, 1 b, 255 void"),
        ([{"id": 5, "name": "ignore"}, {"id": 9, "name": "b"}], "0 background, 9 b, 255 void"),
        ([{"id": 900, "name": "a"}, {"id": 901, "name": "b"}], "0 background, 1 a, 2 b, 255 void"),
    ],
)
def test_read__category_ids_to_class_ids(tmp_path: Path, categories: list[dict], names: str) -> None:
    root = _folder(tmp_path, [_annotation(1, SQUARE, category=categories[1]["id"])], categories=categories)
    dataset = open_dataset(root)
    assert dataset.classes.describe() == names
    painted = dataset.classes[categories[1]["name"]].class_id
    assert int((dataset.read_labels(dataset.frames[0]).ids == painted).sum()) == 12


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('{"images": [', "is not readable JSON"),
        ('{"images": {}, "annotations": [], "categories": []}', "is not COCO instances JSON: 'images'"),
        ('{"images": [], "annotations": [{"id": 1}], "categories": []}', "'annotations'"),
        ('{"images": [], "annotations": [], "categories": []}', "names no image that is there|has no classes"),
        ("[" * 100_000, "is not readable JSON"),
    ],
)
def test_read__not_coco(tmp_path: Path, text: str, rule: str) -> None:
    root = _folder(tmp_path, [])
    (root / "annotations" / "instances.json").write_text(text)
    with pytest.raises((DataError, ConfigError), match=rule):
        open_dataset(root / "annotations" / "instances.json")


def test_read__several_files_must_be_chosen(tmp_path: Path) -> None:
    root = _folder(tmp_path, [_annotation(1, SQUARE)])
    (root / "annotations" / "more.json").write_text((root / "annotations" / "instances.json").read_text())
    with pytest.raises(DataError, match=r"(?s)has 2 annotation files.*open the file itself"):
        open_dataset(root)
    assert len(open_dataset(root, options={"annotations": "annotations/more.json"})) == 1


def test_read__unknown_option_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)crowd.*void, class, leave_out"):
        open_dataset(_folder(tmp_path, []), options={"crowd": "maybe"})


def test_read__crowds_and_attributes_are_facts_of_objects(tmp_path: Path) -> None:
    runs = {"size": [6, 8], "counts": [0, 6, 42]}
    rows = [
        _annotation(1, runs, category=3, iscrowd=1),
        _annotation(2, SQUARE, attributes={"occluded": False, "note": "ü", "empty": None, "level": 2.5}),
    ]
    dataset = open_dataset(_folder(tmp_path, rows))
    crowd, one = dataset.read_instances(dataset.frames[0])
    assert (crowd.class_id, crowd.crowd, crowd.area_px) == (3, True, 6)
    assert one.attributes == {"occluded": "false", "note": "ü", "level": "2.5"}
    assert dataset.read_labels(dataset.frames[0]).ids[0, 0] == 255


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"segmentation": [[10**400, 1, 2, 2, 3, 1]]}, "has a polygon that is none"),
        ({"segmentation": [[True, 1, 2, 2, 3, 1]]}, "has a polygon that is none"),
        ({"segmentation": {"counts": [10**30]}}, "runs that are neither"),
        ({"segmentation": [], "bbox": ["a", None, 1, 2]}, "has no outline"),
        ({"segmentation": SQUARE, "area": float("nan"), "bbox": "x", "id": None}, None),
        ({"segmentation": SQUARE, "area": 10**400}, None),
        ({"category_id": [1]}, "is not COCO instances JSON"),
        ({"category_id": True}, "is not COCO instances JSON"),
    ],
)
def test_read__hostile_numbers_are_told_or_harmless(tmp_path: Path, change: dict, rule: str | None) -> None:
    root = _folder(tmp_path, [{**_annotation(1, SQUARE), **change}])
    if rule is None:
        assert check(open_dataset(root)) == []
    else:
        with pytest.raises(DataError, match=rule):
            open_dataset(root)


def test_read__image_with_an_impossible_size(tmp_path: Path) -> None:
    root = _folder(tmp_path, [], images=1)
    for size, fine in (((0, 0), True), ((6.0, 8.0), True), ((-6, 8), False), ((float("nan"), 8), False)):
        data = json.loads((root / "annotations/instances.json").read_text())
        data["images"][0].update(height=size[0], width=size[1])
        (root / "annotations/instances.json").write_text(json.dumps(data))
        if fine:
            assert check(open_dataset(root)) == []
        else:
            with pytest.raises(DataError, match="has a size that is none"):
                open_dataset(root)


def test_read__hundreds_of_objects_and_classes(tmp_path: Path) -> None:
    names = [{"id": at, "name": f"kind {at} ü"} for at in range(1, 301)]
    rows = [_annotation(at, SQUARE, category=1 + at % 300) for at in range(1, 501)]
    dataset = open_dataset(_folder(tmp_path, rows, categories=names))
    assert (len(dataset.classes), dataset.classes.void_id) == (301, 65535)
    assert len(dataset.read_instances(dataset.frames[0])) == 500


def test_read__image_names_are_also_meant_from_the_annotation_file(tmp_path: Path) -> None:
    root = _folder(tmp_path / "export", [_annotation(1, SQUARE)]).parent
    (root / "export/annotations/instances.json").rename(root / "export/instances.json")
    save(root / "copies" / "f1.png", noise(6, 8, seed=9))
    dataset = open_dataset(root)
    assert [str(frame.image) for frame in dataset.frames] == [str(root / "export/images/f1.png")]


def test_read__the_background_of_labelme_is_the_background(tmp_path: Path) -> None:
    names = [{"id": 0, "name": "_background_"}, {"id": 1, "name": "scratch"}]
    assert open_dataset(_folder(tmp_path, [_annotation(1, SQUARE)], categories=names)).classes.describe() == (
        "0 _background_, 1 scratch, 255 void"
    )
