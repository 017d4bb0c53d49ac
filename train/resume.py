"""Taking a checkpoint or another run's weights into a trainer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from solver.model.checkpoint import load_weights as load_weight_set
from solver.model.embedding import CoseMemory
from solver.words import counted
from train.checkpoint import checkpoints, read_state, read_tensors
from train.config import from_dict
from train.settings import Position
from train.trainer import Trainer

CYCLES = ("H_cycles", "L_cycles", "loops")  # may change between a run and the one that continues it


def load(trainer: Trainer, checkpoint: Path) -> list[str]:
    """Go on from a checkpoint; lines on what was not taken.

    As configured: ``load_strict`` refuses what does not fit, ``load_optimizer_state=False`` takes the weights
    alone and starts from step 0, as does a network that not all tensors fit. ValueError, listing what
    differs, where the run is another.
    """
    state = read_state(checkpoint)
    run = trainer.config.run
    there = None if state["config"] is None else from_dict(state["config"])
    notes = [] if there is None else trainer.config.differences(there)
    if notes and run.load_strict and run.load_optimizer_state:
        raise ValueError(
            f"{checkpoint}: a checkpoint of another configuration ({'; '.join(notes)}); go on with its own, "
            f"or pass load_strict=False, or load_optimizer_state=False to start from its weights"
        )
    if trainer.kept:
        state, left_out = narrowed(state, trainer.feed.identity)
        trainer.former = [*state.get("former", ()), *left_out]
        if left_out:
            notes.append(
                f"{counted(len(left_out), 'task')} of {len(left_out) + len(state['tasks'])} left out now"
            )
    wrong = load_weights(trainer, state, str(checkpoint), strict=run.load_strict, average=False)
    if wrong or not run.load_optimizer_state:
        # Weights alone: whatever was measured on other tensors, or is not wanted, starts anew.
        restart_average(trainer)
        return notes + wrong
    notes += _load_progress(trainer, state, checkpoint)
    at = trainer.at = Position(**state["position"])
    if not (at.within and at.until):
        # What was begun is ended as it was begun: a stretch of epochs has its own order of the data.
        at.until = at.block + run.eval_interval
    return notes


def narrowed(state: dict[str, Any], own: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """(the state of a run by cells without the tasks that are not its ``own`` any more, these tasks): what
    must not be seen may have grown since it began. Unchanged where the run has other tasks, or rows of a
    table."""
    stored, vectors = state["tasks"], state["memory"].get("task_vectors")
    places, wanted = [], list(own)  # two tasks may have one checksum, but all keep their order
    for place, task in enumerate(stored):
        if wanted and task == wanted[0]:
            places.append(place)
            wanted.pop(0)
    if vectors is None or wanted or len(own) == len(stored):
        return state, []
    kept = torch.tensor([0, *(place + 1 for place in places)])

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: cut(item) for key, item in value.items()}
        per_task = isinstance(value, Tensor) and value.shape == vectors.shape
        return value[kept] if per_task else value

    optimizers = state["optimizers"] and [*state["optimizers"][:-1], cut(state["optimizers"][-1])]
    changed = {"tasks": list(own), "memory": cut(state["memory"]), "optimizers": optimizers}
    gone = set(range(len(stored))) - set(places)
    return {**state, **changed}, [stored[place] for place in sorted(gone)]


def load_weights(
    trainer: Trainer, state: dict[str, Any], where: str, *, strict: bool, average: bool
) -> list[str]:
    """Network and task memory; with ``average`` the moving average stands in for the raw weights."""
    notes = []
    if state["config"] is None:
        check_config(trainer.feed.network.to_dict(), state["network_config"], where)
    if strict:
        check_tasks(trainer.feed.identity, state["tasks"], where)
    for module, key in ((trainer.network, "network"), (trainer.memory, "memory")):
        if module is None:
            continue
        taken, wrong = fitting(module.state_dict(), state[key], strict, where)
        module.load_state_dict(taken, strict=False)
        notes += wrong
    if average and state["average"] is not None:
        with torch.no_grad():
            for p, value in zip(trainer.network.parameters(), state["average"][1], strict=True):
                p.copy_(value)
    return notes


def check_config(own: Mapping[str, Any], stored: Mapping[str, Any], where: str) -> None:
    """ValueError naming the first setting of the network that differs."""
    for key in sorted(own.keys() | stored.keys()):
        if own.get(key) != stored.get(key):
            raise ValueError(f"{where}: {key} is {stored.get(key)!r}, wanted this run's {own.get(key)!r}")


def check_tasks(own: str | list[str], stored: str | list[str], where: str) -> None:
    """ValueError where a checkpoint's rows are of other tasks or augmentations than the data's."""
    if own == stored:
        return
    if isinstance(own, str):
        raise ValueError(
            f"{where}: the rows of its puzzle-embedding table are of other tasks or augmentations than this "
            f"data set's (checksum {stored[:8]} there, {own[:8]} here); wanted the data set it was trained on"
        )
    raise ValueError(
        f"{where}: is of {len(stored)} tasks, the sources have {len(own)} or others; wanted the same, or "
        "start=RUN to continue with new data"
    )


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


def restart_average(trainer: Trainer) -> None:
    """The moving average starts from the weights that were loaded."""
    if trainer.average is not None:
        for value, p in zip(trainer.average.values, trainer.average.params, strict=True):
            value.copy_(p.detach())


def _load_progress(trainer: Trainer, state: dict[str, Any], checkpoint: Path) -> list[str]:
    """Optimisers, average, random state and slots; lines on what was not taken."""
    strict = trainer.config.run.load_strict
    notes = _load_optimisers(trainer, state["optimizers"], strict, checkpoint)
    average, stored = trainer.average, state["average"]
    if average is not None:
        if stored is None or [v.shape for v in stored[1]] != [v.shape for v in average.values]:
            restart_average(trainer)
            notes.append("the moving average starts anew")
        else:
            average.steps = stored[0]
            for value, saved in zip(average.values, stored[1], strict=True):
                value.copy_(saved)
    trainer.skipped = state["skipped"]
    if state["rng"] is not None:
        torch.set_rng_state(state["rng"])
    if torch.cuda.is_available() and len(state["cuda_rng"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda_rng"])
    return notes + ([] if trainer.kept else _load_slots(trainer, state["processes"], strict, checkpoint))


def _load_optimisers(
    trainer: Trainer, stored: Sequence[dict] | None, strict: bool, checkpoint: Path
) -> list[str]:
    """A small state has no moments: they start anew, and the rates rise again over some steps."""
    if stored is None:
        trainer.rewarmed = 0
        return ["the optimisers' moments start anew (a small state)"]
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


def begin(trainer: Trainer, start: str) -> None:
    """Continue a run by cells from weights by name or folder, or from the averaged weights of a run's folder.

    Tasks that were trained on keep their vectors where these are known; the others start from the mean.
    ``at.before`` counts the operations that went into the start.
    """
    there = checkpoints(Path(start))
    if there:
        state = read_state(there[-1])
        config, vectors = state["network_config"], state["memory"].get("task_vectors")
        known = {} if vectors is None else dict(zip(state["tasks"], vectors[1:], strict=True))
        names = [name for name, _ in trainer.network.named_parameters()]
        averaged = {} if state["average"] is None else dict(zip(names, state["average"][1], strict=True))
        network = {**state["network"], **averaged}
        memory = {k: v for k, v in state["memory"].items() if k not in ("task_vectors", "rows")}
        # A table's rows belong to single augmentations, which this run may not have: their mean starts it.
        mean = (state["memory"]["rows"] if vectors is None else vectors)[1:].float().mean(0)
        spent = state["position"]
    else:
        weights = load_weight_set(start)
        config, network = weights.config.to_dict(), weights.network.state_dict()
        memory, known = dict(weights.memory), dict(weights.vectors)
        mean, spent = memory.pop("mean"), weights.provenance
    own = trainer.feed.network.to_dict()
    check_config(own, {**config, **{key: own[key] for key in CYCLES}}, start)
    trainer.network.load_state_dict(network)
    trainer.memory.start({**memory, "mean": mean})
    if isinstance(trainer.memory, CoseMemory):
        with torch.no_grad():
            for number, entry in enumerate(trainer.feed.pool, 1):
                found = [known[checksum] for checksum in entry.checksums if checksum in known]
                if found:
                    trainer.memory.task_vectors[number] = found[0].to(trainer.memory.task_vectors)
    restart_average(trainer)
    trainer.at.before = float(spent.get("flop", 0.0)) + float(spent.get("before", 0.0))
