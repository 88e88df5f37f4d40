"""The worked example's project: what it trains, how long, and where the parts of its data come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from segwright.core import Size
from segwright.demo.frames import CLASSES, HELD_OUT_LINE, FrameSpec

# The guide's own figures, section "Worked example: Harbor defect inspection".
GUIDE_MIOU = 0.81
GUIDE_SCRATCH_IOU = 0.74
GUIDE_BOUNDARY_F = 0.79
GUIDE_FALSE_REJECT_DROP = 0.34

FULL_FRAMES = 4000
FULL_SIZE = Size(1536, 2048)
# Brackets lie on the belt any way round, so every rotation is a possible frame; and each line lights them from its own
# side, so that turning them is also what makes dents of an unseen line look familiar.
# Glare is void in the masks, so only glare put on while training tells the network that it is no defect.
AUGMENT = {"colour": 0.8, "glare": 0.3, "flip_vertical": True, "rotate_degrees": 180.0}

# The smallest mark worth a person's look, px at 640 px width: nine of ten marks painted on the training lines are
# larger, and what a young network sees on a clean bracket is mostly smaller.
LEAST_MARK_PX = {"scratch": 60, "dent": 230, "discoloration": 70}

SPLIT_BY = "session"
SPLIT_FRACTIONS = {"train": 0.76, "validation": 0.12, "calibration": 0.12, "test": 0.0}


@dataclass(frozen=True)
class DemoSettings:
    """How large the example is. `small()` fits two CPU cores in minutes, `full()` is the guide's size, for a GPU."""

    frames: FrameSpec
    encoder: str
    decoder_widths: tuple[int, ...] | None  # None: the usual ones
    weights: str | None
    training: dict[str, Any]

    @staticmethod
    def small(seed: int = 7) -> DemoSettings:
        """300 frames of 640x480 and a narrow U-Net from random weights: nothing is downloaded."""
        training = {
            "steps": 800,
            "batch": 24,
            "crop": 128,
            "learning_rate": 7e-3,
            "rare_crops": 0.8,
            "validate_every": 200,
            "augment": AUGMENT,
        }
        return DemoSettings(FrameSpec(seed=seed), "test_resnet", (64, 48, 32, 16, 16), None, training)

    @staticmethod
    def full(seed: int = 7) -> DemoSettings:
        """The guide's 4,000 frames at production size and its ResNet-34, crops of 512 px."""
        lines = len(FrameSpec().lines)
        frames = FrameSpec(frames_per_line=-(-FULL_FRAMES // lines), size=FULL_SIZE, seed=seed)
        training = {
            "crop": 512,
            "rare_crops": 0.8,
            "augment": AUGMENT,
        }
        return DemoSettings(frames, "resnet34", None, "auto", training)

    def write_project(self, folder: Path) -> Path:
        """Write `folder`/segwright.yaml, which the command line can use again afterwards."""
        project = {
            "name": "brackets",
            "task": "semantic",
            "classes": {
                "names": {spec.name: spec.class_id for spec in CLASSES},
                "void": CLASSES.void_id,
                "background": CLASSES.background,
            },
            "data": {"root": "frames", "format": "index_png"},
            "split": {"file": "split.json", "by": SPLIT_BY},
            "model": {
                "network": "unet",
                "encoder": self.encoder,
                "weights": self.weights,
                **({} if self.decoder_widths is None else {"decoder_widths": list(self.decoder_widths)}),
            },
            "loss": {"cross_entropy": 0.5, "dice": 0.5, "dice_classes": "foreground"},
            "training": {**self.training, "seed": 0},
            "inference": {"tile": 384, "overlap_px": 64, "flips": True},
            "cleanup": {"opening_radius_px": {"dent": 1, "discoloration": 1}, "min_area_px": LEAST_MARK_PX},
            "alerts": {"area_percent": 2.0, "part": "background"},
        }
        path = folder / "segwright.yaml"
        head = "# The worked example of the guide; written by `segwright demo`, usable with every verb.\n"
        path.write_text(head + yaml.safe_dump(project, sort_keys=False), encoding="utf-8")
        return path


HELD_OUT = {"test": [f"line:{HELD_OUT_LINE}"]}
