"""Which mask file belongs to which image file, told from names and folders alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from segwright.core import Problem
from segwright.data.listing import Listing, stem_of

# image folder -> mask folders that may stand beside it, compared in lower case
SIBLINGS: dict[str, tuple[str, ...]] = {
    "images": ("masks", "labels", "annotations", "mask", "label", "segmentation"),
    "image": ("mask", "masks", "label", "labels"),
    "imgs": ("masks", "mask", "labels"),
    "img": ("mask", "masks", "label", "labels", "ann"),
    "jpegimages": ("segmentationclass", "annotations"),
    "rgb": ("gt/color",),
    "original": ("ground truth", "groundtruth"),
}
_FOLDER_SUFFIXES = ("annot", "_masks", "_mask", "_labels", "_label", "_gt")
_FILE_SUFFIX = re.compile(r"[._-](masks?|labels?|labelids|gt|seg|annotation|L)$", re.IGNORECASE)
_MASK_FILES = frozenset({".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jpg", ".jpeg"})
_SHOWN = 5


@dataclass(frozen=True)
class Pairing:
    """Image and mask names relative to the root, by stem; what has no partner; names that two files claim."""

    pairs: dict[str, tuple[str, str]]
    images_alone: tuple[str, ...] = ()
    masks_alone: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def notes(self) -> Iterator[str]:
        """What was left out, how many, and what to do about it."""
        for alone, what, fix in (
            (self.images_alone, "images have no mask", "add masks of the same name, or move the images away"),
            (self.masks_alone, "masks have no image", "add images of the same name, or move the masks away"),
        ):
            if alone:
                shown = ", ".join(alone[:_SHOWN]) + (" ..." if len(alone) > _SHOWN else "")
                rule = f"{len(alone)} {what} and were left out"
                yield str(Problem("pairs", rule, "one mask an image, of the same name", shown, fix))


def pair_by_folder(listing: Listing, images: str | None = None, masks: str | None = None) -> Pairing:
    """Pairs from sibling folders: `images` and `masks`, `train` and `trainannot`; or the two folder names given."""
    partners: dict[str, tuple[str, str]] = {}
    for folder, partner in _named_partners(listing, images, masks) if images and masks else _partners(listing):
        partners.setdefault(folder, partner)
    pictures: dict[str, str] = {}
    labels: dict[str, str] = {}
    problems: list[Problem] = []
    for image_folder, (mask_folder, prefix) in partners.items():
        _claim(listing.by_folder[image_folder], prefix, pictures, problems)
        _claim(listing.by_folder.get(mask_folder, ()), prefix, labels, problems, images=pictures)
    return _joined(pictures, labels, problems)


def pair_by_name(listing: Listing) -> Pairing:
    """Pairs inside one folder: `a.jpg` with `a.png`, or `a.png` with `a_mask.png`."""
    pictures: dict[str, str] = {}
    labels: dict[str, str] = {}
    problems: list[Problem] = []
    by_stem: dict[str, list[str]] = defaultdict(list)
    for name in listing.images:
        by_stem[stem_of(name)].append(name)
    for stem, names in by_stem.items():
        bare = _FILE_SUFFIX.sub("", stem)
        if bare != stem and bare in by_stem:
            _claim(names, str(PurePosixPath(bare).parent), labels, problems, images={})
        elif len(names) == 2 and any(name.lower().endswith(".png") for name in names):
            mask, image = sorted(names, key=lambda name: not name.lower().endswith(".png"))
            pictures[stem], labels[stem] = image, mask
        else:
            _claim(names, str(PurePosixPath(stem).parent), pictures, problems)
    return _joined(pictures, labels, problems)


def _joined(pictures: dict[str, str], labels: dict[str, str], problems: list[Problem]) -> Pairing:
    pairs = {stem: (pictures[stem], labels[stem]) for stem in sorted(pictures.keys() & labels.keys())}
    images_alone = tuple(pictures[stem] for stem in sorted(pictures.keys() - labels.keys()))
    masks_alone = tuple(labels[stem] for stem in sorted(labels.keys() - pictures.keys()))
    return Pairing(pairs, images_alone, masks_alone, tuple(problems))


def _claim(
    names: Iterable[str],
    prefix: str,
    into: dict[str, str],
    problems: list[Problem],
    *,
    images: Mapping[str, str] | None = None,
) -> None:
    """Enter files by stem; where `images` are given, as the masks of these, whose names may say so at their end."""
    for name in names:
        if images is not None and PurePosixPath(name).suffix.lower() not in _MASK_FILES:
            continue
        stem = str(PurePosixPath(prefix) / stem_of(PurePosixPath(name).name))
        if images is not None and stem not in images:
            stem = _FILE_SUFFIX.sub("", stem)
        if stem in into:
            problems.append(
                Problem(
                    name,
                    "has the same name as another file, so that pairs are ambiguous",
                    "one file a name",
                    f"{into[stem]} and {name}",
                    "remove or rename one of them",
                )
            )
        into.setdefault(stem, name)


def _partners(listing: Listing) -> Iterator[tuple[str, tuple[str, str]]]:
    """Image folder -> (mask folder, the part of the path that tells frames of several folders apart)."""
    folders = {folder.lower(): folder for folder in listing.by_folder}
    for folder in listing.by_folder:
        parts = PurePosixPath(folder).parts
        for at, part in enumerate(parts):
            for name in SIBLINGS.get(part.lower(), ()):
                mask = "/".join([*parts[:at], name, *parts[at + 1 :]])
                if mask.lower() in folders:
                    yield folder, (folders[mask.lower()], "/".join([*parts[:at], *parts[at + 1 :]]))
        for suffix in _FOLDER_SUFFIXES:
            if (folder + suffix).lower() in folders:
                yield folder, (folders[(folder + suffix).lower()], folder)


def _named_partners(listing: Listing, images: str, masks: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for folder in listing.by_folder:
        below = PurePosixPath(folder)
        if below == PurePosixPath(images) or PurePosixPath(images) in below.parents:
            rest = below.relative_to(images)
            yield folder, (str(PurePosixPath(masks) / rest), str(rest))
