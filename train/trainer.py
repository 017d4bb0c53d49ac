"""Everything that training changes, and one step of it."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from inspect import signature
from math import isfinite, isqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from solver.arc.seed import derive_seed
from solver.model.batch import Batch
from solver.model.dense import Dense, clear, of_tasks, of_weights, shared_parameters
from solver.model.device import Placement
from solver.model.embedding import SparseRows, build_memory
from solver.model.halting import HaltingRule
from solver.model.loss import LossTerms, act_loss
from solver.model.optim import Average, cosine_with_floor, sign_sgd_rows
from train.act import Loop, Model, NativeAct, ReleasedAct
from train.arch import network_config
from train.config import RunConfig, TrainConfig
from train.dataset import Dataset, Samples
from train.distributed import World
from train.feed import as_batch, split_batch, total_steps
from train.provenance import identifiers_checksum

# What a step measures: sums over the sequences that finished in it, then over all slots.
FINISHED = ("count", "accuracy", "exact_accuracy", "q_halt_accuracy", "steps")
LOSSES = ("loss", "lm_loss", "q_halt_loss", "q_continue_loss")


class NotANumber(ValueError):
    """A step's loss is no number. ``tasks``: numbers of the tasks in the slots to blame, or in all."""

    def __init__(self, step: int, tasks: list[int]) -> None:
        super().__init__(f"the loss of step {step} is not a number")
        self.step, self.tasks = step, tasks


class Interrupted(Exception):
    """Somebody asked the run to end in the middle of a step or an evaluation."""


class Trainer:
    """Network, task memory, optimisers, averages and slots of one process.

    ``step`` counts updates. ``skipped``: steps whose loss was no number, left out.
    """

    def __init__(self, config: TrainConfig, dataset: Dataset, world: World, placement: Placement) -> None:
        self.config, self.world, self.device = config, world, placement.device
        self.dtype = placement.unscaled_dtype
        if config.arch.forward_dtype != "auto":
            self.dtype = getattr(torch, config.arch.forward_dtype)
        meta = dataset.metadata
        self.only_row = meta.num_puzzle_identifiers == 1
        self.total_steps = total_steps(config, dataset)
        self.task_names = dataset.identifiers.ids
        self.identifiers = identifiers_checksum(dataset)
        self.side = isqrt(meta.seq_len)
        rows = max(2, meta.num_puzzle_identifiers)
        network = network_config(
            config.arch, vocab_size=meta.vocab_size, canvas_side=self.side, num_puzzle_identifiers=rows
        )
        self._build(network, tasks=len(self.task_names) + 1, rows=rows)
        self.act = self._act(network)
        self.watch = Stopwatch(self.device, config.arch.profile)
        self.step, self.skipped = 0, 0
        self.carries: list[Any] = []
        self.saved_carries: list[Any] = []  # as stored, until the first batch shows their structure

    def _build(self, config: Any, *, tasks: int, rows: int) -> None:
        run, arch = self.config.run, self.config.arch
        generator = torch.Generator().manual_seed(derive_seed(run.seed, "network"))
        torch.manual_seed(derive_seed(run.seed, "global"))  # what a custom network may draw from
        self.network = arch.build(config, generator)
        if hasattr(self.network, "initial_carry"):
            self.memory, self.model = None, self.network
        else:
            self.memory = build_memory(config, tasks=tasks, rows=rows, generator=generator)
            self.model = Model(self.network, self.memory)
        self.model.to(self.device)
        if self.dtype == torch.float64:
            self.model.double()
        self.dense = build_dense(run, self.model)
        trained = any(p.requires_grad for p in self.network.parameters())
        self.average = Average(self.network, run.ema_rate) if run.ema and trained else None
        wanted = run.compile if run.compile is not None else self.device.type == "cuda"
        if wanted and os.environ.get("DISABLE_COMPILE", "") in ("", "0"):
            self.network.compile()

    def _act(self, config: Any) -> NativeAct | ReleasedAct:
        rule = HaltingRule(config.loops, self.config.arch.halt_exploration_prob, config.use_continue)
        wrapped = self._wrapped()
        if self.memory is None:
            return ReleasedAct(self.model, wrapped, rule)
        return NativeAct(self.model, wrapped, rule, self.dtype)

    def _wrapped(self) -> nn.Module:
        """The model; with several processes, one that sums gradients while the backward pass runs."""
        if self.world.size == 1 or not any(p.requires_grad for p in self.model.parameters()):
            return self.model
        # Every process starts from the same seed: nothing to send, least of all the table of rows. A custom
        # network may start as it likes, so the first process's is sent to all.
        same = "@" not in self.config.arch.name
        known = signature(DistributedDataParallel.__init__).parameters
        buffers = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        return DistributedDataParallel(self.model, init_sync=not same, **{buffers: False})

    @property
    def parameters(self) -> int:
        """Parameters of the network, the rows of the task memory not counted."""
        return sum(p.numel() for p in self.network.parameters())

    @property
    def memory_parameters(self) -> int:
        """Numbers in the task memory: rows of a table, or what a factored one learns."""
        return 0 if self.memory is None else sum(value.numel() for value in self.memory.state_dict().values())

    def batch(self, samples: Samples) -> Batch:
        """The samples as the network takes them, on the CPU."""
        return as_batch(samples, only_row=self.only_row, side=self.side)

    def train_step(
        self, samples: Samples, interruptible: AbstractContextManager[None] | None = None
    ) -> dict[str, float]:
        """One update from this process's share of a batch. ``interruptible`` surrounds what may end by an
        exception without a trace: everything before the update.

        Returns the numbers of the log, the same on every process. NotANumber when the loss is none
        and the run is not told to skip.
        """
        run, world = self.config.run, self.world
        self.watch.start()
        random = torch.get_rng_state()
        try:
            with interruptible or nullcontext():
                loops, sums, own = self._gradients(samples)
        except Interrupted:
            clear(self.dense)
            torch.set_rng_state(random)
            raise
        rows = [part for loop in loops for part in loop.sparse]
        count = own * world.size
        values = world.sum(sums).tolist()
        self.watch.mark("reduce")
        factor = rate_factor(run, self.step, self.total_steps)
        if isfinite(values[-len(LOSSES)]):  # read already: the host need not wait again
            take_step(run, self.dense, world.all_rows(rows, own), factor, self.average)
            self.carries = [loop.carry for loop in loops]
        else:
            self._leave_out(loops)
        self.watch.mark("update")
        self.step += 1
        return {**_metrics(values, count), "lr": run.lr * factor, **self.watch.take()}

    def _gradients(self, samples: Samples) -> tuple[list[Loop], Tensor, int]:
        """(a loop of each micro-batch, what they measured, sequences in work here); gradients are added to
        those that are there, nothing else changes."""
        filled = self._fill(samples)
        sizes = [self.act.size(carry) for carry in filled]
        self.watch.mark("data")
        self.model.train()
        sums = torch.zeros(len(FINISHED) + len(LOSSES), dtype=torch.float64, device=self.device)
        count, draws = sum(sizes) * self.world.size, self._draws(sizes)
        loops = [
            self._micro_batch(carry, draws[n], count, sums, last=n + 1 == len(filled))
            for n, carry in enumerate(filled)
        ]
        return loops, sums, sum(sizes)

    def _fill(self, samples: Samples) -> list[Any]:
        """The slots of each micro-batch, refilled."""
        split = split_batch(self.batch(samples), self.config.run.grad_accum_steps)
        parts = [part.to(self.device) for part in split]
        if not self.carries:
            self.carries = [self._first_carry(n, part) for n, part in enumerate(parts)]
        return [self.act.refill(carry, part) for carry, part in zip(self.carries, parts, strict=True)]

    def _draws(self, sizes: list[int]) -> list[Tensor]:
        """Exploration of this step, [2, b] for each micro-batch: a slice of the whole batch's."""
        generator = torch.Generator().manual_seed(derive_seed(self.config.run.seed, "exploration", self.step))
        own = sum(sizes)
        drawn = torch.rand(2, own * self.world.size, generator=generator)
        first = own * self.world.rank
        return list(drawn[:, first : first + own].to(self.device).split(sizes, 1))

    def _micro_batch(self, carry: Any, draws: Tensor, count: int, sums: Tensor, *, last: bool) -> Loop:
        """One loop of a micro-batch's slots and its gradients; ``sums`` collects what it measures.
        ``count``: sequences of the whole step, over which the loss is the mean."""
        due = self.step % self.config.run.target_q_update_every == 0
        quiet = isinstance(self.act.wrapped, DistributedDataParallel) and not last
        with self.act.wrapped.no_sync() if quiet else nullcontext():
            loop = self.act.loop(carry, draws, with_target=due)
            terms = act_loss(
                loop.logits,
                loop.q_halt,
                loop.q_continue,
                loop.labels,
                loss_type=self.config.arch.loss_type,
                target_q_continue=loop.target_q,
            )
            self.watch.mark("forward")
            # Processes' gradients are averaged: times their number, they add up to the whole batch's.
            (terms.total * (self.world.size / count)).backward()
        self.watch.mark("backward")
        sums += _measure(loop, terms, self.act.rule.use_continue)
        return loop

    def _first_carry(self, n: int, batch: Any) -> Any:
        """The carry before a micro-batch's first loop: fresh, or what a checkpoint holds."""
        if n < len(self.saved_carries):
            return self.act.restore(self.saved_carries[n], batch)
        return self.act.start(batch)

    def _leave_out(self, loops: list[Loop]) -> None:
        """After a loss that is no number: stop, or forget the step and empty the slots it spoilt."""
        clear(self.dense)
        if self.config.run.on_nan == "stop":
            bad = [~loop.logits.isfinite().flatten(1).all(1) for loop in loops]
            tasks = [loop.tasks[b] if b.any() else loop.tasks for loop, b in zip(loops, bad, strict=True)]
            found = self.world.gather(torch.cat(tasks).tolist())
            raise NotANumber(self.step, sorted({task for part in self.world.tell(found) for task in part}))
        self.skipped += 1
        self.carries = [self.act.reset(loop.carry) for loop in loops]

    def names(self, tasks: Iterable[int]) -> list[str]:
        """Task ids of task numbers; those of a set without tasks (Sudoku) have none."""
        if self.only_row:
            return []
        return [self.task_names[task - 1] for task in tasks if 0 < task <= len(self.task_names)]

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds beside the slots; raw weights and their average apart."""
        average = None
        if self.average is not None:
            average = {"values": self.average.values, "steps": self.average.steps}
        return {
            "model_state_dict": self.network.state_dict(),
            "memory_state_dict": {} if self.memory is None else self.memory.state_dict(),
            "ema": average,
            "optimizer_states": [part.optimizer.state_dict() for part in self.dense],
            "step": self.step,
            "identifiers": self.identifiers,
            "skipped": self.skipped,
            "rng_state": torch.get_rng_state(),
            "cuda_rng_state": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def own_state(self) -> dict[str, Any]:
        """What a checkpoint holds of each process: the slots of each micro-batch."""
        return {"slots": [self.act.store(carry) for carry in self.carries] or self.saved_carries}


def _measure(loop: Loop, terms: LossTerms, use_continue: bool) -> Tensor:
    with torch.no_grad():
        counted = loop.halted & terms.labelled
        says = loop.q_halt > loop.q_continue if use_continue else loop.q_halt > 0
        columns = (
            counted,
            terms.cell_accuracy,
            terms.correct,
            says == terms.correct,
            loop.steps,
        )
        finished = torch.stack([torch.where(counted, column, 0).double().sum() for column in columns])
        losses = torch.stack([terms.total, terms.lm, terms.q_halt, terms.q_continue]).detach().double()
    return torch.cat((finished, losses))


def _metrics(values: list[float], batch: int) -> dict[str, float]:
    """Means: of finished sequences where there are any, and of losses over the batch."""
    finished = dict(zip(FINISHED, values, strict=False))
    count = finished.pop("count")
    found = {name: value / count for name, value in finished.items()} if count else {}
    if found:  # what always saying the commoner of right and wrong would have of q_halt_accuracy
        found["q_halt_base_rate"] = max(found["exact_accuracy"], 1 - found["exact_accuracy"])
    losses = zip(LOSSES, values[len(FINISHED) :], strict=True)
    return {"finished": count, **found, **{name: value / batch for name, value in losses}}


def build_dense(config: RunConfig, model: nn.Module) -> list[Dense]:
    """Optimisers for everything but the rows of the task memory, which ``sign_sgd_rows`` updates.

    Task vectors of a factored memory learn with AdamW at ``task_lr`` even with ``freeze_weights``.
    """
    network, memory = (model.network, model.memory) if isinstance(model, Model) else (model, None)
    betas = (config.beta1, config.beta2)
    tasks = of_tasks(memory, config.task_lr, betas, config.task_weight_decay)
    beside = shared_parameters(memory)
    if config.freeze_weights:
        for parameter in [*network.parameters(), *beside]:
            parameter.requires_grad_(False)
        return tasks
    matrices = config.lr if config.use_muon else 0.0
    released = config.muon_variant == "released"
    weights = of_weights(
        network, beside, config.lr, betas, config.weight_decay, matrices=matrices, released=released
    )
    return [*tasks, *weights]


def rate_factor(config: RunConfig, step: int, total: int) -> float:
    """Warm-up, then a cosine to ``lr_min_ratio`` at ``total`` steps. ``step`` counts from 0."""
    return cosine_with_floor(step, config.lr_warmup_steps, total, config.lr_min_ratio)


def take_step(
    config: RunConfig,
    dense: Sequence[Dense],
    rows: Sequence[SparseRows],
    factor: float,
    average: Average | None,
) -> None:
    """One update of everything from the gradients that have been collected, which are then cleared.

    ``factor`` multiplies every rate; ``rows`` are those of all micro-batches of all processes.
    """
    for part in dense:
        part.step(factor)
    lr, decay = config.puzzle_emb_lr * factor, config.puzzle_emb_weight_decay
    sign_sgd_rows(rows, lr=lr, weight_decay=decay)
    clear(dense)
    if average is not None:
        average.update()


class Stopwatch:
    """Adds up seconds for each named part of a step. On a GPU each mark waits for the device, so that
    a part's time is its own; switched off, nothing waits and nothing is measured."""

    def __init__(
        self, device: torch.device, on: bool, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.device, self.on, self.clock = device, on, clock
        self.seconds: dict[str, float] = defaultdict(float)
        self.last = 0.0

    def start(self) -> None:
        """What follows belongs to the next mark."""
        if self.on:
            self._wait()
            self.last = self.clock()

    def mark(self, part: str) -> None:
        """The time since the last mark went into ``part``."""
        if self.on:
            self._wait()
            now = self.clock()
            self.seconds[part] += now - self.last
            self.last = now

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def take(self) -> dict[str, float]:
        """Seconds for each part since the last call."""
        found = {f"seconds_{part}": value for part, value in self.seconds.items()}
        self.seconds.clear()
        return found
