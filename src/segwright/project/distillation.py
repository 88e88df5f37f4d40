"""The `distill` section of segwright.yaml: how much a student listens to its teacher, and to what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from segwright.project.section import Above, Positive, Section

Weight = Annotated[float, Field(ge=0)]


class Distill(Section):
    """Used where `training.distill_from` names a teacher, and by `segwright distill`."""

    labels: Weight = Field(default=1.0, description="weight of the project's own loss, against the labels")
    logits: Weight = Field(default=1.0, description="weight of the teacher's probabilities")
    temperature: Above = Field(default=2.0, description="how far they are softened")
    features: Weight = Field(default=0.0, description="weight of the teacher's features at strides 8, 16 and 32")
    boundary: Weight = Field(default=1.0, description="how much more a pixel near the teacher's outlines counts")
    boundary_px: Positive = Field(default=3, description="how near")
    void: Literal["teach", "silent"] = Field(default="teach", description="whether the teacher is heard at void pixels")
    unlabelled: str | None = Field(default=None, description="a folder of frames without labels, for the teacher alone")
    unlabelled_share: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.5, description="share of the crops that come from there"
    )
