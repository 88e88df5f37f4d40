"""One frame of the scene, from its spec, line and number alone: ground, shadows, parts, camera; and its true ids."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, PanopticMap, Segment, Size
from segwright.demo.frames.camera import FRAME_STREAM, developed, exposed, pattern_noise, session_field
from segwright.demo.frames.looks import LIGHTS, LOOKS
from segwright.demo.frames.scene import Setting, illumination, shifted
from segwright.demo.frames.spec import random_stream
from segwright.demo.frames.texture import Field
from segwright.demo.panoptic.ground import Course, draw_course, draw_ground
from segwright.demo.panoptic.layout import draw_layout, inside_frame, stacked_ids
from segwright.demo.panoptic.parts import Part
from segwright.demo.panoptic.spec import BELT, BOLT, BRACKET, CLASSES, FLOOR, SceneSpec

COURSE_STREAM = 11  # of the worked example's frames are 1 to 3
BELT_ID, FLOOR_ID, FIRST_PART_ID = 1, 2, 3


@dataclass(frozen=True, slots=True)
class DrawnScene:
    """One frame: `image` (height, width, 3) uint8 RGB, its segments (no void), and the row of columns.csv, all text."""

    stem: str
    image: npt.NDArray[np.uint8]
    panoptic: PanopticMap
    columns: dict[str, str]


def make_scene(spec: SceneSpec, line: str, index: int) -> DrawnScene:
    """Frame number `index` of a line. The same three arguments give the same pixels, in any process."""
    camera = spec.camera
    look = LOOKS[line]
    random = random_stream(camera, line, FRAME_STREAM, index)
    setting = Setting(spec.size, camera.scale, look, LIGHTS[camera.lighting(index)])
    session = random_stream(camera, line, COURSE_STREAM, camera.session(index))
    course = draw_course(spec.size, camera.scale, session)
    parts = draw_layout(setting, course, random)
    light = illumination(setting, random)
    seen = draw_ground(setting, course, light, random)
    for part in parts:
        _lay(seen, part, setting, light, random)
    clean = exposed(seen, look, session_field(camera, line, camera.session(index), look))
    image = developed(clean, look, pattern_noise(camera, line, look.pattern_noise), random)
    stem = camera.stem(line, index)
    panoptic = _truth(parts, course, spec.size)
    columns = {
        "line": line,
        "lighting": camera.lighting(index),
        "session": f"{line}_s{camera.session(index):02d}",
        **{f"{name}s": str(sum(part.class_id == class_id for part in parts)) for name, class_id in _COUNTED.items()},
    }
    return DrawnScene(stem, image, panoptic, columns)


_COUNTED = {"bracket": BRACKET, "bolt": BOLT}


def _lay(seen: Field, part: Part, setting: Setting, light: Field, random: np.random.Generator) -> None:
    """Put a part and its shadow on what is there already, in place."""
    _shadow(seen, part, setting)
    box, size = part.box, setting.size
    inner, outer = inside_frame(box, size)
    rows = np.clip(np.arange(box.top, box.bottom), 0, size.height - 1)
    columns = np.clip(np.arange(box.left, box.right), 0, size.width - 1)
    patch = replace(setting, size=Size(box.height, box.width))
    sent = part.shade(patch, part.cover, light[np.ix_(rows, columns)], random)[inner]
    cover = part.cover[inner][:, :, None]
    seen[outer] = seen[outer] * (1 - cover) + sent * cover


def _shadow(seen: Field, part: Part, setting: Setting) -> None:
    x, y = setting.towards_light
    blur = max(1.0, 0.5 * setting.light.shadow_blur_px * setting.scale)
    reach = part.height_px + 2 * setting.scale
    margin = int(np.ceil(reach + 3 * blur))
    wide = cv2.copyMakeBorder(part.cover, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    dark = cv2.GaussianBlur(shifted(wide, -x * reach, -y * reach), (0, 0), blur)
    box = part.box
    grown = Box(box.top - margin, box.left - margin, box.bottom + margin, box.right + margin)
    inner, outer = inside_frame(grown, setting.size)
    seen[outer] *= (1 - min(0.85, 1.3 * setting.light.shadow) * dark[inner])[:, :, None]


def _truth(parts: tuple[Part, ...], course: Course, size: Size) -> PanopticMap:
    """Every pixel one id: belt 1, floor 2 where they are seen, then the parts from the lowest to the highest."""
    ids = stacked_ids(parts, size, FIRST_PART_ID)
    ids[ids == 0] = np.where(course.on_belt(size), BELT_ID, FLOOR_ID)[ids == 0]
    segments = [Segment(BELT_ID, BELT), Segment(FLOOR_ID, FLOOR)]
    segments += [Segment(number, part.class_id) for number, part in enumerate(parts, start=FIRST_PART_ID)]
    there = {int(value) for value in np.unique(ids)}
    return PanopticMap(ids, tuple(segment for segment in segments if segment.segment_id in there), CLASSES)
