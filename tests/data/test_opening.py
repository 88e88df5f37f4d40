"""From a path to a dataset: formats recognised, options checked, what fits nothing is refused with a way on."""

from __future__ import annotations

from pathlib import Path

import pytest

import segwright
from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import FORMATS, Dataset, IndexMask, check, open_dataset, open_with_settings
from segwright.project.schema import Data
from tests.data.pictures import index_folder, noise, save


def test_open_dataset__is_at_the_top_level(tmp_path: Path) -> None:
    dataset = segwright.open_dataset(str(index_folder(tmp_path)))
    assert isinstance(dataset, Dataset)
    assert dataset.format == "index_png"


@pytest.mark.parametrize(
    ("folder", "format_name", "frames"),
    [
        ("defect_magnetic_tile", "class_folders", 500),
        ("semantic_camvid", "index_png", 92),
        ("instance_coco_mini", "coco_json", 80),
    ],
)
def test_open_dataset__shared_sets_as_they_are(shared_data: Path, folder: str, format_name: str, frames: int) -> None:
    dataset = open_dataset(shared_data / folder)
    assert (dataset.format, len(dataset)) == (format_name, frames)
    assert check(dataset.only([frame.stem for frame in dataset.frames[::9]])) == []


def test_open_dataset__nothing_recognised(tmp_path: Path) -> None:
    save(tmp_path / "only" / "a.png", noise(4, 4))
    with pytest.raises(DataError, match=r"(?s)images in one folder, and nothing that labels them.*1 images.*fix:"):
        open_dataset(tmp_path)
    save(tmp_path / "other" / "b.png", noise(4, 4))
    with pytest.raises(DataError, match=r"(?s)not in a format that is recognised.*2 images in 2 folders.*fix:"):
        open_dataset(tmp_path)
    with pytest.raises(DataError, match="is not a folder of frames"):
        open_dataset(tmp_path / "missing")


def test_open_dataset__unknown_format_and_options(tmp_path: Path) -> None:
    root = index_folder(tmp_path)
    with pytest.raises(ConfigError, match=", ".join(["auto", *FORMATS])):
        open_dataset(root, format="nonsense")
    with pytest.raises(ConfigError, match=r"(?s)unknown option.*did you mean 'masks'"):
        open_dataset(root, options={"mask": "labels"})


# formats whose images carry no EXIF orientation
NEVER_TURNED = {"nifti_pairs", "nnunet_raw", "dicom_series", "geotiff", "parquet_images", "image_folder"}


def test_formats__conformance() -> None:
    for name, form in FORMATS.items():
        assert form.recognise.__module__ == form.read.__module__
        assert "mask_orientation" in form.options or name in NEVER_TURNED
        assert all(text[0].islower() for text in form.options.values())


@pytest.mark.parametrize("value", ["up", 1, None])
def test_open_dataset__option_values_are_checked(tmp_path: Path, value: object) -> None:
    root = index_folder(tmp_path)
    with pytest.raises(ConfigError, match=r"(?s)mask_orientation.*auto, upright, stored"):
        open_dataset(root, options={"mask_orientation": value})


@pytest.mark.parametrize("value", [0, 256, "128", 12.5])
def test_open_dataset__cut_is_a_grey_level(tmp_path: Path, value: object) -> None:
    table = ClassTable.of(["background", "scratch"])
    with pytest.raises(ConfigError, match="is no grey level"):
        open_dataset(index_folder(tmp_path), classes=table, options={"cut": value})


def test_open_dataset__columns_out_of_names_and_a_table(tmp_path: Path) -> None:
    root = index_folder(tmp_path / "frames", ("a_1", "b_2"))
    table = tmp_path / "lamps.csv"
    table.write_text("image,lamp\na_1.png,dim\nb_2.png,bright\n", encoding="utf-8")
    dataset = open_dataset(root, columns_from="(?P<line>[^_]+)_", columns_csv=table)
    assert [dict(frame.columns) for frame in dataset.frames] == [
        {"line": "a", "lamp": "dim"},
        {"line": "b", "lamp": "bright"},
    ]


def test_open_with_settings__paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    index_folder(tmp_path / "project" / "frames", ("a_1", "b_2"))
    (tmp_path / "project" / "lamps.csv").write_text("image,lamp\na_1.png,dim\nb_2.png,bright\n", encoding="utf-8")
    settings = Data(root="frames", columns_from="(?P<line>[^_]+)_", columns_csv="lamps.csv", options={"map": "2=void"})
    classes = ClassTable.of(["background", "scratch"])
    dataset = open_with_settings(settings.root, settings, classes, tmp_path / "project")
    assert dataset.classes == classes
    assert dict(dataset.frame("b_2").columns) == {"line": "b", "lamp": "bright"}
    assert dataset.frame("b_2").mask == IndexMask(tmp_path / "project/frames/masks/b_2.png", {2: 255})


def test_open_dataset__a_damaged_annotation_file_is_named_where_nothing_else_tells(tmp_path: Path) -> None:
    save(tmp_path / "images/a.png", noise(6, 8))
    (tmp_path / "instances.json").write_text('{"images": [{"id": 1, "file_na', encoding="utf-8")
    with pytest.raises(DataError, match=r"instances\.json: is not readable JSON"):
        open_dataset(tmp_path)


def test_open_dataset__an_empty_folder_is_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        open_dataset(tmp_path)


def test_open_dataset__labels_of_two_tools_are_said(tmp_path: Path) -> None:
    from segwright.data import export_dataset
    from tests.data.formats.test_conformance import labelled

    dataset = labelled(tmp_path, void=False)
    export_dataset(dataset, tmp_path / "coco", "coco_json")
    assert open_dataset(tmp_path / "coco").notes == ()
    export_dataset(dataset, tmp_path / "masks", "index_png")
    (tmp_path / "masks" / "masks").rename(tmp_path / "coco" / "masks")
    both = open_dataset(tmp_path / "coco")
    assert both.format == "coco_json"
    (said,) = [note for note in both.notes if "labels of another tool" in note]
    assert "fix:     --format index_png reads those, --format coco_json says that these are meant" in said
    export_dataset(dataset, tmp_path / "vott", "vott_json")
    (tmp_path / "vott" / "vott.json").rename(tmp_path / "coco" / "vott.json")
    assert sum("labels of another tool" in note for note in open_dataset(tmp_path / "coco").notes) == 2
    assert not any("another tool" in note for note in open_dataset(tmp_path / "coco", format="coco_json").notes)
