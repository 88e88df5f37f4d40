"""One frame of the worked example, from its spec, line and number alone."""

from __future__ import annotations

import cv2
import numpy as np

from segwright.demo.frames import knobs
from segwright.demo.frames.camera import (
    FRAME_STREAM,
    developed,
    exposed,
    lens_field,
    pattern_noise,
    session_field,
)
from segwright.demo.frames.distractors import disturb
from segwright.demo.frames.glare import draw_glare, paint_glare
from segwright.demo.frames.looks import LIGHTS, LOOKS
from segwright.demo.frames.planning import defect_percent, painted_labels, plan_marks
from segwright.demo.frames.scene import Scene, Setting, build_scene
from segwright.demo.frames.shapes import draw_bracket, place
from segwright.demo.frames.spec import CLASSES, VOID_ID, FrameSpec, GeneratedFrame, random_stream
from segwright.demo.frames.texture import Field, in_colour


def make_frame(spec: FrameSpec, line: str, index: int) -> GeneratedFrame:
    """Frame number `index` of a line. The same three arguments give the same pixels, in any process."""
    look = LOOKS[line]
    random = random_stream(spec, line, FRAME_STREAM, index)
    setting = Setting(spec.size, spec.scale, look, LIGHTS[spec.lighting(index)])
    bracket = draw_bracket(random)
    pose = place(bracket, spec.size, float(random.uniform(*knobs.PART_SHARE)), look.distortion, random)
    scene = build_scene(setting, bracket, pose, random)
    glare = draw_glare(scene, random)
    void = paint_glare(scene, glare, _saturation(scene, glare), random)
    brightness = scene.metal.copy()
    disturb(brightness, scene, random)
    metal = in_colour(brightness, look.metal)
    marks = plan_marks(scene, spec, void, random)
    for mark in marks:
        metal[mark.box.slices] *= mark.factor
    lens = session_field(spec, line, spec.session(index), look)
    clean = exposed(_light(scene, metal, glare), look, lens)
    image = developed(clean, look, pattern_noise(spec, line, look.pattern_noise), random)
    labels = painted_labels(scene, marks, void)
    return GeneratedFrame(spec.stem(line, index), image, labels, scene.part, _columns(spec, line, index, scene, labels))


def _saturation(scene: Scene, glare: Field) -> Field:
    """The weakest band of the frame before noise where there is glare: 1 is full scale."""
    look = scene.setting.look
    if not glare.any():
        return glare
    weakest = min(tone * balance for tone, balance in zip(look.metal, look.white_balance, strict=True)) * look.gain
    lens = lens_field(scene.setting.size, look.vignette)
    return (scene.metal * weakest + glare * look.gain * min(look.white_balance)) * lens


def _light(scene: Scene, metal: Field, glare: Field) -> Field:
    """Belt, metal and glare in one field of light (height, width, 3), with the halo a lens makes around a hot spot."""
    light = metal * in_colour(scene.cover, (1, 1, 1))
    light += scene.belt
    if glare.any():
        halo = cv2.GaussianBlur(
            cv2.resize(glare, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), (0, 0), 4.0 * scene.setting.scale
        )
        wide = cv2.resize(halo, (glare.shape[1], glare.shape[0]), interpolation=cv2.INTER_LINEAR)
        light += in_colour(glare + 0.10 * wide, (1, 1, 1))
    return light


def _columns(spec: FrameSpec, line: str, index: int, scene: Scene, labels: np.ndarray) -> dict[str, str]:
    part_px = scene.part_px
    total = defect_percent(labels, part_px)
    columns = {
        "stem": spec.stem(line, index),
        "line": line,
        "lighting": spec.lighting(index),
        "session": f"{line}_s{spec.session(index):02d}",
    }
    for defect in CLASSES.foreground:
        share = 100.0 * np.count_nonzero(labels == defect.class_id) / part_px
        columns[f"{defect.name}_percent"] = f"{share:.4f}"
    columns["defect_percent"] = f"{total:.4f}"
    columns["reject"] = "1" if total > knobs.LIMIT_PERCENT else "0"
    columns["void_px"] = str(np.count_nonzero(labels == VOID_ID))
    columns["part_px"] = str(part_px)
    return columns
