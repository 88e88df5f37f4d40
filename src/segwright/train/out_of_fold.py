"""What folds say together: every frame as the network saw it that had not trained on it, and the cleanup for that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from segwright.core import DataError, Image, Listener, Note, Problem, silent
from segwright.data import Dataset
from segwright.evaluate import Evaluation, FramePair, Reliability, count_reliability, score_frames, with_reliability
from segwright.evaluate.cleanup_search import CleanupSearch, SearchFrames, search_cleanup
from segwright.evaluate.report import worst_panels, write_report
from segwright.infer.crf import Crf
from segwright.infer.predictor import Predictor
from segwright.project.schema import Cleanup as CleanupSettings
from segwright.train.checkpoint import write_atomically
from segwright.train.folds import CLEANUP, EVALUATION, FoldRuns, require_finished
from segwright.train.run import Run


@dataclass
class OutOfFold:
    """Pairs over all folds, each frame predicted by the run that holds it as validation; can be gone through again.

    `collected` takes in what the cleanup search needs while frames go by; `reliability` adds up over one iteration.
    """

    folds: FoldRuns
    dataset: Dataset
    device: str | None = None
    collected: SearchFrames | None = None
    reliability: Reliability = field(init=False, default_factory=Reliability)

    @cached_property
    def run_of(self) -> dict[str, Run]:
        """stem -> the run that did not train on it."""
        return {stem: run for run in self.folds.runs for stem in run.split.stems(run.plan.validation.part)}

    def __len__(self) -> int:
        return len(self.run_of)

    def __iter__(self) -> Iterator[FramePair]:
        self.reliability = Reliability()
        problems: list[Problem] = []
        for run in self.folds.runs:
            predictor = run.predictor(self.device)
            for stem in run.split.stems(run.plan.validation.part):
                try:
                    yield self._pair(predictor, stem)
                except DataError as error:
                    problems += error.problems
        if problems:
            raise DataError(*problems)

    def pair(self, stem: str) -> FramePair:
        """The pair of one frame, predicted again."""
        frame = self.dataset.frame(stem)
        labelled = self.dataset.read(frame)
        answer = self._predictors[self.run_of[stem].path.name].predict(labelled.image, confidence=False)
        return FramePair(stem, answer.label_map, labelled.labels, frame.columns)

    def image(self, stem: str) -> Image | None:
        """The picture of one frame."""
        return self.dataset.read_image(self.dataset.frame(stem))

    @cached_property
    def _predictors(self) -> dict[str, Predictor]:
        return {run.path.name: run.predictor(self.device) for run in self.folds.runs}

    def _pair(self, predictor: Predictor, stem: str) -> FramePair:
        frame = self.dataset.frame(stem)
        labelled = self.dataset.read(frame)
        answer = predictor.predict(labelled.image, confidence=False, probabilities=True)
        assert answer.probabilities is not None  # they were asked for
        self.reliability += count_reliability(answer.probabilities, labelled.labels)
        if self.collected is not None:
            self.collected.add(stem, answer.probabilities, labelled.image, labelled.labels, frame.columns)
        return FramePair(stem, answer.label_map, labelled.labels, frame.columns)


def finish_folds(
    folds: FoldRuns, settings: CleanupSettings, *, device: str | None = None, listener: Listener = silent
) -> tuple[Evaluation, CleanupSearch]:
    """Score all folds as one and search the cleanup; writes evaluation.json, report.html and cleanup.json.

    `settings` are those of the project file: what it says itself is not searched.

    Raises:
        ArtefactError: a fold that has not finished.
        DataError: frames that cannot be read.
    """
    require_finished(folds)
    plan, dataset = folds.plan, folds.runs[0].dataset
    crf = Crf() if settings.crf == "auto" else None
    collected = SearchFrames(plan.classes, crf, 1 / plan.preprocessing.scale)
    pairs = OutOfFold(folds, dataset, device, collected)
    evaluation = _scored(folds, pairs, listener)
    listener(Note("cleanup", f"searched on {len(collected)} frames by {plan.validation.select}"))
    found = search_cleanup(
        collected,
        start=plan.cleanup,
        fixed=fixed_settings(settings),
        score=plan.validation.select,
        by=_column(folds),
        listener=listener,
    )
    text = json.dumps(found.to_json(), ensure_ascii=False, indent=1) + "\n"
    write_atomically(folds.path / CLEANUP, lambda part: part.write_text(text, encoding="utf-8"))
    evaluation.write(folds.path / EVALUATION)
    title = f"{len(folds.runs)} folds of {folds.path.name.removesuffix('-folds')}"
    panels = worst_panels(evaluation, replace(pairs, collected=None))
    write_report(folds.path / "report.html", evaluation, panels, title=title)
    return evaluation, found


def _scored(folds: FoldRuns, pairs: OutOfFold, listener: Listener) -> Evaluation:
    distances, known = (folds.plan.validation.boundary_px,), provenance_of(folds)
    evaluation = score_frames(pairs, folds.classes, boundary_px=distances, listener=listener, provenance=known)
    return with_reliability(evaluation, pairs.reliability)


def fixed_settings(settings: CleanupSettings) -> set[str]:
    """What the project file says itself: `key`, or `key.class`."""
    fixed = {f"opening_radius_px.{name}" for name in settings.opening_radius_px}
    fixed |= {f"largest_only.{name}" for name in settings.largest_only}
    if isinstance(settings.min_area_px, dict):
        fixed |= {f"min_area_px.{name}" for name in settings.min_area_px}
    elif settings.min_area_px:
        fixed.add("min_area_px")
    fixed |= {"fill_holes_px"} if settings.fill_holes_px else set()
    return fixed | (set() if settings.crf == "auto" else {"crf"})


def _column(folds: FoldRuns) -> str | None:
    by = folds.runs[0].split.by
    return by if by and "," not in by else None


def provenance_of(folds: FoldRuns) -> dict[str, Any]:
    """What an evaluation over all folds says of them."""
    data, seed = folds.plan.data, folds.plan.optimiser.seed
    return {
        "run": folds.path.name,
        "part": f"validation of {len(folds.runs)} folds, each frame by the network that had not seen it",
        "folds": len(folds.runs),
        "split_by": data.split_by,
        "dataset": data.uri,
        "dataset_hash": data.dataset_hash,
        **({} if data.store_version is None else {"dataset_version": data.store_version}),
        "seed": seed,
        "segwright": folds.plan.segwright,
    }
