"""What every block of segwright.yaml is, and the kinds of number in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Auto = Literal["auto"]
# strict: YAML says true and false, and pydantic would take them for 1 and 0
Positive = Annotated[int, Field(ge=1, strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]
Above = Annotated[float, Field(gt=0)]  # not strict: YAML reads 1e-3 as text
Level = Annotated[int, Field(ge=0, le=255, strict=True)]


class Section(BaseModel):
    """A block of the file; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
