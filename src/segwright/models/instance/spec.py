"""Everything needed to build the same instance network again, as JSON values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from segwright.models.instance.maskrcnn.options import MaskRCNNOptions
from segwright.models.instance.solov2.options import SOLOv2Options
from segwright.models.instance.yolact.options import YOLACTOptions

Options = MaskRCNNOptions | SOLOv2Options | YOLACTOptions

# name in segwright.yaml -> what can be chosen for it
OPTIONS: dict[str, type[MaskRCNNOptions] | type[SOLOv2Options] | type[YOLACTOptions]] = {
    "maskrcnn": MaskRCNNOptions,
    "yolact": YOLACTOptions,
    "solov2": SOLOv2Options,
}


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """Names, bands in, classes out, width of the pyramid, number of candidates, and the network's own options.

    channels: classes of objects, 1 or more; there is none for the background.
    candidates: answers a frame, at most (padded with score 0): above the largest number of objects in a frame.
    """

    network: str
    encoder: str
    bands: int
    channels: int
    options: Options
    width: int = 256
    candidates: int = 100

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> InstanceSpec:
        """The spec that `to_json` gave; lists are tuples again."""
        options = {name: _tuples(value) for name, value in data["options"].items()}
        return InstanceSpec(**{**data, "options": OPTIONS[data["network"]](**options)})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(part) for part in value) if isinstance(value, list | tuple) else value
