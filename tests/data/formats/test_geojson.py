"""GeoJSON footprints: pairs of names, projections, holes, nodata, and what a file can get wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from segwright.core import ConfigError, DataError
from segwright.data import export_dataset, open_dataset
from tests.data.pictures import noise, save

SQUARE = [[1, 0], [6, 0], [6, 5], [1, 5], [1, 0]]
HOLE = [[2, 1], [4, 1], [4, 3], [2, 3], [2, 1]]


def _feature(coordinates: Any, kind: str = "Polygon", **said: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": said, "geometry": {"type": kind, "coordinates": coordinates}}


def _folder(root: Path, *features: Any, name: str = "a", **more: Any) -> Path:
    save(root / "images" / "a.png", noise(6, 8))
    (root / "labels").mkdir(exist_ok=True)
    data = {"type": "FeatureCollection", "features": list(features), **more}
    (root / "labels" / f"{name}.geojson").write_text(json.dumps(data), encoding="utf-8")
    return root


def _ids(root: Path, **options: Any) -> np.ndarray:
    dataset = open_dataset(root, options=options)
    return dataset.read_labels(dataset.frames[0]).ids


def test_read__polygons_with_holes_are_footprints(tmp_path: Path) -> None:
    dataset = open_dataset(_folder(tmp_path, _feature([SQUARE, HOLE], height=12.5, roof="", note=None)))
    assert (dataset.format, dataset.frames[0].stem) == ("geojson", "a")
    assert dataset.classes.describe() == "0 background, 1 footprint, 255 void"
    assert dataset.read_labels(dataset.frames[0]).ids[1].tolist() == [0, 1, 0, 0, 1, 1, 0, 0]
    assert dataset.read_instances(dataset.frames[0]).instances[0].attributes == {"height": "12.5"}


def test_read__multi_polygons_are_one_object_and_islands_stay(tmp_path: Path) -> None:
    island = [[3, 1], [4, 1], [4, 2], [3, 2], [3, 1]]
    dataset = open_dataset(_folder(tmp_path, _feature([[SQUARE, HOLE], [island]], "MultiPolygon")))
    assert dataset.read_labels(dataset.frames[0]).ids[1].tolist() == [0, 1, 0, 1, 1, 1, 0, 0]
    assert len(dataset.read_instances(dataset.frames[0])) == 1


def test_read__a_property_names_classes_when_asked(tmp_path: Path) -> None:
    root = _folder(tmp_path, _feature([SQUARE], use="shed"), _feature([HOLE], use="pool"), _feature([HOLE]))
    dataset = open_dataset(root, options={"label": "use", "name": "other"})
    assert dataset.classes.names == ("background", "other", "pool", "shed")
    assert _ids(root, name="roof").max() == 1
    with pytest.raises(ConfigError, match="is a property that no feature has"):
        open_dataset(root, options={"label": "uses"})


def test_read__nothing_there_is_background_all_over(tmp_path: Path) -> None:
    assert (_ids(_folder(tmp_path / "none")) == 0).all()
    root = _folder(tmp_path / "empty")
    (root / "labels" / "a.geojson").write_bytes(b"")
    assert (_ids(root) == 0).all()
    assert "1 images have no shape" in open_dataset(root).notes[0]


def test_read__names_are_paired_by_their_ends(tmp_path: Path) -> None:
    for name in ("RGB_AOI_2_img1", "RGB_AOI_2_img11", "RGB_AOI_2_img2"):
        save(tmp_path / f"{name}.png", noise(6, 8))
    for name in ("buildings_AOI_2_img1", "buildings_AOI_2_img11", "buildings_AOI_2_img3", "buildings"):
        (tmp_path / f"{name}.geojson").write_text('{"features": []}')
    dataset = open_dataset(tmp_path)
    assert [frame.stem for frame in dataset.frames] == ["RGB_AOI_2_img1", "RGB_AOI_2_img11"]
    strangers = "buildings.geojson, buildings_AOI_2_img3.geojson"
    assert dataset.notes[0].startswith("GeoJSON: 2 files belong to no image")
    assert dataset.notes[0].endswith(f"left out: {strangers}")
    assert "1 image files are not in the annotation file" in dataset.notes[1]
    save(tmp_path / "MUL_AOI_2_img1.png", noise(6, 8))
    assert "may belong to 2 images" in open_dataset(tmp_path).notes[0]
    named = {"annotations": "buildings_AOI_2_img3.geojson", "image": "RGB_AOI_2_img2.png"}
    assert open_dataset(tmp_path, options=named).frames[0].stem == "RGB_AOI_2_img2"


@pytest.mark.parametrize(
    "feature",
    [
        _feature([[[1, 1], [2, 2], [1, 1]]]),
        _feature([[[1, 1], [2, 2], [3, float("nan")], [1, 1]]]),
        _feature([[[1, 1], [2, 2], [3, 1e30], [1, 1]]]),
        _feature([[[1, 1], [2, 2], [3, 1e9], [1, 1]]]),
        _feature([[[1, 1], [2, 2], ["3", 1], [1, 1]]]),
        _feature([[1, 1], [2, 2], [3, 1], [1, 1]]),
        _feature(None),
        _feature([], "Curve"),
        {"geometry": {}},
        {"geometry": 3},
    ],
)
def test_read__features_that_cannot_be_read(tmp_path: Path, feature: Any) -> None:
    with pytest.raises(DataError, match=r"labels/a.geojson: feature 1: has a geometry that cannot be read"):
        open_dataset(_folder(tmp_path, _feature([SQUARE]), feature))


@pytest.mark.parametrize("text", ["{}", "[]", '{"features": [3]}', '{"features": {}}'])
def test_read__files_that_are_none(tmp_path: Path, text: str) -> None:
    root = _folder(tmp_path)
    (root / "labels" / "a.geojson").write_text(text)
    with pytest.raises(DataError, match="is no GeoJSON"):
        open_dataset(root)


def test_read__points_and_nothing_are_counted(tmp_path: Path) -> None:
    nothing = {"type": "Feature", "properties": {}, "geometry": None}
    dataset = open_dataset(_folder(tmp_path, _feature([SQUARE]), _feature([1, 1], "Point"), nothing))
    assert "1 shapes of kind Point paint nothing" in dataset.notes[0]
    assert "1 shapes of kind feature without a geometry paint nothing" in dataset.notes[1]


def _spacenet(shared_data: Path, root: Path) -> Path:
    root.mkdir()
    for name in ("sample_geotiff.tif", "geotiff_labels.geojson", "empty.geojson"):
        shutil.copy(shared_data / "remote_spacenet_sample" / name, root / name)
    return root


def test_read__spacenet_equals_gdal_up_to_the_border(shared_data: Path, tmp_path: Path) -> None:
    """The burnt mask that comes with the sample, and GDAL's rule: a pixel is inside where its centre is."""
    rasterio = pytest.importorskip("rasterio")
    dataset = open_dataset(_spacenet(shared_data, tmp_path / "in"))
    assert "GeoJSON: 1 files belong to no image" in dataset.notes[0]
    assert dataset.notes[0].endswith(": empty.geojson")
    (frame,) = dataset.frames
    labels = dataset.read_labels(frame)
    with rasterio.open(tmp_path / "in" / "sample_geotiff.tif") as raster:
        void = raster.dataset_mask() == 0
    assert np.array_equal(~labels.valid, void)
    burnt = shared_data / "remote_spacenet_sample" / "sample_fp_mask_from_geojson.tif"
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(burnt) as raster:
        theirs = (raster.read(1) > 0) & ~void
    ours = labels.mask("footprint")
    assert not (ours & ~binary_dilation(theirs)).any()
    assert not (binary_erosion(theirs) & ~ours & ~void).any()
    assert (ours != theirs).mean() < 0.005


def test_read__another_projection_is_carried_over(shared_data: Path, tmp_path: Path) -> None:
    """The same footprints in longitude and latitude, with no projection named, as RFC 7946 has it."""
    pytest.importorskip("rasterio")
    from rasterio.warp import transform_geom

    root = _spacenet(shared_data, tmp_path / "in")
    expected = _ids(root)
    data = json.loads((root / "geotiff_labels.geojson").read_text())
    for feature in data["features"]:
        feature["geometry"] = transform_geom("EPSG:32616", "OGC:CRS84", feature["geometry"], precision=12)
    del data["crs"]
    (root / "geotiff_labels.geojson").write_text(json.dumps(data))
    assert (_ids(root) != expected).mean() < 1e-4
    data["crs"] = {"type": "name", "properties": {"name": "EPSG:99999"}}
    (root / "geotiff_labels.geojson").write_text(json.dumps(data))
    with pytest.raises(DataError, match="is a projection that is not known"):
        open_dataset(root)


def test_write__footprints_on_the_map_come_back(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("rasterio")
    dataset = open_dataset(_spacenet(shared_data, tmp_path / "in"))
    written = export_dataset(dataset, tmp_path / "out", "geojson")
    assert written.losses == ()
    data = json.loads((tmp_path / "out" / "labels" / "sample_geotiff.geojson").read_text())
    assert data["crs"]["properties"]["name"] == "EPSG:32616"
    again = open_dataset(tmp_path / "out")
    assert again.read_labels(again.frames[0]) == dataset.read_labels(dataset.frames[0])
    ours, theirs = (one.read_instances(one.frames[0]).sorted_set() for one in (dataset, again))
    assert ours == theirs
