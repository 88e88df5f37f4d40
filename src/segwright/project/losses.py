"""The `loss` section of segwright.yaml: a weight for each term, and what else a term can be told.

The names are those of `segwright.models.losses`, and so are the options; a test holds the two together. A term is a
number, its weight, or a block with `weight` and options.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from segwright.project.section import Positive, Section

Weight = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]
Classes = Literal["foreground", "all"] | list[str] | None
Per = Literal["batch", "image"]
ClassWeights = Literal["auto", "none", "inverse_sqrt", "inverse", "median", "effective"] | dict[str, Weight]


class Term(Section):
    """One term of the sum."""

    weight: Weight


class CrossEntropy(Term):
    """Cross-entropy, weighted by `class_weights`."""

    weight: Weight = 0.5
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="share of a label given to all classes alike")
    hardest: Share = Field(default=1.0, description="share of the pixels that count, those with the largest loss")


class Focal(Term):
    """Focal loss, weighted by `class_weights`."""

    gamma: float = Field(default=2.0, ge=0, description="how much less a pixel counts that is right already")


class ClassTerm(Term):
    """A term that looks at some of the classes."""

    classes: Classes = Field(default=None, description="foreground, all, or names; left out: as dice_classes")


class RegionTerm(ClassTerm):
    """A term of sums over pixels."""

    per: Per = Field(default="batch", description="batch: one sum over all crops; image: each crop by itself")


class Dice(RegionTerm):
    """Soft Dice."""

    weight: Weight = 0.5


class Tversky(RegionTerm):
    """Dice with a price for false and one for missed pixels."""

    alpha: float = Field(default=0.3, gt=0, description="price of a false pixel")
    beta: float = Field(default=0.7, gt=0, description="price of a missed pixel")


class FocalTversky(Tversky):
    """Tversky to the power of 1 / gamma."""

    gamma: float = Field(default=4 / 3, ge=1, le=3, description="above 1, classes that are nearly right count more")


class Hausdorff(ClassTerm):
    """Squared errors times distances to the outlines."""

    alpha: float = Field(default=2.0, gt=0, description="the power of the distances")


class ClDice(ClassTerm):
    """Soft centreline Dice."""

    iterations: Positive = Field(default=10, description="largest radius, px, that a centreline is taken of")


class Loss(Section):
    """The weighted sum that training lowers."""

    cross_entropy: Weight | CrossEntropy = 0.5
    dice: Weight | Dice = 0.5
    generalised_dice: Weight | RegionTerm = 0.0
    tversky: Weight | Tversky = 0.0
    focal_tversky: Weight | FocalTversky = 0.0
    focal: Weight | Focal = 0.0
    lovasz: Weight | RegionTerm = 0.0
    lovasz_hinge: Weight | RegionTerm = 0.0
    boundary: Weight | ClassTerm = 0.0
    hausdorff: Weight | Hausdorff = 0.0
    cldice: Weight | ClDice = 0.0
    dice_classes: Literal["foreground", "all"] | list[str] = Field(
        default="foreground", description="the classes of dice, and of every term that has no `classes` of its own"
    )
    class_weights: ClassWeights = Field(
        default="auto", description="of cross_entropy and focal; auto: by rarity where no class is the background"
    )

    @model_validator(mode="after")
    def _some_term(self) -> Loss:
        if not self.weights():
            raise ValueError("at least one term of the loss has a weight above 0")
        return self

    @model_validator(mode="after")
    def _some_classes(self) -> Loss:
        empty = [key for key, chosen in self.chosen_classes().items() if chosen == []]
        if empty:
            raise ValueError(f"{', '.join(empty)}: no class is named; foreground, all, or at least one name")
        return self

    def weights(self) -> dict[str, float]:
        """Term -> weight, of those above 0, in the order of the fields."""
        given = {name: term.weight if isinstance(term, Term) else term for name, term in self._terms().items()}
        return {name: weight for name, weight in given.items() if weight > 0}

    def options(self, name: str) -> dict[str, Any]:
        """What the term is told beside its weight, and beside `classes`; nothing where only a weight is given."""
        term = self._terms()[name]
        return term.model_dump(exclude={"weight", "classes"}, exclude_unset=True) if isinstance(term, Term) else {}

    def chosen_classes(self) -> dict[str, str | list[str]]:
        """Key -> the classes it chooses: `dice_classes`, and the terms that have their own."""
        own = {name: term.classes for name, term in self._terms().items() if isinstance(term, ClassTerm)}
        named = {f"{name}.classes": chosen for name, chosen in own.items() if chosen is not None}
        return {"dice_classes": self.dice_classes, **named}

    def _terms(self) -> dict[str, float | Term]:
        return {name: getattr(self, name) for name in TERMS}


TERMS = tuple(name for name in Loss.model_fields if name not in ("dice_classes", "class_weights"))
