"""EXIF tags as texts that a split can go by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags
from PIL import Image as Pillow

from segwright.core import ConfigError, DataError
from segwright.data.codecs.exif import read_exif, require_tags
from tests.data.pictures import noise, save


def photograph(path: Path, camera: dict[str, Any], position: dict[str, Any] | None = None) -> Path:
    """A picture with tags of its camera and, where they are given, of its position."""
    exif = Pillow.Exif()
    main = {"Model", "Make"}
    exif.update({ExifTags.Base[name].value: value for name, value in camera.items() if name in main})
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner.update({ExifTags.Base[name].value: value for name, value in camera.items() if name not in main})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({ExifTags.GPS[n].value: v for n, v in (position or {}).items()})
    return save(path, noise(8, 8), exif=exif.tobytes())


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_read_exif__of_each_format_that_has_it(tmp_path: Path, suffix: str) -> None:
    tags = {"Model": "X100", "DateTimeOriginal": "2024:05:01 13:00:07"}
    path = photograph(tmp_path / f"a.{suffix}", tags)
    assert read_exif(path, ["Model", "DateTimeOriginal", "LensModel"]) == {
        "Model": "X100", "DateTimeOriginal": "2024-05-01T13:00:07",
    }  # fmt: skip


def test_read_exif__fraction_and_zone_of_a_time(tmp_path: Path) -> None:
    tags = {"DateTimeOriginal": "2024:05:01 13:00:07", "SubsecTimeOriginal": "25", "OffsetTimeOriginal": "+02:00"}
    assert read_exif(photograph(tmp_path / "a.jpg", tags), ["DateTimeOriginal"]) == {
        "DateTimeOriginal": "2024-05-01T13:00:07.25+02:00"
    }


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "soon"])
def test_read_exif__a_clock_that_was_never_set_is_no_time(tmp_path: Path, text: str) -> None:
    assert read_exif(photograph(tmp_path / "a.jpg", {"DateTimeOriginal": text}), ["DateTimeOriginal"]) == {}


def test_read_exif__position_in_degrees_and_numbers(tmp_path: Path) -> None:
    position = {
        "GPSLatitude": (33.0, 51.0, 36.0),
        "GPSLatitudeRef": "S",
        "GPSLongitude": (151.0, 12.0, 40.0),
        "GPSLongitudeRef": "E",
    }
    path = photograph(tmp_path / "a.jpg", {"ISOSpeedRatings": 200, "ExposureTime": 0.008}, position)
    tags = read_exif(path, ["GPSLatitude", "GPSLongitude", "ISOSpeedRatings", "ExposureTime"])
    assert tags == {
        "GPSLatitude": "-33.8600000", "GPSLongitude": "151.2111111", "ISOSpeedRatings": "200", "ExposureTime": "0.008",
    }  # fmt: skip


def test_read_exif__a_picture_without_any(tmp_path: Path) -> None:
    assert read_exif(save(tmp_path / "a.png", noise(4, 4)), ["Model"]) == {}
    assert read_exif(save(tmp_path / "a.bmp", noise(4, 4)), ["Model"]) == {}


def test_read_exif__no_image(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(DataError, match="is not an image"):
        read_exif(tmp_path / "a.jpg", ["Model"])
    with pytest.raises(DataError, match="does not exist"):
        read_exif(tmp_path / "b.jpg", ["Model"])


def test_require_tags__names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"(?s)names no EXIF tag.*did you mean DateTimeOriginal\?"):
        require_tags(["Model", "DateTimeOrigin"])
