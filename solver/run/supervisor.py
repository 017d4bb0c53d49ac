"""The supervisor: gives jobs to workers and outlives all of them.

It imports no torch and holds no device. Each source has a pool of workers with a plan of its own. A worker
that dies, hangs or fails is replaced; its job waits once more, then its tasks keep the answers that they
have. A device whose workers fail time and again is given up; when none is left, a GPU run goes on with the
CPU, and a CPU run ends with what there is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from solver.run.events import Lost
from solver.run.launch import LAST_WORDS, Executor, NoWorker, Worker
from solver.run.message import Answered, Beat, Done, Failed, Job, Message, Ready, Refused, Said
from solver.run.plan import Plan
from solver.run.queue import TaskQueue
from solver.run.schedule import PLAIN_START_CAP, START_CAP, STRIKES
from solver.run.settings import Settings

DIED = "its process died"
PROJECTION_SECONDS = 5.0  # between two looks at the finish
TICK = 0.5  # seconds between two looks at the clock


@dataclass(eq=False)
class Slot:
    """A place for one worker at a time."""

    settings: Settings
    worker: Worker | None = None
    strikes: int = 0


@dataclass(eq=False)
class Pool:
    """The workers of one source. ``settings``: of the first. ``after``: the pool that has to be done before
    this one gets work, where both would share the processors. ``begun``: whether a worker was ready.
    ``reason``: of the last failure."""

    plan: Plan | TaskQueue
    settings: Settings
    executor: Executor
    after: "Pool | None" = None
    slots: list[Slot] = field(default_factory=list)
    begun: bool = False
    reason: str = ""

    @property
    def over(self) -> bool:
        """Whether nobody is left to work."""
        return not self.slots

    def held(self, now: float) -> bool:
        """Whether the pool before it still works."""
        before = self.after
        return (
            before is not None and not before.over and (before.plan.waits(now) or bool(before.plan.running))
        )


@dataclass(frozen=True, eq=False)
class Began:
    """The first of a pool's ``workers`` is ready."""

    pool: Pool
    ready: Ready
    workers: int


@dataclass(frozen=True, eq=False)
class Heard:
    """An answer to a task, or the end of a job."""

    message: Answered | Done
    job: Job


@dataclass(frozen=True, eq=False)
class GivenUp:
    """A worker was lost with its job; where it is not tried ``lost.again``, its tasks are given up."""

    lost: Lost
    job: Job


@dataclass(frozen=True)
class Projected:
    """Seconds until the run ends."""

    seconds: float


@dataclass(frozen=True)
class Trouble:
    """What else there is to say, in one sentence."""

    text: str


Event = Began | Heard | GivenUp | Projected | Trouble


class Supervisor:
    """Use it as a context: no worker survives it. ``deadline``: when everything is stopped, or None.
    ``workers``: of the network, as ``SolveOptions`` has it."""

    def __init__(self, pools: Sequence[Pool], *, workers: int | None, deadline: float | None = None) -> None:
        self.pools, self.wanted, self.deadline = list(pools), workers, deadline
        self.clock = pools[0].executor.clock
        self._next_projection = 0.0

    def __enter__(self) -> "Supervisor":
        # The first worker of each source loads at once; the network's says which devices there are.
        for pool in self.pools:
            pool.slots = [Slot(pool.settings, pool.executor.start(pool.settings))]
        return self

    def __exit__(self, *_: object) -> None:
        for slot in (slot for pool in self.pools for slot in pool.slots):
            if slot.worker is not None:
                slot.worker.end()
                slot.worker = None

    def run(self) -> Iterator[Event]:
        """What happens until the plans have nothing left or the deadline is there. NoWorker when no device
        of a source works and no other source has work."""
        while True:
            now = self.clock()
            if self.deadline is not None and now >= self.deadline:
                yield Trouble("The time is up: what was being worked on keeps its latest answers.")
                return
            if not [pool for pool in self.pools if self._works(pool, now)]:
                break
            yield from self._listen(now)
        for pool in self.pools:
            if pool.over:
                raise NoWorker(pool.reason)

    def _works(self, pool: Pool, now: float) -> bool:
        """Give work to the pool's idle workers; whether anything is left to wait for."""
        if pool.over:
            return False
        coming, held = False, pool.held(now)
        for slot in pool.slots:
            if slot.worker is None:
                slot.worker = pool.executor.start(slot.settings)
            worker = slot.worker
            if not worker.ready:
                coming = coming or pool.plan.waits(now)
            elif worker.job is None and not held and (job := pool.plan.next_job(now)) is not None:
                worker.give(job, now)
        idle = pool.begun or not pool.plan.waits(now)  # a resumed run may have nothing left to do
        return not idle or coming or held or bool(pool.plan.running)

    def _listen(self, now: float) -> Iterator[Event]:
        """Hear every worker once, or wait a tick; then look for those that hang."""
        places = {slot.worker: (pool, slot) for pool in self.pools for slot in pool.slots if slot.worker}
        tick = TICK if self.deadline is None else max(0.0, min(TICK, self.deadline - now))
        executors = {id(pool.executor): pool.executor for pool in self.pools}
        for executor in executors.values():
            own = [worker for worker, (pool, _) in places.items() if pool.executor is executor]
            if not own:
                continue
            for worker, message in executor.listen(own, tick / len(executors)):
                pool, slot = places[worker]
                if slot.worker is not worker:  # lost by an earlier word: nothing it said later counts
                    continue
                yield from (
                    self._lose(pool, slot, DIED) if message is None else self._hear(pool, slot, message)
                )
        now = self.clock()
        for worker, (pool, slot) in places.items():
            cap = PLAIN_START_CAP if slot.settings.plain else START_CAP
            if slot.worker is worker and worker.hangs(now, cap):
                yield from self._lose(pool, slot, "it gave no sign of life in time", hung=True)
        if now >= self._next_projection and any(pool.begun for pool in self.pools):
            self._next_projection = now + PROJECTION_SECONDS
            yield Projected(max(self._projected(pool, now) for pool in self.pools if pool.begun))

    def _projected(self, pool: Pool, now: float) -> float:
        """Seconds until the pool is done, and the one before it."""
        return pool.plan.projected(now) + (self._projected(pool.after, now) if pool.after else 0.0)

    def _hear(self, pool: Pool, slot: Slot, message: Message) -> Iterator[Event]:
        worker = slot.worker
        worker.heard = self.clock()
        if isinstance(message, Ready):
            worker.ready = True
            if not pool.begun:
                yield self._begin(pool, message)
        elif isinstance(message, Said):
            yield Trouble(message.text)
        elif isinstance(message, Refused):
            final = message.about != "device" or not pool.begun
            yield from self._lose(pool, slot, message.text, final=final)
        elif isinstance(message, Answered):
            yield Heard(message, worker.job)
        elif isinstance(message, Done):
            job, worker.job, slot.strikes = worker.job, None, 0
            yield Heard(message, job)
        elif isinstance(message, Failed):
            yield from self._lose(pool, slot, message.reason)
        else:
            assert isinstance(message, Beat), message

    def _begin(self, pool: Pool, ready: Ready) -> Began:
        """The first worker is there: one slot for each place that the executor has."""
        places = pool.executor.places(pool.settings, ready, self.wanted)
        pool.slots[0].settings = places[0]
        pool.slots += [Slot(settings) for settings in places[1:]]
        pool.begun = True
        pool.plan.begin(ready.kind, len(places))
        return Began(pool, ready, len(places))

    def _lose(
        self, pool: Pool, slot: Slot, reason: str, *, final: bool = False, hung: bool = False
    ) -> Iterator[Event]:
        """The slot's worker is of no more use: end it, requeue its job, or give up job or slot. A job in
        which it ``hung`` has had more than its time: it does not get that twice."""
        worker = slot.worker
        died = reason == DIED
        how = worker.end(patience=LAST_WORDS if died else 0.0)
        slot.worker = None
        slot.strikes += 1
        pool.reason = reason = f"{reason} ({how})" if died else reason
        if worker.job is not None:
            again = pool.plan.fail(worker.job, last=hung and worker.job.given.seconds is not None)
            yield GivenUp(Lost(tuple(task.id for task in worker.job.tasks), reason, again), worker.job)
        elif not worker.ready:
            yield Trouble(f"A worker on {_place(slot.settings)} did not start: {reason}")
        if final or slot.strikes >= STRIKES:
            yield from self._give_up(pool, slot, everything=final)

    def _give_up(self, pool: Pool, slot: Slot, *, everything: bool) -> Iterator[Event]:
        pool.slots.remove(slot)
        pool.plan.workers = max(1, len(pool.slots))
        place = _place(slot.settings)
        yield Trouble(f"{place[0].upper()}{place[1:]} is given up after {slot.strikes} failures.")
        settings = pool.settings
        on_gpu = not settings.plain and slot.settings.device not in ("cpu", "mps")
        if not pool.slots and on_gpu and settings.device == "auto" and not everything:
            yield Trouble("No GPU is left; the CPU goes on.")
            # Where no worker was ready yet, the first that is says how many there shall be.
            count = settings.share if pool.begun else 1
            pool.slots += [Slot(replace(settings, device="cpu")) for _ in range(count)]
            pool.plan.workers = len(pool.slots)


def _place(settings: Settings) -> str:
    return f"source {settings.entry}" if settings.plain else f"device {settings.device}"
