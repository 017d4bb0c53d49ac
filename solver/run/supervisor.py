"""The supervisor: gives jobs to workers, one for each device, and outlives all of them.

It imports no torch and holds no device. A worker that dies, hangs or fails is replaced; its group waits
once more, then is left to guesses. A device whose workers fail time and again is given up; when none is
left, a GPU run goes on with the CPU, and a CPU run ends with what there is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from solver.run.executor import LAST_WORDS, Executor, NoWorker, Worker
from solver.run.message import Answered, Beat, Done, Failed, Job, Message, Ready, Refused, WorkerSettings
from solver.run.plan import Plan
from solver.run.schedule import START_CAP, STRIKES

DIED = "its process died"
RETRIED, LEFT = "tried once more", "left to guesses"  # what becomes of the job of a worker that is lost
PROJECTION_SECONDS = 5.0  # between two looks at the finish
TICK = 0.5  # seconds between two looks at the clock


@dataclass(eq=False)
class Slot:
    """A place for one worker at a time."""

    settings: WorkerSettings
    worker: Worker | None = None
    strikes: int = 0


@dataclass(frozen=True)
class Handlers:
    """What the run does with what the supervisor hears. ``done`` returns how much the votes disagree."""

    ready: Callable[[Ready, int], None]
    answered: Callable[[Answered, Job], None]
    done: Callable[[Done, Job], float]
    given_up: Callable[[Job, str], None]
    projected: Callable[[float], None]
    say: Callable[[str], None]


class Supervisor:
    """Use it as a context: no worker survives it. ``deadline``: when everything is stopped, or None."""

    def __init__(
        self,
        plan: Plan,
        settings: WorkerSettings,
        *,
        workers: int | None,
        handlers: Handlers,
        executor: Executor,
        deadline: float | None = None,
    ) -> None:
        self.plan, self.settings, self.wanted, self.handlers = plan, settings, workers, handlers
        self.executor, self.clock, self.deadline = executor, executor.clock, deadline
        self.slots: list[Slot] = []
        self.begun = False
        self._reason = ""
        self._next_projection = 0.0

    def __enter__(self) -> "Supervisor":
        # The first worker loads while the guesses are made, and tells which devices there are.
        self.slots = [Slot(self.settings)]
        self.slots[0].worker = self.executor.start(self.settings)
        return self

    def __exit__(self, *_: object) -> None:
        for slot in self.slots:
            if slot.worker is not None:
                slot.worker.end()
                slot.worker = None

    def run(self) -> None:
        """Until the plan has nothing left or the deadline is there. NoWorker when no device works."""
        while True:
            now = self.clock()
            if self.deadline is not None and now >= self.deadline:
                self.handlers.say("The time is up: what was being worked on keeps its latest answers.")
                return
            waiting = self._dispatch(now)
            over = self.begun or not self.plan.waits(now)  # a resumed run may have nothing left to do
            if over and not waiting and not self.plan.running:
                return
            self._listen(now)
            if not self.slots:
                raise NoWorker(self._reason)

    def _dispatch(self, now: float) -> bool:
        """Give work to every idle worker; start missing ones. True while any worker is still to come."""
        coming = False
        for slot in self.slots:
            if slot.worker is None:
                slot.worker = self.executor.start(slot.settings)
            worker = slot.worker
            if not worker.ready:
                coming = coming or self.plan.waits(now)
                continue
            if worker.job is None:
                job = self.plan.next_job(now)
                if job is not None:
                    worker.give(job, now)
        return coming

    def _listen(self, now: float) -> None:
        """Hear every worker once, or wait a tick; then look for those that hang."""
        slots = {slot.worker: slot for slot in self.slots if slot.worker is not None}
        tick = TICK if self.deadline is None else max(0.0, min(TICK, self.deadline - now))
        for worker, message in self.executor.listen(list(slots), tick):
            slot = slots[worker]
            if slot.worker is not worker:  # lost by an earlier word of these: nothing it said later counts
                continue
            if message is None:
                self._lose(slot, DIED)
            else:
                self._hear(slot, message)
        now = self.clock()
        for slot in [slot for slot in self.slots if slot.worker is not None]:
            if slot.worker.hangs(now, START_CAP):
                self._lose(slot, "it gave no sign of life in time")
        if self.begun and now >= self._next_projection:
            self._next_projection = now + PROJECTION_SECONDS
            self.handlers.projected(self.plan.projected(now))

    def _hear(self, slot: Slot, message: Message) -> None:
        worker = slot.worker
        worker.heard = self.clock()
        if isinstance(message, Ready):
            worker.ready = True
            if not self.begun:
                self._begin(message)
        elif isinstance(message, Refused):
            self._reason = message.text
            self._lose(slot, message.text, final=message.about == "weights" or not self.begun)
        elif isinstance(message, Answered):
            self.handlers.answered(message, worker.job)
        elif isinstance(message, Done):
            disagreement = self.handlers.done(message, worker.job)
            self.plan.succeed(worker.job, message.seconds, disagreement)
            worker.job, slot.strikes = None, 0
        elif isinstance(message, Failed):
            self._lose(slot, message.reason)
        else:
            assert isinstance(message, Beat), message

    def _begin(self, ready: Ready) -> None:
        """The first worker is there: one slot for each place that the executor has."""
        places = self.executor.places(self.settings, ready, self.wanted)
        self.slots[0].settings = places[0]
        self.slots += [Slot(settings) for settings in places[1:]]
        self.begun = True
        self.plan.begin(ready.kind, len(places))
        self.handlers.ready(ready, len(places))

    def _lose(self, slot: Slot, reason: str, *, final: bool = False) -> None:
        """The slot's worker is of no more use: end it, requeue its job, or give up job or slot."""
        worker = slot.worker
        died = reason == DIED
        how = worker.end(patience=LAST_WORDS if died else 0.0)
        slot.worker = None
        slot.strikes += 1
        if died:
            reason = f"{reason} ({how})"
        self._reason = reason
        if worker.job is not None:
            again = self.plan.fail(worker.job)
            names = ", ".join(task.id for task in worker.job.tasks[:3])
            self.handlers.say(f"{names}: {reason}; {RETRIED if again else LEFT}")
            if not again:
                self.handlers.given_up(worker.job, reason)
        elif not worker.ready:
            self.handlers.say(f"A worker on {slot.settings.device} did not start: {reason}")
        if final or slot.strikes >= STRIKES:
            self._give_up(slot, everything=final)

    def _give_up(self, slot: Slot, *, everything: bool) -> None:
        self.slots.remove(slot)
        self.plan.workers = max(1, len(self.slots))
        self.handlers.say(f"Device {slot.settings.device} is given up after {slot.strikes} failures.")
        on_gpu = slot.settings.device not in ("cpu", "mps")
        if not self.slots and on_gpu and self.settings.device == "auto" and not everything:
            self.handlers.say("No GPU is left; the CPU goes on.")
            self.slots += [Slot(replace(self.settings, device="cpu")) for _ in range(self.settings.share)]
            self.plan.workers = len(self.slots)
