"""split.json: one split or several folds as JSON that people can read and diff."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segwright.core import ConfigError, DataError
from segwright.data.split.value import PartCounts, Split

SCHEMA = "segwright/split"
SCHEMA_VERSION = 2
READABLE = (1, 2)  # 1 had neither folds nor blocks
FOLDED = ("train", "validation")  # the parts that differ from fold to fold
_MAKE = "run `segwright split DATA --by COLUMN --out split.json`"


def split_to_json(split: Split) -> dict[str, Any]:
    """The split as it stands in split.json."""
    return {**_settings(split), **_content(split, tuple(split.parts))}


def folds_to_json(folds: Sequence[Split]) -> dict[str, Any]:
    """Several folds as they stand in split.json: the parts they share, then those of each fold."""
    first = folds[0]
    shared = {part: list(stems) for part, stems in first.parts.items() if part not in FOLDED}
    counts = {part: first.counts[part].to_json() for part in shared if part in first.counts}
    return {
        **_settings(first),
        "counts": counts,
        "parts": shared,
        "folds": [{"fold": fold.fold, **_content(fold, FOLDED)} for fold in folds],
    }


def _settings(split: Split) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "by": split.by,
        "blocks": dict(split.blocks),
        "origin": split.origin,
        "seed": split.seed,
        "fractions": dict(split.fractions),
        "held_out": {part: list(values) for part, values in split.held_out.items()},
        "dataset_hash": split.dataset_hash,
        "class_hash": split.class_hash,
    }


def _content(split: Split, parts: Sequence[str]) -> dict[str, Any]:
    return {
        "counts": {part: count.to_json() for part, count in split.counts.items() if part in parts},
        "notes": list(split.notes),
        "left_out": list(split.left_out),
        "parts": {part: list(stems) for part, stems in split.parts.items() if part in parts},
    }


def splits_from_json(data: Mapping[str, Any]) -> tuple[Split, ...]:
    """The splits that `split_to_json` or `folds_to_json` gave."""
    if "folds" not in data:
        return (_split(data, data, None),)
    rows = data["folds"]
    shared, counts = data.get("parts", {}), data.get("counts", {})
    return tuple(
        _split(data, {**row, "parts": {**row["parts"], **shared}, "counts": {**row.get("counts", {}), **counts}}, at)
        for at, row in enumerate(rows)
    )


def _split(settings: Mapping[str, Any], content: Mapping[str, Any], fold: int | None) -> Split:
    split = Split(
        parts={part: tuple(stems) for part, stems in content["parts"].items()},
        by=settings["by"],
        seed=settings["seed"],
        dataset_hash=settings["dataset_hash"],
        class_hash=settings["class_hash"],
        fractions=settings.get("fractions", {}),
        held_out={part: tuple(values) for part, values in settings.get("held_out", {}).items()},
        counts={part: PartCounts(**row) for part, row in content.get("counts", {}).items()},
        notes=tuple(content.get("notes", ())),
        blocks=settings.get("blocks", {}),
        left_out=tuple(content.get("left_out", ())),
        fold=fold,
        origin=settings.get("origin"),
    )
    _ = split.grouping  # settings that contradict each other are found here, not in the middle of training
    return split


def write_split(path: Path | str, split: Split | Sequence[Split]) -> None:
    """Write a split, or all folds of one, as JSON; to a temporary name, then one rename."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    content = split_to_json(split) if isinstance(split, Split) else folds_to_json(split)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError.of(
            str(path), "cannot be written", found=error.strerror or str(error), fix="choose another folder"
        ) from error


def read_split(path: Path | str, fold: int | None = None, *, split_hash: str | None = None) -> Split:
    """The split in a file, or one of its folds; whether it fits a dataset is what `verify_split` tells.

    Where a file holds folds and none is asked for, it is the one whose `content_hash` is `split_hash`.

    Raises:
        DataError: missing, not JSON, or not a split of a known schema version.
        ConfigError: a fold that is not there, or none said of several.
    """
    splits = read_folds(path)
    several = splits[0].fold is not None
    held = f"folds 0 to {len(splits) - 1}" if several else "one split, without folds"
    if fold is None and several:
        same = [split for split in splits if split.content_hash == split_hash]
        if same:
            return same[0]
        raise ConfigError.of(
            str(path), f"holds {len(splits)} folds, and none is chosen", allowed=held, found="no fold",
            fix="segwright train split.fold=0, or --fold 0 for evaluate and calibrate",
        )  # fmt: skip
    if fold is None:
        return splits[0]
    if not several or not 0 <= fold < len(splits):
        fix = (
            "name one of them, counted from 0" if several else "leave `split.fold` or --fold out, or split with --folds"
        )
        raise ConfigError.of(str(path), "has no such fold", allowed=held, found=str(fold), fix=fix)
    return splits[fold]


def read_folds(path: Path | str) -> tuple[Split, ...]:
    """Every fold in a file; a split without folds alone.

    Raises:
        DataError: missing, not JSON, or not a split of a known schema version.
    """
    data = _json(path)
    schema = (data.get("schema"), data.get("schema_version")) if isinstance(data, dict) else (None, None)
    if schema[0] != SCHEMA or schema[1] not in READABLE:
        versions = " and ".join(str(version) for version in READABLE)
        raise DataError.of(
            str(path), "is not a split of this version", allowed=f"{SCHEMA} {versions}",
            found=f"{schema[0]} {schema[1]}",
            fix=f"{_MAKE}; a split of another tool is taken over by `segwright split DATA --from FILE`",
        )  # fmt: skip
    try:
        splits = splits_from_json(data)
    except (KeyError, TypeError, AttributeError, ValueError, ConfigError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError.of(str(path), "is a damaged split file", found=found, fix=_MAKE) from error
    if not splits:
        raise DataError.of(str(path), "is a damaged split file", found="an empty list of folds", fix=_MAKE)
    return splits


def _json(path: Path | str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError.of(str(path), "does not exist", allowed="a split file", fix=_MAKE) from None
    except (OSError, ValueError) as error:
        raise DataError.of(str(path), "is not a split file", allowed="JSON", found=str(error), fix=_MAKE) from error
