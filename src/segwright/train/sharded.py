"""A network, its moving average and its optimiser in shards: each process keeps its part of every tensor (FSDP).

Torch's `fully_shard` gathers the weights of an encoder layer when it is its turn, and lets them go; the rest of the
network is gathered once a step. What leaves training, a checkpoint or a network to validate, is whole again, and says
nothing of shards: any number of processes and any strategy goes on from it.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim.swa_utils import AveragedModel

from segwright.core import ConfigError
from segwright.models.trainable import Trainable
from segwright.train.called import call_in_shards

TRIED_PX = 64


@dataclass(frozen=True)
class Sharding:
    """That a network is in shards, with a whole one of the same build on the CPU to pour weights into."""

    whole: nn.Module

    def gathered(self, module: nn.Module) -> nn.Module:
        """A whole network, on `module`'s device, with its present weights. Every process must call it."""
        network = copy.deepcopy(self.whole)
        network.load_state_dict(whole_state(module.state_dict()))
        return network.to(next(module.parameters()).device)


def shard(network: Trainable, average: AveragedModel, mesh: DeviceMesh) -> Sharding:
    """Put `network` and its `average`, which hold the same weights in every process, into shards where they are.

    Raises:
        ConfigError: torch cannot keep this network in shards.
    """
    whole = copy.deepcopy(network).cpu().eval()
    layers = list(layers_to_gather(network))
    for module in (network, average):
        module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # shards are cut in rows
    try:
        for layer in layers:
            fully_shard(layer, mesh=mesh)
        fully_shard(network, mesh=mesh)
        fully_shard(average.module, mesh=mesh)
        call_in_shards(network)
    except (NotImplementedError, ValueError, RuntimeError) as error:
        raise ConfigError.of(
            "training.strategy",
            f"fsdp cannot cut {network.spec.network} into shards",
            allowed="ddp, which keeps the whole network in every process",
            found=str(error).split("\n")[0],
            fix="training.strategy=ddp",
        ) from error
    return Sharding(whole)


def layers_to_gather(network: Trainable) -> Iterator[nn.Module]:
    """The largest layers of the encoder that are called once, each as itself, when the network is: found by a try.

    A layer that answers with a view of something is none of them: torch lets go of its weights by hooks on its answer,
    and a change in place would lose them.
    """
    calls: Counter[nn.Module] = Counter()

    def called(layer: nn.Module, _: Any, answer: Any) -> None:
        calls[layer] += 2 if isinstance(answer, Tensor) and answer._is_view() else 1

    handles = [module.register_forward_hook(called) for module in network.modules()]
    training = {module: module.training for module in network.modules()}
    first = next(network.parameters())
    side = -(-TRIED_PX // network.stride_px) * network.stride_px
    try:
        with torch.no_grad():
            network.eval()(first.new_zeros((1, network.spec.bands, side, side)))
    finally:
        for handle in handles:
            handle.remove()
        for module, was in training.items():
            module.training = was
    for stage in network.stages:
        for module in stage:
            yield from _called_once(module, calls)


def _called_once(module: nn.Module, calls: Mapping[nn.Module, int]) -> Iterator[nn.Module]:
    if not any(True for _ in module.parameters()):
        return
    if calls.get(module, 0) == 1:
        yield module
        return
    for child in module.children():
        yield from _called_once(child, calls)


def local(tensor: Tensor) -> Tensor:
    """This process's part of a tensor in shards, sharing its memory; any other as it is."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole_state(value: Any) -> Any:
    """A state dictionary with every tensor in shards gathered, on the CPU. Every process must call it."""
    if isinstance(value, DTensor):
        return value.full_tensor().detach().cpu()
    if isinstance(value, Mapping):
        return {name: whole_state(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(whole_state(item) for item in value)
    return value


def load_whole(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """`module.load_state_dict` of a whole state, which every process has, into a module that may be in shards."""
    own = module.state_dict()
    module.load_state_dict({name: _cut(tensor, own.get(name)) for name, tensor in state.items()})


def load_whole_optimiser(optimiser: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """The same of an optimiser: what it keeps of a parameter, and has its shape, is cut as the parameter is."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    like = dict(zip(numbers, parameters, strict=True))
    kept = {
        number: {name: _cut(value, like[number]) for name, value in values.items()}
        for number, values in state["state"].items()
    }
    optimiser.load_state_dict({**state, "state": kept})


def _cut(value: Any, like: Tensor | None) -> Any:
    """`value` on the device of `like`, in its shards and its memory layout, where both have one shape.

    Fused optimisers walk through memory and not through indices: the moments of a parameter must lie as it does.
    """
    if like is None or not isinstance(value, Tensor) or value.shape != like.shape:
        return value
    if not isinstance(like, DTensor):
        return torch.empty_like(like, requires_grad=False).copy_(value)
    on_device = value.to(like.device).contiguous()
    return distribute_tensor(on_device, like.device_mesh, like.placements, src_data_rank=None)
