"""Whatever a spec describes: the network of a plan, whatever its task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segwright.models.instance import InstanceSpec, build_instance_network
from segwright.models.network import build_network
from segwright.models.panoptic import PanopticSpec, build_panoptic_network
from segwright.models.query import QUERY_NETWORKS
from segwright.models.spec import NetworkSpec
from segwright.models.trainable import Trainable

AnySpec = NetworkSpec | InstanceSpec | PanopticSpec

# Of networks that are no networks of queries: these serve every task by one spec.
_SPECS: Mapping[str, type[NetworkSpec] | type[InstanceSpec] | type[PanopticSpec]] = {
    "semantic": NetworkSpec,
    "instance": InstanceSpec,
    "panoptic": PanopticSpec,
}


def build_any(spec: AnySpec) -> Trainable:
    """The network that `spec` describes, with random weights.

    Raises:
        ConfigError: the network or the encoder does not exist, the two do not fit, or an option is wrong.
    """
    if isinstance(spec, InstanceSpec):
        return build_instance_network(spec)
    return build_panoptic_network(spec) if isinstance(spec, PanopticSpec) else build_network(spec)


def spec_from_json(task: str, data: dict[str, Any]) -> AnySpec:
    """The spec in what its `to_json` gave, of a network for `task`.

    Raises:
        KeyError, TypeError: there is no such task, or a value is missing or has another form.
    """
    kind = NetworkSpec if data["network"] in QUERY_NETWORKS else _SPECS[task]
    return kind.from_json(data)
