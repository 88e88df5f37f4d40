"""The classes of Cityscapes: label ids, the ids used in training, and which are counted or left out of the scores."""

from __future__ import annotations

from dataclasses import dataclass

from segwright.core import ClassSpec, ClassTable

IGNORED = 255


@dataclass(frozen=True, slots=True)
class CityLabel:
    """One line of the official table; `train_id` 255 is left out of training and of the scores."""

    name: str
    label_id: int
    train_id: int
    counted: bool
    colour: tuple[int, int, int]


# Source: cityscapesScripts, cityscapesscripts/helpers/labels.py: name, id, trainId, hasInstances, color.
# The id -1 of the licence plate is stored as 255.
LABELS: tuple[CityLabel, ...] = tuple(
    CityLabel(name, label_id, train_id, bool(counted), colour)
    for name, label_id, train_id, counted, colour in (
        ("unlabeled", 0, 255, 0, (0, 0, 0)),
        ("ego vehicle", 1, 255, 0, (0, 0, 0)),
        ("rectification border", 2, 255, 0, (0, 0, 0)),
        ("out of roi", 3, 255, 0, (0, 0, 0)),
        ("static", 4, 255, 0, (0, 0, 0)),
        ("dynamic", 5, 255, 0, (111, 74, 0)),
        ("ground", 6, 255, 0, (81, 0, 81)),
        ("road", 7, 0, 0, (128, 64, 128)),
        ("sidewalk", 8, 1, 0, (244, 35, 232)),
        ("parking", 9, 255, 0, (250, 170, 160)),
        ("rail track", 10, 255, 0, (230, 150, 140)),
        ("building", 11, 2, 0, (70, 70, 70)),
        ("wall", 12, 3, 0, (102, 102, 156)),
        ("fence", 13, 4, 0, (190, 153, 153)),
        ("guard rail", 14, 255, 0, (180, 165, 180)),
        ("bridge", 15, 255, 0, (150, 100, 100)),
        ("tunnel", 16, 255, 0, (150, 120, 90)),
        ("pole", 17, 5, 0, (153, 153, 153)),
        ("polegroup", 18, 255, 0, (153, 153, 153)),
        ("traffic light", 19, 6, 0, (250, 170, 30)),
        ("traffic sign", 20, 7, 0, (220, 220, 0)),
        ("vegetation", 21, 8, 0, (107, 142, 35)),
        ("terrain", 22, 9, 0, (152, 251, 152)),
        ("sky", 23, 10, 0, (70, 130, 180)),
        ("person", 24, 11, 1, (220, 20, 60)),
        ("rider", 25, 12, 1, (255, 0, 0)),
        ("car", 26, 13, 1, (0, 0, 142)),
        ("truck", 27, 14, 1, (0, 0, 70)),
        ("bus", 28, 15, 1, (0, 60, 100)),
        ("caravan", 29, 255, 1, (0, 0, 90)),
        ("trailer", 30, 255, 1, (0, 0, 110)),
        ("train", 31, 16, 1, (0, 80, 100)),
        ("motorcycle", 32, 17, 1, (0, 0, 230)),
        ("bicycle", 33, 18, 1, (119, 11, 32)),
        ("license plate", 255, 255, 0, (0, 0, 142)),
    )
)
BY_NAME = {label.name: label for label in LABELS}


def city_table(*, train_ids: bool, whole: bool) -> ClassTable:
    """The 19 classes that are scored, by train id or label id; `whole` takes all from ground (6) up.

    Everything else is void, the licence plate in either.
    """
    kept = [label for label in LABELS if label.train_id != IGNORED or (whole and 6 <= label.label_id < IGNORED)]
    return ClassTable(
        tuple(
            ClassSpec(
                label.train_id if train_ids else label.label_id,
                label.name,
                "thing" if label.counted else "stuff",
                label.colour,
            )
            for label in kept
        )
    )
