"""Which checkpoint is best, with the rare-class guard: a mean that rises over a collapsed class does not count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# A class has collapsed when it falls below half of its own best so far, once that best was worth having.
COLLAPSE_SHARE = 0.5
WORTH_HAVING_IOU = 0.1


@dataclass(frozen=True, slots=True)
class Verdict:
    """Is this round the best so far, and which classes had collapsed when a better mean was refused for them."""

    best: bool
    collapsed: tuple[str, ...] = ()


@dataclass
class Guard:
    """Remembers the best score, each class's best IoU, and the rounds since anything got better."""

    best_score: float | None = None
    best_step: int | None = None
    class_best: dict[str, float] = field(default_factory=dict)
    stale_rounds: int = 0

    def judge(self, step: int, score: float | None, class_ious: Mapping[str, float | None]) -> Verdict:
        """Take in one validation round. Absent classes (None) neither collapse nor count.

        A round is best when its score is above every earlier best and no class has collapsed; it is stale otherwise.
        The first round is always best, even without a score: there is a checkpoint to go on with.
        """
        present = {name: iou for name, iou in class_ious.items() if iou is not None}
        collapsed = tuple(
            name
            for name, iou in present.items()
            if self.class_best.get(name, 0) >= WORTH_HAVING_IOU and iou < COLLAPSE_SHARE * self.class_best[name]
        )
        for name, iou in present.items():
            self.class_best[name] = max(iou, self.class_best.get(name, 0))
        higher = self.best_step is None or (score is not None and (self.best_score is None or score > self.best_score))
        if higher and not collapsed:
            self.best_score, self.best_step, self.stale_rounds = score, step, 0
            return Verdict(best=True)
        self.stale_rounds += 1
        return Verdict(best=False, collapsed=collapsed if higher else ())

    def state(self) -> dict[str, Any]:
        return {
            "best_score": self.best_score,
            "best_step": self.best_step,
            "class_best": dict(self.class_best),
            "stale_rounds": self.stale_rounds,
        }

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> Guard:
        return Guard(**{**state, "class_best": dict(state["class_best"])})
