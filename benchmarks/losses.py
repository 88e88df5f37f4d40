"""Losses beside torch's cross-entropy, segmentation-models-pytorch's Dice, and the authors' Lovász-Softmax.

    python benchmarks/losses.py [--lovasz path/to/lovasz_losses.py] [--every-term] [--turns 15]

prints milliseconds of processor time (wall time on CUDA) for a loss with its gradient, one thread, losses taking turns:
the median, and the shortest, which is what is left where nothing else is on the machine; the largest memory in use
during it beyond the logits; and ratios to torch's cross-entropy. Labels come in regions with void between some, as
masks do: single random pixels would slow torch's own loss down. The authors' file is `pytorch/lovasz_losses.py` of
bermanmaxim/LovaszSoftmax; without it those rows are left out, and that is said; so is Dice where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.models.losses import CLASS_TERMS, PIXEL_TERMS, VOID_CHANNEL, SegmentationLoss

SIZES = ((8, 2, 256), (8, 4, 256), (8, 12, 256))  # images, channels, side
EVERY_TERM_AT = SIZES[1]
REGION_PX = 16
BASE = "cross-entropy, torch"
Step = Callable[[], object]
Loss = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    """Print one block a device and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lovasz", type=Path, help="the authors' lovasz_losses.py")
    parser.add_argument("--every-term", action="store_true", help="each term by itself too, at one size")
    parser.add_argument("--turns", type=int, default=15)
    given = parser.parse_args()
    rivals = _rivals(given.lovasz)
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, one thread, {given.turns} turns")
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        for size in SIZES:
            _report(device, size, rivals, turns=given.turns, every_term=given.every_term and size == EVERY_TERM_AT)


def _rivals(lovasz: Path | None) -> dict[str, Loss]:
    """Losses of others, of those that are there; what is not is said."""
    rivals: dict[str, Loss] = {}
    if importlib.util.find_spec("segmentation_models_pytorch") is None:
        print("no segmentation-models-pytorch: its Dice is not compared")
    else:
        from segmentation_models_pytorch.losses import DiceLoss

        dice = DiceLoss("multiclass", ignore_index=VOID_CHANNEL)
        rivals["cross-entropy, torch, + Dice, smp"] = lambda values, truth: (
            0.5 * F.cross_entropy(values, truth, ignore_index=VOID_CHANNEL) + 0.5 * dice(values, truth)
        )
    if lovasz is None:
        print("no --lovasz: Lovász-Softmax is not compared with its authors' code")
    else:
        theirs = _module(lovasz)
        rivals["Lovász-Softmax, the authors"] = lambda values, truth: theirs.lovasz_softmax(
            values.softmax(1), truth, ignore=VOID_CHANNEL
        )
    return rivals


def _example(device: str, images: int, channels: int, side: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((images, channels, side, side), generator=generator) * 2
    regions = torch.randint(VOID_CHANNEL, channels, (images, side // REGION_PX, side // REGION_PX), generator=generator)
    target = regions.repeat_interleave(REGION_PX, 1).repeat_interleave(REGION_PX, 2)
    return logits.to(device).requires_grad_(), target.to(device)


def _report(device: str, size: tuple[int, int, int], rivals: dict[str, Loss], *, turns: int, every_term: bool) -> None:
    logits, target = _example(device, *size)
    every = tuple(range(size[1]))

    def step(loss: Loss) -> Step:
        return lambda: torch.autograd.grad(loss(logits, target), logits)

    def ours(**weights: float) -> Step:
        summed = SegmentationLoss(weights, every)
        return step(lambda values, truth: summed(values, truth)[0])

    rows = {
        BASE: step(lambda values, truth: F.cross_entropy(values, truth, ignore_index=VOID_CHANNEL)),
        "cross-entropy": ours(cross_entropy=0.5),
        "cross-entropy + Dice": ours(cross_entropy=0.5, dice=0.5),
        "cross-entropy + Dice, plainly written": step(_plainly),
        "Lovász-Softmax": ours(lovasz=1.0),
        **{name: step(loss) for name, loss in rivals.items()},
    }
    times = _times(rows, device, turns)
    if every_term:  # in turns of their own: the slow ones empty the caches
        terms = {name: ours(**{name: 1.0}) for name in (*PIXEL_TERMS, *CLASS_TERMS)}
        times, rows = times | _times(terms, device, turns), rows | terms
    _print(device, size, times, {name: _peak_mib(run, device) for name, run in rows.items()})


def _print(
    device: str, size: tuple[int, int, int], times: dict[str, list[float]], peaks: dict[str, float | None]
) -> None:
    images, channels, side = size
    print(f"\n{device}: {images} images of {side} px, {channels} channels")
    print(f"{'what':<40} {'ms':>9} {'/ torch':>8} {'shortest':>9} {'/ torch':>8} {'MiB':>7} {'/ torch':>8}")
    base = times[BASE]
    for name, taken in times.items():
        memory = "      -        -"
        if peaks[name] is not None and peaks[BASE]:
            memory = f"{peaks[name]:7.1f} {peaks[name] / peaks[BASE]:8.2f}"
        middle = f"{median(taken) * 1e3:9.2f} {median(taken) / median(base):8.2f}"
        print(f"{name:<40} {middle} {min(taken) * 1e3:9.2f} {min(taken) / min(base):8.2f} {memory}")


def _plainly(logits: Tensor, target: Tensor) -> Tensor:
    """Half cross-entropy and half soft Dice with a one-hot truth, as most write it."""
    logs = logits.log_softmax(1)
    valid = (target != VOID_CHANNEL).unsqueeze(1)
    truth = F.one_hot(target.clamp(min=0), logits.shape[1]).permute(0, 3, 1, 2) * valid
    probability = logs.exp() * valid
    overlap, both = (probability * truth).sum((0, 2, 3)), (probability + truth).sum((0, 2, 3))
    dice = (1 - (2 * overlap + 1) / (both + 1)).mean()
    return 0.5 * F.nll_loss(logs, target, ignore_index=VOID_CHANNEL) + 0.5 * dice


def _times(rows: dict[str, Step], device: str, turns: int) -> dict[str, list[float]]:
    """Seconds of each turn: processor time on the CPU, since other work on the machine does not count in it."""
    taken: dict[str, list[float]] = {name: [] for name in rows}
    clock = time.process_time if device == "cpu" else time.perf_counter
    for turn in range(turns + 1):
        for name, run in rows.items():
            _wait(device)
            started = clock()
            run()
            _wait(device)
            if turn:  # the first warms up
                taken[name].append(clock() - started)
    return taken


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _peak_mib(run: Step, device: str) -> float | None:
    """The largest memory, MiB, that tensors made by `run` took at once."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        run()
    now = peak = 0
    for event in sorted(_allocations(profile), key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak / 2**20


def _allocations(profile: torch.profiler.profile) -> list:
    """What was allocated (bytes above 0) and freed (below 0)."""
    results = profile.profiler.kineto_results  # type: ignore[union-attr]
    return [event for event in results.events() if event.name() == "[memory]"]


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"{path}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of escapes and `is` with text
        spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
