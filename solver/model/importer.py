"""Published checkpoints of URM, TRM and HRM, made our weights.

The only place that reads a pickle, with ``weights_only=True``. The architecture is told from the
tensors' names, sizes from their shapes; what neither tells comes from settings that the caller gives,
or else from the published runs.
"""

import hashlib
import json
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch
from torch import Tensor, nn

from solver.file import replace_file
from solver.model.checkpoint import read_tensors, save_weights
from solver.model.config import checked, swiglu_width
from solver.model.registry import build_network, config_class
from solver.model.upstream import config_from_upstream, rename_from_upstream, rename_settings

# Where trainers keep the weights; the average first, which is what the published runs evaluate.
STATES = ("ema", "model_state_dict", "state_dict", "model")
TABLE = "puzzle_emb.weights"
TOKENS = "embed.embed_tokens.weight"
POSITIONS = "embed.embed_pos.weight"
SUDOKU_VOCABULARY = 11
# Buffers that some releases save and that are computed here, or hold one batch only.
_COMPUTED = re.compile(r"^(rotary_emb\.|puzzle_emb\.local_)")
_STACKS = {"layers.": "num_layers", "H_level.layers.": "H_layers", "L_level.layers.": "L_layers"}
# What no shape tells; the configurations' defaults are the published values.
_UNTOLD = ("num_heads", "H_cycles", "L_cycles", "loops", "pos_encodings", "puzzle_emb_len", "canvas_side")
_BLOCK = 65536  # rows summed at once: a published table has 876,406


@dataclass(frozen=True, eq=False)
class Imported:
    """``network``: float32, on the CPU. ``rows`` [N, puzzle_emb_ndim]: the puzzle-embedding table.
    ``assumed``: the settings that nothing told, as taken from the published runs."""

    network: nn.Module
    rows: Tensor
    assumed: dict[str, Any]


def read_state(path: Path) -> dict[str, Tensor]:
    """The state dict of a checkpoint, bare or under one of STATES; ValueError for a file that holds none, or
    numbers that are none, or that would run code."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        # Mapped, not read: a published table alone is 1.8 GB.
        value = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, OSError) as error:
        # What torch says besides is how to run the file's code, which nobody should be told to do.
        code = re.search(r"\bGLOBAL (\S+)", str(error))
        first = str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
        reason = f"it names {code[1]}, which is code" if code else first
        raise ValueError(f"{path}: not a whole checkpoint of tensors only ({reason})") from error
    if isinstance(value, Mapping):
        inner = (value[name] for name in STATES if isinstance(value.get(name), Mapping))
        value = next(inner, value)
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{path}: found {type(value).__name__}, wanted a dictionary of named tensors")
    tensors = {}
    for name, tensor in value.items():
        if isinstance(name, str) and isinstance(tensor, int | float):
            continue  # a step or an epoch beside the tensors
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ValueError(f"{path}, entry {name!r}: found {type(tensor).__name__}, wanted a tensor")
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ValueError(f"{path}, tensor {name}: expected numbers, got one that is NaN or infinite")
        tensors[name] = tensor
    return tensors


def recognise(names: frozenset[str]) -> str:
    """``urm``, ``trm`` or ``hrm`` from the tensors' names (ours); ValueError for any other network."""
    if TOKENS in names:
        if any(name.startswith("H_level.layers.") for name in names):
            return "hrm"
        if any(name.startswith("L_level.layers.") for name in names):
            return "trm"
        if any(name.startswith("layers.") and ".dwconv." in name for name in names):
            return "urm"
    raise ValueError(
        f"not a checkpoint of the released URM, TRM or HRM (tensors {', '.join(sorted(names)[:3])}, ...)"
    )


def told_by_shapes(arch: str, tensors: Mapping[str, Tensor], given: Mapping[str, Any]) -> dict[str, Any]:
    """Our settings as far as the tensors tell them. ``given`` says how long the prefix is where the
    canvas must be told from the length of the whole sequence."""
    for name, tensor in tensors.items():
        if name.endswith(("weight", "weights")) and tensor.dim() < 2:
            raise ValueError(f"tensor {name}: shape {list(tensor.shape)}, wanted two axes at least")
    vocabulary, hidden = tensors[TOKENS].shape[:2]
    told: dict[str, Any] = {"vocab_size": vocabulary, "hidden_size": hidden}
    for prefix, key in _STACKS.items():
        numbers = [name.removeprefix(prefix).split(".")[0] for name in tensors if name.startswith(prefix)]
        if numbers:
            told[key] = 1 + max(map(int, numbers))
    told["puzzle_emb_ndim"] = _embedding_width(tensors, given)
    if not told["puzzle_emb_ndim"]:
        told["puzzle_emb_len"] = 0
    inside = {n: t.shape[1] for n, t in tensors.items() if n.endswith("layers.0.mlp.down_proj.weight")}
    wide = next(iter(inside.values()), 0)
    if wide and wide != swiglu_width(hidden, given.get("expansion", 4.0)):
        told["expansion"] = wide * 3 / (2 * hidden)
    length = 0
    if arch == "trm":
        mixers = [t.shape[1] for n, t in tensors.items() if n.endswith("mlp_t.gate_up_proj.weight")]
        told["mlp_t"] = bool(mixers)
        length = next(iter(mixers), 0)
    if POSITIONS in tensors:
        told["pos_encodings"] = "learned"
        length = tensors[POSITIONS].shape[0]
    if length:
        default = told.get("puzzle_emb_len", config_class(arch).puzzle_emb_len)
        prefix = given.get("puzzle_emb_len", default) or -(-told["puzzle_emb_ndim"] // hidden)
        told["seq_len"] = length - prefix
    return told


def _embedding_width(tensors: Mapping[str, Tensor], given: Mapping[str, Any]) -> int:
    if TABLE in tensors:
        return tensors[TABLE].shape[1]
    if given.get("puzzle_emb_ndim") != 0:
        raise ValueError(
            f"no table {TABLE}, from which new puzzle embeddings start "
            "(puzzle_emb_ndim=0 for a network without any)"
        )
    return 0


def complete_settings(arch: str, tensors: Mapping[str, Tensor], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of the network: told by shapes, given, or as published. ValueError where what is
    given contradicts the tensors."""
    given = rename_settings(given)
    kind = config_class(arch)
    ours = {key: value for key, value in given.items() if key in kind.__dataclass_fields__}
    checked(kind, ours, f"given {arch} settings")
    if "canvas_side" in given:
        given["seq_len"] = given.pop("canvas_side") ** 2
    told = told_by_shapes(arch, tensors, given)
    for key, value in told.items():
        if key in given and given[key] != value:
            raise ValueError(f"{key} is {value} by the tensors' shapes, but {given[key]} was given")
    sudoku = told["vocab_size"] == SUDOKU_VOCABULARY
    published: dict[str, Any] = {"seq_len": 81 if sudoku else 900}
    if arch == "trm":
        published["L_cycles"] = 6 if sudoku else 4
    return {**published, **given, **told}


def import_checkpoint(path: Path, given: Mapping[str, Any]) -> Imported:
    """The network of a published checkpoint, every tensor used. ``given``: settings under the
    released names or ours. ValueError naming the file for anything that does not fit."""
    state = rename_from_upstream(read_state(path))
    tensors = {name: tensor for name, tensor in state.items() if not _COMPUTED.match(name)}
    try:
        arch = recognise(frozenset(tensors))
        settings = complete_settings(arch, tensors, given)
        config = config_from_upstream(arch, settings)
        rows = tensors.pop(TABLE, torch.zeros(1, 0))
        network = build_network(config)
        _fill(network, tensors)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    known = {*rename_settings(given), *told_by_shapes(arch, state, rename_settings(given))}
    if known & {"seq_len", "canvas_side"}:
        known.add("canvas_side")
    return Imported(network, rows, {key: getattr(config, key) for key in _UNTOLD if key not in known})


def _fill(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    wanted = network.state_dict()
    missing, extra = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    if missing or extra:
        raise ValueError(
            f"the tensors do not make up one {network.config.arch} "
            f"(missing {', '.join(missing[:3]) or 'none'}; unexpected {', '.join(extra[:3]) or 'none'})"
        )
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape:
            found, want = list(tensors[name].shape), list(tensor.shape)
            raise ValueError(f"tensor {name}: shape {found}, wanted {want}")
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    network.eval()


def mean_row(rows: Tensor) -> Tensor:
    """[D] float32: mean of the table's rows but the blank one; that one where there is no other, as
    in a Sudoku table."""
    trained = rows[1:] if len(rows) > 1 else rows
    total = torch.zeros(rows.shape[1], dtype=torch.float64)
    for part in trained.split(_BLOCK):
        total += part.double().sum(0)
    return (total / len(trained)).float()


def file_checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_imported(folder: Path, imported: Imported, source: Path, dtype: torch.dtype) -> None:
    """Write the network and the mean of its table as a set of weights named after ``source``."""
    provenance = {
        "source": f"released {imported.network.config.arch} checkpoint {source.name}",
        "source_sha256": file_checksum(source),
        "identifiers": len(imported.rows),
        "assumed": imported.assumed,
    }
    save_weights(folder, imported.network, {"mean": mean_row(imported.rows)}, provenance, dtype)


def read_identifiers(path: Path, count: int) -> list[str]:
    """The builder's identifiers.json, one name for each of ``count`` rows; ValueError otherwise."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{path}: wanted a list of identifiers, row by row")
    if len(names) != count:
        raise ValueError(f"{path}: {len(names)} identifiers, wanted {count}, one for each row of the table")
    return names


def write_table(folder: Path, rows: Tensor, identifiers: list[str]) -> None:
    """``table.safetensors`` with ``rows`` [N, D] as they are, and identifiers.json, beside the weights."""
    from safetensors.torch import save

    assert len(rows) == len(identifiers), (len(rows), len(identifiers))
    replace_file(folder / "table.safetensors", save({"rows": rows.contiguous()}))
    replace_file(folder / "identifiers.json", json.dumps(identifiers).encode())


def read_table(folder: Path) -> tuple[Tensor, list[str]]:
    """(rows [N, D], identifiers) that ``write_table`` has left; ValueError when they do not match."""
    path = folder / "table.safetensors"
    tensors = read_tensors(path)
    if tensors.keys() != {"rows"} or tensors["rows"].dim() != 2:
        raise ValueError(f"{path}: wanted one matrix called rows, found {', '.join(sorted(tensors))}")
    return tensors["rows"], read_identifiers(folder / "identifiers.json", len(tensors["rows"]))
