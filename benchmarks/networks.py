"""Every semantic network through the typed commands, on real CamVid frames: does the whole chain hold, and is it equal?

    python benchmarks/networks.py --data shared/data/semantic_camvid --out benchmarks/results/networks.md

types, once, `segwright init` and `segwright split` (a sequence a part), then for each network `train` for a few steps
of small crops on random weights, `evaluate`, `export` and `predict` of the bundle. The table says how fast a step was,
by how much the exported pipeline differs from the trained one (the proof's own numbers), and how many pixels of whole
frames differ between the run's answer in torch and the masks that `predict` wrote. Scores mean nothing after so few
steps.

A network that is in networks.jsonl of --work is not run again: an interrupted benchmark goes on where it was, and one
that failed there is tried anew from its last finished command.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accuracy_sets import SETS

from segwright import __version__
from segwright.cli.app import main as segwright
from segwright.data import read_label_map
from segwright.models.network import NETWORKS
from segwright.train import open_run

CAMVID = SETS["camvid"]
CROP_PX, BATCH = 96, 2
CROPS = {"espnetv2": 128}  # it reads multiples of 64 px
# the smallest encoder that shows what a network is for; the ESPNets and BiSeNetV2 bring their own
ENCODERS = {"segformer": "mit_b0", "lraspp": "mobilenetv3_small_100", "eomt": "vit_tiny_patch16_224"}
USUAL_ENCODER = "resnet18"


@dataclass
class Typed:
    """A command that was typed: its answer, and when each training step was done (step -> seconds)."""

    words: list[str]
    answer: dict[str, Any]
    steps: dict[int, float]


class Failed(Exception):
    """A command of the chain did not end well."""


def main() -> None:
    """Run what is missing and write the table of what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder semantic_camvid")
    parser.add_argument("--work", type=Path, default=Path("runs/networks"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/networks.md"))
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--every", type=int, default=3, help="of how many frames of the set one is taken")
    parser.add_argument("--frames", type=int, default=3, help="of the held-out sequence, for predict")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    project = prepared(arguments.data, arguments.work, arguments.every)
    log = arguments.work / "networks.jsonl"
    for network in arguments.networks:
        if network in rows_of(log):
            continue
        try:
            row = chain(network, project, arguments)
        except Failed as error:
            print(f"{network}: {error}", file=sys.stderr, flush=True)
            continue
        with log.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")
        print(f"{network}: {row['predict_pixels_differ']} of {row['predict_pixels']} pixels differ", flush=True)
    rows = rows_of(log)
    arguments.out.write_text(page(rows, arguments), encoding="utf-8")
    missing = [name for name in NETWORKS if name not in rows]
    if missing:
        sys.exit(f"not through: {', '.join(missing)}; the same command goes on")


def rows_of(log: Path) -> dict[str, dict[str, Any]]:
    """Network -> its row."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    return {row["network"]: row for row in map(json.loads, lines)}


def prepared(data: Path, work: Path, every: int) -> Path:
    """The project file and the split beside it, typed as a user does, of one in `every` frames of each folder."""
    project, split = work / "segwright.yaml", work / "split.json"
    taken = work / "frames"
    if not taken.is_dir():
        for image in (
            path for part in ("train", "val", "test") for path in sorted((data / part).glob("*.png"))[::every]
        ):
            for source in (image, data / f"{image.parent.name}annot" / image.name):
                target = taken / source.parent.name / source.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        shutil.copyfile(data / "classes.txt", taken / "classes.txt")
    if not project.is_file():
        typed("init", taken, "--columns", CAMVID.data["columns_from"], "--out", project)
    if not split.is_file():
        held_out = [f"--hold-out={part}={value}" for part, values in CAMVID.held_out.items() for value in values]
        fractions = ",".join(f"{part}={share}" for part, share in CAMVID.fractions.items())
        typed("split", project, "--by", "sequence", "--fractions", fractions, *held_out, "--out", split)
    return project


def chain(network: str, project: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """train -> evaluate -> export -> predict of one network, each by its command; what the table says of it."""
    run, bundle, answers = (arguments.work / network / name for name in ("run", "line.bundle", "predicted"))
    trained = train(network, run, project, arguments.steps)
    evaluated = typed("evaluate", run, "--data", project, "--part", "validation")
    if not bundle.exists():
        typed("export", run, "--out", bundle)
    images = sorted((arguments.work / "frames" / "test").glob("*.png"))[: arguments.frames]
    if not answers.exists():
        typed("predict", bundle, *images, "--out", answers)
    differ, pixels = predicted_apart(run, answers, images)
    proof = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))["parity"]
    plan = open_run(run).plan
    return {
        "network": network,
        "encoder": plan.network.encoder,
        "steps_per_second": trained,
        "pooled_miou": evaluated.answer["scores"]["pooled_miou"],
        "every": arguments.every,
        "parity_frames": proof["frames"],
        "parity_pixel_share": proof["pixel_share"],
        "parity_probability": proof["largest_probability_difference"],
        "predict_pixels_differ": differ,
        "predict_pixels": pixels,
        "machine": f"{torch.get_num_threads()} threads, torch {torch.__version__}, segwright {__version__}",
    }


def train(network: str, run: Path, project: Path, steps: int) -> float | None:
    """Train, or go on where it was stopped; steps a second, None where it had gone through before."""
    if (run / "evaluation.json").is_file():
        return None
    if (run / "plan.yaml").is_file():
        done = typed("train", "--resume", "--run", run)
    else:
        settings = {
            "model.network": network,
            "model.encoder": ENCODERS.get(network, USUAL_ENCODER),
            "model.weights": "null",
            "training.steps": steps,
            "training.batch": BATCH,
            "training.crop": CROPS.get(network, CROP_PX),
            "training.validate_every": steps,
            "training.loggers": "[]",
        }
        done = typed("train", project, *(f"{key}={value}" for key, value in settings.items()), "--run", run)
    seen = sorted(step for step in done.steps if step > 0)  # the first step also builds what the others use
    return (seen[-1] - seen[0]) / (done.steps[seen[-1]] - done.steps[seen[0]]) if len(seen) > 1 else None


def typed(*words: object) -> Typed:
    """`segwright WORDS --json`, by the command's own entry; all in one process, so that torch is imported once.

    Raises:
        Failed: it ended with another exit code than 0; what it said.
    """
    given = [str(word) for word in words]
    out, errors, code = io.StringIO(), _Events(), 0
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            segwright([*given, "--json"])
        except SystemExit as end:
            code = int(end.code or 0)
    if code != 0:
        raise Failed(f"segwright {' '.join(given)} ended with {code}\n{out.getvalue()}")
    return Typed(given, json.loads(out.getvalue()), errors.steps)


class _Events(io.StringIO):
    """What a command writes to stderr with --json, and when each training step was done."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: dict[int, float] = {}

    def write(self, text: str) -> int:
        if text.startswith("{"):
            event = json.loads(text)
            if event.get("event") == "progress" and event["stage"] == "training":
                self.steps.setdefault(event["done"], time.perf_counter())
        return super().write(text)


def predicted_apart(run: Path, answers: Path, images: Sequence[Path]) -> tuple[int, int]:
    """Pixels of `images` to which the run in torch and the masks of `predict` give another class, and all pixels."""
    trained = open_run(run)
    predictor, apart, pixels = trained.predictor("cpu"), 0, 0
    for frame in trained.dataset.frames:
        if Path(frame.stem).name in {image.stem for image in images}:
            own = predictor.predict(trained.dataset.read_image(frame)).label_map.ids
            written = read_label_map(answers / "masks" / f"{Path(frame.stem).name}.png", trained.classes).ids
            apart, pixels = apart + int(np.count_nonzero(own != written)), pixels + own.size
    return apart, pixels


def page(rows: dict[str, dict[str, Any]], asked: argparse.Namespace) -> str:
    """The table in Markdown, in the order of the networks."""
    taken = " or ".join(sorted({str(row["every"]) for row in rows.values()}))
    head = (
        "network", "encoder", "steps/s", "frames of proof", "parity: pixels apart",
        "parity: largest difference of a probability", "predict: pixels apart from the run",
    )  # fmt: skip
    lines = [
        "# Every network, from the commands",
        "",
        "`python benchmarks/networks.py --data DIR`: init, split, train, evaluate, export and predict, typed one after",
        f"the other on CamVid, one frame in {taken}, a sequence a part; {asked.steps} steps of {BATCH} crops of",
        f"{CROP_PX} px (ESPNetv2: {CROPS['espnetv2']}) from random weights, so that scores say nothing. The proof",
        "compares the exported pipeline with the trained one on whole held-out frames; the last column the masks that",
        "`segwright predict` wrote of other frames with the run's answer in torch.",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * 2}{'---:|' * (len(head) - 2)}",
        *(f"| {' | '.join(_cells(rows[name]))} |" for name in NETWORKS if name in rows),
    ]
    machines = "; ".join(sorted({row["machine"] for row in rows.values()}))
    return "\n".join([*lines, "", f"Machine: {machines}. Speeds are those of a machine with other work.", ""])


def _cells(row: dict[str, Any]) -> list[str]:
    speed = "-" if row["steps_per_second"] is None else f"{row['steps_per_second']:.2f}"
    share, largest = f"{row['parity_pixel_share']:.4%}", f"{row['parity_probability']:.1e}"
    apart = f"{row['predict_pixels_differ']:,} of {row['predict_pixels']:,}"
    return [row["network"], row["encoder"], speed, str(row["parity_frames"]), share, largest, apart]


if __name__ == "__main__":
    main()
