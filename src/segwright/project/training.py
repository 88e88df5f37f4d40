"""The `training` section of segwright.yaml: how long, with which crops, and how far they are varied."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from segwright.project.section import Above, Auto, Count, Positive, Section

Share = Annotated[float, Field(ge=0, le=1)]
Flip = Literal["horizontal", "vertical", "quarter_turns"]


class Augment(Section):
    """How far a crop is varied. A flip is valid only where the mirrored part is still a possible part."""

    colour: float = Field(default=1.0, ge=0, le=2, description="0 none, 1 usual, 2 twice as far")
    colour_share: Share | Auto = Field(default="auto", description="share of crops each of its effects is put on")
    glare: Share = Field(default=0.0, description="share of crops with a saturated patch put on")
    shadow: Share = Field(default=0.0, description="share of crops with a shadow")
    motion_blur_px: float = Field(default=0.0, ge=0, le=64, description="how far the part may move in an exposure")
    sensor_noise: float = Field(
        default=0.0, ge=0, le=4, description="shot and read noise; 1: a small sensor, high gain"
    )
    banding: float = Field(default=0.0, ge=0, le=4, description="rows or columns with an offset; 1: up to 3 %")
    hot_pixels: float = Field(default=0.0, ge=0, le=4, description="1: up to five in ten thousand")
    flip_horizontal: bool = True
    flip_vertical: bool | Auto = "auto"
    valid_flips: list[Flip] | Auto = Field(
        default="auto", description="all flips that give a possible part; auto: by the two keys above"
    )
    rotate_degrees: Annotated[float, Field(ge=0, le=180)] | Auto = "auto"
    scale: tuple[Above, Above] | Auto = Field(default="auto", description="smallest and largest magnification")
    warp_share: Share | Auto = Field(
        default="auto", description="share of crops turned, scaled and bent; the others keep the sensor's sharpness"
    )
    shear_degrees: float = Field(default=0.0, ge=0, le=45)
    perspective: float = Field(default=0.0, ge=0, le=0.5, description="how much nearer an edge comes than the middle")
    elastic: Share = Field(default=0.0, description="1: as far as nothing folds")
    distortion: float = Field(default=0.0, ge=0, le=0.3, description="barrel and pincushion: how far corners move")
    erase: Share = Field(default=0.0, description="share of crops with a patch taken away; it is void then")
    copy_paste: Share = Field(default=0.0, description="share of crops with marks of other training frames put on")
    copy_paste_classes: list[str] | Auto = Field(default="auto", description="auto: those rare_crops ask for")
    copy_paste_edge_px: float = Field(default=1.5, ge=0, le=16, description="how softly; 0 cuts along the label")
    cutmix: Share = Field(default=0.0, description="share of crops with a rectangle of another crop put in")
    mosaic: Share = Field(default=0.0, description="share of crops made of four")

    @model_validator(mode="after")
    def _ordered(self) -> Augment:
        if self.scale != "auto" and self.scale[0] > self.scale[1]:
            raise ValueError(f"scale goes from the smallest to the largest, got {self.scale[0]} to {self.scale[1]}")
        return self

    @model_validator(mode="after")
    def _said_once(self) -> Augment:
        for name in ("horizontal", "vertical"):
            given = getattr(self, f"flip_{name}") if f"flip_{name}" in self.model_fields_set else "auto"
            if self.valid_flips != "auto" and given not in ("auto", name in self.valid_flips):
                here = ", ".join(self.valid_flips) or "none"
                raise ValueError(f"flip_{name} is {str(given).lower()}, and valid_flips says {here}; leave one out")
        return self


class Training(Section):
    """How long and how the network is trained."""

    steps: Positive | Auto = "auto"
    batch: Positive | Auto = "auto"
    crop: Positive | Auto = Field(default="auto", description="side of the square crops, px, mostly a multiple of 32")
    crop_scales: list[Above] = Field(
        default_factory=list, description="a batch's crops are one of these times as large: [0.75, 1, 1.25]"
    )
    learning_rate: Above | Auto = "auto"
    encoder_learning_rate: Above | Auto = "auto"
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_steps: Count | Auto = "auto"
    hold_rate: Share | Auto = Field(default="auto", description="share of the steps before the learning rate falls")
    clip_gradient: float = Field(default=5.0, gt=0, description="largest norm of all gradients together")
    ema_decay: Annotated[float, Field(ge=0, lt=1)] | Auto = "auto"
    rare_crops: Share = Field(default=0.6, description="share of crops centred on a pixel of a chosen class")
    rare_by: Literal["pixel", "component"] = Field(
        default="pixel", description="component: each connected piece of the class as often as another"
    )
    class_sampling: Literal["rarity", "uniform"] | dict[str, Annotated[float, Field(ge=0)]] = Field(
        default="rarity", description="how often rare_crops ask for each class"
    )
    least_visible: Share = Field(
        default=0.25, description="objects: one of which a crop shows a smaller share of its pixels is ignored there"
    )
    least_object_px: Count = Field(
        default=0, description="objects: one of fewer pixels in a crop, zoomed as it is, is ignored there"
    )
    hard_crops: Share = Field(default=0.0, description="share of crops from where the loss was high lately")
    freeze: Literal["auto", "none", "deep_first"] = "auto"
    validate_every: Positive | Auto = "auto"
    patience: Positive = Field(default=8, description="validation rounds without a better score before training stops")
    select: str = Field(default="auto", description="the score that decides which checkpoint is best")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    workers: Positive | Auto = "auto"
    devices: Positive | Auto = Field(
        default="auto", description="processes a machine; auto: one, or what torchrun started"
    )
    nodes: Positive | Auto = Field(default="auto", description="machines; auto: one, or what torchrun started")
    strategy: Literal["auto", "ddp", "fsdp"] = Field(
        default="auto", description="how processes train together: ddp (auto), or fsdp, the weights in shards"
    )
    distill_from: str | None = Field(default=None, description="a finished run whose network teaches this one")
    compile: bool = Field(default=False, description="torch.compile: minutes at the start, then faster steps")
    cache_gb: float = Field(default=4.0, ge=0)
    seed: int = Field(default=0, ge=0)
    augment: Augment = Augment()
    loggers: list[Literal["tensorboard", "mlflow", "wandb"]] = Field(default=["tensorboard"])

    @model_validator(mode="after")
    def _asked_for(self) -> Training:
        if isinstance(self.class_sampling, dict) and not any(self.class_sampling.values()):
            raise ValueError("class_sampling: no class has a share above 0")
        return self

    def chosen_classes(self) -> dict[str, list[str]]:
        """Key -> the classes it names."""
        shares, pasted = self.class_sampling, self.augment.copy_paste_classes
        return {
            "class_sampling": list(shares) if isinstance(shares, dict) else [],
            "augment.copy_paste_classes": pasted if isinstance(pasted, list) else [],
        }
