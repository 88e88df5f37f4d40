"""`ObjectEvaluation`: the scores of an instance or panoptic task, and its `evaluation.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwright.core import ClassTable
from segwright.evaluate.result import common_content, content_of, domains_of, read_as
from segwright.evaluate.rows import write_json
from segwright.evaluate.scores import Score, Scores


@dataclass(frozen=True)
class ObjectEvaluation:
    """Scores of `images` frames for `task` (`instance` or `panoptic`), overall, by class and by domain.

    The fields are those that every `evaluation.json` has. `void_fraction` is None where the truth says nothing about
    void (COCO instances). `details` holds what only this task has: curves, matches, counts of each frame; plain values
    that JSON can hold. Absent is None.
    """

    task: str
    class_table: ClassTable
    images: int
    scores: Mapping[str, Score]
    classes: Mapping[str, Mapping[str, Score]]
    definitions: Mapping[str, str]
    by_domain: Mapping[str, Mapping[str, Scores]] = field(default_factory=dict)
    void_fraction: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The content of `evaluation.json`."""
        return common_content(self)

    def write(self, path: Path) -> None:
        """Write `evaluation.json` at `path`: to a temporary name, then one rename."""
        write_json(path, self.to_json())

    @staticmethod
    def read(path: Path) -> ObjectEvaluation:
        """The evaluation at `path`.

        Raises:
            ArtefactError: there is none, it is not JSON, or it is not an evaluation of one of the two tasks.
        """
        return read_as(_from_json, content_of(path), ("instance", "panoptic"))


def _from_json(data: Mapping[str, Any]) -> ObjectEvaluation:
    return ObjectEvaluation(
        task=data["task"],
        class_table=ClassTable.from_json(data["class_table"]),
        images=data["images"],
        scores=data["scores"],
        classes=data["classes"],
        definitions=data["definitions"],
        by_domain=domains_of(data["by_domain"]),
        void_fraction=data["void_fraction"],
        details=data["details"],
        provenance=data["provenance"],
        notes=tuple(data["notes"]),
    )
