"""The `model` section of segwright.yaml: which network, on which encoder, starting from which weights."""

from __future__ import annotations

from pydantic import Field

from segwright.project.section import Auto, Positive, Section

Number = int | float
Option = str | int | float | bool | None | list[Number | list[Number]]

DECODER_WIDTHS = (256, 128, 64, 32, 16)


class Model(Section):
    """The network. `auto` chooses by the guide's table and the memory at hand: see `segwright choose`."""

    network: str = Field(default="unet", description="docs/models says which there are, when to take which; or auto")
    encoder: str = Field(default="resnet34", description="a timm name, mit_b0 to mit_b5, or auto")
    weights: str | None = Field(
        default="auto",
        description="imagenet, timm:NAME, hf-hub:OWNER/NAME, a file, a run, null, auto",
    )
    decoder_widths: tuple[Positive, Positive, Positive, Positive, Positive] | Auto = Field(
        default=DECODER_WIDTHS, description="of the U-Net family, coarse to fine"
    )
    options: dict[str, Option] = Field(
        default_factory=dict,
        description="what else the network can be told: output_stride, variant, anchor_sizes_px: [8, 16, 32, 64, 128]",
    )
