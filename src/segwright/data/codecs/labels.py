"""Mask files to `LabelMap`: index, palette and grey files whose values are class ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, DataError, LabelMap, Size, adopt
from segwright.core.label_map import WIDE, unknown_ids
from segwright.data.codecs.header import ImageHeader, RefusedError, check_limit
from segwright.data.codecs.orientation import turned_upright
from segwright.data.codecs.reading import decoded, decoded_values, file_bytes, header_of

MaskOrientation = Literal["auto", "upright", "stored"]
_MANY = 12  # more unknown values than this are no forgotten class but a smoothed edge


@dataclass(frozen=True, slots=True)
class FrameShape:
    """The upright size of an image and the EXIF orientation (1-8) it is stored in: what its mask must match."""

    size: Size
    orientation: int = 1

    @property
    def stored(self) -> Size:
        """The size of the pixels as they lie in the file."""
        return Size(self.size.width, self.size.height) if self.orientation >= 5 else self.size


def read_label_map(
    path: Path | str,
    classes: ClassTable,
    *,
    expected: FrameShape | Size | None = None,
    mapping: Mapping[int, int] | None = None,
    orientation: MaskOrientation = "auto",
) -> LabelMap:
    """The class ids in a mask file, upright, one a pixel.

    Values are taken as they are: grey values, palette indices, one colour band where all bands agree. `mapping`
    renames values first. Nothing is resized, rounded or guessed. `expected` is the image's shape; how a mask follows a
    turned image is told in `follow_image`.

    Raises:
        DataError: JPEG or lossy WebP, colours instead of ids, ids outside the table, smoothed edges, another size.
    """
    try:
        values, _ = read_values(path, expected=expected, orientation=orientation)
        return labelled(values, classes, mapping)
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal


def labelled(values: npt.NDArray, classes: ClassTable, mapping: Mapping[int, int] | None = None) -> LabelMap:
    """Whole numbers (height, width) as class ids; `mapping` renames values first.

    Raises:
        RefusedError: values that are no ids, or ids outside the table.
    """
    ids = _as_ids(values)
    return _labelled(_renamed(ids, mapping) if mapping else ids, classes)


def read_values(
    path: Path | str,
    *,
    expected: FrameShape | Size | None = None,
    orientation: MaskOrientation = "auto",
    lossy: bool = False,
) -> tuple[npt.NDArray, ImageHeader]:
    """The raw values (height, width) of a one-band file, upright as its image; `lossy` says JPEG may be read too.

    Raises:
        RefusedError: lossy where that is not allowed, several different bands, another size than expected.
    """
    return decoded_label_values(file_bytes(path), expected=expected, orientation=orientation, lossy=lossy)


def decoded_label_values(
    data: bytes,
    *,
    expected: FrameShape | Size | None = None,
    orientation: MaskOrientation = "auto",
    lossy: bool = False,
) -> tuple[npt.NDArray, ImageHeader]:
    """As `read_values`, from the bytes of a file.

    Raises:
        RefusedError: as `read_values`.
    """
    header = header_of(data)
    check_limit(header)
    if header.lossy and not lossy:
        raise RefusedError(
            f"is a {header.format}, whose compression changes class ids",
            allowed="PNG, TIFF, BMP, GIF or lossless WebP masks",
            found=f"lossy {header.format}",
            fix="export the masks again as PNG; ids lost in compression cannot be recovered",
        )
    values = _one_band(decoded_values(data, header))
    shape = FrameShape(expected) if isinstance(expected, Size) else expected
    if header.orientation != 1 or shape is None:
        values = turned_upright(values, header.orientation)
        shape = None if shape is None else FrameShape(shape.size)
    return (values if shape is None else follow_image(values, shape, orientation)), header


def read_colours(
    path: Path | str, *, expected: FrameShape | None = None, orientation: MaskOrientation = "auto"
) -> npt.NDArray[np.uint32]:
    """The colours of a file, upright as its image, each as one number R + 256 G + 65,536 B (see `packed_colour`).

    A palette is looked up, grey is taken as R = G = B, alpha is left out.

    Raises:
        RefusedError: lossy, more than 8 bits a band, another size than expected.
    """
    data = file_bytes(path)
    header = header_of(data)
    check_limit(header)
    pixels = decoded(data, header)
    if header.lossy or pixels.dtype != np.uint8 or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise RefusedError(
            "is no picture whose colours are classes",
            allowed="PNG, TIFF, BMP, GIF or lossless WebP of 8-bit colours",
            found=f"{'lossy ' if header.lossy else ''}{header.format}, {header.colour}, {pixels.dtype}",
            fix="export the masks again as PNG; colours lost in compression cannot be recovered",
        )
    packed = _packed(pixels)
    if header.orientation != 1 or expected is None:
        packed = turned_upright(packed, header.orientation)
        expected = None if expected is None else FrameShape(expected.size)
    return packed if expected is None else follow_image(packed, expected, orientation)


def packed_colour(colour: Sequence[int]) -> int:
    """A colour (R, G, B) as the number that `read_colours` gives."""
    return colour[0] + 256 * colour[1] + 65536 * colour[2]


def _packed(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    if pixels.ndim == 2:
        return pixels.astype(np.uint32) * np.uint32(0x010101)
    whole = np.zeros((*pixels.shape[:2], 4), np.uint8)
    whole[..., :3] = pixels
    return whole.view("<u4")[..., 0].astype(np.uint32, copy=False)


def follow_image(values: npt.NDArray, shape: FrameShape, orientation: MaskOrientation) -> npt.NDArray:
    """Turn mask values upright with their image.

    Where size tells, it decides: a mask of the upright size is upright, one of the stored size is turned as the image
    is. Where both sizes are the same (a square frame, a half turn, a mirror) the files cannot tell, and `orientation`
    decides: "upright" (drawn on the picture as people see it), "stored" (drawn on the raw pixels), "auto" refuses.
    """
    size = Size(values.shape[0], values.shape[1])
    if size not in (shape.size, shape.stored):
        raise RefusedError(
            "has another size than its image",
            allowed=str(shape.size),
            found=str(size),
            fix="export the mask at the image's own size, or remove the pair; masks are never resized silently",
        )
    if shape.orientation == 1:
        return values
    if shape.size != shape.stored:
        return values if size == shape.size else turned_upright(values, shape.orientation)
    if orientation == "auto":
        raise RefusedError(
            f"may or may not be turned: its image has EXIF orientation {shape.orientation}, which keeps the size",
            allowed="a mask whose size tells, or the option mask_orientation: upright or stored",
            found=f"{size} both ways",
            fix="look at one such pair, then set `options: {mask_orientation: upright}` (drawn on the picture as seen)",
        )
    return values if orientation == "upright" else turned_upright(values, shape.orientation)


def _one_band(values: npt.NDArray) -> npt.NDArray:
    """The single band of a grey picture however it was saved; colours and half-transparent pixels are refused."""
    if values.ndim == 2:
        return values
    if values.shape[2] in (2, 4):
        if np.any(values[..., -1] != np.iinfo(values.dtype).max):
            raise RefusedError(
                "has transparent pixels",
                allowed="opaque class ids",
                found="an alpha band below its maximum",
                fix="export the masks again without transparency",
            )
        values = values[..., :-1]
    if np.any(values != values[..., :1]):
        colours = np.unique(values.reshape(-1, values.shape[2])[:: max(1, values.size // 300_000)], axis=0)
        shown = ", ".join("#" + "".join(f"{int(part):02x}" for part in colour) for colour in colours[:8])
        raise RefusedError(
            "holds colours, not class ids",
            allowed="one value a pixel: grey or palette",
            found=f"{shown}{' ...' if len(colours) > 8 else ''}",
            fix="export index masks, or convert each colour to its class id",
        )
    return values[..., 0]


def _as_ids(values: npt.NDArray) -> npt.NDArray:
    if values.dtype in (np.uint8, np.uint16):
        return values
    if values.dtype.kind in "iu" and values.min() >= 0 and values.max() < WIDE:
        return values.astype(np.uint16)
    raise RefusedError(
        "has values that cannot be class ids",
        allowed="whole numbers 0-65535",
        found=f"{values.dtype}, {values.min()} to {values.max()}",
        fix="export index masks of 8 or 16 bits",
    )


def _renamed(ids: npt.NDArray, mapping: Mapping[int, int]) -> npt.NDArray:
    table = np.arange(WIDE, dtype=np.uint16)
    for value, class_id in mapping.items():
        table[value] = class_id
    return table[ids]


def _labelled(ids: npt.NDArray, classes: ClassTable) -> LabelMap:
    if ids.dtype != np.uint8 and max(*classes.ids, classes.void_id) <= 255:
        if unknown_ids(ids, classes):
            raise _unknown(ids, classes)
        ids = ids.astype(np.uint8)
    try:
        return LabelMap(adopt(ids), classes)
    except DataError as error:
        raise _unknown(ids, classes) from error


def _unknown(ids: npt.NDArray, classes: ClassTable) -> RefusedError:
    unknown = unknown_ids(ids, classes)
    count = int(np.isin(ids, list(unknown)).sum())
    shown = ", ".join(str(value) for value in unknown[:_MANY]) + (" ..." if len(unknown) > _MANY else "")
    if len(unknown) > _MANY:
        return RefusedError(
            f"{count} pixels have {len(unknown)} values that are not in the class table: smoothed edges or a grey mask",
            allowed=classes.describe(),
            found=shown,
            fix="export the masks without antialiasing (nearest neighbour), or cut a binary mask at 128",
        )
    which = f"value {unknown[0]}, which is" if len(unknown) == 1 else "values that are"
    return RefusedError(
        f"{count} pixels have {which} not in the class table",
        allowed=classes.describe(),
        found=shown,
        fix=f"add class {unknown[0]} to the class table (--classes FILE, or `classes:` of a segwright.yaml), or make "
        f"it void: --map {unknown[0]}={classes.void_id} (`segwright evaluate`), else "
        f"`options: {{map: [{unknown[0]}=void]}}`",
    )
