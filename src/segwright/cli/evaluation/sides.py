"""What `segwright evaluate` scores: stored predictions beside their truth, or a model beside a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from segwright.core import ClassTable
    from segwright.data import Dataset, Split
    from segwright.evaluate import PredictedPairs, StoredPairs
    from segwright.evaluate.domains import ColumnSource
    from segwright.infer.loading import AnyPredictor
    from segwright.train import Run


def columns_of(given: Mapping[str, Any]) -> ColumnSource:
    """What `--columns` and `--columns-csv` say of the frames; `given` are the options."""
    from segwright.evaluate.domains import ColumnSource

    return ColumnSource(given["columns"], given["columns_csv"])


def stored_pairs(
    predictions: Path | None,
    truth: Path | None,
    classes: Path | None,
    renamings: Sequence[str],
    images: Path | None,
    columns: ColumnSource,
) -> tuple[StoredPairs, dict[str, Any]]:
    """The two sides of stored masks, and what is known of how they were read."""
    from dataclasses import replace

    from segwright.core import ConfigError
    from segwright.data.class_files import read_class_file
    from segwright.data.listing import list_files, stem_of
    from segwright.evaluate import pair_up
    from segwright.evaluate.sources import open_source, with_columns

    if predictions is None or truth is None:
        raise ConfigError.of(
            "arguments", "do not say what to score", found="--truth is missing" if predictions else "no --predictions",
            allowed="--predictions DIR|FILE --truth DIR|FILE, or RUN|BUNDLE --data DATA",
            fix="segwright evaluate --predictions DIR --truth DIR",
        )  # fmt: skip
    table = None if classes is None else read_class_file(classes)
    mapping = _mapping(renamings)
    true, notes = with_columns(open_source(truth, table, mapping), columns)
    pairs = pair_up(open_source(predictions, table, mapping), true, table)
    pairs = replace(pairs, notes=(*pairs.notes, *notes))
    known = {"map": ", ".join(renamings)} if renamings else {}
    if images is None:
        return pairs, known
    listing = list_files(images)
    return replace(pairs, images={stem_of(name): listing.path(name) for name in listing.images}), known


def _mapping(renamings: Sequence[str]) -> dict[int, int]:
    from segwright.core import ConfigError

    pairs = [text.partition("=") for text in renamings]
    wrong = [
        text for text, (old, _, new) in zip(renamings, pairs, strict=True) if not (old.isdigit() and new.isdigit())
    ]
    if wrong:
        raise ConfigError.of(
            "--map",
            "renames no mask value",
            allowed="VALUE=ID, such as 255=1",
            found=", ".join(wrong),
            fix="--map 255=1",
        )
    return {int(old): int(new) for old, _, new in pairs}


def refuse_mixed(model: Path | None, of_model: Sequence[object], of_stored: Sequence[object]) -> None:
    """Refuse options of the other kind of evaluation: left unread, they would not do what somebody asked for."""
    from segwright.core import ConfigError

    for_model = "--data", "--split", "--part", "--fold"
    for_stored = "--predictions", "--truth", "--classes", "--map", "--images"
    kind, allowed, other, values = (
        ("stored predictions", for_stored, for_model, of_model)
        if model is None
        else ("a model", for_model, for_stored, of_stored)
    )
    given = [name for name, value in zip(other, values, strict=True) if value or value == 0]
    if given and (model is not None or any(of_stored)):
        raise ConfigError.of(
            "arguments", f"mix a model with stored predictions: beside {kind} they say nothing",
            allowed=", ".join(allowed), found=", ".join(given),
            fix="name a RUN or BUNDLE to ask a model, none to score stored predictions; or leave these options out",
        )  # fmt: skip


OfModel = tuple[Path | None, Path | None, str | None, int | None]  # --data, --split, --part, --fold


def predicted_pairs(model: Path, of_model: OfModel, columns: ColumnSource) -> tuple[PredictedPairs, dict[str, Any]]:
    """The model beside the part of the data it is asked about, and what is known of both."""
    from segwright.evaluate import PredictedPairs
    from segwright.infer.predictor import Predictor

    part = asked_part(model, of_model, columns)
    assert isinstance(part.predictor, Predictor)  # models that find objects are scored in `object_sides`
    return PredictedPairs(part.predictor, part.dataset, part.notes), part.known


class AskedPart(NamedTuple):
    """A model, the frames it is asked about, what is known of both, and notes on the frames."""

    predictor: AnyPredictor
    dataset: Dataset
    known: dict[str, Any]
    notes: tuple[str, ...] = ()


def asked_part(model: Path, of_model: OfModel, columns: ColumnSource) -> AskedPart:
    """The model and the part of the data it is asked about.

    Of a split with folds it is the one the model was trained with, unless another is asked for.
    """
    from segwright.evaluate.seen_frames import refuse_seen_frames, seen_note
    from segwright.evaluate.sources import with_dataset_columns

    data, _, part, _ = of_model
    asked = _asked_bundle(model, of_model) if (model / "bundle.json").is_file() else _asked_run(model, of_model)
    dataset, chosen = with_dataset_columns(asked.dataset, columns), asked.split
    known = {"model": str(model), "seed": asked.seed, "dataset_hash": dataset.content_hash}
    if chosen is None:
        if part is not None:
            raise _part_of_nothing(part)
        fix = "leave these frames out, or name the split and a held-out part: --split split.json --part validation"
        refuse_seen_frames(dataset, asked.train_frames, place=f"--data {data}", fix=fix)
        return AskedPart(asked.predictor, dataset, {**known, "part": "all frames"})
    part = part or "validation"
    known |= {"part": part, "split_hash": chosen.content_hash, "held_out": _held_out(chosen, part)}
    known |= {} if chosen.fold is None else {"fold": chosen.fold}
    scored = dataset.only(chosen.stems(part))
    return AskedPart(asked.predictor, scored, known, seen_note(scored, asked.train_frames))


class _Asked(NamedTuple):
    """A model, the frames it is asked about, and what it was trained with."""

    predictor: AnyPredictor
    dataset: Dataset
    split: Split | None
    seed: int | None
    train_frames: str | None


def _asked_bundle(model: Path, of_model: OfModel) -> _Asked:
    from segwright.cli.datasets import split_at
    from segwright.infer.bundle import read_bundle
    from segwright.infer.loading import predictor_of

    data, split, part, fold = of_model
    bundle = read_bundle(model)
    predictor, dataset = predictor_of(bundle), _dataset(data, bundle.classes)
    chosen = split_at(split, fold, bundle.lineage.split_hash)
    _refuse_trained_fold(chosen, split, bundle.lineage.split_hash, part)
    if chosen is None and dataset.shows_images_of(bundle.lineage.dataset_hash):
        raise _needs_split(model)
    return _Asked(predictor, dataset, chosen, bundle.lineage.seed, bundle.lineage.train_frames)


def _asked_run(model: Path, of_model: OfModel) -> _Asked:
    from segwright.train.run import open_run

    data, split, part, fold = of_model
    run = open_run(model)
    dataset = run.dataset if data is None else _dataset(data, run.classes)
    own = data is None or dataset.shows_images_of(run.plan.data.dataset_hash)
    chosen = _split_of_run(run, own, (split, fold), part)
    predictor = run.task_predictor()
    return _Asked(predictor, dataset, chosen, run.plan.optimiser.seed, run.plan.data.train_frames)


def _split_of_run(run: Run, own: bool, asked: tuple[Path | None, int | None], part: str | None) -> Split | None:
    """The split and fold that were asked for, else the run's where these are its own frames."""
    from segwright.cli.datasets import split_at

    path, fold = asked
    if path is None and fold is None:
        return run.split if own else None
    path = Path(run.plan.data.split_file) if path is None and own else path
    chosen = split_at(path, fold, run.plan.data.split_hash)
    _refuse_trained_fold(chosen, path, run.plan.data.split_hash, part)
    return chosen


def _dataset(data: Path | None, classes: ClassTable) -> Dataset:
    from segwright.cli.datasets import dataset_at
    from segwright.core import ConfigError

    if data is None:
        raise ConfigError.of(
            "--data",
            "is missing: a bundle does not hold its frames",
            fix="name the dataset: --data DIR, or --data segwright.yaml",
        )
    return dataset_at(data, classes=classes)


def _needs_split(model: Path) -> Exception:
    from segwright.core import ConfigError

    return ConfigError.of(
        "--split",
        "is missing: these are the frames the model was trained on, and a score over all of them says nothing",
        allowed="the split the model was trained with, and one of its held-out parts",
        found="every frame of the training data",
        fix=f"segwright evaluate {model} --data ... --split split.json --part validation",
    )


def _refuse_trained_fold(chosen: Split | None, path: Path | None, split_hash: str | None, part: str | None) -> None:
    """Refuse the validation part of another fold than the model's own: the model was trained on those frames."""
    from segwright.core import ConfigError
    from segwright.data import read_folds

    if chosen is None or path is None or chosen.fold is None or part not in (None, "validation"):
        return
    own = next((fold.fold for fold in read_folds(path) if fold.content_hash == split_hash), chosen.fold)
    if own != chosen.fold:
        raise ConfigError.of(
            "--fold", "is not the fold the model was trained with: it was trained on these frames",
            allowed=f"fold {own}, or a part that is in no fold, such as test", found=f"fold {chosen.fold}",
            fix=f"--fold {own}, or leave --fold out",
        )  # fmt: skip


def _part_of_nothing(part: str) -> Exception:
    from segwright.core import ConfigError

    return ConfigError.of(
        "--part", "names a part of no split: every frame would be scored",
        allowed="a part of the split that --split names", found=part, fix="add --split FILE, or leave out --part",
    )  # fmt: skip


def _held_out(split: Split, part: str) -> str | None:
    """Which groups the part holds, where somebody chose them: `line C, line D`."""
    groups = split.held_out.get(part)
    return ", ".join(f"{split.by} {group}" for group in groups) if groups else None
