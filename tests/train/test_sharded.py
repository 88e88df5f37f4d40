"""Every network in shards answers and learns as it does whole; states go in and out of shards unchanged."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
import torch.distributed as dist
from lightning.fabric import Fabric
from timm.layers.drop import DropPath
from torch import Tensor, nn
from torch._C._distributed_c10d import HashStore
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor

from segwright.core import ConfigError
from segwright.models import SegmentationNetwork, build_network
from segwright.train.average import averaged
from segwright.train.devices import Devices
from segwright.train.processes import Processes
from segwright.train.sharded import layers_to_gather, load_whole, load_whole_optimiser, shard, whole_state
from tests.models.panoptic.networks import network as panoptic_network
from tests.models.semantic.cases import EVERY, VARIANTS, Case
from tests.train.conftest import Tiny

OF_FLOAT32 = ("eomt",)  # transformers' positions are in float32 whatever the weights are in; it has no batch norm
CASES = (*EVERY, *(case for case in VARIANTS if case.encoder in ("test_vit", "mit_b0", "test_mambaout")))


@pytest.fixture(scope="module")
def mesh() -> Iterator[DeviceMesh]:
    """One process that is all there are: what several compute together is tested with two processes elsewhere."""
    dist.init_process_group("gloo", rank=0, world_size=1, store=HashStore())
    yield init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


def built(case: Case) -> SegmentationNetwork:
    torch.manual_seed(0)
    network = build_network(replace(case.spec(), options=dict(case.options))).train()
    for module in network.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d | DropPath):
            module.eval()  # noise is drawn in the order of the memory, which shards change
    # In float32 a batch norm over four values makes of the order of a sum what looks like an error of ours.
    network = network if case.network in OF_FLOAT32 else network.double()
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def tensors(said: object) -> list[Tensor]:
    if isinstance(said, Tensor):
        return [said]
    parts = said.values() if isinstance(said, dict) else said if isinstance(said, list | tuple) else vars(said).values()
    return [tensor for part in parts if part is not None for tensor in tensors(part)]


def learned(network: SegmentationNetwork) -> tuple[list[Tensor], dict[str, Tensor]]:
    """What it says of two crops in training, and the gradient of the squares."""
    frames = torch.randn((2, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    frames = frames.to(next(network.parameters()).dtype)
    torch.manual_seed(2)
    said = tensors(network(frames))
    sum((row**2).mean() for row in said).backward()  # type: ignore[union-attr]
    return said, {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_shard__a_network_says_and_learns_what_it_does_whole(case: Case, mesh: DeviceMesh) -> None:
    network = built(case)
    said, gradients = learned(copy.deepcopy(network))
    layers = list(layers_to_gather(network))
    assert network.training
    assert bool(layers) is bool(network.stages)
    average = averaged(network, 0.9)
    sharding = shard(network, average, mesh)
    assert all(isinstance(row, DTensor) for row in (*network.parameters(), *average.module.parameters()))
    mine, own = learned(network)
    rtol, atol = (1e-3, 1e-4) if case.network in OF_FLOAT32 else (1e-6, 1e-8)
    for one, other in zip(mine, said, strict=True):
        torch.testing.assert_close(one, other, rtol=rtol, atol=atol)
    assert own.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert isinstance(own[name], DTensor)
        torch.testing.assert_close(whole_state(own[name]), gradient, rtol=rtol, atol=atol, msg=name)
    whole = sharding.gathered(average.module)
    assert not any(isinstance(row, DTensor) for row in whole.parameters())
    assert whole.state_dict().keys() == network.state_dict().keys()


def test_states__go_through_shards_unchanged(mesh: DeviceMesh) -> None:
    """Weights, average and AdamW's moments, from a whole network into shards and into another whole one."""
    whole, sharded, again = (built(Case("unet")) for _ in range(3))
    optimisers = [torch.optim.AdamW(whole.parameters(), fused=True)]
    learned(whole)
    optimisers[0].step()
    shard(sharded, averaged(sharded, 0.9), mesh)
    optimisers += [torch.optim.AdamW(network.parameters(), fused=True) for network in (sharded, again)]
    for number, (source, target) in enumerate(((whole, sharded), (sharded, again))):
        load_whole(target, whole_state(source.state_dict()))
        state = copy.deepcopy(whole_state(optimisers[number].state_dict()))  # as through a file: nothing is shared
        load_whole_optimiser(optimisers[number + 1], state)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    for network, optimiser in ((whole, optimisers[0]), (again, optimisers[2])):
        network.zero_grad()
        learned(network)
        optimiser.step()
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
        assert optimisers[2].state[other]["exp_avg"].stride() == other.stride()


def test_shard__what_torch_cannot_cut_is_said(mesh: DeviceMesh) -> None:
    network = built(Case("fcn"))
    network.scale = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    with pytest.raises(ConfigError, match=r"(?s)training.strategy: fsdp cannot cut fcn.*ddp.*scalar.*strategy=ddp"):
        shard(network, averaged(network, 0.9), mesh)


def test_devices__shards_in_fp16_are_refused(tiny: Tiny) -> None:
    plan = replace(tiny.plan, optimiser=replace(tiny.plan.optimiser, precision="fp16"))
    with pytest.raises(ConfigError, match=r"(?s)training.precision: fp16 cannot.*bf16 or fp32.*precision=bf16"):
        Devices.of(plan, [], Processes(0, 2, 0, 2), "fsdp")


def test_devices__shards_are_not_for_networks_of_objects() -> None:
    network = panoptic_network()
    devices = Devices(Fabric(accelerator="cpu", devices=1), Processes(0, 2, 0, 2), in_shards=True)
    with pytest.raises(ConfigError, match=r"(?s)fsdp cannot gather panoptic_fpn.*ddp for networks of objects.*=ddp"):
        devices.sharded(network, averaged(network, 0.9))
