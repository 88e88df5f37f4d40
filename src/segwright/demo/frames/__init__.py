"""Procedural frames of stamped brackets on a conveyor: three press lines, two lightings, painted masks.

`generate` writes a data set; `make_frame` draws one frame. Everything that sets how hard it is lies in `knobs.py`, how
each line photographs in `looks.py`.
"""

from segwright.demo.frames.frame import make_frame
from segwright.demo.frames.generate import generate
from segwright.demo.frames.knobs import LIMIT_PERCENT
from segwright.demo.frames.spec import CLASSES, HELD_OUT_LINE, FrameSpec, GeneratedFrame

__all__ = ["CLASSES", "HELD_OUT_LINE", "LIMIT_PERCENT", "FrameSpec", "GeneratedFrame", "generate", "make_frame"]
