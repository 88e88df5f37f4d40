"""The worst frames of an instance or panoptic evaluation as pictures: truth, prediction, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from segwright.core import Box, ClassTable, DataError, Image, Size
from segwright.data import read_image
from segwright.data.columns import names_of_stems
from segwright.data.listing import list_files, stem_of
from segwright.evaluate.compare_objects import outcome_of
from segwright.evaluate.difference import OUTCOME_COLOURS, Outcome
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.report.paint import Canvas, Colour
from segwright.evaluate.report.pictures import Pictures, caption, data_uri, plain
from segwright.infer.overlay import as_display

WORST_FRAMES = 12

FOUND, MISSED, INVENTED = (OUTCOME_COLOURS[code] for code in (Outcome.RIGHT, Outcome.MISSED, Outcome.FALSE))
CONFUSED, LEFT_OUT = OUTCOME_COLOURS[Outcome.CONFUSED], OUTCOME_COLOURS[Outcome.VOID]

MEANINGS: Mapping[str, Sequence[tuple[Colour, str]]] = {
    "instance": (
        (FOUND, "right: a detection that found its object"),
        (MISSED, "missed: an object nothing found"),
        (INVENTED, "false: a detection that found nothing"),
        (LEFT_OUT, "crowd or ignored, and detections on it: in no score"),
    ),
    "panoptic": (
        (FOUND, "right: both segments are matched with each other"),
        (MISSED, "missed: a true segment without a match"),
        (INVENTED, "false: a predicted segment without a match"),
        (CONFUSED, "confused: missed and false at once, or the wrong one of matched segments"),
        (LEFT_OUT, "void or crowd in truth: in no score"),
    ),
}


@dataclass(frozen=True)
class ObjectPanel:
    """The pictures of one frame, under the name that its row has."""

    name: str
    row: Mapping[str, Any]
    pictures: Pictures


class PicturesByName(Protocol):
    """Where the frames' pictures come from: a folder of them, or the dataset that was scored."""

    def of(self, name: str, size: Size, /) -> Image | None:
        """The picture of the frame called `name`, None where there is none."""
        ...


@dataclass(frozen=True)
class FrameImages:
    """The frames' pictures by name: a path, or the last part of one, without its suffix."""

    paths: Mapping[str, Path]

    @staticmethod
    def in_folder(folder: Path | None, names: Sequence[str]) -> FrameImages:
        """The pictures that a folder holds of the frames called `names`; of no folder none.

        Raises:
            DataError: no such folder, or it holds no picture of any of the frames.
        """
        if folder is None:
            return FrameImages({})
        listing = list_files(folder)
        places = {stem_of(name): listing.path(name) for name in listing.images}
        spelled = names_of_stems(places)
        found = {
            name: places[spelled[each]] for name in names for each in (name, name.rpartition("/")[2]) if each in spelled
        }
        if names and not found:
            raise DataError.of(
                str(folder), "holds no image of the frames that were scored",
                allowed=", ".join(list(names)[:3]) + (" ..." if len(names) > 3 else ""),
                found=", ".join(list(places)[:3]) or "no image", fix="name the folder with the images: --images DIR",
            )  # fmt: skip
        return FrameImages(found)

    def of(self, name: str, size: Size) -> Image | None:
        """The picture of the frame called `name`, None where there is none.

        Raises:
            DataError: it cannot be read, or is of another size.
        """
        path = self.paths.get(name)
        if path is None:
            return None
        image = read_image(path)
        if image.size != size:
            raise DataError.of(
                str(path), "is not of its frame's size", allowed=str(size), found=str(image.size),
                fix="name the folder with the images that were labelled: --images DIR",
            )  # fmt: skip
        return image


def name_of(row: Mapping[str, Any]) -> str:
    """What a frame's row is called: the stem of its file, by which pictures are found."""
    return str(row["stem"]) if "stem" in row else stem_of(str(row["name"]))


def worst_rows(evaluation: ObjectEvaluation) -> list[tuple[int, Mapping[str, Any]]]:
    """Position and row of the frames with errors, the most invented and missed first."""
    rows = [(outcome_of(row), place, row) for place, row in enumerate(evaluation.details.get("frames", ()))]
    wrong = [(found["fp"] + found["fn"], place, row) for found, place, row in rows if found["fp"] + found["fn"]]
    return [(place, row) for _, place, row in sorted(wrong, key=lambda each: (-each[0], name_of(each[2])))]


@dataclass(frozen=True)
class Views:
    """One frame, or the window of it that is shown, painted three times over its picture."""

    image: Image | None
    window: Box
    size: Size
    truth: Canvas
    prediction: Canvas
    difference: Canvas

    def pictures(self) -> Pictures:
        """As data URIs for the page."""
        image = None if self.image is None else data_uri(as_display(self.image.crop(self.window)))
        truth, prediction, difference = map(data_uri, (self.truth, self.prediction, self.difference))
        return Pictures(image, truth, prediction, difference, caption(self.window, self.size))


def ground(image: Image | None, window: Box, size: Size) -> Image:
    """What a frame is painted on: the window of its picture, or plain grey."""
    return (image or plain(size)).crop(window)


def colour_of(classes: ClassTable, channel: int, place: int) -> Colour:
    """The colour of an object: its class's, or, of one class alone, another one for each neighbour."""
    if len([*classes.foreground]) > 1:
        return classes.colour(classes.ids[channel])
    hue = (place * 0.618034) % 1.0  # steps of the golden angle: no two neighbours in the file alike
    return tuple(int(value) for value in _rgb(hue))  # type: ignore[return-value]


def _rgb(hue: float) -> Iterator[float]:
    """A saturated colour of one hue (0..1), neither very dark nor very pale."""
    for shift in (0.0, 2 / 3, 1 / 3):
        wave = abs(((hue + shift) * 6) % 6 - 3) - 1
        yield 40 + 190 * float(np.clip(wave, 0, 1))
