"""Index masks: one mask file an image, its values class ids (PNG, TIFF, BMP, GIF or lossless WebP)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from segwright.core import (
    DEFAULT_VOID_ID,
    ClassSpec,
    ClassTable,
    ConfigError,
    DataError,
    Listener,
    raise_collected,
    tracked,
)
from segwright.data.class_files import CLASS_FILES, read_class_file
from segwright.data.codecs import write_label_map
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import read_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.format import Format, Options, cut_of, id_of, orientation_of, renamings
from segwright.data.formats.pairs import Pairing, pair_by_folder, pair_by_name
from segwright.data.formats.placing import place_image
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.masks import BinaryMask, IndexMask, MaskSource
from segwright.data.workers import in_threads

_LOOKED_AT = 200
_INDENT = " " * 11


def recognise(listing: Listing) -> str | None:
    """How many images have a mask, by folder or else by name; None where none has."""
    by_folder = pair_by_folder(listing)
    if by_folder.pairs:
        return f"{len(by_folder.pairs)} images with a mask of the same name in a sibling folder"
    by_name = pair_by_name(listing)
    return f"{len(by_name.pairs)} images with a mask beside them" if by_name.pairs else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames from sibling folders (images/ and masks/, train/ and trainannot/) or from pairs inside a folder.

    Raises:
        DataError: no pairs at all, or two files of one name.
        ConfigError: no class table was given or found; the message lists the ids in the masks and the table to paste.
    """
    pairing = _paired(listing, options)
    table = classes or _table_beside(listing) or _table_from_masks(listing, pairing, options)
    source = _source(table, options)
    frames = tuple(
        Frame(stem, ImageFile(listing.path(image)), source(listing.path(mask)))
        for stem, (image, mask) in pairing.pairs.items()
    )
    return Dataset(listing.root, table, frames, "index_png", tuple(pairing.notes()))


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/STEM.* and masks/STEM.png."""

    def placed(frame: Frame) -> None:
        place_image(frame, folder / "images")
        if frame.mask is not None:
            write_label_map(folder / "masks" / f"{frame.stem}.png", dataset.read_labels(frame))

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass


def _paired(listing: Listing, options: Options) -> Pairing:
    pairing = pair_by_folder(listing, options.get("images"), options.get("masks"))
    if not pairing.pairs and "masks" not in options:
        pairing = pair_by_name(listing)
    raise_collected(pairing.problems)
    if not pairing.pairs:
        raise DataError.of(
            str(listing.root),
            "has no image with a mask",
            allowed="images/ beside masks/ or labels/, X/ beside Xannot/, a.jpg beside a.png, a.png beside a_mask.png",
            found=f"{len(listing.images)} image files in {', '.join(list(listing.by_folder)[:8]) or 'no folder'}",
            fix="name the folders: `options: {images: FOLDER, masks: FOLDER}`",
        )
    return pairing


def _source(table: ClassTable, options: Options) -> Callable[[Path], MaskSource]:
    """How a mask file is read: as class ids, or with the option `cut` as two classes, dark and light."""
    orientation = orientation_of(options)
    if "cut" not in options:
        mapping = {_value(found): id_of(becomes, table) for found, becomes in renamings(options.get("map")).items()}
        return lambda path: IndexMask(path, mapping, orientation)
    if len(table) != 2 or "map" in options:
        raise ConfigError.of(
            "options: cut",
            "needs two classes and no map: the first below the cut, the second from it up",
            allowed="such as {background: 0, defect: 1}",
            found=table.describe(),
            fix="leave out cut, or map; or name two classes",
        )
    cut = cut_of(options)
    below, above = table.ids
    return lambda path: BinaryMask(path, above, below, cut, orientation)


def _value(text: str) -> int:
    if not text.isdigit():
        raise ConfigError.of(
            "options: map",
            "renames something that is no mask value",
            allowed="[7=void]",
            found=text,
            fix="write the number that stands in the masks first: map: [7=void]",
        )
    return int(text)


def _table_beside(listing: Listing) -> ClassTable | None:
    path = next((listing.path(name) for name in CLASS_FILES if name in listing.files), None)
    return None if path is None else read_class_file(path)


def _table_from_masks(listing: Listing, pairing: Pairing, options: Options) -> ClassTable:
    """`class_0, class_1, ...` where the user agreed to that, else the error that shows what to paste."""
    step = max(1, len(pairing.pairs) // _LOOKED_AT)
    masks = [listing.path(mask) for _, mask in pairing.pairs.values()][::step]
    pixels = _values_in(masks)
    ids = sorted(pixels.keys() - {DEFAULT_VOID_ID})
    if options.get("classes_from_masks") and 0 < len(ids) <= DEFAULT_VOID_ID:
        return _numbered(ids)
    total = sum(pixels.values())
    shares = ", ".join(f"{value} ({count / total:.2%} of pixels)" for value, count in pixels.most_common(12))
    raise ConfigError.of(
        str(listing.root),
        "has no class table: nobody says what the ids in the masks mean",
        allowed=f"`classes:` in segwright.yaml, or a file {CLASS_FILES[1]} with lines such as `0 background`",
        found=f"{len(pixels)} values in {len(masks)} of {len(pairing.pairs)} masks: {shares}",
        fix=_to_paste(pixels, ids, total),
    )


def _to_paste(pixels: Counter[int], ids: list[int], total: int) -> str:
    """The lines for segwright.yaml; masks that are black and white (with smooth or noisy edges) are cut in two.

    Noisy and smooth masks have more white than anything between, or values near white. Where all that lies between is
    small values with more pixels than 255 has, these are rare classes and 255 is void.
    """
    others = {value: count for value, count in pixels.items() if value not in (0, 255)}
    few = max(others.values(), default=0) < 0.005 * total and sum(others.values()) < 0.05 * total
    if pixels[255] and few and (pixels[255] > sum(others.values()) or max(others) >= 128):
        return (
            f"the masks are black and white; paste and rename:\n{_INDENT}classes:\n{_INDENT}  names: "
            f"{{background: 0, foreground: 1}}\n{_INDENT}  background: background\n{_INDENT}data:\n"
            f"{_INDENT}  options: {{cut: 128}}\n"
            f"{_INDENT}or, where there is no segwright.yaml yet: --classes background,foreground --option cut=128"
        )
    names = ", ".join(f"class_{value}: {value}" for value in ids[:24])
    numbered = ids == list(range(len(ids)))  # only then do names alone say which is which
    typed = f"--classes {','.join(f'class_{value}' for value in ids)}" if numbered else f"--classes {CLASS_FILES[1]}"
    return (
        f"paste and rename:\n{_INDENT}classes:\n{_INDENT}  names: {{{names}}}\n{_INDENT}  void: {DEFAULT_VOID_ID}\n"
        f"{_INDENT}or, where there is no segwright.yaml yet: {typed}"
    )


def _numbered(ids: Iterable[int]) -> ClassTable:
    return ClassTable(tuple(ClassSpec(value, f"class_{value}") for value in ids))


def _values_in(masks: list[Path]) -> Counter[int]:
    """How many pixels have each value, over some masks; a mask that cannot be read is left to `check`."""
    pixels: Counter[int] = Counter()
    for values in in_threads(_counted, masks):
        pixels.update(values)
    return pixels


def _counted(path: Path) -> dict[int, int]:
    try:
        values, _ = read_values(path)
    except RefusedError as refusal:
        raise refusal.at(str(path)) from refusal
    found, counts = np.unique(values, return_counts=True)
    return {int(value): int(count) for value, count in zip(found, counts, strict=True)}


INDEX_PNG = Format(
    recognise,
    read,
    {
        "images": "folder of the images, where its name does not tell",
        "masks": "folder of the masks, where its name does not tell",
        "map": "values to rename before they are read as class ids: [7=void, 255=scratch]",
        "cut": "for masks of two classes: the grey level from which a pixel is the second class (128)",
        "classes_from_masks": "true: name the ids found class_0, class_1, ...",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write=write,
    carries=frozenset({"void"}),
)
