"""Published weights of query networks: `model.weights: hf-hub:OWNER/NAME`, or a folder that transformers saved.

The configuration is read once, when the plan is made, and stands in it; so a run is resumed and exported without the
hub. Only safetensors are read: nothing is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from torch import nn

from segwright.core import ConfigError, SegwrightError
from segwright.models.any_network import build_any
from segwright.models.query import QUERY_NETWORKS, QueryNetwork
from segwright.models.query.configured import configuration_in, quiet
from segwright.models.query.dino import as_eomt
from segwright.models.trainable import Trainable
from segwright.project.schema import Project
from segwright.train.settings import Plan
from segwright.train.weight_fit import load_matching
from segwright.train.weight_report import WeightReport
from segwright.train.weight_sources import HUB, is_published
from segwright.train.weights import load_pretrained

# What a configuration says of its own classes, and of who wrote it: nothing that makes another network.
LEFT_OUT = ("id2label", "label2id", "architectures", "transformers_version", "dtype", "torch_dtype", "_name_or_path")
# Constants of transformers' loss, which stand among the weights but are none.
LOSS_STATE = ("criterion.empty_weight", "attn_mask_probs")


def configured(project: Project) -> Project:
    """The project with the configuration that its published weights were made with as an option of the network.

    A project that names no published weights stays as it is.

    Raises:
        ConfigError: the network is none of queries, or its configuration cannot be read or is of another network.
    """
    model, source = project.model, cast("str", project.model.weights)
    if not is_published(source):
        return project
    if model.network not in QUERY_NETWORKS and source.startswith(HUB):
        return project  # an encoder's, which timm or a state dict of its own gives
    if model.network not in QUERY_NETWORKS:
        raise ConfigError.of(
            "model.weights",
            f"are of transformers, and the network '{model.network}' is not",
            allowed=f"with them model.network is one of {', '.join(QUERY_NETWORKS)}",
            found=source,
            fix=f"model.network={QUERY_NETWORKS[0]}, or model.weights=auto",
        )
    values = _configuration(source).to_diff_dict()
    if model.network == "eomt" and _is_dino(values):
        return project  # a transformer to start from, of the size that `encoder` names
    text = json.dumps({name: value for name, value in values.items() if name not in LEFT_OUT})
    configuration_in(text, model.network)
    options = {**model.options, "configuration": text}
    return project.model_copy(update={"model": model.model_copy(update={"options": options})})


def load_weights_of(network: Trainable, plan: Plan) -> WeightReport | None:
    """Fill a plan's network from its `weights`, whoever published them; None where they stay random.

    Raises:
        ConfigError, ArtefactError: see `load_pretrained` and `load_published`.
    """
    if plan.weights is not None and is_published(plan.weights) and isinstance(network, QueryNetwork):
        return load_published(network, plan.weights)
    return load_pretrained(network, plan.weights, plan.classes)


def try_weights(plan: Plan) -> None:
    """Load the weights of `plan` into a network like its own, and let go of both: before the run has a folder.

    Raises:
        ConfigError, ArtefactError: as `load_weights_of`.
    """
    if plan.weights is not None:
        load_weights_of(build_any(plan.network), plan)


def load_published(network: QueryNetwork, source: str) -> WeightReport:
    """Fill the whole network from `source`; layers for another number of classes or bands stay as they are.

    Raises:
        ConfigError: the weights cannot be had, offline for one.
    """
    own = network.model
    if _is_dino(_configuration(source).to_diff_dict()):
        return _from_dino(network, source)
    kind: Any = type(own)
    try:
        with quiet():
            theirs, said = kind.from_pretrained(
                _name(source),
                config=own.config,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                use_safetensors=True,
            )
    except Exception as error:  # whatever the hub, the file system or a foreign file raises
        raise _not_had(source, error) from error
    missing = {*said["missing_keys"], *(row[0] for row in said["mismatched_keys"])} - {*LOSS_STATE}
    names = own.state_dict().keys() - missing
    state = cast("nn.Module", theirs).state_dict()
    own.load_state_dict({name: state[name] for name in names}, strict=False)
    unexpected = sorted({*said["unexpected_keys"]} - {*LOSS_STATE})
    return WeightReport(source, len(names), tuple(sorted(missing)), tuple(unexpected))


def _from_dino(network: QueryNetwork, source: str) -> WeightReport:
    """Fill the transformer of an EoMT; what makes queries, masks and classes stays random and is said to be missing.

    Raises:
        ArtefactError: the transformer is of another width.
    """
    from transformers import AutoModel  # takes seconds to load, and few runs need it

    try:
        with quiet():
            theirs = AutoModel.from_pretrained(_name(source), use_safetensors=True)
    except Exception as error:  # whatever the hub, the file system or a foreign file raises
        raise _not_had(source, error) from error
    return load_matching(network.model, as_eomt(theirs.state_dict(), network.model.state_dict()), source)


def _configuration(source: str) -> Any:
    """The transformers configuration of a published model.

    Raises:
        ConfigError: it cannot be had.
    """
    from transformers import AutoConfig  # takes seconds to load, and few runs need it

    try:
        with quiet():
            return AutoConfig.from_pretrained(_name(source))
    except Exception as error:  # whatever the hub, the file system or a foreign configuration raises
        raise _not_had(source, error) from error


def _is_dino(values: Mapping[str, Any]) -> bool:
    return str(values.get("model_type")).startswith("dino")


def _name(source: str) -> str:
    return source.removeprefix(HUB)


def _not_had(source: str, error: Exception) -> SegwrightError:
    reason = str(error).strip().splitlines()
    return ConfigError.of(
        f"model.weights: {source}",
        "cannot be had",
        allowed=f"{HUB}OWNER/NAME, reachable or in the local cache, or a folder with config.json and model.safetensors",
        found=f"{type(error).__name__}: {reason[0] if reason else ''}"[:300],
        fix="go online once, or name a folder that holds a copy, or model.weights=null to start from random",
    )
