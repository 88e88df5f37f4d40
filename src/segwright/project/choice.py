"""Which task, network and encoder suit what is at hand: the guide's method table, as a function of plain facts.

Nothing here knows what this version can train; who asks says so, and takes the first of the candidates that it can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from segwright.core import ClassTable

ENOUGH_FRAMES = 200  # the guide: query decoders are chased in vain on fewer; lint rule SEG050 holds the same number
MANY_FRAMES = 2000  # ten times that: then a larger encoder has something to learn from
THIN_PX = 3.0  # as wide as the guide's brush; what a disk of radius 1 deletes
TINY_SHARE = 0.01  # of the pixels that anything but background covers
REAL_TIME_FPS = 10.0  # a video, and not frames that wait for each other


@dataclass(frozen=True)
class Situation:
    """What is known. None is unknown, and then no rule that asks for it holds.

    frames: labelled frames to train on. narrowest_px: median width of the thinnest class. foreground_share: of the
    valid pixels, what is not background. has_background: whether one class means "nothing here". fps: frames a second
    one network must keep up with. count: objects must be told apart. stuff: regions are named beside the objects.
    """

    frames: int | None = None
    narrowest_px: float | None = None
    foreground_share: float | None = None
    has_background: bool = True
    fps: float | None = None
    count: bool = False
    stuff: bool = False
    boxes_only: bool = False
    clicks: bool = False
    volumes: bool = False

    @staticmethod
    def of(
        classes: ClassTable, frames: int, pixels: Mapping[str, int], widths_px: Mapping[str, float | None]
    ) -> Situation:
        """What a class table and the counts of `frames` frames say: class name -> pixels, and -> median width."""
        foreground = [spec.name for spec in classes.foreground]
        seen = [width for name in foreground if (width := widths_px.get(name)) is not None]
        total, things = sum(pixels.values()), [spec for spec in classes if spec.kind == "thing"]
        covered = sum(pixels.get(name, 0) for name in foreground)
        return Situation(
            frames=frames,
            narrowest_px=min(seen, default=None),
            foreground_share=covered / total if total and classes.background is not None else None,
            has_background=classes.background is not None,
            count=bool(things),
            stuff=bool(things) and any(spec.kind != "thing" for spec in classes.foreground),
        )

    @property
    def few(self) -> bool:
        """Whether there are too few frames for a network that decodes by queries; unknown counts as few."""
        return self.frames is None or self.frames < ENOUGH_FRAMES

    @property
    def thin(self) -> bool:
        """Whether some class is a line of a few pixels."""
        return self.narrowest_px is not None and self.narrowest_px <= THIN_PX

    @property
    def tiny(self) -> bool:
        """Whether nearly everything is background."""
        return self.foreground_share is not None and self.foreground_share < TINY_SHARE

    @property
    def real_time(self) -> bool:
        """Whether frames come as a video does."""
        return self.fps is not None and self.fps >= REAL_TIME_FPS


@dataclass(frozen=True)
class Choice:
    """What suits a situation: the row of the guide's table, the task, candidates in order, and why."""

    need: str
    task: str
    networks: tuple[str, ...]
    encoders: tuple[str, ...]
    because: tuple[str, ...]
    advice: tuple[str, ...] = ()

    @property
    def name(self) -> tuple[str, str, str]:
        """Task, first network, first encoder."""
        return self.task, self.networks[0], self.encoders[0]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What another situation would be answered with."""

    situation: str
    choice: Choice


def choose(situation: Situation) -> Choice:
    """The first row of the guide's method table that the situation meets."""
    rule = next(rule for holds, rule in RULES if holds(situation))
    choice = rule(situation)
    return replace(choice, because=(*choice.because, *_facts(situation)))


def would_change(situation: Situation) -> tuple[Otherwise, ...]:
    """Each single change of the situation that leads to another choice, with that choice."""
    own = choose(situation).name
    found = ((text, choose(other)) for text, other in _variations(situation))
    return tuple(Otherwise(text, choice) for text, choice in found if choice.name != own)


def first_possible(choice: Choice, possible: Callable[[str], bool]) -> tuple[str | None, tuple[str, ...]]:
    """The first network of the choice that is possible, and those before it that are not."""
    for number, name in enumerate(choice.networks):
        if possible(name):
            return name, choice.networks[:number]
    return None, choice.networks


def _clicks(_: Situation) -> Choice:
    because = ("somebody clicks, and a mask is to follow the click: a promptable model needs no classes",)
    advice = ("fine-tune its decoder on the masks that people corrected",)
    return Choice("interactive click-to-segment", "promptable", ("sam",), ("sam_vit_b",), because, advice)


def _boxes(_: Situation) -> Choice:
    because = ("there are boxes and no masks: a box says where, not which pixels",)
    advice = ("expect 5 to 15 points of mean IoU below full masks unless the pseudo-labels are iterated",)
    return Choice("only bounding box labels", "instance", ("boxinst", "maskrcnn"), ("resnet50",), because, advice)


def _volumes(_: Situation) -> Choice:
    because = ("slices of a volume belong together: a network that sees three axes uses the neighbours",)
    advice = ("loss: {dice: 0.5, lovasz: 0.5} beside cross-entropy where the foreground is tiny",)
    return Choice("tiny foreground, medical volumes", "volume", ("unet3d",), ("none",), because, advice)


def _panoptic(situation: Situation) -> Choice:
    because = ("objects are counted and regions named: every pixel gets one of both",)
    if situation.few:
        because += (f"fewer than {ENOUGH_FRAMES} frames: query decoders need more, Panoptic FPN does not",)
        return Choice("mixed stuff and things", "panoptic", ("panoptic_fpn",), ("resnet50",), because)
    networks = ("mask2former", "panoptic_fpn")
    return Choice("mixed stuff and things", "panoptic", networks, ("resnet50",), because)


def _instance(situation: Situation) -> Choice:
    because = ("objects of one class are to be told apart, which a semantic map does not do",)
    if situation.real_time:
        because += (f"{situation.fps:g} frames a second: one stage, no proposals",)
        return Choice("count objects in a video", "instance", ("yolact", "solov2"), ("resnet50",), because)
    advice = ("SOLOv2 where objects are long and thin: a 28 px mask a box is too coarse for them",)
    thin = ("solov2", "maskrcnn") if situation.thin else ("maskrcnn", "solov2")
    return Choice("count and mask each object", "instance", thin, ("resnet50",), because, advice)


def _real_time(situation: Situation) -> Choice:
    because = (f"{situation.fps:g} frames a second: an encoder made for phones, a decoder half as wide",)
    advice = ("time it on the machine of the line; where it is too slow, read tiles of the part alone",)
    networks = ("unet", "lraspp") if situation.thin else ("lraspp", "unet")
    return Choice("real-time video on an edge device", "semantic", networks, ("mobilenetv2_100",), because, advice)


def _tiny(situation: Situation) -> Choice:
    share = situation.foreground_share or 0.0
    because = (f"only {share:.2%} of the pixels are anything but background",)
    advice = ("Dice counts overlap and not pixels; Lovász follows the IoU itself: loss.lovasz=0.5",)
    networks = ("attention_unet", "unet")
    return Choice("tiny foreground", "semantic", networks, _encoders(situation), because, advice)


def _scene(situation: Situation) -> Choice:
    because = ("every class is a region of a scene: context at several scales tells them apart",)
    networks = (
        ("segformer", "deeplabv3plus", "unet") if (situation.frames or 0) >= MANY_FRAMES else ("deeplabv3plus", "unet")
    )
    return Choice("region types of a scene", "semantic", networks, _encoders(situation), because)


def _regions(situation: Situation) -> Choice:
    because = ("regions are asked for, not single objects",)
    if situation.few:
        because += (f"below {ENOUGH_FRAMES} frames a U-Net with a pretrained encoder wins",)
    if situation.thin:
        because += ("skip connections at full resolution keep lines of a few pixels",)
    return Choice("region types, no instance count", "semantic", ("unet",), _encoders(situation), because)


def _encoders(situation: Situation) -> tuple[str, ...]:
    if (situation.frames or 0) >= MANY_FRAMES:
        return "resnet50", "resnet34", "resnet18", "mobilenetv2_100"
    return "resnet34", "resnet18", "mobilenetv2_100"


# the guide's method decision table, the more special row first
RULES: tuple[tuple[Callable[[Situation], bool], Callable[[Situation], Choice]], ...] = (
    (lambda at: at.clicks, _clicks),
    (lambda at: at.boxes_only, _boxes),
    (lambda at: at.volumes, _volumes),
    (lambda at: at.count and at.stuff, _panoptic),
    (lambda at: at.count, _instance),
    (lambda at: at.real_time, _real_time),
    (lambda at: at.tiny, _tiny),
    (lambda at: not at.has_background and not at.few, _scene),
    (lambda _: True, _regions),
)


def _facts(situation: Situation) -> Iterator[str]:
    """The numbers that the choice stands on."""
    if situation.frames is not None:
        yield f"{situation.frames} frames to train on"
    if situation.narrowest_px is not None:
        yield f"the thinnest class is {situation.narrowest_px:g} px wide in the median"
    if situation.foreground_share is not None and situation.has_background:
        yield f"{situation.foreground_share:.2%} of the pixels are foreground"


def _variations(at: Situation) -> Iterator[tuple[str, Situation]]:
    if at.few:
        yield f"{ENOUGH_FRAMES} labelled frames or more", replace(at, frames=ENOUGH_FRAMES)
    else:
        yield f"fewer than {ENOUGH_FRAMES} labelled frames", replace(at, frames=ENOUGH_FRAMES - 1)
    if (at.frames or 0) < MANY_FRAMES:
        yield f"{MANY_FRAMES} labelled frames or more", replace(at, frames=MANY_FRAMES)
    if not at.count:
        yield "objects that must be counted", replace(at, count=True, stuff=False)
        yield "objects to count beside regions to name", replace(at, count=True, stuff=True)
    else:
        yield "regions only, nothing to count", replace(at, count=False)
    if not at.real_time:
        yield f"a video of {REAL_TIME_FPS:g} frames a second or more", replace(at, fps=REAL_TIME_FPS)
    else:
        yield "frames that may wait", replace(at, fps=None)
    if not at.has_background:
        yield "one class that means 'nothing here'", replace(at, has_background=True)
    elif not at.tiny:
        yield f"a foreground below {TINY_SHARE:.0%} of the pixels", replace(at, foreground_share=TINY_SHARE / 2)
    else:
        yield f"a foreground of {TINY_SHARE:.0%} of the pixels or more", replace(at, foreground_share=TINY_SHARE)
    yield from _other_labels(at)


def _other_labels(at: Situation) -> Iterator[tuple[str, Situation]]:
    if at.boxes_only:
        yield "masks instead of boxes", replace(at, boxes_only=False)
    else:
        yield "boxes instead of masks", replace(at, boxes_only=True)
    if at.clicks:
        yield "nobody who clicks", replace(at, clicks=False)
    else:
        yield "a person who clicks on what is wanted", replace(at, clicks=True)
    if at.volumes:
        yield "slices that are judged one by one", replace(at, volumes=False)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
