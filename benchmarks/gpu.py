"""Trains, measures and checks on an accelerator, in one command, and writes one table with date and machine.

    python benchmarks/gpu.py                    # needs CUDA; a few minutes
    python benchmarks/gpu.py --full             # also the guide's 4,000 frames of 2048x1536: hours
    python benchmarks/gpu.py --tiny             # small, on any machine, to see that the path works: no figures to keep

It measures a training step and a whole frame of our U-Net beside segmentation-models-pytorch's on the same encoder,
times training with the real feed beside batches that lie on the device, trains the worked example, says when it
reached the guide's mIoU, scores its held-out line on the accelerator and on the CPU, and resumes a run half-way.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import torch
from gpu_training import TARGET_MIOU, feed_rows, time_to_score_rows
from torch import nn

from segwright.core import Image, Size, silent
from segwright.data import Dataset, Split
from segwright.demo.frames import FrameSpec, generate
from segwright.demo.settings import HELD_OUT, SPLIT_BY, SPLIT_FRACTIONS, DemoSettings
from segwright.evaluate import PredictedPairs, score_frames
from segwright.models import NetworkSpec, build_network
from segwright.models.losses import SegmentationLoss
from segwright.project import read_project
from segwright.train import Plan, Run, execute, plan_project, start_run

CLASSES = 4
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Scale:
    """How much work: crops of a step, timed repeats, and the worked example's encoder, frames, steps and settings."""

    batch: int
    crop: int
    repeats: int
    frame: Size
    frames_a_line: int
    steps: int
    compile: bool
    encoder: str = "resnet34"
    overrides: tuple[str, ...] = ()


FULL = Scale(batch=16, crop=512, repeats=30, frame=Size(1536, 2048), frames_a_line=150, steps=1500, compile=True)
# The example's own tiles of 384 px, each seen twice, would be most of the work.
SMALL_TILES = ("inference.tile=128", "inference.overlap_px=32", "inference.flips=false")
TINY = Scale(
    batch=2, crop=64, repeats=2, frame=Size(192, 256), frames_a_line=20, steps=6, compile=False,
    encoder="test_resnet", overrides=SMALL_TILES,
)  # fmt: skip


def main() -> None:
    """Measure everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="default: cuda; with --tiny cpu where there is none")
    parser.add_argument("--tiny", "--quick", dest="tiny", action="store_true", help="small: to see that the path works")
    parser.add_argument("--full", action="store_true", help="also time to the mIoU on the guide's 4,000 frames")
    parser.add_argument("--target", type=float, default=TARGET_MIOU, help="the mIoU that is timed")
    parser.add_argument("--encoder", help="default: resnet34; with --tiny one of a few layers")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    chosen = arguments.device or ("cpu" if arguments.tiny and not torch.cuda.is_available() else "cuda")
    if chosen == "cuda" and not torch.cuda.is_available():
        raise SystemExit("this machine has no CUDA device; `--tiny` runs without and only shows that the path works")
    device, scale = torch.device(chosen), TINY if arguments.tiny else FULL
    encoder = arguments.encoder or scale.encoder
    rows = [
        *speed_rows(device, scale, encoder),
        *training_rows(scale, encoder, arguments.target),
        *worked_example_rows(device, scale, encoder),
    ]
    if arguments.full:
        rows += full_rows(arguments.target)
    text = page(rows, machine(device))
    print(text)
    if not arguments.tiny:
        path = arguments.out / f"gpu-{dt.date.today()}.md"
        path.write_text(text, encoding="utf-8")
        print(f"written: {path}")


# --- speed, beside the peer -------------------------------------------------------------------------------------------
def speed_rows(device: torch.device, scale: Scale, encoder: str) -> Iterator[Row]:
    """Step time, its peak memory, and forward time of one frame: ours, the peer's, and the ratio."""
    for precision in ("fp32", "bf16"):
        ours, theirs = (step_cost(make, device, scale, precision) for make in (_ours(encoder), _theirs(encoder)))
        what = f"training step, {scale.batch} crops of {scale.crop} px, {precision}"
        yield what, f"{ours[0] * 1e3:.1f} ms", f"{theirs[0] * 1e3:.1f} ms", f"{ours[0] / theirs[0]:.2f}"
        if device.type == "cuda":
            yield f"{what}: peak memory", f"{ours[1]:.2f} GiB", f"{theirs[1]:.2f} GiB", f"{ours[1] / theirs[1]:.2f}"
        ours_frame, theirs_frame = (
            frame_seconds(make, device, scale, precision) for make in (_ours(encoder), _theirs(encoder))
        )
        what = f"one frame of {scale.frame}, {precision}"
        ratio = f"{ours_frame / theirs_frame:.2f}"
        yield what, f"{ours_frame * 1e3:.1f} ms", f"{theirs_frame * 1e3:.1f} ms", ratio


def _ours(encoder: str) -> Callable[[], nn.Module]:
    return lambda: build_network(NetworkSpec("unet", encoder, bands=3, channels=CLASSES))


def _theirs(encoder: str) -> Callable[[], nn.Module]:
    return lambda: smp.Unet(f"tu-{encoder}", encoder_weights=None, in_channels=3, classes=CLASSES)


def step_cost(make: Callable[[], nn.Module], device: torch.device, scale: Scale, precision: str) -> tuple[float, float]:
    """Median seconds of a training step, and the peak memory of the device in GiB (0 on a CPU)."""
    network = make().to(device).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
    loss = SegmentationLoss({"cross_entropy": 0.5, "dice": 0.5}, tuple(range(1, CLASSES)))
    frames = torch.rand(scale.batch, 3, scale.crop, scale.crop, device=device)
    frames = frames.contiguous(memory_format=torch.channels_last)
    target = torch.randint(0, CLASSES, (scale.batch, scale.crop, scale.crop), device=device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = network(frames)
        total, _terms = loss(logits, target)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        optimiser.step()

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = median_seconds(step, device, scale.repeats)
    peak = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
    return seconds, peak


def frame_seconds(make: Callable[[], nn.Module], device: torch.device, scale: Scale, precision: str) -> float:
    """Median seconds of one forward pass over a whole frame."""
    network = make().to(device).to(memory_format=torch.channels_last).eval()
    frame = torch.rand(1, 3, scale.frame.height, scale.frame.width, device=device)
    frame = frame.contiguous(memory_format=torch.channels_last)

    def forward() -> None:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            network(frame)

    return median_seconds(forward, device, scale.repeats)


def median_seconds(work: Callable[[], None], device: torch.device, repeats: int) -> float:
    """The median over `repeats`, after three calls that are not counted; waits for the device each time."""
    times = []
    for _ in range(repeats + 3):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return float(np.median(times[3:]))


# --- training with the real feed --------------------------------------------------------------------------------------
def training_rows(scale: Scale, encoder: str, target: float) -> Iterator[Row]:
    """Crops a second with the feed beside batches on the device; then the time to `target` on this scale's frames."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plan, dataset, split = plan_example(root, example_settings(scale, encoder), scale.overrides)
        yield from feed_rows(plan, (dataset, split), root / "feed", warm_up=scale.repeats, steps=3 * scale.repeats)
        yield from time_to_score_rows(plan, (dataset, split), root / "runs" / "timed", target)


def full_rows(target: float) -> Iterator[Row]:
    """The time to `target` on the frames, settings and steps of `segwright demo --full`."""
    with tempfile.TemporaryDirectory() as folder:
        root, settings = Path(folder), DemoSettings.full()
        plan, dataset, split = plan_example(root, settings)
        yield from time_to_score_rows(plan, (dataset, split), root / "runs" / "full", target)


# --- the worked example -----------------------------------------------------------------------------------------------
def worked_example_rows(device: torch.device, scale: Scale, encoder: str) -> Iterator[Row]:
    """Train on the drawn frames; the held-out line's scores, device against CPU, and a resumed run."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        run, dataset, split, seconds = train_example(root, scale, encoder)
        yield f"worked example: {scale.steps} steps, with validation", f"{seconds:.0f} s", "", ""
        held_out = dataset.only(split.stems("test"))
        scores = score_frames(PredictedPairs(run.predictor(str(device)), held_out), run.classes)
        yield f"held-out line, {scores.images} frames: mIoU", f"{scores.scores['pooled_miou']:.3f}", "", ""
        yield "held-out line: scratch IoU", f"{scores.classes['scratch']['iou'] or 0:.3f}", "", ""
        yield "held-out line: boundary F at 3 px", f"{scores.scores['boundary_f@3']:.3f}", "", ""
        yield "pixels that differ, device against CPU", f"{differing_share(run, device, held_out):.2e}", "", ""
        difference = resume_difference(root, run, dataset, split)
        yield "resumed half-way: largest weight difference", f"{difference:.2e}", "", ""


def train_example(root: Path, scale: Scale, encoder: str) -> tuple[Run, Dataset, Split, float]:
    """The worked example's project with this scale's frames and steps, trained; and the seconds that took."""
    plan, dataset, split = plan_example(root, example_settings(scale, encoder), scale.overrides)
    started = time.perf_counter()
    run = execute(start_run(plan, root / "runs" / "whole"), dataset, split)
    return run, dataset, split, time.perf_counter() - started


def example_settings(scale: Scale, encoder: str) -> DemoSettings:
    """The worked example with this scale's frames and steps."""
    spec = FrameSpec(frames_per_line=scale.frames_a_line, size=scale.frame)
    settings = replace(DemoSettings.full(), frames=spec, encoder=encoder, weights=None)
    settings.training.update(
        steps=scale.steps,
        crop=scale.crop,
        batch=scale.batch,
        validate_every=-(-scale.steps // 3),
        loggers=[],
        compile=scale.compile,
    )
    return settings


def plan_example(root: Path, settings: DemoSettings, overrides: tuple[str, ...] = ()) -> tuple[Plan, Dataset, Split]:
    """Draw the frames of `settings` below `root`, split them, and plan."""
    from segwright.data import make_split, open_dataset, write_split
    from segwright.demo.frames import CLASSES as CLASS_TABLE

    generate(root / "frames", settings.frames, workers=torch.get_num_threads())
    project = read_project(settings.write_project(root), overrides)
    dataset = open_dataset(root / "frames", format="index_png", classes=CLASS_TABLE)
    write_split(root / "split.json", make_split(dataset, by=SPLIT_BY, fractions=SPLIT_FRACTIONS, held_out=HELD_OUT))
    return plan_project(project, root, silent)


def differing_share(run: Run, device: torch.device, frames: Dataset) -> float:
    """Share of the pixels whose class differs between the device and the CPU, over up to four frames."""
    on_device, on_cpu = run.predictor(str(device)), run.predictor("cpu")
    different = pixels = 0
    for frame in frames.frames[:4]:
        image: Image = frames.read(frame).image
        ids = [predictor.predict(image).label_map.ids for predictor in (on_device, on_cpu)]
        different += int(np.count_nonzero(ids[0] != ids[1]))
        pixels += ids[0].size
    return different / pixels


class Interrupted(Exception):
    """Raised by the listener half-way, as a kill would come."""


def resume_difference(root: Path, whole: Run, dataset: Dataset, split: Split) -> float:
    """The same plan again, stopped half-way and resumed: the largest difference of any final weight."""
    half = whole.plan.optimiser.steps // 2

    def stop(event: object) -> None:
        if getattr(event, "stage", "") == "training" and getattr(event, "done", 0) > half:
            raise Interrupted

    run = start_run(whole.plan, root / "runs" / "halved")
    with contextlib.suppress(Interrupted):
        execute(run, dataset, split, listener=stop)
    run = execute(run, dataset, split, resume=True)
    states = whole.module().state_dict(), run.module().state_dict()
    return max(float((states[0][name].double() - states[1][name].double()).abs().max()) for name in states[0])


# --- the page ---------------------------------------------------------------------------------------------------------
def machine(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()} CPU"
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def page(rows: list[Row], where: str) -> str:
    """The rows as a Markdown page; a ratio below 1 is ours being faster or smaller."""
    lines = [f"# Accelerator, {dt.date.today()}", "", f"Machine: {where}. Peer: segmentation-models-pytorch "]
    lines[-1] += f"{smp.__version__}, same encoder, same loss, same data. Command: `python benchmarks/gpu.py`."
    lines += ["", "| what | segwright | peer | ratio |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


if __name__ == "__main__":
    main()
