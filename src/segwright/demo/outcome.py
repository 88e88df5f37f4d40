"""What the worked example measured, beside the guide's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segwright.demo.settings import GUIDE_BOUNDARY_F, GUIDE_FALSE_REJECT_DROP, GUIDE_MIOU, GUIDE_SCRATCH_IOU
from segwright.demo.verdicts import VerdictCounts
from segwright.evaluate import Evaluation
from segwright.infer.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of the guide and what was measured; `measured` is None where it could not be."""

    name: str
    guide: float
    measured: float | None

    @property
    def reached(self) -> bool:
        return self.measured is not None and self.measured >= self.guide


@dataclass(frozen=True)
class Outcome:
    """Scores on unseen frames of the training lines and on the held-out line, and the verdicts on the latter."""

    same_lines: Evaluation
    held_out: Evaluation
    verdicts: Sequence[VerdictCounts]
    bundle: Bundle
    seconds: Mapping[str, float]

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The guide's four figures, measured on the held-out line only."""
        held_out = self.held_out
        return (
            Goal("mIoU", GUIDE_MIOU, held_out.scores["pooled_miou"]),
            Goal("scratch IoU", GUIDE_SCRATCH_IOU, held_out.classes["scratch"]["iou"]),
            Goal("boundary F at 3 px", GUIDE_BOUNDARY_F, held_out.scores["boundary_f@3"]),
            Goal("false rejects below blob detection", GUIDE_FALSE_REJECT_DROP, self.false_reject_drop),
        )

    @property
    def false_reject_drop(self) -> float | None:
        """One minus our false rejects over the blob heuristic's; None where it had none."""
        ours, blob = self.verdicts[0], self.verdicts[1]
        return None if blob.false_rejects == 0 else 1 - ours.false_rejects / blob.false_rejects

    @property
    def reached(self) -> bool:
        return all(goal.reached for goal in self.goals)

    def to_json(self) -> dict[str, Any]:
        return {
            "goals": [
                {"name": goal.name, "guide": goal.guide, "measured": goal.measured, "reached": goal.reached}
                for goal in self.goals
            ],
            "same_lines": {"images": self.same_lines.images, "scores": dict(self.same_lines.scores)},
            "held_out_line": {
                "images": self.held_out.images,
                "scores": dict(self.held_out.scores),
                "classes": {name: dict(scores) for name, scores in self.held_out.classes.items()},
            },
            "verdicts": [counts.to_json() for counts in self.verdicts],
            "parity": self.bundle.parity,
            "seconds": dict(self.seconds),
        }
