"""Taking a checkpoint into a trainer: going on with its run, or starting another from its weights."""

from pathlib import Path
from typing import Any

import torch

from train.checkpoint import fitting, read_state, read_tensors
from train.config import TrainConfig
from train.identity import check
from train.trainer import Trainer

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
        check(state["identifiers"], trainer.identifiers, where)
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
