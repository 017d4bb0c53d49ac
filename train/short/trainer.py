"""The most learning for little compute: cropped canvases, growing loops and recurrences, small states.

Every batch is kept for a few loops, one optimiser step each, then replaced; loops and recurrences grow
over the run. Rates warm up, hold, and fall linearly to zero (warm-up / stable / decay). The
schedule follows the share of the budget that is used, so a resumed run may extend it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from solver.arc.seed import derive_seed
from solver.model.checkpoint import load_weights
from solver.model.device import Placement
from solver.model.embedding import CoseMemory, Memory, build_memory
from solver.model.flops import training_flop
from solver.model.learner import Learner
from solver.model.optim import Average, warm_stable_decay
from solver.model.registry import build_network
from train.short.feed import Item, Maker, arrive
from train.short.pool import PooledTask
from train.short.recipe import ShortRun
from train.short.sample import Deck, frame_of
from train.short.state import has_state, read_state

REWARM = 50  # steps over which rates rise again where optimisers' moments start anew


@dataclass
class Position:
    """How far a run is. ``block`` and ``within``: the next batch. ``tokens``: cells of samples, in all loops.
    ``flop``: of this run; ``before``: of the runs that it continues. ``seen``: the budget used when the last
    evaluation was made, -1 before the first."""

    step: int = 0
    block: int = 0
    within: int = 0
    samples: int = 0
    tokens: int = 0
    seconds: float = 0.0
    flop: float = 0.0
    before: float = 0.0
    seen: float = -1.0


class ShortTrainer:
    """Network, memory, optimisers and where in the run they are."""

    def __init__(self, run: ShortRun, pool: Sequence[PooledTask], placement: Placement) -> None:
        if not pool:
            raise ValueError(f"recipe {run.name}: no task is left to train on")
        self.run, self.pool, self.placement = run, pool, placement
        self.dtype = placement.dtype if run.dtype == "auto" else getattr(torch, run.dtype)
        generator = torch.Generator().manual_seed(run.seed)
        self.config = run.config
        torch.manual_seed(derive_seed(run.seed, "global"))  # what a custom network may draw from
        network = build_network(self.config, generator, arch=run.arch)
        self.network: nn.Module = network.to(placement.device)
        rows = len(pool) * run.drawn.augmentations + 1
        memory = build_memory(self.config, tasks=len(pool) + 1, rows=rows, generator=generator)
        self.memory: Memory = memory.to(placement.device)
        before = begin(self, run.start) if run.start else 0.0
        self.average = Average(self.network, run.average_decay, warm=True)
        self.learner = Learner(
            self.network, self.memory, run.learning, dtype=self.dtype, average=self.average
        )
        deck = Deck(pool, run.drawn, run.seed, run.side)
        packed = placement.device.type == "cuda" if run.layout == "auto" else run.layout == "packed"
        self.maker = Maker(deck, frame_of(deck, self.config.prefix_len) if packed else None)
        self.mode = "default" if run.compile is True else run.compile or ""
        if self.mode:
            self._compile()
        self.at = Position(before=before)
        self.rewarmed = REWARM  # steps since moments started anew, where they did

    def _compile(self) -> None:
        """The network's blocks, one graph with gradient and one without where batches are packed."""
        # Graphs of an earlier run in this process would count against torch's limit for this one, and behind
        # the limit it goes on uncompiled.
        torch.compiler.reset()
        self.network.compile(dynamic=self.maker.frame is None, mode=self.mode)

    @property
    def used(self) -> float:
        """Of the budget, in its unit."""
        return self.at.flop if self.run.flop else self.at.seconds

    @property
    def done(self) -> float:
        """The share of the budget that is used."""
        return self.used / (self.run.flop or self.run.seconds)

    def state(self) -> dict[str, Any]:
        """Everything that ``load`` wants."""
        return {
            "config": self.config.to_dict(),
            "tasks": [entry.checksums[0] for entry in self.pool],
            "network": self.network.state_dict(),
            "memory": self.memory.state_dict(),
            "average": [self.average.steps, self.average.values],
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers()],
            "position": asdict(self.at),
        }

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        learner = self.learner
        return [optimizer for optimizer, _ in (*learner.optimizers, *learner.task_optimizers)]

    def load(self, state: dict[str, Any]) -> None:
        """Go on from ``state``; optimisers may be missing (a small one): their moments start anew, and
        the rates rise again over some steps. ValueError for a state of another network or other tasks."""
        check_config(self.config.to_dict(), state["config"], "the run's state")
        if state["tasks"] != [entry.checksums[0] for entry in self.pool]:
            raise ValueError(
                f"the run's state is of {len(state['tasks'])} tasks, the recipe's data has {len(self.pool)} "
                'or others; wanted the same, or "start" in the recipe to continue with new data'
            )
        self.network.load_state_dict(state["network"])
        self.memory.load_state_dict(state["memory"])
        self.average.steps = state["average"][0]
        for value, kept in zip(self.average.values, state["average"][1], strict=True):
            value.copy_(kept)
        if state["optimizers"] is None:
            self.rewarmed = 0
        else:
            for optimizer, kept in zip(self._optimizers(), state["optimizers"], strict=True):
                optimizer.load_state_dict(kept)
        self.at = Position(**state["position"])

    def learn(self, item: Item) -> Tensor:
        """Keep the batch for this stage's loops, one step each.

        Returns [3] float32 on the device: loss and right sequences of the last loop, sequences.
        """
        stage = self.run.stage_at(self.done)
        self.network.config = replace(self.config, H_cycles=stage.H_cycles, L_cycles=stage.L_cycles)
        arrived = arrive(item, self.maker.frame, self.placement.device)
        batch = arrived.batch
        states = self.network.initial_states(batch, self.dtype)
        scale = warm_stable_decay(self.done, self.run.warm_up, self.run.decay_from)
        for _ in range(stage.loops):
            self.rewarmed = min(REWARM, self.rewarmed + 1)
            if self.mode == "reduce-overhead":
                # Graphs may write over what the last step left: its states are read before the first runs.
                torch.compiler.cudagraph_mark_step_begin()
            states, terms = self.learner.step(states, batch, scale=scale * self.rewarmed / REWARM)
        self.at.step += stage.loops
        self.at.samples += arrived.samples
        self.at.tokens += stage.loops * int(arrived.cells[: arrived.samples].sum())
        self.at.flop += stage.loops * float(training_flop(self.network.config, arrived.cells).sum())
        right = (terms.correct & terms.labelled).sum().float()
        return torch.stack([terms.lm.float(), right, torch.full_like(right, arrived.samples)]).detach()

    def averaged(self) -> nn.Module:
        """A network of its own with the averaged parameters, not compiled, in the full recurrences."""
        with torch.random.fork_rng(devices=[]):  # its start is not used, and nothing else shall notice
            network = build_network(self.config, arch=self.run.arch).to(self.placement.device)
        state = dict(self.network.state_dict())
        names = [name for name, _ in self.network.named_parameters()]
        network.load_state_dict({**state, **dict(zip(names, self.average.values, strict=True))})
        return network.eval()


def check_config(wanted: dict[str, Any], found: dict[str, Any], where: str) -> None:
    """ValueError naming the first key that differs."""
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            raise ValueError(f"{where}: {key} is {found.get(key)!r}, wanted the recipe's {wanted.get(key)!r}")


CYCLES = ("H_cycles", "L_cycles", "loops")  # may change between a run and the one that continues it


def begin(trainer: ShortTrainer, start: str) -> float:
    """Continue from weights by name or folder, or from the averaged weights of a run's folder. Tasks that
    were trained on keep their vectors where these are known; the others start from the mean. Returns the
    operations that went into the start."""
    folder = Path(start) / "state"
    if has_state(folder):
        state = read_state(folder, trainer.placement.device)
        config, vectors = state["config"], state["memory"].get("task_vectors")
        known = {} if vectors is None else dict(zip(state["tasks"], vectors[1:], strict=True))
        names = [name for name, _ in trainer.network.named_parameters()]
        network = {**state["network"], **dict(zip(names, state["average"][1], strict=True))}
        memory = {k: v for k, v in state["memory"].items() if k not in ("task_vectors", "rows")}
        # A table's rows belong to single augmentations, which this run may not have: their mean starts it.
        mean = (state["memory"]["rows"] if vectors is None else vectors)[1:].float().mean(0)
        spent = state["position"]
    else:
        weights = load_weights(start)
        config, network = weights.config.to_dict(), weights.network.state_dict()
        memory, known = dict(weights.memory), dict(weights.vectors)
        mean = memory.pop("mean")
        spent = weights.provenance
    kept = {key: trainer.config.to_dict()[key] for key in CYCLES}
    check_config(trainer.config.to_dict(), {**config, **kept}, start)
    trainer.network.load_state_dict(network)
    trainer.memory.start({**memory, "mean": mean})
    if isinstance(trainer.memory, CoseMemory):
        with torch.no_grad():
            for number, entry in enumerate(trainer.pool, 1):
                found = [known[checksum] for checksum in entry.checksums if checksum in known]
                if found:
                    trainer.memory.task_vectors[number] = found[0].to(trainer.memory.task_vectors)
    return float(spent.get("flop", 0.0)) + float(spent.get("before", 0.0))
