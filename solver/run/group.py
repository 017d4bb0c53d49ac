"""One job, where the network is: tune on a group's demonstrations, predict each test input, hand over.

Out of memory: the batch is halved down to a single view, then the augmentations are, down to one.
What yields no finite number is a failure, not an answer; the second attempt computes in float32.
"""

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch

from solver.arc.checksum import task_checksum
from solver.model.checkpoint import Weights, load_weights
from solver.model.device import Placement
from solver.model.flops import inference_flop
from solver.run.adapt import adapt
from solver.run.answer import NOT_FINITE, Asking, answer_task, is_finite, outputs_of
from solver.run.budget import Budget
from solver.run.joint import finish_settings, start_from, tune_jointly
from solver.run.message import JOINT, Answered, Done, Failed, Job, Message, WorkerSettings
from solver.run.options import BATCH_TOKENS
from solver.run.settings import PredictSettings, TuneSettings
from solver.run.tuned import Tuned, fits

TUNING_SHARE = 0.9  # of a job's seconds; the rest predicts
PREDICTED_PER_TUNED = 8  # without gradients a batch may hold more
_CPU_BATCH_FLOP = 2e11  # a few seconds of two cores
_VIEW_CELLS = 300  # of a typical view, for its cost
LEAST_TOKENS = 64  # a batch of so few cells holds one view of all but the smallest tasks


@dataclass(frozen=True)
class Room:
    """What fits into memory: cells of a tuning batch (PREDICTED_PER_TUNED times as many of a predicted
    one) and views."""

    tokens: int
    augmentations: int

    def smaller(self) -> "Room | None":
        """The next rung of the ladder; None from the last."""
        if self.tokens > LEAST_TOKENS:
            return replace(self, tokens=max(LEAST_TOKENS, self.tokens // 2))
        if self.augmentations > 1:
            return replace(self, augmentations=self.augmentations // 2)
        return None

    def said(self, full: "Room") -> str:
        """What is smaller than it should be; empty when nothing is."""
        parts = []
        if self.tokens < full.tokens:
            parts.append(f"batches of {self.tokens} cells instead of {full.tokens}")
        if self.augmentations < full.augmentations:
            parts.append(f"{self.augmentations} augmentations instead of {full.augmentations}")
        return "out of memory, went on with " + " and ".join(parts) if parts else ""


@dataclass(frozen=True, eq=False)
class Bench:
    """What a worker works with. ``sets``: other weights that were asked for a task they know, by folder."""

    weights: Weights
    placement: Placement
    settings: WorkerSettings
    clock: Callable[[], float] = time.monotonic
    sets: dict[str, Weights] = field(default_factory=dict)

    def knowing(self, job: Job) -> "Bench":
        """The bench for a task that the weights in ``job.known`` know: their network and its trained vector.
        ValueError where they cannot be loaded."""
        if job.known == self.settings.weights:
            weights = self.weights
        else:
            if job.known not in self.sets:
                self.sets[job.known] = load_weights(job.known)
            weights = self.sets[job.known]
        (task,) = job.tasks
        return replace(self, weights=weights.starting_from(task_checksum(task)))


def solve_job(bench: Bench, job: Job, beat: Callable[[], None]) -> Iterator[Message]:
    """An ``Answered`` for each task (of joint tuning, at each checkpoint), then ``Done``; or ``Failed``
    with its reason as the last message."""
    started = bench.clock()
    if job.attempt:
        bench = replace(bench, placement=replace(bench.placement, dtype=torch.float32))
    if job.known and not job.attempt:
        try:
            bench = bench.knowing(job)
        except ValueError as error:  # the run's own weights can do what they do for any other task
            if job.untuned:
                yield Done(job.number, bench.clock() - started, str(error), doubted=True)
                return
    full = full_room(bench, job)
    room: Room | None = full
    answered: set[str] = set()
    while room is not None:
        try:
            skip = frozenset() if job.phase == JOINT else frozenset(answered)
            for answer in _attempt(bench, job, room, started, beat, skip):
                if answer.note == NOT_FINITE:
                    yield Failed(job.number, NOT_FINITE)
                    return
                answered.add(answer.task_id)
                yield answer
            doubted = job.untuned and not answered
            yield Done(job.number, bench.clock() - started, room.said(full), doubted)
            return
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
        room = room.smaller()
        release_memory()
    yield Failed(job.number, "out of memory even with one view at a time")


def full_room(bench: Bench, job: Job) -> Room:
    """What should fit. A known task is answered within seconds: on a CPU a batch of its views is small
    enough for the clock to be looked at in time."""
    kind, config = bench.placement.device.type, bench.weights.config
    tokens = BATCH_TOKENS[kind]
    if job.untuned and kind == "cpu":
        each = inference_flop(config, _VIEW_CELLS, config.loops) / _VIEW_CELLS
        tokens = int(min(tokens, max(LEAST_TOKENS, _CPU_BATCH_FLOP / each / PREDICTED_PER_TUNED)))
    return Room(tokens, bench.settings.augmentations)


def out_of_memory(error: BaseException) -> bool:
    """Whether the error says that memory is short, on a GPU or in the machine."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return "out of memory" in text or "can't allocate memory" in text


def release_memory() -> None:
    """Hand back what the failed attempt held; its tensors hang on a traceback that is gone by now."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _attempt(
    bench: Bench,
    job: Job,
    room: Room,
    started: float,
    beat: Callable[[], None],
    skip: frozenset[str],
) -> Iterator[Answered]:
    """The tasks of the job that are not answered yet, with this much memory; a known task only where it
    need not be tuned."""
    config = bench.weights.config
    side = config.canvas_side
    group = [task for task in job.tasks if fits(task, config)]
    for task in job.tasks:
        if task not in group and task.id not in skip:
            note = f"larger than the network's {side} x {side} canvas"
            yield Answered(job.number, task.id, ((),) * len(task.test), 0, 0, 0.0, note)
    if not group:
        return
    budget, settings = _budget(bench, job, started, beat), _settings(bench, job, room)
    asking = _asking(bench, job, room)
    if job.phase == JOINT:
        yield from tune_jointly(bench, job, group, settings=settings, asking=asking, budget=budget)
        return
    weights, start = bench.weights, None
    if job.joint and len(group) == 1:
        weights, start = start_from(job.joint, bench.weights, group[0], settings, job.seed)
        settings = finish_settings(settings) if start is not None else settings
    tuned = adapt(
        weights,
        group,
        settings=settings,
        budget=budget.part(TUNING_SHARE),
        placement=bench.placement,
        seed=job.seed,
        start=start,
    )
    if not is_finite(tuned):
        yield Answered(job.number, group[0].id, (), 0, tuned.steps, 0.0, NOT_FINITE)
        return
    if job.untuned and _in_doubt(bench, tuned):
        return
    outputs = outputs_of(group)
    tuning = (bench.clock() - started) / len(group)
    for number, task in enumerate(group):
        began = bench.clock()
        answer = answer_task(tuned, number, asking, budget, outputs)
        outputs -= len(task.test)
        if task.id not in skip:
            yield replace(answer, seconds=tuning + bench.clock() - began)


def _settings(bench: Bench, job: Job, room: Room) -> TuneSettings:
    arm = job.arm or ("full" if bench.settings.tune == "auto" else bench.settings.tune)
    votes = max(room.augmentations, bench.settings.votes)
    return TuneSettings(
        arm="none" if job.untuned else arm,
        augmentations=room.augmentations,
        votes=votes,
        free_rows=bench.settings.free_rows,
        tokens=room.tokens,
        hold_share=job.hold_share if bench.settings.hold_share is None else bench.settings.hold_share,
    )


def _asking(bench: Bench, job: Job, room: Room) -> Asking:
    """As many views as were asked for; fewer when memory is short."""
    settings = PredictSettings(tokens=room.tokens * PREDICTED_PER_TUNED, loops=bench.weights.config.loops)
    return Asking(job.number, bench.settings.votes or room.augmentations, settings, bench.placement)


def _in_doubt(bench: Bench, tuned: Tuned) -> bool:
    """Whether tuning, where it is allowed, promises more than the trained vector of a known task: it does
    unless every demonstration comes out (docs/LOG.md, "The public set")."""
    return bench.settings.tune != "none" and tuned.reproduced[0] < len(tuned.tasks[0].train)


def _budget(bench: Bench, job: Job, started: float, beat: Callable[[], None]) -> Budget:
    if job.steps is not None:
        return Budget(steps=job.steps, beat=beat)
    return Budget(seconds=job.seconds, clock=bench.clock, start=started, beat=beat)
