"""Checkpoints of a run: everything it needs to go on as if it had never stopped.

``step_N.pt`` is a folder: ``state.json``, a manifest, and the part or parts that it names (configuration, raw
weights, average, task memory, optimisers, random state, position); ``carry_R.pt`` for each process R (its
slots); ``config.yaml``. It is written beside its name and moved there whole; ``latest`` is the one of most
steps. ``best.json`` names the one whose evaluation was best, which stays whatever its age. A ``small`` state
travels: weights, average and task vectors as 16-bit numbers, no optimiser's moments, in parts of 15 MiB.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from solver.file import read_object, replace_file
from train.distributed import World

FORMAT = 2
LATEST = "latest"
BEST = "best"
BEST_FILE = "best.json"
MANIFEST = "state.json"
PART = 15 * 2**20  # bytes of a part of a small state at most
TINY = 4096  # tensors of fewer numbers keep their precision: they weigh nothing
EARLIER = "state"  # where runs by cells had their only checkpoint once
_NAME = re.compile(r"step_(\d+)\.pt")


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a run's folder, oldest first."""
    found = [(int(m[1]), path) for path in folder.glob("step_*.pt") if (m := _NAME.fullmatch(path.name))]
    found += [(-1, folder / EARLIER)]
    return [path for _, path in sorted(found) if (path / MANIFEST).is_file()]


def find_checkpoint(name: str, folder: Path) -> Path | None:
    """The checkpoint of a name: a path, or ``latest`` of ``folder``, None where that has none yet, or its
    ``best``.

    A run's folder stands for its latest, FOLDER/best for its best. ValueError for a path that is no
    checkpoint.
    """
    if Path(name).name == BEST and not Path(name).exists():
        parent = folder if name == BEST else Path(name).parent
        known = read_best(parent)
        if known is None:
            raise ValueError(f"{parent}: no {BEST_FILE}, expected that of a run with keep_best")
        return parent / known["checkpoint"]
    if name == LATEST:
        return next(iter(reversed(checkpoints(folder))), None)
    path = Path(name)
    if (path / MANIFEST).is_file():
        return path
    found = checkpoints(path)
    if not found:
        raise ValueError(f"{path}: no checkpoint (wanted a step_N.pt folder, a run's folder or latest)")
    return found[-1]


def save_checkpoint(
    folder: Path,
    *,
    step: int,
    state: Mapping[str, Any],
    own: Mapping[str, Any],
    config_text: str,
    world: World,
    keep: int,
    small: bool = False,
) -> Path:
    """Write ``step_N.pt`` whole or not at all, then drop all but the ``keep`` newest (0: keep all).

    Every process calls this; each writes what is its ``own``, the first writes the rest.
    """
    final = folder / f"step_{step}.pt"
    beside = folder / f".step_{step}.pt.tmp"
    if world.first:
        for left in folder.glob(".step_*.pt.*"):
            shutil.rmtree(left)
        beside.mkdir(parents=True)
    world.wait()
    write_tensors(beside / f"carry_{world.rank}.pt", own)
    world.wait()
    if world.first:
        write_state(beside, halved(dict(state)) if small else state, part=PART if small else 0)
        replace_file(beside / "config.yaml", config_text.encode())
        if final.exists():
            # A repeat of steps after a resume, or a moment later at the same step: what is new holds no less.
            discard(final)
        os.replace(beside, final)
        _sync(folder)
        best = read_best(folder) or {}
        for old in checkpoints(folder)[: -keep or None] if keep else []:
            if old.name != best.get("checkpoint"):
                discard(old)
    world.wait()
    return final


def read_best(folder: Path) -> dict[str, Any] | None:
    """``metric``, ``value``, ``step`` and ``checkpoint`` of a run's best evaluation; None without one."""
    path = folder / BEST_FILE
    return read_object(path) if path.is_file() else None


def better(metric: str, value: float, than: float) -> bool:
    """Whether a number of an evaluation is better: larger, but for losses and steps."""
    return value < than if metric.endswith(("loss", "steps")) else value > than


def write_best(folder: Path, metric: str, value: float, step: int) -> None:
    """Name the checkpoint of ``step`` as the best so far."""
    best = {"metric": metric, "value": value, "step": step, "checkpoint": f"step_{step}.pt"}
    replace_file(folder / BEST_FILE, (json.dumps(best) + "\n").encode())


def discard(checkpoint: Path) -> None:
    """Remove a checkpoint so that no half of it can be taken for a whole one."""
    gone = checkpoint.with_name(f".{checkpoint.name}.old")
    shutil.rmtree(gone, ignore_errors=True)
    os.replace(checkpoint, gone)
    shutil.rmtree(gone)


def halved(state: dict[str, Any]) -> dict[str, Any]:
    """The same without moments, large float32 tensors as float16: relative rounding 2^-11, an eighth of
    bfloat16's, over a range that trained weights stay in."""
    return {**_halved(state), "optimizers": None}


def _halved(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _halved(item) for key, item in value.items() if key != "optimizers"}
    if isinstance(value, list):
        return [_halved(item) for item in value]
    if isinstance(value, Tensor) and value.dtype == torch.float32 and value.numel() >= TINY:
        return value.half()
    return value


def write_state(folder: Path, state: Mapping[str, Any], *, part: int = 0) -> list[Path]:
    """A state in a folder without one, in parts of ``part`` bytes at most (0: in one); its files, the
    manifest first."""
    whole = folder / "state.pt"
    write_tensors(whole, {"format": FORMAT, **state})
    with open(whole, "rb") as file:
        checksum = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    names, size = [whole.name], whole.stat().st_size
    if part:
        with open(whole, "rb") as file:
            names = [f"{checksum[:8]}.{n}.part" for n in range(-(-size // part))]
            for name in names:
                replace_file(folder / name, file.read(part))
        whole.unlink()
    manifest = {"format": FORMAT, "bytes": size, "checksum": checksum, "parts": names}
    replace_file(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    return [folder / MANIFEST, *(folder / name for name in names)]


def read_state(folder: Path) -> dict[str, Any]:
    """The state in ``folder``, on the CPU; ValueError where a part is missing or is not what was written."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        names, checksum = [Path(name).name for name in manifest["parts"]], manifest["checksum"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the manifest of a run's state ({error})") from error
    data = bytearray()
    for name in names:
        try:
            data += (folder / name).read_bytes()
        except OSError as error:
            raise ValueError(f"{folder / name}: cannot be read ({error.strerror})") from error
    if hashlib.blake2b(data, digest_size=16).hexdigest() != checksum:
        raise ValueError(f"{folder}: not a whole checkpoint (the parts are not those that {MANIFEST} names)")
    state = torch.load(BytesIO(data), map_location="cpu", weights_only=True)
    if state.get("format", manifest.get("format")) not in (1, FORMAT):
        raise ValueError(f"{folder}: format {state.get('format')!r}, expected {FORMAT}")
    return state if "network_config" in state else _of_earlier(state)


def _of_earlier(state: dict[str, Any]) -> dict[str, Any]:
    """The state of a run by cells as it was before there was one trainer: the network's configuration
    alone."""
    own = {"config": None, "network_config": state["config"], "skipped": 0, "processes": 1}
    return {**state, **own, "rng": None, "cuda_rng": []}


def write_tensors(path: Path, value: Mapping[str, Any]) -> None:
    """One file of tensors and plain values, on disk when this returns."""
    with open(path, "wb") as file:
        torch.save(dict(value), file)
        file.flush()
        os.fsync(file.fileno())


def read_tensors(path: Path) -> dict[str, Any]:
    """Tensors and plain values of a file, nothing else, on the CPU; ValueError where it is damaged."""
    try:
        return torch.load(BytesIO(path.read_bytes()), map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except (RuntimeError, ValueError, EOFError, KeyError) as error:
        raise ValueError(f"{path}: not a whole file of a checkpoint ({error})") from error


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
