"""Every number that decides how hard the worked example is, in one place.

What scales with the frame: brackets, dents, discoloration, belt weave, coarse brushing, shadows. What stays in pixels:
scratch widths, the annotator's brush and jitter, optical blur, sensor noise and the finest brushing.
"""

from __future__ import annotations

REFERENCE_WIDTH_PX = 640
"""Sizes called `_px` below hold at this frame width; those that scale grow with `width / REFERENCE_WIDTH_PX`."""

# --- what is on a frame -------------------------------------------------------------------------------------------
PART_SHARE = (0.30, 0.45)
"""The bracket's share of the frame's pixels, holes excluded."""
LIMIT_PERCENT = 2.0
"""The worked example's rule: alert where the total defect area exceeds this share of the part."""
CLEAN_SHARE = 0.18
"""Of the acceptable frames, how many carry no defect at all."""
ACCEPTED_PERCENT = (0.12, 1.2)
BORDERLINE_PERCENT = (1.45, 2.55)
REJECTED_PERCENT = (2.7, 7.5)
"""Total defect area aimed at, percent of the part, for the three kinds of frame."""
REJECTED_LIMIT_PERCENT = 9.0
ACCEPTED_LIMIT_PERCENT = 1.35
ACCEPTED_CLASSES = {"scratch": 0.50, "dent": 0.26, "tint": 0.12, "smudge": 0.68}
REJECTED_CLASSES = {"scratch": 0.78, "dent": 0.85, "tint": 0.68, "smudge": 0.25}
"""Chance of each kind of mark on an acceptable frame with marks, and on a rejected one."""

# --- how well a defect shows --------------------------------------------------------------------------------------
SCRATCH_WIDTH_PX = (2.0, 4.0)
SCRATCH_LENGTH_PX = (55.0, 260.0)
SCRATCH_CONTRAST_TO_NOISE = (7.0, 11.0)
"""Contrast of the bright core over texture and sensor noise of one pixel. Under 1.2 nothing is drawn or painted."""
SCRATCH_LEAST_CONTRAST = 0.46
"""Relative to the metal around it: what an annotator still sees on a clean press line."""
SCRATCH_OFF_BRUSHING_DEG = 15.0
"""A scratch runs at least this far off the brushing: one along it nobody could paint consistently."""
SCRATCH_BROKEN_SHARE = 0.25
DENT_RADIUS_PX = (13.0, 32.0)
DENT_SHADE = (0.44, 0.66)
"""Peak relative brightness change on a dent's walls under the bar light."""
TINT_RADIUS_PX = (14.0, 46.0)
TINT_STRENGTH = (0.7, 1.0)
SMUDGE_RADIUS_PX = (11.0, 24.0)
SMUDGE_STRENGTH = (0.85, 1.0)
BLOB_EDGE_SOFTNESS = 0.18
"""Width of a blob's soft edge, as a share of its radius."""

# --- the annotator ------------------------------------------------------------------------------------------------
BRUSH_PX = 3.0
BRUSH_JITTER_RMS_PX = 0.15
"""How far the brush runs beside the true centreline, smoothly along the stroke."""
OUTLINE_JITTER_RMS_PX = 0.7
"""How far the outline of a dent, a blob or a glare patch is off, smoothly along the outline."""
OUTLINE_JITTER_WAVELENGTH_PX = 14.0

# --- what only looks like a defect --------------------------------------------------------------------------------
TOOL_MARKS_SHARE = 0.45
TOOL_MARK_CONTRAST_TO_NOISE = (0.5, 1.0)
SHADOW_SHARE = 0.15
STAMP_SHARE = 0.7
