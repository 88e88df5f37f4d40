"""NIfTI pairs and nnU-Net raw: slices as frames, labels that do not fit, volumes written again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from segwright.core import ClassTable, ConfigError, DataError, DependencyMissing
from segwright.data import check, export_dataset, open_dataset
from segwright.data.volumes import plane
from tests.data.pictures import noise, save

TABLE = ClassTable.of(["background", "organ", "lesion"])
AFFINE = np.diag([0.5, 0.75, 3.0, 1.0])


def volume(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), str(path))
    return path


def voxels(dtype: type = np.int16, shape: tuple[int, ...] = (4, 5, 3)) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) - 7).astype(dtype)


def organ() -> np.ndarray:
    labels = np.zeros((4, 5, 3), np.uint8)
    labels[1:3, 2, 1], labels[0, 0, 2] = 1, 2
    return labels


def pairs(root: Path) -> Path:
    volume(root / "images" / "p1.nii.gz", voxels())
    volume(root / "labels" / "p1.nii.gz", organ())
    return root


def test_plane__first_axis_across_second_down() -> None:
    cube = voxels(np.int16)
    assert np.array_equal(plane(cube, 2, 1), cube[:, :, 1].T)
    assert np.array_equal(plane(cube, 0, 3), cube[3].T)


def test_read__slices_and_columns(tmp_path: Path) -> None:
    dataset = open_dataset(pairs(tmp_path), classes=TABLE)
    assert (dataset.format, [frame.stem for frame in dataset.frames]) == ("nifti_pairs", ["p1/0", "p1/1", "p1/2"])
    middle = dataset.frames[1]
    picture = dataset.read_image(middle)
    assert picture.pixels.dtype == np.float32
    assert np.array_equal(picture.pixels[..., 0], voxels()[:, :, 1].T)
    assert np.array_equal(dataset.read_labels(middle).ids, organ()[:, :, 1].T)
    wanted = {"case": "p1", "slice": "1", "spacing_x_mm": "0.5", "spacing_y_mm": "0.75", "spacing_z_mm": "3"}
    assert wanted.items() <= middle.columns.items()
    along = open_dataset(tmp_path, classes=TABLE, options={"axis": 0})
    assert len(along) == 4
    assert np.array_equal(along.read_labels(along.frames[2]).ids, organ()[2].T)
    assert dataset.content_hash != along.content_hash


@pytest.mark.parametrize(("dtype", "kept"), [(np.uint8, np.uint8), (np.uint16, np.uint16), (np.float64, np.float32)])
def test_read__pixel_types(tmp_path: Path, dtype: type, kept: type) -> None:
    volume(tmp_path / "images" / "a.nii", np.abs(voxels()).astype(dtype))
    volume(tmp_path / "labels" / "a.nii", organ().astype(np.float32))
    dataset = open_dataset(tmp_path, classes=TABLE)
    assert dataset.read_image(dataset.frames[0]).pixels.dtype == kept
    assert check(dataset) == []


def test_read__channels_on_a_fourth_axis(tmp_path: Path) -> None:
    volume(tmp_path / "images" / "a.nii.gz", voxels(np.uint8, (4, 5, 3, 2)))
    volume(tmp_path / "labels" / "a.nii.gz", organ())
    dataset = open_dataset(tmp_path, classes=TABLE)
    assert dataset.read_image(dataset.frames[0]).bands == ("band_1", "band_2")


def test_read__labels_of_another_grid(tmp_path: Path) -> None:
    root = pairs(tmp_path)
    volume(root / "images" / "p2.nii.gz", voxels())
    volume(root / "labels" / "p2.nii.gz", np.zeros((9, 9, 9), np.uint8))
    volume(root / "images" / "p3.nii.gz", voxels())
    volume(root / "labels" / "p3.nii.gz", organ(), np.diag([0.5, 0.75, 4.0, 1.0]))
    volume(root / "images" / "p4.nii.gz", voxels())
    (root / "labels" / "p4.nii.gz").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"(?s)has another size than p2.*another organ") as caught:
        open_dataset(root, classes=TABLE)
    rules = [problem.rule for problem in caught.value.problems]
    assert len(rules) == 3
    assert any("lies elsewhere than p3" in rule for rule in rules)
    assert any("cannot be read" in rule for rule in rules)


def test_read__classes_and_strange_values(tmp_path: Path) -> None:
    root = pairs(tmp_path)
    with pytest.raises(ConfigError, match=r"(?s)no class table.*values 0, 1, 2.*class_1: 1"):
        open_dataset(root)
    assert open_dataset(root, options={"classes_from_masks": True}).classes.names == (
        "background",
        "class_1",
        "class_2",
    )
    dataset = open_dataset(root, classes=ClassTable.of(["background", "organ"]))
    with pytest.raises(DataError, match=r"(?s)p1.nii.gz, slice 2 along axis 2: 1 pixels have value 2"):
        dataset.read_labels(dataset.frames[2])
    mapped = open_dataset(root, classes=ClassTable.of(["background", "organ"]), options={"map": ["2=void"]})
    assert mapped.read_labels(mapped.frames[2]).ids[0, 0] == 255
    with pytest.raises(ConfigError, match="axis: is no axis"):
        open_dataset(root, classes=TABLE, options={"axis": 3})


def test_read__voxels_that_are_no_numbers(tmp_path: Path) -> None:
    broken = voxels(np.float32)
    broken[0, 0, 0] = np.nan
    volume(tmp_path / "images" / "a.nii.gz", broken)
    volume(tmp_path / "labels" / "a.nii.gz", organ() + 0.5)
    problems = check(open_dataset(tmp_path, classes=TABLE))
    assert {problem.rule for problem in problems} == {"1 voxels are not numbers", "has values that are no ids"}


def test_read__without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = pairs(tmp_path)
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(DependencyMissing, match=r"(?s)NIfTI volumes need it.*pip install 'segwright\[volumes\]'"):
        open_dataset(root, classes=TABLE)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", ["nifti_pairs", "nnunet_raw"])
def test_write__volumes_on_their_own_grid(tmp_path: Path, name: str, axis: int) -> None:
    dataset = open_dataset(pairs(tmp_path / "in"), classes=TABLE, options={"axis": axis})
    assert export_dataset(dataset, tmp_path / "out", name).losses == ()
    written = next((tmp_path / "out").glob("labels*/p1.nii.gz"))
    stored = nibabel.load(str(written))
    assert np.array_equal(np.asarray(stored.dataobj), organ())
    assert np.allclose(stored.affine, AFFINE)
    again = open_dataset(tmp_path / "out", options={"axis": axis})
    assert again.format == name
    for frame in dataset.frames:
        assert again.read_image(again.frame(frame.stem)) == dataset.read_image(frame)
        assert np.array_equal(again.read_labels(again.frame(frame.stem)).ids, dataset.read_labels(frame).ids)


def test_write__parts_of_a_volume_are_refused(tmp_path: Path) -> None:
    dataset = open_dataset(pairs(tmp_path / "in"), classes=TABLE)
    with pytest.raises(DataError, match=r"(?s)lacks slices of its volume.*split by the column case"):
        export_dataset(dataset.only(["p1/0", "p1/1"]), tmp_path / "out", "nnunet_raw")


def nnunet(root: Path, labels: dict, **more: object) -> Path:
    for case in ("liver_001", "liver_002"):
        for channel in (0, 1):
            volume(root / "imagesTr" / f"{case}_{channel:04d}.nii.gz", voxels(np.uint16) + channel)
    volume(root / "labelsTr" / "liver_001.nii.gz", organ())
    data = {"channel_names": {"0": "T1", "1": "T2"}, "labels": labels, "file_ending": ".nii.gz", **more}
    (root / "dataset.json").write_text(json.dumps(data), encoding="utf-8")
    return root


def test_nnunet__channels_ignore_and_unlabelled(tmp_path: Path) -> None:
    dataset = open_dataset(nnunet(tmp_path, {"background": 0, "organ": 1, "ignore": 2}))
    assert dataset.format == "nnunet_raw"
    assert dataset.classes.describe() == "0 background, 1 organ, 255 void"
    assert dataset.read_labels(dataset.frames[2]).ids[0, 0] == 255
    picture = dataset.read_image(dataset.frames[0])
    assert picture.pixels.shape == (5, 4, 2)
    assert np.array_equal(picture.pixels[..., 1], picture.pixels[..., 0] + 1)
    assert "1 cases in imagesTr have no labels" in dataset.notes[0]
    assert dataset.frames[0].columns["part"] == "train"


def test_nnunet__decathlon_has_numbers_first_and_no_channels(tmp_path: Path) -> None:
    volume(tmp_path / "imagesTr" / "h_1.nii.gz", voxels())
    volume(tmp_path / "labelsTr" / "h_1.nii.gz", organ())
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"0": "background", "1": "a", "2": "b"}}), "utf-8")
    dataset = open_dataset(tmp_path)
    assert dataset.classes.names == ("background", "a", "b")
    assert len(dataset) == 3


def test_nnunet__what_a_set_can_get_wrong(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)labels that are no classes.*regions overlap"):
        open_dataset(nnunet(tmp_path / "a", {"background": 0, "whole": [1, 2]}))
    root = nnunet(tmp_path / "b", {"background": 0, "organ": 1, "lesion": 2})
    (root / "imagesTr" / "liver_001_0000.nii.gz").unlink()
    with pytest.raises(DataError, match=r"(?s)lacks channels.*_0000 to _0001"):
        open_dataset(root)
    with pytest.raises(DataError, match="labels without a number"):
        open_dataset(nnunet(tmp_path / "c", {"background": "zero"}))
    root = nnunet(tmp_path / "d", {"background": 0}, file_ending=".mha")
    with pytest.raises(DataError, match="has no labelled cases"):
        open_dataset(root)
    (root / "dataset.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"is no dataset\.json"):
        open_dataset(root)


def test_nnunet__pictures(tmp_path: Path) -> None:
    for channel in (0, 1):
        save(tmp_path / "imagesTr" / f"a_{channel:04d}.png", noise(4, 5, bands=1, seed=channel))
    save(tmp_path / "labelsTr" / "a.png", np.array([[0, 1, 2, 0, 0]] * 4, np.uint8))
    data = {
        "channel_names": {"0": "x", "1": "y"},
        "labels": {"background": 0, "cell": 1, "ignore": 2},
        "file_ending": ".png",
    }
    (tmp_path / "dataset.json").write_text(json.dumps(data), encoding="utf-8")
    dataset = open_dataset(tmp_path)
    assert dataset.read(dataset.frames[0]).labels.ids[0].tolist() == [0, 1, 255, 0, 0]
    assert dataset.read_image(dataset.frames[0]).bands == ("band_1", "band_2")


def test_nnunet__pictures_that_png_does_not_hold(tmp_path: Path) -> None:
    from tests.data.pictures import index_folder

    root = index_folder(tmp_path / "in")
    save(root / "images" / "a.tif", noise(6, 8, bands=1).astype(np.float32))
    (root / "images" / "a.png").unlink()
    with pytest.raises(DataError, match=r"(?s)pixels that PNG does not hold.*nifti_pairs"):
        export_dataset(open_dataset(root), tmp_path / "out", "nnunet_raw")
    (root / "images" / "a.tif").unlink()
    save(root / "images" / "a.png", noise(6, 8, bands=1))
    with pytest.raises(DataError, match="have different bands"):
        export_dataset(open_dataset(root), tmp_path / "out", "nnunet_raw")


def test_read__hippocampus_and_its_dirt(shared_data: Path, tmp_path: Path) -> None:
    table = ClassTable.of(["background", "anterior", "posterior"])
    dataset = open_dataset(shared_data / "medical_hippocampus", classes=table)
    assert len({frame.columns["case"] for frame in dataset.frames}) == 80
    assert "1 volumes have no labels" in dataset.notes[0]
    assert "2 labels have no volume" in dataset.notes[1]
    few = dataset.only([frame.stem for frame in dataset.frames[:70]])
    assert check(few) == []
    highest = [float(dataset.read_image(frame).pixels.max()) for frame in dataset.frames[::60]]
    assert max(highest) > 1000 * min(value for value in highest if value)
    case = dataset.frames[0].columns["case"]
    one = dataset.only([frame.stem for frame in dataset.frames if frame.columns["case"] == case])
    export_dataset(one, tmp_path / "out", "nnunet_raw")
    again = open_dataset(tmp_path / "out")
    assert [again.read_labels(frame) for frame in again.frames] == [one.read_labels(frame) for frame in one.frames]


def test_read__labels_of_another_organ(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "medical_hippocampus"
    for part, name in (("images", "dirty/images/hippocampus_118"), ("labels", "dirty/labels/hippocampus_281")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "x.nii.gz").symlink_to(source / f"{name}.nii.gz")
    with pytest.raises(DataError, match=r"(?s)has another size.*37x52x33.*512x512x94"):
        open_dataset(tmp_path, classes=TABLE)


def test_read__brats_stub(shared_data: Path) -> None:
    options = {"images": "imagesTr", "masks": "labelsTr", "classes_from_masks": True}
    root = shared_data / "formats_datumaro" / "brats_dataset"
    dataset = open_dataset(root, format="nifti_pairs", options=options)
    assert dataset.read_image(dataset.frames[0]).pixels.shape == (5, 1, 4)
