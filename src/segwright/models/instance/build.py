"""The one dict of instance networks, and the network a spec describes."""

from __future__ import annotations

from segwright.core import ConfigError
from segwright.models.instance.maskrcnn.network import MaskRCNN
from segwright.models.instance.solov2.network import SOLOv2
from segwright.models.instance.spec import OPTIONS, InstanceSpec
from segwright.models.instance.yolact.network import YOLACT

NETWORKS: dict[str, type[MaskRCNN] | type[SOLOv2] | type[YOLACT]] = {
    "maskrcnn": MaskRCNN,
    "yolact": YOLACT,
    "solov2": SOLOv2,
}


def build_instance_network(spec: InstanceSpec) -> MaskRCNN | SOLOv2 | YOLACT:
    """The network that `spec` describes, with random weights.

    Raises:
        ConfigError: the network or the encoder does not exist, or the options are another network's.
    """
    if spec.network not in NETWORKS:
        raise ConfigError.of(
            "model.network",
            "is not an instance network of segwright",
            allowed=", ".join(NETWORKS),
            found=spec.network,
            fix="model.network=maskrcnn",
        )
    if not isinstance(spec.options, OPTIONS[spec.network]):
        raise ConfigError.of(
            f"model.network: {spec.network}",
            "does not take these options",
            allowed=OPTIONS[spec.network].__name__,
            found=type(spec.options).__name__,
            fix=f"give the options of {spec.network}, or choose the network they belong to",
        )
    return NETWORKS[spec.network](spec)
