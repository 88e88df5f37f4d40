"""Losses beside torch's cross-entropy, and Lovász-Softmax beside its authors' code, in the same process.

    python benchmarks/losses.py [--lovasz path/to/lovasz_losses.py]

prints milliseconds of processor time (wall time on CUDA) for a loss with its gradient, medians of seven turns taken in
turn, one thread; the largest memory in use during it beyond the logits; and ratios. The authors' file is
`pytorch/lovasz_losses.py` of bermanmaxim/LovaszSoftmax; without it those rows are left out, and that is said.
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

TURNS = 7
SIZES = ((4, 4, 256), (4, 19, 256), (8, 4, 512))  # images, channels, side
EVERY_TERM_AT = SIZES[0]
Step = Callable[[], object]


def main() -> None:
    """Print one block a device and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lovasz", type=Path, help="the authors' lovasz_losses.py")
    given = parser.parse_args()
    theirs = None if given.lovasz is None else _module(given.lovasz)
    if theirs is None:
        print("no --lovasz: Lovász-Softmax is not compared with its authors' code")
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, one thread")
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        for images, channels, side in SIZES:
            _report(device, images, channels, side, theirs)


def _report(device: str, images: int, channels: int, side: int, theirs: ModuleType | None) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((images, channels, side, side), generator=generator).to(device).requires_grad_()
    target = torch.randint(VOID_CHANNEL, channels, (images, side, side), generator=generator).to(device)
    every = tuple(range(channels))

    def step(loss: Callable[[Tensor, Tensor], Tensor]) -> Step:
        return lambda: torch.autograd.grad(loss(logits, target), logits)

    def ours(**weights: float) -> Step:
        summed = SegmentationLoss(weights, every)
        return step(lambda values, truth: summed(values, truth)[0])

    rows = {
        "cross-entropy, torch": step(lambda values, truth: F.cross_entropy(values, truth, ignore_index=VOID_CHANNEL)),
        "cross-entropy": ours(cross_entropy=0.5),
        "cross-entropy + Dice": ours(cross_entropy=0.5, dice=0.5),
        "cross-entropy + Dice, plainly written": step(_plainly),
        "Lovász-Softmax": ours(lovasz=1.0),
    }
    if theirs is not None:
        rows["Lovász-Softmax, the authors"] = step(
            lambda values, truth: theirs.lovasz_softmax(values.softmax(1), truth, ignore=VOID_CHANNEL)
        )
    times, unit = _times(rows, device), logits.numel() * logits.element_size() / 2**20
    if (images, channels, side) == EVERY_TERM_AT:  # in turns of their own: the slow ones empty the caches
        terms = {name: ours(**{name: 1.0}) for name in (*PIXEL_TERMS, *CLASS_TERMS)}
        times, rows = times | _times(terms, device), rows | terms
    peaks = {name: _peak_mib(run, device) for name, run in rows.items()}
    print(f"\n{device}: {images} images of {side} px, {channels} channels ({unit:.0f} MiB of logits)")
    print(f"{'what':<40} {'ms':>9} {'/ torch':>8} {'MiB':>7} {'/ torch':>8}")
    base = "cross-entropy, torch"
    for name in rows:
        memory = "      -        -"
        if peaks[name] is not None and peaks[base]:
            memory = f"{peaks[name]:7.1f} {peaks[name] / peaks[base]:8.2f}"
        print(f"{name:<40} {times[name] * 1e3:9.2f} {times[name] / times[base]:8.2f} {memory}")
    if theirs is not None:
        print(f"Lovász-Softmax / the authors: {times['Lovász-Softmax'] / times['Lovász-Softmax, the authors']:.2f}")


def _plainly(logits: Tensor, target: Tensor) -> Tensor:
    """Half cross-entropy and half soft Dice with a one-hot truth, as most write it."""
    logs = logits.log_softmax(1)
    valid = (target != VOID_CHANNEL).unsqueeze(1)
    truth = F.one_hot(target.clamp(min=0), logits.shape[1]).permute(0, 3, 1, 2) * valid
    probability = logs.exp() * valid
    overlap, both = (probability * truth).sum((0, 2, 3)), (probability + truth).sum((0, 2, 3))
    dice = (1 - (2 * overlap + 1) / (both + 1)).mean()
    return 0.5 * F.nll_loss(logs, target, ignore_index=VOID_CHANNEL) + 0.5 * dice


def _times(rows: dict[str, Step], device: str) -> dict[str, float]:
    """Seconds of each: processor time on the CPU, since other work on the machine does not count in it."""
    taken: dict[str, list[float]] = {name: [] for name in rows}
    clock = time.process_time if device == "cpu" else time.perf_counter
    for turn in range(TURNS + 1):
        for name, run in rows.items():
            _wait(device)
            started = clock()
            run()
            _wait(device)
            if turn:  # the first warms up
                taken[name].append(clock() - started)
    return {name: median(seconds) for name, seconds in taken.items()}


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
