"""When a part is rejected: the area of its defects, as a share of the part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, LabelMap, Problem, raise_collected

Kind = Literal["ok", "alert", "no_part"]


@dataclass(frozen=True)
class AreaRule:
    """Alert where the defects named in `classes` together cover more than `area_percent` of the part, or one of
    `per_class_percent` more than its own limit. Exactly the limit is still fine."""

    classes: tuple[str, ...]
    area_percent: float = 2.0
    per_class_percent: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        limits = {"area_percent": self.area_percent, **self.per_class_percent}
        raise_collected(
            (
                Problem(
                    "alerts",
                    f"has an impossible limit for {name}",
                    "0 to 100 percent of the part",
                    str(limit),
                    fix="correct `alerts:` in segwright.yaml",
                )
                for name, limit in limits.items()
                if not 0 <= limit <= 100
            ),
            ConfigError,
        )

    def check(self, classes: ClassTable) -> None:
        """Raise ConfigError where the rule names a class that is not in the table."""
        foreign = sorted({*self.classes, *self.per_class_percent} - set(classes.names))
        if foreign or not self.classes:
            raise ConfigError.of(
                "alerts.classes",
                "do not name the defects",
                allowed=", ".join(classes.names),
                found=", ".join(foreign) or "none",
                fix="correct `alerts:` in segwright.yaml",
            )

    def to_json(self) -> dict[str, object]:
        return {
            "classes": list(self.classes),
            "area_percent": self.area_percent,
            "per_class_percent": dict(self.per_class_percent),
        }


def area_rule(alerts: Mapping[str, Any] | None, classes: ClassTable) -> AreaRule:
    """The rule in a project file's or a bundle's `alerts` block; no classes named means every class but the background.

    Raises:
        ConfigError: a class that is not in the table, or a limit outside 0..100.
    """
    settings = alerts or {}
    names = tuple(settings.get("classes") or (spec.name for spec in classes.foreground))
    rule = AreaRule(names, settings.get("area_percent", 2.0), dict(settings.get("per_class_percent") or {}))
    rule.check(classes)
    return rule


@dataclass(frozen=True)
class Verdict:
    """What a rule says about one frame.

    kind: `ok`, `alert`, or `no_part` where no part was found and nothing could be measured.
    part_px: the part's area, void left out. area_px, percent: of each class the rule looks at, on the part.
    total_percent: of the rule's `classes` together; None where there is no part.
    reasons: one line for each limit that was exceeded; empty for `ok`.
    """

    kind: Kind
    part_px: int
    area_px: Mapping[str, int]
    percent: Mapping[str, float]
    total_percent: float | None
    reasons: tuple[str, ...] = ()

    @property
    def rejected(self) -> bool:
        """Whether the frame needs a person: an alert, or no part to judge."""
        return self.kind != "ok"

    def to_json(self) -> dict[str, Any]:
        return {
            "verdict": self.kind,
            "part_px": self.part_px,
            "area_px": dict(self.area_px),
            "percent": dict(self.percent),
            "total_percent": self.total_percent,
            "reasons": list(self.reasons),
        }


def judge(labels: LabelMap, part: npt.NDArray[np.bool_], rule: AreaRule) -> Verdict:
    """The verdict on `labels`, where `part` (height, width) is True on the part.

    Only pixels on the part count, and void pixels are neither part nor defect: they shrink both sides of the ratio.

        4x4 part, 1 void, 3 scratch   ->   3 of 15 px, 20 %
    """
    if part.shape != labels.ids.shape:
        raise ValueError(f"the part's mask is {part.shape}, the label map {labels.ids.shape}")
    on_part = labels.ids[part & labels.valid]
    names = dict.fromkeys((*rule.classes, *rule.per_class_percent))
    counts = np.bincount(on_part, minlength=max(labels.classes.ids) + 1)
    area_px = {name: int(counts[labels.classes[name].class_id]) for name in names}
    if on_part.size == 0:
        reason = "no part was found in the frame, so nothing could be measured"
        return Verdict("no_part", 0, area_px, {}, None, (reason,))
    percent = {name: 100 * area / on_part.size for name, area in area_px.items()}
    total = 100 * sum(area_px[name] for name in rule.classes) / on_part.size
    reasons = tuple(_reasons(rule, percent, total))
    return Verdict("alert" if reasons else "ok", int(on_part.size), area_px, percent, total, reasons)


def _reasons(rule: AreaRule, percent: Mapping[str, float], total: float) -> list[str]:
    reasons = []
    if total > rule.area_percent:
        named = ", ".join(f"{name} {percent[name]:.2f} %" for name in rule.classes if percent[name] > 0)
        reasons.append(f"{total:.2f} % of the part is defective, limit {rule.area_percent:g} % ({named})")
    for name, limit in rule.per_class_percent.items():
        if percent[name] > limit:
            reasons.append(f"{name} covers {percent[name]:.2f} % of the part, limit {limit:g} %")
    return reasons
