"""What a camera wrote into an image file beside the pixels, by the names of the EXIF standard."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import ExifTags, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from segwright.core import ConfigError
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.reading import file_bytes, header_of

TAGS: Mapping[str, int] = {tag.name: tag.value for tag in ExifTags.Base} | {tag.name: tag.value for tag in ExifTags.GPS}
_BASE = {tag.value: tag.name for tag in ExifTags.Base}
_GPS = {tag.value: tag.name for tag in ExifTags.GPS}
_SECTIONS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
# The plug-in classes themselves: Image.open would apply Pillow's own process-wide pixel limit.
_PLUGINS: Mapping[str, Any] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
}


def require_tags(names: Sequence[str]) -> None:
    """Refuse names that are no EXIF tags.

    Raises:
        ConfigError: with the nearest known name.
    """
    unknown = [name for name in names if name not in TAGS]
    if unknown:
        close = get_close_matches(unknown[0], TAGS, n=1)
        raise ConfigError.of(
            "--columns-exif", "names no EXIF tag", allowed="DateTimeOriginal, Model, GPSLatitude, ...",
            found=", ".join(unknown),
            fix=f"did you mean {close[0]}?" if close else "write the tag as the EXIF standard does",
        )  # fmt: skip


def read_exif(path: Path | str, tags: Sequence[str]) -> dict[str, str]:
    """The tags that an image file holds, as text; those it does not hold are left out.

    Dates become ISO 8601 (with the fraction of a second and the zone where the camera wrote them), latitude and
    longitude degrees below or above 0, numbers plain. BMP and GIF hold no EXIF.

    Raises:
        DataError: the file is missing, empty or no image.
    """
    try:
        data = file_bytes(path)
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal
    return decode_exif(data, tags, str(path))


def decode_exif(data: bytes, tags: Sequence[str], place: str) -> dict[str, str]:
    """`read_exif` for the bytes of an image file; `place` is what messages name.

    Raises:
        DataError: no image.
    """
    try:
        plugin = _PLUGINS.get(header_of(data).format)
    except RefusedError as refusal:
        raise refusal.at(place) from refusal
    values = {} if plugin is None else _values(plugin, data)
    texts = {name: _text(name, values) for name in tags}
    return {name: text for name, text in texts.items() if text}


def _values(plugin: Any, data: bytes) -> dict[str, Any]:
    """Every tag by name."""
    found = zip((_BASE, _BASE, _GPS), _blocks(plugin, data), strict=False)
    return {names[tag]: value for names, rows in found for tag, value in rows.items() if tag in names}


def _blocks(plugin: Any, data: bytes) -> list[Mapping[int, Any]]:
    """The tags of the picture, of the camera and of the position; a damaged block is none: it is not the pixels."""
    try:
        exif = plugin(io.BytesIO(data)).getexif()
        return [dict(exif), *(exif.get_ifd(section) for section in _SECTIONS)]
    except Exception:  # Pillow raises a dozen unrelated types on a damaged block
        return []


def _text(name: str, values: Mapping[str, Any]) -> str:
    value = values.get(name)
    if value is None:
        return ""
    try:
        if name.startswith("DateTime"):
            return _moment(name, str(value), values)
        if name in ("GPSLatitude", "GPSLongitude"):
            return _degrees(value, str(values.get(f"{name}Ref", "")))
        if isinstance(value, tuple):
            return " ".join(_plain(item) for item in value)
        return _plain(value)
    except (ValueError, TypeError, ZeroDivisionError, OverflowError):
        return ""


def _moment(name: str, text: str, values: Mapping[str, Any]) -> str:
    """2024:05:01 13:00:00 as 2024-05-01T13:00:00; "" for a clock that was never set. Source: EXIF 3.0, 4.6.5."""
    day, _, clock = text.strip("\0 ").partition(" ")
    parts = day.replace("-", ":").split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts) or int(parts[0]) == 0:
        return ""
    kind = name.removeprefix("DateTime")  # Original, Digitized, or nothing
    fraction = str(values.get(f"SubsecTime{kind}", "")).strip("\0 ")
    zone = str(values.get(f"OffsetTime{kind}", "")).strip("\0 ")
    text = f"{'-'.join(parts)}T{clock}" if clock else "-".join(parts)
    return (
        f"{text}{f'.{fraction}' if fraction.isdigit() and clock else ''}{zone if zone[:1] in ('+', '-', 'Z') else ''}"
    )


def _degrees(value: Any, reference: str) -> str:
    degrees, minutes, seconds = (float(part) for part in value)
    number = degrees + minutes / 60 + seconds / 3600
    return f"{-number if reference.strip(chr(0)) in ('S', 'W') else number:.7f}"


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").strip("\0 ")
    if isinstance(value, int | str):
        return str(value).strip("\0 ")
    number = Fraction(float(value)).limit_denominator(10**6)
    return str(number.numerator) if number.denominator == 1 else f"{float(value):g}"
