"""The released code's names for settings and tensors, in ours. Values only; no released code."""

import re
from collections.abc import Mapping
from math import isqrt
from typing import Any

from torch import Tensor

from solver.model.config import NetworkConfig
from solver.model.registry import config_class

# What the released configurations hold beside the network's own settings.
_RENAMED = {"halt_max_steps": "loops"}
_ELSEWHERE = frozenset(
    (
        "batch_size",
        "forward_dtype",
        "halt_exploration_prob",
        "loss",
        "name",
        "num_puzzle_identifiers",
        "profile",
        "seq_len",
    )
)
_PREFIXES = re.compile(r"^((module|_orig_mod|model|inner)\.)+")  # of wrappers, in any order


def config_from_upstream(arch: str, settings: Mapping[str, Any]) -> NetworkConfig:
    """Our configuration for released settings; ValueError for a key that is unknown here too."""
    values = {k: v for k, v in rename_settings(settings).items() if k not in _ELSEWHERE}
    known = config_class(arch).__dataclass_fields__
    # TRM's released configuration carries a count of layers that its network does not use.
    values = {k: v for k, v in values.items() if not (k == "H_layers" and k not in known)}
    if type(values.get("expansion")) is int:
        values["expansion"] = float(values["expansion"])
    length = settings["seq_len"]
    side = isqrt(length) if type(length) is int and length > 0 else 0
    if side == 0 or side * side != length:
        raise ValueError(f"seq_len {length}: wanted the square of a canvas side")
    return config_class(arch).from_dict({**values, "canvas_side": side}, f"released {arch} settings")


def rename_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Released settings under our names."""
    return {_RENAMED.get(key, key): value for key, value in settings.items()}


def rename_from_upstream(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of a released checkpoint under our names; the table stays ``puzzle_emb.weights``."""
    renamed = {}
    for name, tensor in state.items():
        name = _PREFIXES.sub("", name)
        name = name.replace("embed_tokens.embedding_weight", "embed.embed_tokens.weight")
        name = name.replace("embed_pos.embedding_weight", "embed.embed_pos.weight")
        name = re.sub(r"^(lm_head|q_head)\.", r"heads.\1.", name)
        renamed[name] = tensor
    return renamed
