"""Checkpoints of a run: everything it needs to go on as if it had never stopped.

``step_N.pt`` is a folder: ``state.pt`` (configuration, raw weights, averages, task memory, optimisers,
random state, position in the data), ``carry_R.pt`` for each process R (its slots), ``config.yaml``. It is
written beside its name and moved there whole; ``latest`` is the one of most steps. ``best.json`` names the
one whose evaluation was best, which stays whatever its age.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from solver.file import read_object, replace_file
from train.distributed import World

FORMAT = 1
LATEST = "latest"
BEST = "best"
BEST_FILE = "best.json"
_NAME = re.compile(r"step_(\d+)\.pt")


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a run's folder, oldest first."""
    found = [(int(m[1]), path) for path in folder.glob("step_*.pt") if (m := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found) if (path / "state.pt").is_file()]


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
    if (path / "state.pt").is_file():
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
) -> Path:
    """Write ``step_N.pt`` whole or not at all, then drop all but the ``keep`` newest (0: keep all).

    Every process calls this; each writes what is its ``own``, the first writes the rest.
    """
    final = folder / f"step_{step}.pt"
    beside = folder / f".step_{step}.pt.tmp"
    if world.first:
        for left in folder.glob(".step_*.pt.tmp"):
            shutil.rmtree(left)
        beside.mkdir(parents=True)
    world.wait()
    write_tensors(beside / f"carry_{world.rank}.pt", own)
    world.wait()
    if world.first:
        write_tensors(beside / "state.pt", {"format": FORMAT, **state})
        replace_file(beside / "config.yaml", config_text.encode())
        if final.exists():
            # Only a repeat of steps after a resume comes here: what stands there holds the same.
            shutil.rmtree(beside)
        else:
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
    gone = checkpoint.with_name(f".{checkpoint.name}.tmp")
    os.replace(checkpoint, gone)
    shutil.rmtree(gone)


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


def read_state(checkpoint: Path) -> dict[str, Any]:
    """``state.pt`` of a checkpoint; ValueError for another format."""
    state = read_tensors(checkpoint / "state.pt")
    if state.get("format") != FORMAT:
        raise ValueError(f"{checkpoint}: format {state.get('format')!r}, wanted {FORMAT}")
    return state


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fitting(
    own: Mapping[str, Tensor], stored: Mapping[str, Tensor], strict: bool, where: str
) -> tuple[dict[str, Tensor], list[str]]:
    """(tensors to load, lines on what does not fit).

    Strictly every name and shape must agree, ValueError otherwise; else what fits is taken and the
    rest stays as it is.
    """
    wrong = [f"{name} is missing" for name in own if name not in stored]
    wrong += [f"{name} is unknown here" for name in stored if name not in own]
    wrong += [
        f"{name} is {list(stored[name].shape)}, wanted {list(own[name].shape)}"
        for name in own
        if name in stored and stored[name].shape != own[name].shape
    ]
    if wrong and strict:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise ValueError(f"{where}: other tensors than this run's: {'; '.join(wrong[:5])}{more}")
    same = {name: t for name, t in own.items() if name in stored and stored[name].shape == t.shape}
    return {name: stored[name] for name in same}, wrong


def leaves(value: Any) -> Iterable[Any]:
    """Tensors and plain values inside a carry of records, tuples and dicts, in a fixed order."""
    if isinstance(value, Tensor) or value is None or isinstance(value, bool | int | float | str):
        yield value.detach().cpu() if isinstance(value, Tensor) else value
        return
    for part in _parts(value):
        yield from leaves(part)


def rebuild(template: Any, stored: Any, device: torch.device) -> Any:
    """A carry of the template's structure with the stored leaves; the inverse of ``leaves``."""
    if isinstance(template, Tensor) or template is None or isinstance(template, bool | int | float | str):
        leaf = next(stored)
        return leaf.to(device) if isinstance(leaf, Tensor) else leaf
    parts = [rebuild(part, stored, device) for part in _parts(template)]
    if isinstance(template, dict):
        return dict(zip(sorted(template), parts, strict=True))
    return type(template)(parts) if isinstance(template, list | tuple) else type(template)(*parts)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    if isinstance(value, list | tuple):
        return list(value)
    return [getattr(value, name) for name in type(value).__dataclass_fields__]
