"""Which defects a frame carries: drawn until the painted area is what this kind of frame should have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segwright.demo.frames import knobs
from segwright.demo.frames.defects import DRAW, Mark
from segwright.demo.frames.scene import Scene
from segwright.demo.frames.spec import BACKGROUND_ID, DENT_ID, DISCOLORATION_ID, SCRATCH_ID, VOID_ID, FrameSpec

Labels = npt.NDArray[np.uint8]
ATTEMPTS = 26


def plan_marks(scene: Scene, spec: FrameSpec, void: npt.NDArray[np.bool_], random: np.random.Generator) -> list[Mark]:
    """The frame's defects; their painted area, void left out, lies where the drawn kind of frame should lie."""
    kind = random.random()
    if kind < spec.rejected_share:
        names = _draw_names(knobs.REJECTED_CLASSES, 2, random)
        return _fill(scene, void, names, knobs.REJECTED_PERCENT, knobs.REJECTED_LIMIT_PERCENT, random)
    if kind < spec.rejected_share + spec.borderline_share:
        names = _draw_names(knobs.REJECTED_CLASSES, 1, random)
        return _fill(scene, void, names, knobs.BORDERLINE_PERCENT, knobs.BORDERLINE_PERCENT[1], random)
    if random.random() < knobs.CLEAN_SHARE:
        return []
    names = _draw_names(knobs.ACCEPTED_CLASSES, 1, random)
    return _fill(scene, void, names, knobs.ACCEPTED_PERCENT, knobs.ACCEPTED_LIMIT_PERCENT, random)


def painted_labels(scene: Scene, marks: Sequence[Mark], void: npt.NDArray[np.bool_]) -> Labels:
    """Class ids (height, width): scratches over dents over discoloration, void over all, nothing off the part."""
    labels = np.full(scene.part.shape, BACKGROUND_ID, dtype=np.uint8)
    for class_id in (DISCOLORATION_ID, DENT_ID, SCRATCH_ID):
        for mark in marks:
            if mark.class_id == class_id:
                labels[mark.box.slices][mark.painted & scene.part[mark.box.slices]] = class_id
    labels[void] = VOID_ID
    return labels


def defect_percent(labels: Labels, part_px: int) -> float:
    """Painted defect area, percent of the part."""
    defects = np.count_nonzero((labels != BACKGROUND_ID) & (labels != VOID_ID))
    return 100.0 * defects / max(1, part_px)


def _draw_names(chances: dict[str, float], least: int, random: np.random.Generator) -> list[str]:
    for _attempt in range(20):
        names = [name for name, chance in chances.items() if random.random() < chance]
        if len(names) >= least:
            return names
    return list(chances)[:least]


def _fill(
    scene: Scene,
    void: npt.NDArray[np.bool_],
    names: list[str],
    aim_percent: tuple[float, float],
    limit_percent: float,
    random: np.random.Generator,
) -> list[Mark]:
    """Add marks until each named kind is there and the aim is reached, never past the limit."""
    aim = float(random.uniform(*aim_percent))
    largest = 1.0 if aim > knobs.LIMIT_PERCENT else 0.5
    marks: list[Mark] = []
    area, part_px = 0.0, scene.part_px
    wanted = list(names)
    for _attempt in range(ATTEMPTS):
        if not wanted and area >= aim:
            break
        name = wanted[0] if wanted else str(random.choice(names))
        mark = DRAW[name](scene, random, largest * float(random.random()) ** 1.2)
        if mark is None:
            continue
        with_mark = defect_percent(painted_labels(scene, [*marks, mark], void), part_px)
        if with_mark > limit_percent:
            largest *= 0.7
            continue
        marks.append(mark)
        area = with_mark
        wanted = wanted[1:]
    return marks
