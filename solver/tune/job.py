"""One job, where the network is: tune on a group's demonstrations, predict each test input, hand over.

Out of memory: the batch is halved down to a single view, then the augmentations are, down to one.
What yields no finite number is a failure, not an answer; the second attempt computes in float32.
"""

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch

from solver.budget import Budget
from solver.choices import JOINT, Arm
from solver.model.flops import inference_flop, training_flop
from solver.run.message import Answered, Done, Failed, Job, Known, Message, Ready
from solver.run.schedule import BATCH_TOKENS, CPU_BATCH_FLOP, LEAST_TOKENS, PREDICTED_PER_TUNED, TUNING_SHARE
from solver.run.settings import Settings
from solver.tune.adapt import adapt
from solver.tune.engine import Engine, open_engine
from solver.tune.joint import finish_settings, start_from, tune_jointly
from solver.tune.predict import NOT_FINITE, Asking, Tuned, answer_task, is_finite, outputs_of
from solver.tune.settings import PredictSettings, TuneSettings
from solver.tune.views import canvas_of, fits

_VIEW_CELLS = 300  # of a typical view, for its cost


@dataclass(frozen=True)
class MemoryLimit:
    """What fits into memory: cells of a tuning batch (PREDICTED_PER_TUNED times as many of a predicted
    one) and views."""

    tokens: int
    augmentations: int

    def smaller(self) -> "MemoryLimit | None":
        """The next rung of the ladder; None from the last."""
        if self.tokens > LEAST_TOKENS:
            return replace(self, tokens=max(LEAST_TOKENS, self.tokens // 2))
        if self.augmentations > 1:
            return replace(self, augmentations=self.augmentations // 2)
        return None

    def said(self, full: "MemoryLimit") -> str:
        """What is smaller than it should be; empty when nothing is."""
        parts = []
        if self.tokens < full.tokens:
            parts.append(f"batches of {self.tokens} cells instead of {full.tokens}")
        if self.augmentations < full.augmentations:
            parts.append(f"{self.augmentations} augmentations instead of {full.augmentations}")
        return "out of memory, went on with " + " and ".join(parts) if parts else ""


def open_network(
    settings: Settings,
) -> tuple[Callable[[Job, Callable[[], None]], Iterator[Message]], Ready]:
    """The network as a source: what solves its jobs, and its device (``solver.run.worker.open_source``)."""
    engine, ready = open_engine(settings)
    return partial(solve_job, engine), ready


def solve_job(engine: Engine, job: Job, beat: Callable[[], None]) -> Iterator[Message]:
    """An ``Answered`` for each task (of joint tuning, at each checkpoint), then ``Done``; or ``Failed``
    with its reason as the last message."""
    started = engine.clock()
    if job.attempt:
        engine = replace(engine, placement=replace(engine.placement, dtype=torch.float32))
    if isinstance(job.start, Known) and not job.attempt:
        try:
            engine = engine.knowing(job)
        except ValueError as error:  # the run's own weights can do what they do for any other task
            if job.untuned:
                yield Done(job.number, engine.clock() - started, str(error), doubted=True)
                return
    if slow := too_slow(engine, job):
        for task in job.tasks:
            yield Answered(job.number, task.id, (), 0, 0, 0.0, slow)
        yield Done(job.number, engine.clock() - started)
        return
    full = full_room(engine, job)
    room: MemoryLimit | None = full
    answered: set[str] = set()
    while room is not None:
        try:
            skip = frozenset() if job.phase == JOINT else frozenset(answered)
            for answer in _attempt(engine, job, room, started, beat, skip):
                if answer.note == NOT_FINITE:
                    yield Failed(job.number, NOT_FINITE)
                    return
                answered.add(answer.task_id)
                yield answer
            doubted = job.untuned and not answered
            yield Done(job.number, engine.clock() - started, room.said(full), doubted)
            return
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
        room = room.smaller()
        release_memory()
    yield Failed(job.number, "out of memory even with one view at a time")


def full_room(engine: Engine, job: Job) -> MemoryLimit:
    """What should fit. A known task is answered within seconds: on a CPU a batch of its views is small
    enough for the clock to be looked at in time."""
    kind, config = engine.placement.device.type, engine.weights.config
    tokens = BATCH_TOKENS[kind]
    if job.untuned and kind == "cpu":
        each = inference_flop(config, _VIEW_CELLS, config.loops) / _VIEW_CELLS
        tokens = int(min(tokens, max(LEAST_TOKENS, CPU_BATCH_FLOP / each / PREDICTED_PER_TUNED)))
    return MemoryLimit(tokens, engine.settings.options.tuned_views)


def too_slow(engine: Engine, job: Job) -> str:
    """Why a job of so many seconds gives way at once, or '': a single view of its smallest task, tuned on in
    one step unless the job is untuned and predicted once, takes longer than that even at the device's best
    pace."""
    if engine.pace is None or job.given.seconds is None:
        return ""
    config = engine.weights.config
    canvases = (canvas_of(pair, config) for task in job.tasks for pair in task.train)
    cells = min(height * width for height, width in canvases)
    step = 0.0 if job.untuned or engine.settings.options.tune == "none" else training_flop(config, cells)
    needed = (step + inference_flop(config, cells, config.loops)) / engine.pace
    if needed <= job.given.seconds:
        return ""
    return (
        f"the network is too slow here: a step and a view take {needed:.2g} s or more, "
        f"{job.given.seconds:.2g} s are given"
    )


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
    engine: Engine,
    job: Job,
    room: MemoryLimit,
    started: float,
    beat: Callable[[], None],
    skip: frozenset[str],
) -> Iterator[Answered]:
    """The tasks of the job that are not answered yet, with this much memory; a known task only where it
    need not be tuned."""
    config = engine.weights.config
    side = config.canvas_side
    group = [task for task in job.tasks if fits(task, config)]
    for task in job.tasks:
        if task not in group and task.id not in skip:
            note = f"larger than the network's {side} x {side} canvas"
            yield Answered(job.number, task.id, ((),) * len(task.test), 0, 0, 0.0, note)
    if not group:
        return
    budget, settings = _budget(engine, job, started, beat), _settings(engine, job, room)
    asking = _asking(engine, job, room)
    if job.phase == JOINT:
        yield from tune_jointly(engine, job, group, settings=settings, asking=asking, budget=budget)
        return
    weights, start = engine.weights, None
    if job.joint and len(group) == 1:
        weights, start = start_from(job.joint, engine.weights, group[0], settings, job.seed)
        settings = finish_settings(settings) if start is not None else settings
    tuned = adapt(
        weights,
        group,
        settings=settings,
        budget=budget.part(TUNING_SHARE),
        placement=engine.placement,
        seed=job.seed,
        start=start,
    )
    if not is_finite(tuned):
        yield Answered(job.number, group[0].id, (), 0, tuned.steps, 0.0, NOT_FINITE)
        return
    if job.untuned and _in_doubt(engine, tuned):
        return
    outputs = outputs_of(group)
    tuning = (engine.clock() - started) / len(group)
    for number, task in enumerate(group):
        began = engine.clock()
        answer = answer_task(tuned, number, asking, budget, outputs)
        outputs -= len(task.test)
        if task.id not in skip:
            yield replace(answer, seconds=tuning + engine.clock() - began)


def _settings(engine: Engine, job: Job, room: MemoryLimit) -> TuneSettings:
    tune = engine.settings.options.tune
    arm: Arm = "full" if tune in ("auto", "joint") else tune
    votes = max(room.augmentations, engine.settings.options.votes or 0)
    return TuneSettings(
        arm="none" if job.untuned else arm,
        augmentations=room.augmentations,
        votes=votes,
        free_rows=engine.settings.free_rows,
        tokens=room.tokens,
        hold_share=job.hold_share if engine.settings.hold_share is None else engine.settings.hold_share,
    )


def _asking(engine: Engine, job: Job, room: MemoryLimit) -> Asking:
    """As many views as were asked for; fewer when memory is short."""
    loops = engine.weights.config.loops
    settings = PredictSettings(tokens=room.tokens * PREDICTED_PER_TUNED, loops=loops)
    return Asking(job.number, engine.settings.options.votes or room.augmentations, settings, engine.placement)


def _in_doubt(engine: Engine, tuned: Tuned) -> bool:
    """Whether tuning, where it is allowed, promises more than the trained vector of a known task: it does
    unless every demonstration comes out (docs/LOG.md, "The public set")."""
    return engine.settings.options.tune != "none" and tuned.reproduced[0] < len(tuned.tasks[0].train)


def _budget(engine: Engine, job: Job, started: float, beat: Callable[[], None]) -> Budget:
    if job.given.steps is not None:
        return Budget(steps=job.given.steps, beat=beat)
    return Budget(seconds=job.given.seconds, clock=engine.clock, start=started, beat=beat)
