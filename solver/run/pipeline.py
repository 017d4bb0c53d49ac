"""Solving a set of tasks, from the first valid submission to the last, on one screen.

Torch is loaded by the network's workers, not here: the supervising process stays small and holds no device.
"""

import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from solver.arc.belief import SETTLED
from solver.arc.checksum import task_checksum
from solver.arc.journal import Header, Journal
from solver.arc.policy import Policy
from solver.arc.task import Task, load_tasks
from solver.choices import NETWORK
from solver.file import move_aside
from solver.processors import available_cpus, cpu_workers
from solver.run.events import Listener, TaskResult
from solver.run.launch import Executor, InProcess, Launcher, UnfinishedError
from solver.run.ledger import Ledger
from solver.run.message import Answered, Done, Job
from solver.run.plan import Plan
from solver.run.queue import TaskQueue
from solver.run.schedule import GRACE
from solver.run.settings import SolveOptions, resolve
from solver.run.sources import Source, find_sources
from solver.run.supervisor import Began, Event, GivenUp, Heard, Pool, Projected, Supervisor
from solver.run.temporary import JOINT, TemporaryFolder
from solver.weights_card import read_card

DEFAULT_OPTIONS = SolveOptions()
# Seconds for the fallbacks of the journal: before the first result, after each, and at the end.
FIRST_SECONDS, SLICE_SECONDS, LAST_SECONDS = 1.0, 0.1, 2.0


class JournalError(ValueError):
    """The journal cannot be opened where it should be, or is another run's."""


def solve(
    tasks: Sequence[Task] | str | Path,
    *,
    output: Path | None = None,
    options: SolveOptions = DEFAULT_OPTIONS,
    listener: Listener | None = None,
    journal: Path | None = None,
    resume: bool = False,
    keep: bool = False,
    executor: Executor | None = None,
    must_write: bool = True,
) -> list[TaskResult]:
    """Every source on every task, as long as the options say. ``tasks``: those, or what ``load_tasks`` reads.

    ``output`` holds a valid submission from the first moment on and is replaced after each result.
    Test outputs, where ``tasks`` hold them, are taken away before anything reads them. ``journal``:
    every candidate. One that an earlier run has left is refused, unless ``resume`` reads and continues
    it, or ``keep`` moves it aside with its submission (``file.backup_of``) once all settings are accepted and
    a worker is ready; until then neither file is touched. ``executor``: what runs the workers; None:
    processes of this machine, or this process where ``options.workers`` is 0. ``must_write``: a submission
    that cannot be written at the start is a ValueError; without it the run says so and tries again with
    every result.
    """
    if executor is None:
        executor = InProcess() if options.workers == 0 else Launcher()
    if isinstance(tasks, (str, Path)):
        tasks = load_tasks(tasks)
    files = Files(journal, resume, keep, must_write)
    return Run(tasks, output, options, listener or Listener(), executor).go(files)


@dataclass(frozen=True)
class Files:
    """What becomes of the journal and of what lies there already; fields as in ``solve``."""

    journal: Path | None
    resume: bool
    keep: bool
    must_write: bool

    @property
    def held(self) -> bool:
        """Whether an earlier run's files stay as they are until a worker is ready."""
        return self.resume or self.keep


class Run:
    """One call of ``solve``."""

    def __init__(
        self,
        tasks: Sequence[Task],
        output: Path | None,
        options: SolveOptions,
        listener: Listener,
        executor: Executor,
    ) -> None:
        self.started = executor.clock()
        self.given = {task.id: task for task in tasks}
        self.hidden = [task.without_test_outputs() for task in tasks]
        self.output, self.listener, self.executor = output, listener, executor
        self.said = options
        self.settings = resolve(self.hidden, options, executor.devices(options, len(tasks)))
        if self.settings.replay:
            load_tasks(self.settings.replay)  # what is wrong with it is said before hours of work
        self.plans: dict[str, Plan | TaskQueue] = {}
        self.last: dict[str, TaskResult] = {}
        self.waiting: list[TaskResult] = []  # until the run has begun
        self.begun = False

    def go(self, files: Files) -> list[TaskResult]:
        """The whole run; workers load while the first answers are written and the journal is read."""
        self.files = files
        self.header, folder = self._header(), None
        if self.settings.weights and self.said.tune in ("joint", "auto"):
            folder = self._joint_folder()
        finished = False
        try:
            self._work(str(folder.path) if folder else "")
            finished = True
        except UnfinishedError as error:
            error.results = tuple(self._results())
            raise
        finally:
            if folder is not None:
                folder.close(remove=finished)
        return self._results()

    def _joint_folder(self) -> TemporaryFolder:
        """For jointly tuned weights. A run that resumes this one finds it by the place of the journal."""
        journal = self.files.journal
        name = journal and json.dumps([str(journal.absolute()), asdict(self.header)], sort_keys=True)
        folder = TemporaryFolder(JOINT, time.time(), name)
        if not self.files.resume:
            folder.clear()
        return folder

    def _work(self, folder: str) -> None:
        pools = [self._pool(source, folder) for source in find_sources(self.said.sources)]
        plain = [pool for pool in pools if pool.settings.plain]
        if self._shares_processors() and plain:
            for pool in pools:
                pool.after = None if pool.settings.plain else plain[-1]
        with Supervisor(pools, workers=self.said.workers, deadline=self._deadline()) as supervisor:
            self.ledger = Ledger(
                self.hidden,
                self.output,
                self.listener.say,
                labels=self.settings.labels,
                policy=Policy(self.said.vote, self.said.sources),
                held=self.files.held,
                clock=self.executor.clock,
            )
            try:
                if not self.files.keep:
                    self._open()
                self.ledger.write(first=self.files.must_write)
                self.ledger.keep_fallbacks(FIRST_SECONDS)
                for event in supervisor.run():
                    self._take(event)
                    self.ledger.write()
                    self.ledger.keep_fallbacks(SLICE_SECONDS)
                self._accept()
            finally:
                self._tell_waiting()
                self.ledger.keep_fallbacks(LAST_SECONDS)
                self.ledger.write(now=True)
                self.ledger.close()
        if self.ledger.behind:
            try:
                self.ledger.write(first=True)
            except ValueError as error:
                raise UnfinishedError(str(error)) from error

    def _results(self) -> list[TaskResult]:
        return [self._public(result) for result in self.ledger.results(self.last)]

    def _accept(self) -> None:
        """A worker is ready, or there is nothing left to do: from here on the files are written."""
        if not self.ledger.held:
            return
        self.ledger.held = False
        files = self.files
        if files.keep or self.ledger.replaces_another():
            self._say_kept(self.ledger.keep_old())
        if files.keep:
            if files.journal is not None:
                self._say_kept(move_aside(files.journal))
            self._open()
        self.ledger.write(first=files.must_write)

    def _say_kept(self, kept: Path | None) -> None:
        if kept is not None:
            self.listener.say(f"The file that was there is kept as {kept}.")

    def _open(self) -> None:
        """The journal, and what it restores. Without room for one the run goes on."""
        path = self.files.journal
        if path is None:
            return
        contents = None
        try:
            if self.files.resume:
                opened, contents = Journal.resume(path, self.header)
            else:
                opened = Journal.create(path, self.header)
        except ValueError as error:
            raise JournalError(str(error)) from error
        except OSError as error:
            self.listener.say(f"{path}: no journal, it cannot be written ({error.strerror}); the run goes on")
            return
        restored = self.ledger.open_journal(opened, contents)
        for name, plan in self.plans.items():
            finished = [(result.phase, result.task.id) for result in restored if result.source == name]
            plan.restore(finished, lambda task: self.ledger.disagreement([task]))
        if restored:
            count, names = len({result.task.id for result in restored}), ", ".join(self.said.sources)
            self.listener.say(
                f"Resumed: {path} has answers to {count} of {len(self.hidden)} tasks by {names}."
            )
        for result in restored:
            self._settle(result)
            self._tell(result)

    def _header(self) -> Header:
        """What must be the same for a run to resume: tasks, weights and all that decides the answers."""
        options, settings = self.said, self.settings
        checksums = {task.id: task_checksum(task) for task in self.hidden}
        tasks = "".join(task_id + checksum for task_id, checksum in checksums.items())
        chosen = {
            "tasks": f"{zlib.crc32(tasks.encode()):08x}",
            "sources": ",".join(options.sources),
            "steps": options.steps,
            "search_nodes": options.search_nodes,
            "augmentations": options.augmentations,  # as they were asked for: a run resumes with any number
            "tune": options.tune,
            "votes": options.votes,
            "vote": options.vote,
            "replay": options.replay,
        }
        if not settings.weights:
            return Header(chosen, "", (), options.seed)
        folder = Path(settings.weights)
        try:
            checksum = zlib.crc32((folder / "model.safetensors").read_bytes())
        except OSError:
            checksum = 0  # the worker that cannot load it says so
        chosen["weights"] = f"{checksum:08x}"
        if settings.known:
            chosen["known"] = settings.known_text
        seen = dict.fromkeys(read_card(folder).seen)
        seen |= dict.fromkeys(checksums[task_id] for task_id in settings.known)
        return Header(chosen, folder.name, tuple(seen), options.seed)

    # Work

    def _pool(self, source: Source, folder: str) -> Pool:
        """The source's plan, and the settings and the executor of its workers."""
        options = self.settings.options
        if not source.torch:
            plan = TaskQueue(self.hidden, options, source, start=self.started)
            share = self._plain_workers()
            settings = replace(self.settings, entry=source.entry, plain=True, device="cpu", share=share)
            executor = self.executor.for_plain()
        else:
            share = cpu_workers(len(self.hidden)) if options.workers is None else max(1, options.workers)
            known = self.settings.known
            plan = Plan(self.hidden, options, start=self.started, scratch=folder, known=known)
            settings = replace(self.settings, entry=source.entry, share=share)
            executor = self.executor
        self.plans[source.name] = plan
        return Pool(plan, settings, executor)

    def _plain_workers(self) -> int:
        """Processes of a plain source: as many as were asked for, or one for each processor that the network
        leaves; a network on the CPU waits for it."""
        if self.said.workers is not None:
            return max(1, self.said.workers)
        waits = not self.settings.weights or self._shares_processors()
        devices = 0 if waits else self.executor.devices(self.said, len(self.hidden)).count
        return max(1, min(len(self.hidden), available_cpus() - devices))

    def _shares_processors(self) -> bool:
        """Whether the network works on the processors that plain sources work on."""
        return bool(self.settings.weights) and self.settings.kind == "cpu"

    def _deadline(self) -> float | None:
        """When everything is stopped."""
        budget = self.said.budget_seconds
        if budget is None:
            return None
        share, least, most = GRACE
        return self.started + budget + min(most, max(least, share * budget))

    # What the work tells

    def _take(self, event: Event) -> None:
        if isinstance(event, Began):
            self._began(event)
        elif isinstance(event, Heard):
            message, job = event.message, event.job
            if isinstance(message, Answered):
                result = replace(self.ledger.answered(message, job), at_once=job.untuned)
                if not message.partial:
                    self._settle(result)
                    self._tell(result)
            else:
                self.plans[job.source].succeed(job, message.seconds, self._done(message, job))
        elif isinstance(event, GivenUp):
            if self.listener.lost is None:
                self.listener.say(str(event.lost))
            else:
                self.listener.lost(event.lost)
            if not event.lost.again:
                source, phase = event.job.source, event.job.phase
                for task in event.job.tasks:
                    self._tell(self.ledger.unanswered(task, source, phase, event.lost.reason))
        elif isinstance(event, Projected):
            self.listener.projected(event.seconds)
        else:
            self.listener.say(event.text)

    def _began(self, event: Began) -> None:
        """Say what the run works with: once, when the network is ready, or a plain source where there is
        none."""
        settings, ready = event.pool.settings, event.ready
        if settings.plain:
            if not settings.weights:
                self._start(", ".join(self.said.sources))
            return
        several = f"{event.workers} x " if event.workers > 1 else ""
        chosen = f" (the default for {settings.kind})" if settings.chosen else ""
        lines = [
            f"{ready.weights}{chosen} on {several}{ready.reason}",
            *settings.lines(),
            *event.pool.plan.told(),
        ]
        if settings.chosen and settings.kind != ready.kind:
            lines.append(
                f"They were chosen for {settings.kind}; on this device --weights may name a better set."
            )
        self._start("\n".join(lines))

    def _start(self, text: str) -> None:
        if not self.begun:
            self.begun = True
            self._accept()
            self.listener.start(text)
            self._tell_waiting()

    def _done(self, message: Done, job: Job) -> float:
        if message.reduced:
            names = ", ".join(task.id for task in job.tasks[:3])
            self.listener.say(f"{names}: {message.reduced}")
        if message.doubted:
            self.plans[job.source].doubt(job)
        return self.ledger.disagreement(job.tasks)

    def _settle(self, result: TaskResult) -> None:
        """Spare a task the network whose attempts are almost surely right by what another source found."""
        network = self.plans.get(NETWORK)
        if network and result.source != NETWORK and self.ledger.probability(result.task) >= SETTLED:
            network.settle(result.task.id)

    def _public(self, result: TaskResult) -> TaskResult:
        """With the task as the caller gave it."""
        return replace(result, task=self.given[result.task.id])

    def _tell(self, result: TaskResult) -> None:
        """Tell of a result, once the run has begun."""
        self.last[result.task.id] = result
        self.waiting.append(result)
        if self.begun:
            self._tell_waiting()

    def _tell_waiting(self) -> None:
        while self.waiting:
            self.listener.result(self._public(self.waiting.pop(0)))
