"""What every instance network is told and what it answers: the same types for all, in training and in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from segwright.core import DataError

# box: a mask fills its candidate's box, whatever the box's size. image: a mask covers the whole network input.
MaskFrame = Literal["box", "image"]


@dataclass(frozen=True, eq=False)
class InstanceTargets:
    """The true objects of one image of a batch.

    channels: (objects,) int64, the position of each object's class among the classes the network is asked for.
    boxes: (objects, 4) float32, x_min, y_min, x_max, y_max in px of the network input, half-open: a one-pixel object
        has area 1.
    masks: (objects, height, width) bool or uint8; None where only boxes are known, then the network must be told to
        learn from boxes.
    ignored: (height, width) bool, void and crowd regions. They change no loss and no matching: masks count only
        outside of them, an object that lies in them whole is no object, and an anchor, cell or proposal that lies
        mostly in them is neither right nor wrong.

    seed: what a loss draws of this image (which anchors, masks, points it looks at) is drawn from; None: from torch's
        own random numbers. With a seed the draws are the same on any device, in any process, after any interruption.

    No objects is a valid image: the shapes are (0,), (0, 4) and (0, height, width).

    Raises:
        DataError: shapes, types or boxes that do not fit each other.
    """

    channels: Tensor
    boxes: Tensor
    masks: Tensor | None
    ignored: Tensor
    seed: int | None = None

    def __post_init__(self) -> None:
        objects = len(self.channels)
        fits = (
            self.channels.shape == (objects,)
            and self.boxes.shape == (objects, 4)
            and self.ignored.ndim == 2
            and (self.masks is None or self.masks.shape == (objects, *self.ignored.shape))
        )
        types = (
            self.channels.dtype == torch.int64
            and self.boxes.dtype == torch.float32
            and self.ignored.dtype == torch.bool
            and (self.masks is None or self.masks.dtype in (torch.bool, torch.uint8))
        )
        if not (fits and types):
            raise DataError.of(
                "instance targets",
                "shapes or types do not fit each other",
                allowed="channels (n,) int64, boxes (n, 4) float32, masks (n, height, width) bool or uint8 or None, "
                "ignored (height, width) bool",
                found=", ".join(f"{name} {_described(value)}" for name, value in vars(self).items() if name != "seed"),
                fix="build the targets with as many channels and masks as boxes, all at the size of the network input",
            )

    def __len__(self) -> int:
        return len(self.channels)

    def to(self, device: torch.device | str) -> InstanceTargets:
        """The same targets on `device`."""
        masks = None if self.masks is None else self.masks.to(device)
        channels, boxes, ignored = (part.to(device) for part in (self.channels, self.boxes, self.ignored))
        return InstanceTargets(channels, boxes, masks, ignored, self.seed)


class Candidates(NamedTuple):
    """The answer of every instance network in evaluation mode, and the outputs of its ONNX file, in this order.

    The number of candidates is a constant of the network (`spec.candidates`), so that no shape depends on the pixels:
    sorted by score, the rest is padding with score 0. Duplicates are already suppressed; a threshold on the score is
    the user's.

    scores: (batch, candidates) in 0..1.
    channels: (batch, candidates) int64.
    boxes: (batch, candidates, 4) x_min, y_min, x_max, y_max in px of the network input, half-open, inside of it.
    mask_logits: (batch, candidates, h, w), above 0 where the object is. The network's `mask_frame` says what they
        cover: "box", the candidate's box whatever its size; "image", the whole network input at 1/stride, pixel
        centres aligned (as `align_corners=False`). Their sigmoid is the share of a cell that the object covers:
        resize that, bilinearly, and cut at 1/2; logits resized make every object thicker.
    """

    scores: Tensor
    channels: Tensor
    boxes: Tensor
    mask_logits: Tensor


# The names of the ONNX outputs of every instance network.
OUTPUT_NAMES = Candidates._fields


class ObjectNetwork(Protocol):
    """What the training loop and the exporter know of a network of objects or segments, a `torch.nn.Module`.

    `spec` has `to_json`; `stages` and `backbone` are what transfer learning and pretrained weights need. Frames are
    multiples of `stride_px`. `example_px` is for the exporter: an example frame of at least twice that on each side has
    no pyramid level of a single row, which the exporter would take for a constant.
    """

    spec: Any
    stride_px: int
    example_px: int
    mask_frame: MaskFrame

    @property
    def stages(self) -> list[list[nn.Module]]:
        """The encoder's layers grouped by pyramid level, from the input upwards."""
        ...

    @property
    def backbone(self) -> nn.Module:
        """The timm backbone under the encoder."""
        ...


@runtime_checkable
class InstanceNetwork(ObjectNetwork, Protocol):
    """A network of objects: candidates, as the predictor knows them, and a loss of its own."""

    def loss(self, frames: Tensor, targets: Sequence[InstanceTargets]) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss to go down (scalar with gradient) and its named terms (scalars without), before weighting.

        Frames (batch, bands, height, width), one target an image. The terms are float32 whatever autocast says.
        """
        ...

    def forward(self, frames: Tensor) -> Candidates:
        """What the network sees in frames (batch, bands, height, width), multiples of `stride_px`."""
        ...


def _described(value: Any) -> str:
    return "None" if value is None else f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
