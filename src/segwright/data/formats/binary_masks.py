"""Black and white masks beside images: one class on a background, with a field of view where there is one (DRIVE)."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import numpy as np

from segwright.core import ClassTable, ConfigError, DataError, Listener, Problem, few, raise_collected, tracked
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.format import Format, Options, cut_of, orientation_of
from segwright.data.formats.pairs import SIBLINGS, Pairing, pair_by_folder, pair_by_name
from segwright.data.formats.placing import place_image
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.masks import BinaryMask
from segwright.data.workers import in_threads

FOLDER = "binary_masks"
_MANUAL = (FOLDER, "1st_manual", "manual1")  # our own; DRIVE and STARE; HRF
_SEEN = ("mask", "fov", "field_of_view")
_ENDS = re.compile(r"(?:[._-](?:training|test|manual\d?|mask|fov|1stHO|2ndHO|gt))+$", re.IGNORECASE)


def recognise(listing: Listing) -> str | None:
    """Images with a folder of drawn masks beside: 1st_manual (DRIVE), manual1 (HRF), or what `write` made."""
    pairs = len(_by_manual(listing, None)[0].pairs)
    return f"{pairs} images with black and white masks beside them" if pairs else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames whose masks are cut at `cut`: `foreground` above, `background` below (turned round by `inverted`).

    Beside a folder of drawn masks, a folder `mask` (DRIVE) or `field_of_view` says where the camera saw anything: what
    is below the cut there is void.

    Raises:
        DataError: no pairs, or two files of one name.
        ConfigError: a given table that does not say which class is painted.
    """
    pairing, seen = _paired(listing, options)
    raise_collected(pairing.problems)
    if not pairing.pairs:
        raise DataError.of(
            str(listing.root),
            "has no image with a mask",
            allowed=f"images/ beside {FOLDER}/, masks/ or 1st_manual/",
            found=f"{len(listing.images)} image files in {', '.join(list(listing.by_folder)[:8]) or 'no folder'}",
            fix="name the folders: `options: {images: FOLDER, masks: FOLDER}`",
        )
    table, painted, rest = _table(classes, options)
    above, below = (rest, painted) if options.get("inverted") else (painted, rest)
    cut, orientation = cut_of(options), orientation_of(options)
    frames = tuple(
        Frame(
            stem,
            ImageFile(listing.path(image)),
            BinaryMask(listing.path(mask), above, below, cut, orientation, seen.get(stem)),
        )
        for stem, (image, mask) in pairing.pairs.items()
    )
    return Dataset(listing.root, table, frames, "binary_masks", (*pairing.notes(), *_seen_notes(pairing, seen)))


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/STEM.* and binary_masks/STEM.png: 255 where the one class besides the background is, else 0.

    Raises:
        DataError: a table without background, or with more than one class besides it.
    """
    foreground = dataset.classes.foreground
    if dataset.classes.background is None or len(foreground) != 1:
        raise DataError.of(
            "class table",
            "does not fit into black and white masks",
            allowed="a background and one class",
            found=dataset.classes.describe(),
            fix="write the format index_png, or name the background with `background:` in segwright.yaml",
        )

    def placed(frame: Frame) -> None:
        place_image(frame, folder / "images")
        if frame.mask is not None:
            white = dataset.read_labels(frame).ids == foreground[0].class_id
            write_values(folder / FOLDER / f"{frame.stem}.png", white.astype(np.uint8) * 255)

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass


def _paired(listing: Listing, options: Options) -> tuple[Pairing, dict[str, Path]]:
    """Pairs, and for each stem the picture of what was seen, where there is one."""
    named = options.get("field_of_view")
    if "masks" in options:
        images = options.get("images")
        if images is None:
            fix = "name both: `options: {images: FOLDER, masks: FOLDER}`"
            rule = "names the masks and not the images"
            raise ConfigError.of("options: masks", rule, allowed="images and masks", found="masks alone", fix=fix)
        return _by_number(listing, _below(listing, str(images), str(options["masks"]), str(named or "")))
    by_manual = _by_manual(listing, named)
    if by_manual[0].pairs:
        return by_manual
    pairing = pair_by_folder(listing)
    return (pairing if pairing.pairs else pair_by_name(listing)), {}


def _below(listing: Listing, images: str, masks: str, seen: str) -> dict[str, tuple[str, str]]:
    """Each folder in the named image folder with its partners in the two others."""
    found: dict[str, tuple[str, str]] = {}
    for folder in listing.by_folder:
        path = PurePosixPath(folder)
        if path.is_relative_to(images):
            rest = path.relative_to(images)
            found[folder] = (str(PurePosixPath(masks) / rest), str(PurePosixPath(seen) / rest) if seen else "")
    return found


def _by_manual(listing: Listing, named: object) -> tuple[Pairing, dict[str, Path]]:
    """Pairs of an image folder with a sibling of drawn masks, and the field of view beside them."""
    folders = {folder.lower(): folder for folder in listing.by_folder}
    partners: dict[str, tuple[str, str]] = {}
    for folder in listing.by_folder:
        path = PurePosixPath(folder)
        at = next((at for at, part in enumerate(path.parts) if part.lower() in SIBLINGS), None)
        for manual in _MANUAL if at is not None else ():
            beside = [_instead(path, at, name) for name in (manual, *((str(named),) if named else _SEEN))]  # type: ignore[arg-type]
            if beside[0].lower() in folders:
                seen = next((folders[name.lower()] for name in beside[1:] if name.lower() in folders), "")
                partners.setdefault(folder, (folders[beside[0].lower()], seen if manual != FOLDER or named else ""))
    return _by_number(listing, partners)


def _instead(path: PurePosixPath, at: int, name: str) -> str:
    return "/".join([*path.parts[:at], name, *path.parts[at + 1 :]])


def _by_number(listing: Listing, partners: dict[str, tuple[str, str]]) -> tuple[Pairing, dict[str, Path]]:
    """Pairs of names that are equal but for ends such as _training, _manual1 and _mask."""
    pairs: dict[str, tuple[str, str]] = {}
    seen: dict[str, Path] = {}
    alone: tuple[list[str], list[str]] = ([], [])
    problems: list[Problem] = []
    for folder, (mask_folder, seen_folder) in partners.items():
        images, masks, views = (_named(listing, name, problems) for name in (folder, mask_folder, seen_folder))
        for key in sorted(images.keys() & masks.keys()):
            stem = _stem(images[key])
            pairs[stem] = (images[key], masks[key])
            if key in views:
                seen[stem] = listing.path(views[key])
        alone[0].extend(images[key] for key in sorted(images.keys() - masks.keys()))
        alone[1].extend(masks[key] for key in sorted(masks.keys() - images.keys()))
    return Pairing(dict(sorted(pairs.items())), tuple(alone[0]), tuple(alone[1]), tuple(problems)), seen


def _named(listing: Listing, folder: str, problems: list[Problem]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in listing.by_folder.get(folder, ()) if folder else ():
        key = _ENDS.sub("", stem_of(PurePosixPath(name).name))
        if key in found:
            rule, both = "has the same name as another file, so that pairs are ambiguous", f"{found[key]} and {name}"
            problems.append(Problem(name, rule, "one file a name", both, "remove or rename one of them"))
        found.setdefault(key, name)
    return found


def _stem(image: str) -> str:
    """The path below the root without suffix and without the folder that only says "images"."""
    parts = PurePosixPath(stem_of(image)).parts
    return "/".join(part for at, part in enumerate(parts) if at == len(parts) - 1 or part.lower() not in SIBLINGS)


def _seen_notes(pairing: Pairing, seen: dict[str, Path]) -> list[str]:
    without = [stem for stem in pairing.pairs if stem not in seen]
    return (
        [f"{len(without)} frames have no field of view: all of them counts: {few(without)}"] if seen and without else []
    )


def _table(given: ClassTable | None, options: Options) -> tuple[ClassTable, int, int]:
    """The class table, the id of what is painted, and the id of the rest."""
    background, foreground = str(options.get("background", "background")), str(options.get("foreground", "foreground"))
    table = given or ClassTable.of([background, foreground], background=background)
    rest = table.background if given is not None and "background" not in options else background
    others = [spec.name for spec in table if spec.name != rest]
    painted = foreground if "foreground" in options or len(others) != 1 else others[0]
    if rest not in table.names or painted not in table.names:
        raise ConfigError.of(
            "class table",
            "does not say which class is painted and which is the background",
            allowed="two classes, one of them the background",
            found=table.describe(),
            fix="set `options: {foreground: NAME, background: NAME}`",
        )
    return table, table[painted].class_id, table[str(rest)].class_id


BINARY_MASKS = Format(
    recognise,
    read,
    {
        "cut": "grey level from which a mask pixel is painted (128)",
        "inverted": "true: what is dark is the class, what is light the background",
        "foreground": "name of the painted class (foreground)",
        "background": "name of the rest (background)",
        "field_of_view": "folder of pictures of what the camera saw; beside 1st_manual it is found by itself",
        "images": "folder of the images, where its name does not tell",
        "masks": "folder of the masks, where its name does not tell",
        "mask_orientation": "auto, upright or stored: how masks of EXIF-turned images of ambiguous size were drawn",
    },
    write,
)
