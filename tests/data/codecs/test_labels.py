"""Masks as they come: ids are taken as they are, or the file is refused; nothing is rounded, resized or guessed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from segwright.core import ClassSpec, ClassTable, DataError, LabelMap, Size
from segwright.data import read_label_map, write_label_map
from tests.data.pictures import CLASSES, mask_of, save, smooth

IDS = mask_of(scratch=(1, 1), dent=(2, 3), void=(4, 5))


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp", "gif"])
def test_read_label_map__grey_file(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    labels = read_label_map(save(tmp_path / f"m.{suffix}", IDS, **options), CLASSES)
    assert labels == LabelMap(IDS, CLASSES)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif"])
def test_read_label_map__palette_indices_not_colours(tmp_path: Path, suffix: str) -> None:
    picture = Pillow.fromarray(IDS).convert("P")
    picture.putpalette(np.random.default_rng(0).permutation(768).astype(np.uint8).tolist())
    picture.putdata(IDS.ravel().tolist())
    picture.save(tmp_path / f"m.{suffix}", **({"optimize": False} if suffix == "gif" else {}))
    assert np.array_equal(read_label_map(tmp_path / f"m.{suffix}", CLASSES).ids, IDS)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_read_label_map__low_bit_depths_are_not_stretched(tmp_path: Path, bits: int) -> None:
    ids = np.minimum(IDS % 255, 2**bits - 1)
    packed = Pillow.fromarray(ids).convert("P")
    packed.putpalette([value for grey in range(2**bits) for value in [grey * 255 // (2**bits - 1)] * 3])
    packed.putdata(ids.ravel().tolist())
    packed.save(tmp_path / "palette.png", bits=bits)
    cv2.imwrite(str(tmp_path / "grey.png"), ids * 255, [cv2.IMWRITE_PNG_BILEVEL, 1]) if bits == 1 else None
    assert np.array_equal(read_label_map(tmp_path / "palette.png", CLASSES).ids, ids)
    if bits == 1:
        assert np.array_equal(read_label_map(tmp_path / "grey.png", CLASSES).ids, ids)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_read_label_map__sixteen_bits_narrowed_only_where_all_fits(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"m.{suffix}", IDS.astype(np.uint16))
    assert read_label_map(path, CLASSES).ids.dtype == np.uint8
    wrapped = IDS.astype(np.uint16)
    wrapped[0, 0] = 257  # would be class 1 after a cast to uint8
    with pytest.raises(DataError, match=r"(?s)1 pixels have value 257"):
        read_label_map(save(tmp_path / f"w.{suffix}", wrapped), CLASSES)


def test_read_label_map__wide_table_keeps_sixteen_bits(tmp_path: Path) -> None:
    table = ClassTable((ClassSpec(0, "background"), ClassSpec(1000, "scratch")), void_id=65535)
    ids = np.array([[0, 1000, 65535]], np.uint16)
    assert np.array_equal(read_label_map(save(tmp_path / "m.png", ids), table).ids, ids)


def test_read_label_map__equal_colour_bands_are_one(tmp_path: Path) -> None:
    assert np.array_equal(read_label_map(save(tmp_path / "m.png", np.dstack([IDS] * 3)), CLASSES).ids, IDS)
    opaque = np.dstack([IDS, IDS, IDS, np.full_like(IDS, 255)])
    assert np.array_equal(read_label_map(save(tmp_path / "o.png", opaque), CLASSES).ids, IDS)


def test_read_label_map__colours_are_refused_and_shown(tmp_path: Path) -> None:
    colours = np.zeros((6, 8, 3), np.uint8)
    colours[1, 1] = (255, 0, 16)
    with pytest.raises(DataError, match=r"(?s)colours, not class ids.*#000000, #ff0010.*convert each colour"):
        read_label_map(save(tmp_path / "m.png", colours), CLASSES)


def test_read_label_map__transparency_is_refused(tmp_path: Path) -> None:
    see_through = np.dstack([IDS, IDS, IDS, IDS])
    with pytest.raises(DataError, match="has transparent pixels"):
        read_label_map(save(tmp_path / "m.png", see_through), CLASSES)


@pytest.mark.parametrize(("suffix", "name"), [("jpg", "JPEG"), ("webp", "WebP")])
def test_read_label_map__lossy_mask_is_refused(tmp_path: Path, suffix: str, name: str) -> None:
    path = save(tmp_path / f"m.{suffix}", np.dstack([IDS] * 3) if suffix == "webp" else IDS)
    with pytest.raises(DataError, match=rf"(?s)is a {name}, whose compression changes class ids.*as PNG"):
        read_label_map(path, CLASSES)


def test_read_label_map__jpeg_named_png_is_refused_too(tmp_path: Path) -> None:
    save(tmp_path / "m.jpg", IDS).rename(tmp_path / "m.png")
    with pytest.raises(DataError, match="is a JPEG"):
        read_label_map(tmp_path / "m.png", CLASSES)


def test_read_label_map__unknown_id_says_how_many_and_what_to_type(tmp_path: Path) -> None:
    ids = IDS.copy()
    ids[0, :3] = 7
    with pytest.raises(DataError, match="3 pixels") as caught:
        read_label_map(save(tmp_path / "m.png", ids), CLASSES)
    assert str(caught.value) == (
        f"{tmp_path / 'm.png'}: 3 pixels have value 7, which is not in the class table\n"
        "  allowed: 0 background, 1 scratch, 2 dent, 255 void\n"
        "  found:   7\n"
        "  fix:     add class 7 to the class table (--classes FILE, or `classes:` of a segwright.yaml), or make it "
        "void: --map 7=255 (`segwright evaluate`), else `options: {map: [7=void]}`"
    )


def test_read_label_map__mapping_renames_before_the_check(tmp_path: Path) -> None:
    ids = IDS.copy()
    ids[0, 0], ids[0, 1] = 7, 9
    labels = read_label_map(save(tmp_path / "m.png", ids), CLASSES, mapping={7: 255, 9: 2})
    assert labels.ids[0, 0] == 255
    assert labels.ids[0, 1] == 2
    assert np.array_equal(labels.ids[1:], IDS[1:])


def test_read_label_map__smoothed_edges_are_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)smoothed edges or a grey mask.*without antialiasing"):
        read_label_map(save(tmp_path / "m.png", smooth(40, 40)[..., 0]), CLASSES)


def test_read_label_map__another_size_is_refused_never_resized(tmp_path: Path) -> None:
    path = save(tmp_path / "m.png", IDS)
    assert read_label_map(path, CLASSES, expected=Size(6, 8)).size == Size(6, 8)
    with pytest.raises(DataError, match=r"(?s)another size than its image.*allowed: 16x12.*found:   8x6"):
        read_label_map(path, CLASSES, expected=Size(12, 16))


def test_read_label_map__float_and_negative_values_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "f.tif", IDS.astype(np.float32))
    tifffile.imwrite(tmp_path / "n.tif", IDS.astype(np.int16) - 1)
    tifffile.imwrite(tmp_path / "i.tif", IDS.astype(np.int32))
    for name in ("f.tif", "n.tif"):
        with pytest.raises(DataError, match="values that cannot be class ids"):
            read_label_map(tmp_path / name, CLASSES)
    assert np.array_equal(read_label_map(tmp_path / "i.tif", CLASSES).ids, IDS)


def test_read_label_map__void_all_over_is_a_label_map(tmp_path: Path) -> None:
    labels = read_label_map(save(tmp_path / "m.png", np.full((4, 4), 255, np.uint8)), CLASSES)
    assert labels.void_fraction == 1.0


def test_read_label_map__camvid_table_reads_void_eleven(shared_data: Path) -> None:
    names = ["Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car", "Pedestrian", "Bike"]
    table = ClassTable.of(names, void_id=11)
    labels = read_label_map(next((shared_data / "semantic_camvid" / "valannot").glob("*.png")), table)
    assert labels.size == Size(360, 480)
    assert 0 < labels.void_fraction < 0.2


@pytest.mark.parametrize("void_id", [255, 65535])
def test_write_label_map__round_trip(tmp_path: Path, void_id: int) -> None:
    table = ClassTable(CLASSES.classes, void_id)
    ids = IDS if void_id == 255 else np.where(IDS == 255, np.uint16(65535), IDS.astype(np.uint16))
    labels = LabelMap(ids, table)
    write_label_map(tmp_path / "deep" / "m.png", labels)
    assert read_label_map(tmp_path / "deep" / "m.png", table) == labels
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["m.png"]
