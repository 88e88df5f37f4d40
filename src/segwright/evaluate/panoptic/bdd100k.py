"""BDD100K panoptic bitmasks: RGBA PNG files of class, attributes and instance id."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from segwright.core import ClassSpec, ClassTable, DataError, Problem, adopt, raise_collected
from segwright.data.class_files import CLASS_FILES, read_class_file
from segwright.data.codecs.segment_ids import read_bitmask
from segwright.data.listing import list_files, stem_of
from segwright.evaluate.panoptic.frame import PanopticFrame, Segment
from segwright.evaluate.panoptic.overlap import count_ids

_NAMES = (
    "dynamic", "ego vehicle", "ground", "static", "parking", "rail track", "road", "sidewalk", "bridge", "building",
    "fence", "garage", "guard rail", "tunnel", "wall", "banner", "billboard", "lane divider", "parking sign", "pole",
    "polegroup", "street light", "traffic cone", "traffic device", "traffic light", "traffic sign",
    "traffic sign frame", "terrain", "vegetation", "sky", "person", "rider", "bicycle", "bus", "car", "caravan",
    "motorcycle", "trailer", "train", "truck",
)  # fmt: skip
_STUFF = 30

# ids 1-40, 0 is void; source: bdd100k/bdd100k, label/label.py
BDD100K_CLASSES = ClassTable(
    tuple(
        ClassSpec(class_id, name, "stuff" if class_id <= _STUFF else "thing")
        for class_id, name in enumerate(_NAMES, start=1)
    ),
    void_id=0,
)

_IGNORED_OR_CROWD = 0b11


@dataclass(frozen=True)
class Bitmasks:
    """Frames of a folder of BDD100K bitmasks, by stem.

    R is the class, G the attributes (bit 0 ignored, bit 1 crowd), 256 B + A the instance id, which becomes the segment
    id. Pixels of the table's void id, and those whose class and instance id are both 0, are void. An ignored segment is
    a crowd, as in BDD100K's own conversion to COCO.
    """

    folder: Path
    classes: ClassTable
    files: Mapping[str, Path]

    @property
    def place(self) -> str:
        return str(self.folder)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self.files)

    @property
    def image_ids(self) -> Mapping[str, int | str]:
        return {}

    def read(self, stem: str) -> PanopticFrame:
        """Raises DataError with the file's path: not a bitmask, or segments of two classes."""
        path = self.files[stem]
        values = read_bitmask(path)
        segments = _segments(path, count_ids(values), self.classes.void_id)
        ids = (values >> 8) & 0xFF00 | values >> 24
        ids[(values & 0xFF) == self.classes.void_id] = 0
        try:
            return PanopticFrame(stem, adopt(ids), segments, self.classes)
        except DataError as error:
            raise DataError(*(replace(problem, place=str(path)) for problem in error.problems)) from None

    def stale_areas(self, frame: PanopticFrame) -> int:  # noqa: ARG002  # the protocol's
        """None: bitmasks store no areas."""
        return 0


def open_bitmasks(folder: Path, classes: ClassTable | None) -> Bitmasks:
    """The bitmasks in `folder`; `classes` None takes a class file beside them, else BDD100K's forty classes.

    Raises:
        DataError: no PNG file in it, or two of one stem.
    """
    listing = list_files(folder)
    names = [name for name in listing.images if name.lower().endswith(".png")]
    if not names:
        raise DataError.of(
            str(folder), "holds no panoptic map", allowed="BDD100K bitmasks as PNG, or panoptic.json with its folder",
            found=f"{len(listing.files)} files, no PNG", fix="name the folder with the panoptic PNG files",
        )  # fmt: skip
    twice = [stem for stem, count in Counter(map(stem_of, names)).items() if count > 1]
    raise_collected(
        Problem(f"{folder}/{stem}", "has two bitmasks", "one file a name", stem, "move one of them away")
        for stem in sorted(twice)
    )
    beside = next((folder / name for name in CLASS_FILES if (folder / name).is_file()), None)
    table = classes or (BDD100K_CLASSES if beside is None else read_class_file(beside))
    return Bitmasks(folder, table, {stem_of(name): listing.path(name) for name in names})


def _segments(path: Path, pixels_of: Mapping[int, int], void_id: int) -> dict[int, Segment]:
    """Segments by instance id, of the distinct pixel values of one bitmask and their numbers of pixels."""
    claims: dict[int, set[Segment]] = defaultdict(set)
    without_id = 0
    for value, pixels in pixels_of.items():
        instance = (value >> 8) & 0xFF00 | value >> 24
        class_id, attributes = value & 0xFF, (value >> 8) & 0xFF
        if class_id == void_id or (class_id == 0 and instance == 0):
            continue
        if instance == 0:
            without_id += pixels
        claims[instance].add(Segment(class_id, bool(attributes & _IGNORED_OR_CROWD)))
    claims.pop(0, None)
    raise_collected(_bitmask_problems(path, claims, without_id))
    return {instance: next(iter(found)) for instance, found in claims.items()}


def _bitmask_problems(path: Path, claims: Mapping[int, set[Segment]], without_id: int) -> Iterator[Problem]:
    if without_id:
        yield Problem(
            str(path), f"{without_id} pixels have a class and no instance id", "an instance id from 1 for each segment",
            "256 B + A = 0", "number each segment, stuff as well (BDD100K takes the class id for stuff)",
        )  # fmt: skip
    for instance, found in claims.items():
        if len(found) > 1:
            listed = "; ".join(
                f"class {each.class_id}{', crowd or ignored' if each.is_crowd else ''}"
                for each in sorted(found, key=lambda segment: (segment.class_id, segment.is_crowd))
            )
            yield Problem(
                f"{path}: instance {instance}", "is of two kinds", "one class, crowd or ignored all over or nowhere",
                listed, "give each segment of a frame an instance id of its own",
            )  # fmt: skip
