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
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from solver.file import read_object, replace_file
from train.config import TrainConfig
from train.distributed import World
from train.provenance import check_identifiers
from train.trainer import Trainer

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


Position = tuple[int, int]  # first epoch of the current interval, steps done in it


def load(trainer: Trainer, checkpoint: Path) -> tuple[Position, int, list[str]]:
    """(where the data goes on, epochs from there to the next evaluation, lines on what was not taken).

    As configured: ``load_strict`` refuses what does not fit, ``load_optimizer_state=False`` takes the
    weights alone and starts from step 0, as does a network that not all tensors fit. ValueError,
    listing what differs, where the run is another.
    """
    state = read_state(checkpoint)
    run = trainer.config.run
    there = TrainConfig.from_dict(state["config"])
    notes = trainer.config.differences(there)
    if notes and run.load_strict and run.load_optimizer_state:
        raise ValueError(
            f"{checkpoint}: a checkpoint of another configuration ({'; '.join(notes)}); go on with its own, "
            f"or pass load_strict=False, or load_optimizer_state=False to start from its weights"
        )
    wrong = load_weights(trainer, state, str(checkpoint), strict=run.load_strict, average=False)
    if wrong or not run.load_optimizer_state:
        # Weights alone: whatever was measured on other tensors, or is not wanted, starts anew.
        restart_average(trainer)
        return (0, 0), run.eval_interval, notes + wrong
    notes += _load_progress(trainer, state, checkpoint)
    # What was begun is ended as it was begun: a stretch of epochs has its own order of the data.
    begun = state["position"][1] > 0
    interval = state.get("interval", there.run.eval_interval) if begun else run.eval_interval
    return tuple(state["position"]), interval, notes


def load_weights(
    trainer: Trainer, state: dict[str, Any], where: str, *, strict: bool, average: bool
) -> list[str]:
    """Network and task memory; with ``average`` the moving average stands in for the raw weights."""
    notes = []
    if strict:
        check_identifiers(state["identifiers"], trainer.identifiers, where)
    for module, key in ((trainer.network, "model_state_dict"), (trainer.memory, "memory_state_dict")):
        if module is None:
            continue
        taken, wrong = fitting(module.state_dict(), state[key], strict, where)
        module.load_state_dict(taken, strict=False)
        notes += wrong
    if average and state["ema"] is not None:
        with torch.no_grad():
            for p, value in zip(trainer.network.parameters(), state["ema"]["values"], strict=True):
                p.copy_(value)
    return notes


def restart_average(trainer: Trainer) -> None:
    """The moving average starts from the weights that were loaded."""
    if trainer.average is not None:
        for value, p in zip(trainer.average.values, trainer.average.params, strict=True):
            value.copy_(p.detach())


def _load_progress(trainer: Trainer, state: dict[str, Any], checkpoint: Path) -> list[str]:
    """Optimisers, average, step, random state and slots; lines on what was not taken."""
    strict = trainer.config.run.load_strict
    notes = _load_optimisers(trainer, state["optimizer_states"], strict, checkpoint)
    average = trainer.average
    if average is not None:
        stored = state["ema"]
        if stored is None or [v.shape for v in stored["values"]] != [v.shape for v in average.values]:
            restart_average(trainer)
            notes.append("the moving average starts anew")
        else:
            for value, saved in zip(average.values, stored["values"], strict=True):
                value.copy_(saved)
            average.steps = stored["steps"]
    trainer.step, trainer.skipped = state["step"], state["skipped"]
    torch.set_rng_state(state["rng_state"])
    if torch.cuda.is_available() and len(state["cuda_rng_state"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda_rng_state"])
    return notes + _load_slots(trainer, state["processes"], strict, checkpoint)


def _load_optimisers(trainer: Trainer, stored: list[dict], strict: bool, checkpoint: Path) -> list[str]:
    try:
        for part, saved in zip(trainer.dense, stored, strict=True):
            part.optimizer.load_state_dict(saved)
    except ValueError as error:
        if strict:
            raise ValueError(f"{checkpoint}: the optimisers' state does not fit ({error})") from error
        return ["the optimisers start anew"]
    return []


def _load_slots(trainer: Trainer, processes: int, strict: bool, checkpoint: Path) -> list[str]:
    world = trainer.world
    if processes == world.size:
        stored = read_tensors(checkpoint / f"carry_{world.rank}.pt")
        if len(stored["slots"]) == trainer.config.run.grad_accum_steps:
            trainer.saved_carries = stored["slots"]
            return []
    if strict:
        raise ValueError(
            f"{checkpoint}: the slots of {processes} processes, here are {world.size}; "
            f"load_strict=False starts with empty slots"
        )
    return ["the slots start empty"]
