"""The query loss and Mask2Former beside transformers', in the same process, with the same weights.

    python benchmarks/query_loss.py [--queries 100] [--side 256]

prints, for 5 to 500 segments a frame, the seconds of processor time of a loss with its gradient and the largest memory
in use during it beyond its inputs, ours and transformers' Mask2FormerLoss; then the seconds of a forward pass of a
Mask2Former of ours and of theirs. Medians of three turns taken in turn, one thread; ratios are theirs over ours.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from statistics import median

import torch
import transformers
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from transformers import Mask2FormerConfig
from transformers.models.mask2former.modeling_mask2former import Mask2FormerLoss

from segwright.models import NetworkSpec, build_network
from segwright.models.query import QueryLoss, QueryNetwork, QueryOutput, SegmentTargets

TURNS, CHANNELS = 3, 19
SEGMENTS = (5, 50, 500)
WEIGHTS = {"loss_cross_entropy": 2.0, "loss_mask": 5.0, "loss_dice": 5.0}


def main() -> None:
    """Print one line a number of segments, and one for the network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--side", type=int, default=256)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, transformers {transformers.__version__}, one thread")
    for count in SEGMENTS:
        _loss_line(count, given.queries, given.side)
    _network_line(given.side)


def _loss_line(count: int, queries: int, side: int) -> None:
    generator = torch.Generator().manual_seed(0)
    said = torch.randn(1, queries, CHANNELS + 1, generator=generator).requires_grad_()
    masks = torch.randn(1, queries, side // 4, side // 4, generator=generator).requires_grad_()
    places = torch.randint(count, (side, side), generator=generator)
    channels = torch.randint(CHANNELS, (count,), generator=generator)
    target = SegmentTargets(channels, places, torch.ones(side, side, dtype=torch.bool))
    reference = Mask2FormerLoss(Mask2FormerConfig(num_labels=CHANNELS), WEIGHTS)

    def ours() -> None:
        torch.autograd.grad(QueryLoss()(QueryOutput(said, masks), [target])[0], [said, masks])

    def theirs() -> None:
        whole = [torch.stack([places == number for number in range(count)]).float()]
        terms = reference(masks, said, whole, [channels])
        loss: Tensor = sum((WEIGHTS[name] * value for name, value in terms.items()), start=said.new_zeros(()))
        torch.autograd.grad(loss, [said, masks])

    seconds, peaks = _seconds(ours, theirs), [_peak_mb(step) for step in (ours, theirs)]
    print(
        f"{count:4} segments: ours {seconds[0]:.2f} s {peaks[0]:.0f} MB, transformers {seconds[1]:.2f} s "
        f"{peaks[1]:.0f} MB; ratios {seconds[1] / seconds[0]:.2f} of time, {peaks[1] / peaks[0]:.2f} of memory"
    )


def _network_line(side: int) -> None:
    network = build_network(NetworkSpec("mask2former", "resnet18", 3, CHANNELS)).eval()
    assert isinstance(network, QueryNetwork)
    reference = type(network.model)(network.model.config).eval()
    reference.load_state_dict(network.model.state_dict(), strict=False)
    frames = torch.randn(1, 3, side, side)
    with torch.inference_mode():
        ours, theirs = _seconds(lambda: network.queries(frames), lambda: reference(frames))
    print(f"resnet18, {side} px, forward: ours {ours:.2f} s, transformers {theirs:.2f} s; ratio {theirs / ours:.2f}")


def _seconds(*steps: Callable[[], object]) -> list[float]:
    """Median processor time of each step, warmed up once, taken in turn."""
    for step in steps:
        step()
    rows = [[_timed(step) for step in steps] for _ in range(TURNS)]
    return [median(column) for column in zip(*rows, strict=True)]


def _timed(step: Callable[[], object]) -> float:
    started = time.process_time()
    step()
    return time.process_time() - started


def _peak_mb(step: Callable[[], object]) -> float:
    """The largest sum of what torch allocated and has not freed during a step, megabytes."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        step()
    sizes = [event for event in recorded.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(sizes, key=lambda one: one.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak / 1e6


if __name__ == "__main__":
    main()
