"""Everything that training changes, and one step of it."""

import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from solver.arc.seed import derive_seed
from solver.model.dense import Dense, clear, of_tasks, of_weights, shared_parameters
from solver.model.device import Placement
from solver.model.embedding import SparseRows, build_memory
from solver.model.flops import training_flop
from solver.model.halting import HaltingRule
from solver.model.loss import LossTerms, act_loss
from solver.model.optim import Average, cosine_with_floor, sign_sgd_rows, warm_stable_decay
from solver.model.scaling import LossScale
from train.act import KeptAct, Loop, Model, NativeAct, ReleasedAct
from train.distributed import World
from train.feed import Arrived, CellFeed, Feed, Item
from train.settings import Position, RunConfig, TrainConfig

# What a step measures: sums over the sequences that finished in it, then over all, and how many these are.
FINISHED = ("count", "accuracy", "exact_accuracy", "q_halt_accuracy", "steps")
LOSSES = ("loss", "lm_loss", "q_halt_loss", "q_continue_loss")
LOSS = len(FINISHED)  # its place
MEASURES = len(FINISHED) + len(LOSSES) + 1
REWARM = 50  # steps over which rates rise again where optimisers' moments start anew


class NotANumber(ValueError):
    """A step's loss is no number. ``tasks``: numbers of the tasks in the slots to blame, or in all."""

    def __init__(self, step: int, tasks: list[int]) -> None:
        super().__init__(f"the loss of step {step} is not a number")
        self.step, self.tasks = step, tasks


class Interrupted(Exception):
    """Somebody asked the run to end in the middle of a step or an evaluation."""


class Trainer:
    """Network, task memory, optimisers, averages, slots and position of one process.

    ``config.run`` decides by what a step is taken: slots that are refilled after every loop (by samples), or
    a batch that is kept for its stage's loops (by cells). ``skipped``: steps whose loss was no number, left
    out.
    """

    def __init__(self, config: TrainConfig, feed: Feed, world: World, placement: Placement) -> None:
        self.config, self.feed, self.world = config, feed, world
        self.placement, self.device = placement, placement.device
        named = config.arch.forward_dtype
        self.dtype = placement.dtype if named == "auto" else getattr(torch, named)
        self.kept = isinstance(feed, CellFeed)
        if self.kept and (world.size > 1 or config.run.grad_accum_steps > 1):
            raise ValueError("sources: a run by cells is one process without grad_accum_steps")
        self.at = Position(until=config.run.eval_interval)
        self.step_total = 0 if self.kept else feed.total
        self._build()
        self.act = self._act()
        self.watch = Stopwatch(self.device, config.arch.profile)
        self.skipped, self.rewarmed = 0, REWARM
        self.last_factor = 0.0  # of the last step's rates
        self.former: list[str] = []  # checksums of tasks that were trained on and no longer are
        self.carries: list[Any] = []
        self.saved_carries: list[Any] = []  # as stored, until the first batch shows their structure

    def _build(self) -> None:
        run, arch, network = self.config.run, self.config.arch, self.feed.network
        # The shipped sets, trained by cells, began from the seed itself.
        seed = run.seed if self.kept else derive_seed(run.seed, "network")
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(derive_seed(run.seed, "global"))  # what a custom network may draw from
        self.network = arch.build(network, generator)
        if hasattr(self.network, "initial_carry"):
            self.memory, self.model = None, self.network
        else:
            self.memory = build_memory(
                network, tasks=self.feed.tasks, rows=self.feed.rows, generator=generator
            )
            self.model = Model(self.network, self.memory)
        self.model.to(self.device)
        if self.dtype == torch.float64:
            self.model.double()
        self.dense = build_dense(run, self.model)
        trained = any(p.requires_grad for p in self.network.parameters())
        average = run.ema and trained
        self.average = Average(self.network, run.ema_rate, warm=run.ema_warm) if average else None
        self.scaling = LossScale(self.device) if self.dtype == torch.float16 else None
        self._compile()

    def _compile(self) -> None:
        """The network's blocks where that is asked for; of packed batches, one graph with gradient and one
        without."""
        asked = self.config.run.compile
        wanted = self.device.type == "cuda" if asked is None else bool(asked)
        if not wanted or os.environ.get("DISABLE_COMPILE", "") not in ("", "0"):
            return
        options = {"mode": asked} if isinstance(asked, str) else {}
        if self.kept:
            options = {"dynamic": self.feed.frame is None, "mode": options.get("mode", "default")}
            # Graphs of an earlier run in this process would count against torch's limit for this one, and
            # behind the limit it goes on uncompiled.
            torch.compiler.reset()
        self.network.compile(**options)

    def _act(self) -> NativeAct | ReleasedAct:
        network = self.feed.network
        rule = HaltingRule(network.loops, self.config.arch.halt_exploration_prob, network.use_continue)
        wrapped = self._wrapped()
        if self.memory is None:
            return ReleasedAct(self.model, wrapped, rule)
        return (KeptAct if self.kept else NativeAct)(self.model, wrapped, rule, self.dtype)

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
    def used(self) -> float:
        """Of the budget, in its unit: FLOP or seconds by cells, steps by samples."""
        return self.at.step if not self.kept else self.at.flop if self.config.run.flop else self.at.seconds

    @property
    def budget(self) -> float:
        """All of it."""
        return self.config.run.flop or self.config.run.seconds if self.kept else self.step_total

    @property
    def done(self) -> float:
        """The share of the budget that is used."""
        return self.used / self.budget

    @property
    def parameters(self) -> int:
        """Parameters of the network, the rows of the task memory not counted."""
        return sum(p.numel() for p in self.network.parameters())

    @property
    def memory_parameters(self) -> int:
        """Numbers in the task memory: rows of a table, or what a factored one learns."""
        return 0 if self.memory is None else sum(value.numel() for value in self.memory.state_dict().values())

    def rate_factor(self) -> float:
        """What multiplies every rate now (RunConfig)."""
        run = self.config.run
        if run.decay_from:
            return warm_stable_decay(self.done, run.warm_up, run.decay_from)
        return cosine_with_floor(self.at.step, run.lr_warmup_steps, self.step_total, run.lr_min_ratio)

    def learn(self, item: Item, interruptible: AbstractContextManager[None] | None = None) -> Tensor:
        """Take this process's share of a batch: one step, or by cells one for each of its stage's loops.
        ``interruptible`` surrounds what may end by an exception without a trace: all of a step before its
        update.

        Returns what the last loop measured, MEASURES sums over all processes [10] float64 on the device.
        NotANumber where the loss is none and the run is not told to skip. By cells the host waits for
        nothing, and the loss is looked at when the log is written.
        """
        self.watch.start()
        parts = self.feed.arrive(item, self.device)
        self.watch.mark("data")
        if not self.kept:
            return self._step(parts, self.rate_factor(), interruptible)
        (arrived,) = parts
        stage = self.config.stage_at(self.done)
        network = self.feed.network
        self.network.config = replace(network, H_cycles=stage.H_cycles, L_cycles=stage.L_cycles)
        self.carries = [self.act.start(arrived.batch)]
        factor = self.rate_factor()
        for _ in range(stage.loops):
            if self.config.run.compile == "reduce-overhead":
                # Graphs may write over what the last step left: its states are read before the first runs.
                torch.compiler.cudagraph_mark_step_begin()
            measured = self._step(parts, factor, None)
        self.carries = []
        self.at.samples += arrived.samples
        self.at.tokens += stage.loops * int(arrived.cells[: arrived.samples].sum())
        self.at.flop += stage.loops * float(training_flop(self.network.config, arrived.cells).sum())
        return measured

    def _step(
        self, parts: list[Arrived], factor: float, interruptible: AbstractContextManager[None] | None
    ) -> Tensor:
        """One loop of every part, and one update."""
        random = torch.get_rng_state()
        try:
            with interruptible or nullcontext():
                loops, sums, own = self._gradients(parts)
        except Interrupted:
            clear(self.dense)
            torch.set_rng_state(random)
            raise
        sums = self.world.sum(sums)
        self.watch.mark("reduce")
        self.rewarmed = min(REWARM, self.rewarmed + 1)
        if self.kept or bool(sums[LOSS].isfinite()):
            rows = self.world.all_rows([part for loop in loops for part in loop.sparse], own)
            self.last_factor = factor * self.rewarmed / REWARM
            self._update(rows, self.last_factor)
            self.carries = [loop.carry for loop in loops]
        else:
            self._leave_out(loops)
        self.watch.mark("update")
        self.at.step += 1
        return sums

    def _gradients(self, parts: list[Arrived]) -> tuple[list[Loop], Tensor, int]:
        """(a loop of each part, what they measured, sequences in work here); gradients are added to
        those that are there, nothing else changes."""
        filled = self._fill(parts)
        sizes = [self.act.size(carry) for carry in filled]
        self.model.train()
        sums = torch.zeros(MEASURES, dtype=torch.float64, device=self.device)
        count, draws = sum(sizes) * self.world.size, self._draws(sizes)
        loops = []
        for n, (carry, part) in enumerate(zip(filled, parts, strict=True)):
            last = n + 1 == len(filled)
            loops.append(self._micro_batch(carry, draws[n], count, sums, part.samples, last=last))
        return loops, sums, sum(sizes)

    def _fill(self, parts: list[Arrived]) -> list[Any]:
        """The slots of each part, refilled."""
        if not self.carries:
            self.carries = [self._first_carry(n, part.batch) for n, part in enumerate(parts)]
        return [self.act.refill(carry, part.batch) for carry, part in zip(self.carries, parts, strict=True)]

    def _draws(self, sizes: list[int]) -> list[Tensor | None]:
        """Exploration of this step, [2, b] for each micro-batch: a slice of the whole batch's."""
        if self.kept:
            return [None for _ in sizes]
        generator = torch.Generator().manual_seed(
            derive_seed(self.config.run.seed, "exploration", self.at.step)
        )
        own = sum(sizes)
        drawn = torch.rand(2, own * self.world.size, generator=generator)
        first = own * self.world.rank
        return list(drawn[:, first : first + own].to(self.device).split(sizes, 1))

    def _micro_batch(
        self, carry: Any, draws: Tensor | None, count: int, sums: Tensor, samples: int, *, last: bool
    ) -> Loop:
        """One loop of a micro-batch's slots and its gradients; ``sums`` collects what it measures.
        ``count``: sequences of the whole step, over which the loss is the mean; ``samples``: of this part,
        those that are not blank."""
        due = self.at.step % self.config.run.target_q_update_every == 0
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
            loss = terms.total / (count / self.world.size)
            (loss if self.scaling is None else self.scaling.scaled(loss)).backward()
        self.watch.mark("backward")
        sums += _measure(loop, terms, self.act.rule.use_continue, samples)
        return loop

    def _first_carry(self, n: int, batch: Any) -> Any:
        """The carry before a micro-batch's first loop: fresh, or what a checkpoint holds."""
        if n < len(self.saved_carries):
            return self.act.restore(self.saved_carries[n], batch)
        return self.act.start(batch)

    def _update(self, rows: list[SparseRows], factor: float) -> None:
        """Take the gradients in and clear them; ``rows`` are those of all micro-batches of all processes."""
        run = self.config.run
        if self.scaling is not None and not self.scaling.unscale(self._collected(rows)):
            clear(self.dense)
            return
        take_step(run, self.dense, rows, factor, self.average)

    def _collected(self, rows: list[SparseRows]) -> list[Tensor]:
        """Every gradient of this step."""
        groups = [group for part in self.dense for group in part.optimizer.param_groups]
        known = [*(p for group in groups for p in group["params"]), *(part.values for part in rows)]
        return [part.grad for part in known if part.grad is not None]

    def _leave_out(self, loops: list[Loop]) -> None:
        """After a loss that is no number: stop, or forget the step and empty the slots it spoilt."""
        clear(self.dense)
        if self.config.run.on_nan == "stop":
            bad = [~loop.logits.isfinite().flatten(1).all(1) for loop in loops]
            tasks = [loop.tasks[b] if b.any() else loop.tasks for loop, b in zip(loops, bad, strict=True)]
            found = self.world.gather(torch.cat(tasks).tolist())
            raise NotANumber(self.at.step, sorted({task for part in self.world.tell(found) for task in part}))
        self.skipped += 1
        self.carries = [self.act.reset(loop.carry) for loop in loops]

    def averaged(self) -> nn.Module:
        """A network of its own with the averaged parameters, not compiled, in the full recurrences."""
        network = self.feed.network
        with torch.random.fork_rng(devices=[]):  # its start is not used, and nothing else shall notice
            own = self.config.arch.build(network, torch.Generator()).to(self.device)
        state = dict(self.network.state_dict())
        if self.average is not None:
            names = [name for name, _ in self.network.named_parameters()]
            state |= dict(zip(names, self.average.values, strict=True))
        own.load_state_dict(state)
        return own.eval()

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds beside the slots; raw weights and their average apart."""
        average = None if self.average is None else [self.average.steps, self.average.values]
        return {
            "config": self.config.to_dict(),
            "network_config": self.feed.network.to_dict(),
            "tasks": self.feed.identity,
            "former": self.former,
            "network": self.network.state_dict(),
            "memory": {} if self.memory is None else self.memory.state_dict(),
            "average": average,
            "optimizers": [part.optimizer.state_dict() for part in self.dense],
            "position": asdict(self.at),
            "skipped": self.skipped,
            "processes": self.world.size,
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def own_state(self) -> dict[str, Any]:
        """What a checkpoint holds of each process: the slots of each micro-batch."""
        return {"slots": [self.act.store(carry) for carry in self.carries] or self.saved_carries}


def _measure(loop: Loop, terms: LossTerms, use_continue: bool, samples: int) -> Tensor:
    with torch.no_grad():
        counted = loop.halted & terms.labelled
        says = loop.q_halt > loop.q_continue if use_continue else loop.q_halt > 0
        columns = (counted, terms.cell_accuracy, terms.correct, says == terms.correct, loop.steps)
        finished = [torch.where(counted, column, 0).double().sum() for column in columns]
        losses = [part.detach().double() for part in (terms.total, terms.lm, terms.q_halt, terms.q_continue)]
        return torch.stack([*finished, *losses, torch.full_like(losses[0], samples)])


def metrics(sums: Tensor) -> dict[str, float]:
    """Means of what steps measured: of finished sequences where there are any, and of losses over all."""
    values = sums.tolist()
    finished = dict(zip(FINISHED, values, strict=False))
    count = finished.pop("count")
    found = {name: value / count for name, value in finished.items()} if count else {}
    if found:  # what always saying the commoner of right and wrong would have of q_halt_accuracy
        found["q_halt_base_rate"] = max(found["exact_accuracy"], 1 - found["exact_accuracy"])
    losses = zip(LOSSES, values[LOSS:-1], strict=True)
    return {"finished": count, **found, **{name: value / values[-1] for name, value in losses}}


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
    matrices = config.matrix_lr or (config.lr if config.use_muon else 0.0)
    released = config.muon_variant == "released"
    weights = of_weights(
        network, beside, config.lr, betas, config.weight_decay, matrices=matrices, released=released
    )
    return [*weights, *tasks]


def take_step(
    config: RunConfig,
    dense: list[Dense],
    rows: list[SparseRows],
    factor: float,
    average: Average | None,
) -> None:
    """One update of everything from the gradients that have been collected, which are then cleared.

    ``factor`` multiplies every rate.
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
