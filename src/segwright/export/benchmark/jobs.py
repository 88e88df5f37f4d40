"""What is measured: a network by its spec, a run or a bundle, each as plain values for a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from segwright.core import ConfigError, Problem, Size, raise_collected
from segwright.infer.bundle import MANIFEST, read_bundle
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan
from segwright.models import NETWORKS, NetworkSpec
from segwright.train.run import PLAN_FILE, open_run

RUNTIMES = ("torch", "onnxruntime")
PRECISIONS = ("fp32", "bf16")
# Networks that take encoders of one family alone -> how their names begin, and the one that stands for another's.
OF_ONE_FAMILY = {"eomt": ("dino", "dinov2_small")}


@dataclass(frozen=True, slots=True)
class Job:
    """One network and how it is asked: `repeats` whole frames of `size` after one that warms up.

    `spec` is the network with random weights, which cost what trained ones do; None for a bundle, whose file at
    `path` is run as it is. `threads` None takes every core this process may use.
    """

    name: str
    size: Size
    tiles: TilePlan
    preprocessing: Preprocessing
    spec: NetworkSpec | None = None
    path: str | None = None
    runtime: str = "torch"
    precision: str = "fp32"
    repeats: int = 5
    threads: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **{name: getattr(self, name) for name in ("name", "path", "runtime", "precision", "repeats", "threads")},
            "size": asdict(self.size),
            "tiles": self.tiles.to_json(),
            "preprocessing": self.preprocessing.to_json(),
            "spec": None if self.spec is None else self.spec.to_json(),
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Job:
        """The job in what `to_json` gave."""
        return Job(
            **{
                **data,
                "size": Size(**data["size"]),
                "tiles": TilePlan.from_json(data["tiles"]),
                "preprocessing": Preprocessing.from_json(data["preprocessing"]),
                "spec": None if data["spec"] is None else NetworkSpec.from_json(data["spec"]),
            }
        )


def jobs_of_networks(names: Sequence[str], like: Job) -> list[Job]:
    """A job for each network of `names`, otherwise as `like`, whose spec gives encoder, bands and channels.

    The options of `like` are another network's, and kept for that one only. A network that takes encoders of one family
    alone is measured on one of these where `like` names another; its row says which.

    Raises:
        ConfigError: names that are no network's, all at once.
    """
    spec = like.spec
    assert spec is not None
    raise_collected(
        (
            Problem("--models", "is not a network of segwright", ", ".join(NETWORKS), name, _nearest(name))
            for name in names
            if name not in NETWORKS
        ),
        ConfigError,
    )
    return [replace(like, name=name, spec=_spec_of(name, spec)) for name in names]


def _nearest(name: str) -> str:
    close = get_close_matches(name, NETWORKS, n=1)
    return f"--models {close[0] if close else 'all'}"


def _spec_of(name: str, like: NetworkSpec) -> NetworkSpec:
    if name == like.network:
        return like
    family, usual = OF_ONE_FAMILY.get(name, ("", like.encoder))
    encoder = like.encoder if like.encoder.startswith(family) else usual
    return replace(like, network=name, encoder=encoder, options={})


def job_of_artefact(path: Path, like: Job) -> Job:
    """The job for a run or a bundle: its network, tiles and preprocessing; size, runtime and repeats as in `like`.

    Raises:
        ArtefactError: neither a run nor a bundle, or a damaged one.
        ConfigError: one that finds objects; a bundle is to be run by torch, or in bf16.
    """
    if (path / PLAN_FILE).is_file() or not (path / MANIFEST).is_file():
        plan = open_run(path).plan
        _require_masks(path, finds_objects=plan.objects is not None)
        return replace(like, name=path.name, spec=plan.network, tiles=plan.tiles, preprocessing=plan.preprocessing)
    bundle = read_bundle(path)
    _require_masks(path, finds_objects=bundle.objects is not None or bundle.segments is not None)
    if like.precision != "fp32":
        fix = "leave --precision out, or name the run the bundle was made from"
        raise ConfigError.of("--precision", "is not the bundle's", allowed="fp32", found=like.precision, fix=fix)
    return replace(
        like,
        name=path.name,
        path=str(path),
        spec=None,
        tiles=bundle.tiles,
        preprocessing=bundle.preprocessing,
        runtime="onnxruntime",
    )


def _require_masks(path: Path, *, finds_objects: bool) -> None:
    """Refuse what finds objects: its time hangs on how many a frame holds, and these frames are noise."""
    if not finds_objects:
        return
    raise ConfigError.of(
        str(path),
        "finds objects, whose time hangs on what a frame shows: the frames measured here are noise",
        allowed="runs and bundles of task semantic",
        found="a network of objects or segments",
        fix="segwright predict BUNDLE FRAMES --out DIR on frames of your own, and read its frames/s",
    )
