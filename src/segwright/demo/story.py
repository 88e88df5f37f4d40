"""The worked example from the first frame to the last verdict, through the same functions the verbs call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwright.core import Event, Listener, Note, Progress, silent
from segwright.data import Dataset, Split, make_split, open_dataset, read_split, write_split
from segwright.demo.frames import CLASSES, generate
from segwright.demo.outcome import Outcome
from segwright.demo.settings import HELD_OUT, SPLIT_BY, SPLIT_FRACTIONS, DemoSettings
from segwright.demo.verdicts import VerdictCounts, heuristic_verdicts, model_verdicts, true_verdicts
from segwright.evaluate import Evaluation, HoldOut, PredictedPairs, choose_thresholds, evaluate_predicted
from segwright.evaluate.report import worst_panels, write_report
from segwright.export import export_run
from segwright.infer.bundle import read_bundle, with_thresholds
from segwright.infer.loading import semantic_predictor
from segwright.infer.runtimes.onnx_runtime import usable_cores
from segwright.line.inspect import inspector_for
from segwright.line.records import Records
from segwright.line.sources import FolderSource
from segwright.line.watch import watch_all
from segwright.project import read_project
from segwright.train import Run, execute, open_run, plan_project, start_run
from segwright.train.finish import finish
from segwright.train.run import PLAN_FILE

# What comes after the last training step (scores, thresholds, export, inspection, heuristics), as a share of the
# training time; measured on two cores with the small settings. It only feeds the estimate shown to a person.
AFTER_TRAINING_SHARE = 0.40
ESTIMATE_AFTER_STEPS = 15


@dataclass
class Story:
    """A folder that the example fills, stage by stage; what an interrupted one left is not made again.

    `seconds` is how long each stage took this time.
    """

    folder: Path
    settings: DemoSettings
    listener: Listener = silent
    seconds: dict[str, float] = field(default_factory=dict)

    def tell(self) -> Outcome:
        """Run every stage and write outcome.json.

        Raises:
            GateFailed: the exported bundle does not say what the trained network says.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        dataset, split = self._timed("frames", self._frames)
        run = self._timed("train", self._train)
        bundle = self._timed("export", lambda: self._export(run, dataset, split))
        same_lines, held_out = self._timed("evaluate", lambda: self._evaluate(bundle, dataset, split))
        verdicts = self._timed("inspect", lambda: self._inspect(bundle, dataset, split))
        outcome = Outcome(same_lines, held_out, verdicts, read_bundle(bundle), dict(self.seconds))
        (self.folder / "outcome.json").write_text(json.dumps(outcome.to_json(), indent=1), encoding="utf-8")
        return outcome

    def _timed(self, stage: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        answer = work()
        self.seconds[stage] = round(time.perf_counter() - started, 1)
        return answer

    def _frames(self) -> tuple[Dataset, Split]:
        """Draw the frames, write the project file, and divide by session with one press line held out."""
        generate(self.folder / "frames", self.settings.frames, workers=usable_cores(), listener=self.listener)
        if not (self.folder / "segwright.yaml").exists():
            self.settings.write_project(self.folder)
        dataset = open_dataset(self.folder / "frames", format="index_png", classes=CLASSES)
        path = self.folder / "split.json"
        if not path.exists():
            parts = make_split(
                dataset, by=SPLIT_BY, fractions=SPLIT_FRACTIONS, held_out=HELD_OUT, listener=self.listener
            )
            write_split(path, parts)
        return dataset, read_split(path)

    def _train(self) -> Run:
        """Plan and train, or go on with the run an interrupted demo left."""
        project = read_project(self.folder / "segwright.yaml")
        folder = self.folder / "runs" / project.name
        begun = (folder / PLAN_FILE).exists()
        if begun:
            run = open_run(folder)
            dataset, split = run.dataset, run.split
        else:
            plan, dataset, split = plan_project(project, self.folder, self.listener)
            run = start_run(plan, folder)
        execute(run, dataset, split, resume=begun, listener=_with_estimate(self.listener))
        if run.evaluation is None:
            finish(run, dataset, listener=self.listener)
        return run

    def _export(self, run: Run, dataset: Dataset, split: Split) -> Path:
        """Export with the parity proof, then thresholds on the calibration part, in a bundle of their own."""
        plain = self.folder / "brackets-uncalibrated.bundle"
        calibrated = self.folder / "brackets.bundle"
        if calibrated.exists():
            return calibrated
        if not plain.exists():
            export_run(run, plain, listener=self.listener)
        source = read_bundle(plain)
        hold_out = HoldOut(semantic_predictor(source), dataset.only(split.stems("calibration")))
        calibration = choose_thresholds(
            hold_out, source.classes, target="iou", cleanup=source.cleanup, listener=self.listener
        )
        with_thresholds(source, calibration, calibrated, on={"part": "calibration", "split_hash": split.content_hash})
        return calibrated

    def _evaluate(self, bundle: Path, dataset: Dataset, split: Split) -> tuple[Evaluation, Evaluation]:
        """The whole ONNX pipeline on unseen frames of the training lines, and on the held-out line."""
        loaded = read_bundle(bundle)
        predictor = semantic_predictor(loaded)
        evaluations = []
        for part in ("validation", "test"):
            pairs = PredictedPairs(predictor, dataset.only(split.stems(part)))
            provenance = {"part": part, "split_by": SPLIT_BY, "bundle": loaded.name, "seed": self.settings.frames.seed}
            evaluation = evaluate_predicted(pairs, provenance=provenance, listener=self.listener)
            evaluation.write(self.folder / f"evaluation-{part}.json")
            evaluations.append(evaluation)
        title = "Brackets: the held-out press line"
        write_report(self.folder / "report.html", evaluations[1], worst_panels(evaluations[1], pairs), title=title)
        return evaluations[0], evaluations[1]

    def _inspect(self, bundle: Path, dataset: Dataset, split: Split) -> list[VerdictCounts]:
        """Watch the held-out line's frames as a line would, then let the classical methods judge the same frames."""
        loaded = read_bundle(bundle)
        held_out = dataset.only(split.stems("test"))
        incoming = self.folder / "line"
        _link_frames(held_out, incoming)
        inspector = inspector_for(semantic_predictor(loaded), loaded.alerts)
        out = self.folder / "inspection"
        out.mkdir(exist_ok=True)
        with Records(f"sqlite:///{out / 'records.db'}") as records:
            bars = _without_notes(self.listener)
            watch_all(FolderSource(incoming), inspector, records, out, bundle_hash=loaded.content_hash, listener=bars)
            ours = model_verdicts(records, true_verdicts(held_out))
        training = dataset.only(split.stems("train"))
        return [ours, *heuristic_verdicts(training, held_out, self.listener)]


def _link_frames(frames: Dataset, folder: Path) -> None:
    """The frames' images alone in a folder, as a camera would leave them; hard links where the disk allows."""
    folder.mkdir(exist_ok=True)
    for frame in frames.frames:
        target, source = folder / frame.image.name, frame.image.path
        if source is not None and not target.exists():
            try:
                target.hardlink_to(source)
            except OSError:
                target.write_bytes(source.read_bytes())


def _without_notes(listener: Listener) -> Listener:
    """Progress only: the watch says each alert in a line of its own, which a hundred frames make too many of."""
    return lambda event: None if isinstance(event, Note) else listener(event)


def _with_estimate(listener: Listener) -> Listener:
    """Pass events on, and once some steps are timed say how long the whole example will take from the first of them."""
    first: tuple[float, int] | None = None
    told = False

    def listen(event: Event) -> None:
        nonlocal first, told
        listener(event)
        if told or not isinstance(event, Progress) or event.stage != "training":
            return
        if first is None:
            first = time.perf_counter(), event.done
        elif event.done - first[1] >= ESTIMATE_AFTER_STEPS:
            told = True
            a_step = (time.perf_counter() - first[0]) / (event.done - first[1])
            minutes = a_step * (event.total - event.done + AFTER_TRAINING_SHARE * event.total) / 60
            listener(Note("demo", f"about {minutes:.0f} minutes from here to the final table, at this machine's speed"))

    return listen
