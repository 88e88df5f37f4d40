"""What the proofs of an export share: every frame through both pipelines, and the verdict as JSON values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from typing import Any, TypeVar

from segwright.core import ConfigError, Listener, Progress

Frame = TypeVar("Frame")
Found = TypeVar("Found")


class Proof(ABC):
    """A frozen dataclass of what was compared, whose `tolerance` is a dataclass and whose `worst` names frames."""

    @property
    @abstractmethod
    def reasons(self) -> tuple[str, ...]:
        """What exceeds the tolerance."""

    @property
    def passed(self) -> bool:
        """Whether nothing exceeds the tolerance."""
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        """The proof as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        values |= {"tolerance": asdict(values["tolerance"]), "worst": list(values["worst"])}
        return {"passed": self.passed, **values, "reasons": list(self.reasons)}


def over_frames(
    frames: Iterable[Frame], compare: Callable[[Frame], Found], *, total: int, listener: Listener
) -> list[Found]:
    """What `compare` finds on each of `frames`; `total` is only for the progress shown.

    Raises:
        ConfigError: there is no frame to compare on.
    """
    seen: list[Found] = []
    for frame in frames:
        seen.append(compare(frame))
        listener(Progress("parity", len(seen), max(total, len(seen))))
    if not seen:
        fix = "name a part of the split that has frames"
        raise ConfigError.of("parity", "has no frame to compare on", allowed="at least one", found="none", fix=fix)
    return seen
