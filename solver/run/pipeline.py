"""Solving a set of tasks, from guesses to a submission, on one screen.

Torch is loaded by the workers, not here: the supervising process stays small and holds no device.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from solver.arc.checksum import task_checksum
from solver.arc.journal import Header, Journal, is_journal
from solver.arc.policy import Policy
from solver.arc.task import Task, load_tasks
from solver.processors import cpu_workers
from solver.run.executor import Executor, NoWorker
from solver.run.launch import Launcher
from solver.run.ledger import Ledger
from solver.run.message import Answered, Done, Job, Ready, WorkerSettings
from solver.run.options import Listener, SolveOptions, TaskResult
from solver.run.plan import Plan
from solver.run.schedule import GRACE
from solver.run.scratch import Scratch
from solver.run.supervisor import Handlers, Supervisor
from solver.run.weights_choice import Choice, choose, with_views
from solver.run.worker import open_source
from solver.weights_card import read_card

DEFAULT_OPTIONS = SolveOptions()


def solve(
    tasks: Sequence[Task],
    *,
    output: Path | None = None,
    options: SolveOptions = DEFAULT_OPTIONS,
    on_start: Callable[[str], None] | None = None,
    on_result: Callable[[TaskResult], None] | None = None,
    listener: Listener | None = None,
    journal: Path | None = None,
    resume: bool = False,
    executor: Executor | None = None,
) -> list[TaskResult]:
    """Guesses for every task first, then the network on one group of tasks after another.

    ``output`` holds a valid submission from the first moment on and is replaced after each result.
    Test outputs, where ``tasks`` hold them, are taken away before anything reads them. ``journal``:
    every candidate; with ``resume`` an earlier run's is gone on with. ``on_start`` and ``on_result``
    are short for a ``listener`` with these two. ``executor``: what runs the workers;
    None: processes of this machine.
    """
    listener = listener or Listener()
    listener = replace(listener, start=on_start or listener.start, result=on_result or listener.result)
    run = Run(tasks, output, options, listener, executor or Launcher())
    return run.go(journal, resume)


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
        self.options = with_views(options, len(tasks))
        self._augmentations = options.augmentations  # as they were asked for: a run resumes with any number
        self.last: dict[str, TaskResult] = {}
        self.restored: list[TaskResult] = []
        self.choice = Choice()

    def go(self, journal: Path | None, resume: bool) -> list[TaskResult]:
        """The whole run; a worker loads the network while the guesses are made."""
        header = Header()
        try:
            self.choice = choose(self.hidden, self.options)
            if self.options.replay:
                load_tasks(self.options.replay)  # what is wrong with it is said before hours of work
            header = self._header()
        except ValueError as error:
            if not self.options.lenient:
                raise
            self.listener.say(f"{error}; every task is left to guesses")
        folder = self.choice.folder
        known = {task_id: str(found.resolve()) for task_id, found in self.choice.known.items()}
        self.plan = Plan(self.hidden, self.options, start=self.started, known=known)
        scratch = Scratch(header) if self.options.tune in ("joint", "auto") else None
        if scratch is not None:
            self.plan.scratch = scratch.open(keep=resume)
        results = self._work_on(journal, resume, header, folder)
        if scratch is not None:
            scratch.remove()
        return results

    def _work_on(
        self, journal: Path | None, resume: bool, header: Header, folder: Path | None
    ) -> list[TaskResult]:
        supervisor = self._supervisor(folder) if folder and self.options.workers != 0 else None
        if supervisor is None:
            return self._with_guesses(journal, resume, header, folder and (lambda: self._inline(folder)))
        with supervisor:
            return self._with_guesses(journal, resume, header, supervisor.run)

    def _with_guesses(
        self, journal: Path | None, resume: bool, header: Header, work: Callable[[], None] | None
    ) -> list[TaskResult]:
        labels, policy = self.choice.labels, Policy(self.options.vote)
        self.ledger = Ledger(self.hidden, self.output, self.listener.say, labels=labels, policy=policy)
        try:
            if journal is not None:
                self._open_if_possible(journal, resume, header)
            self.ledger.write(first=not self.options.lenient)  # what a refused journal leaves as it was
            self.ledger.propose_rules()
            self.ledger.write()
            if work is not None:
                work()
        except NoWorker as error:
            if not self.options.lenient:
                raise
            self.listener.say(f"{error}; the rest is left to guesses")
        finally:
            self._tell_restored()
            self.ledger.close()
        if self.ledger.stale:
            self.ledger.write(first=not self.options.lenient)
        return [self._public(result) for result in self.ledger.results(self.last)]

    def _open_if_possible(self, path: Path, resume: bool, header: Header) -> None:
        try:
            self._open(path, resume, header)
        except ValueError as error:
            if not self.options.lenient:
                raise
            self.listener.say(f"{error}; the run goes on without a journal")

    def _open(self, path: Path, resume: bool, header: Header) -> None:
        """The journal, and what it restores."""
        if resume:
            opened, contents = Journal.resume(path, header)
        else:
            if path.exists():
                if path.stat().st_size and not is_journal(path):
                    raise ValueError(f"{path}: wanted a place for the journal, found another file")
                path.unlink()
            opened, contents = Journal.create(path, header), None
        self.restored = self.ledger.open_journal(opened, contents)
        self.plan.restore((result.phase, result.task.id) for result in self.restored)

    def _header(self) -> Header:
        """What must be the same for a run to resume: tasks, weights and all that decides the answers."""
        options, folder = self.options, self.choice.folder
        assert folder is not None
        checksums = {task.id: task_checksum(task) for task in self.hidden}
        tasks = "".join(task_id + checksum for task_id, checksum in checksums.items())
        try:
            checksum = zlib.crc32((folder / "model.safetensors").read_bytes())
        except OSError:
            checksum = 0  # the worker that cannot load it says so
        chosen = {
            "tasks": f"{zlib.crc32(tasks.encode()):08x}",
            "weights": f"{checksum:08x}",
            "steps": options.steps,
            "augmentations": self._augmentations,
            "tune": options.tune,
            "votes": options.votes,
            "vote": options.vote,
            "replay": options.replay,
            "groups": options.groups,
        }
        if self.choice.known:
            chosen["known"] = self.choice.known_text
        seen = dict.fromkeys(read_card(folder).seen)
        seen |= dict.fromkeys(checksums[task_id] for task_id in self.choice.known)
        return Header(chosen, folder.name, tuple(seen), options.seed)

    # Work

    def _settings(self, folder: Path) -> WorkerSettings:
        options, share = self.options, self.options.workers
        if share is None:
            share = cpu_workers(options.groups or len(self.hidden))
        replay = str(Path(options.replay).resolve()) if options.replay else ""
        return WorkerSettings(
            str(folder.resolve()),
            options.device,
            max(1, share),
            options.tuned_views,
            options.tune,
            options.asked,
            replay,
        )

    def _supervisor(self, folder: Path) -> Supervisor:
        options, deadline = self.options, None
        if options.budget_seconds is not None:
            share, least, most = GRACE
            grace = min(most, max(least, share * options.budget_seconds))
            deadline = self.started + options.budget_seconds + grace
        handlers = Handlers(
            self._ready,
            self._answered,
            self._done,
            self._given_up,
            self.listener.projected,
            self.listener.say,
        )
        return Supervisor(
            self.plan,
            self._settings(folder),
            workers=options.workers,
            handlers=handlers,
            executor=self.executor,
            deadline=deadline,
        )

    def _inline(self, folder: Path) -> None:
        """The same jobs in this process, one after another."""
        solve_job, ready = open_source(self._settings(folder))
        self.plan.begin(ready.kind, 1)
        self._ready(ready, 1)
        while (job := self.plan.next_job(self.executor.clock())) is not None:
            for message in solve_job(job, lambda: None):
                if isinstance(message, Answered):
                    self._answered(message, job)
                elif isinstance(message, Done):
                    self.plan.succeed(job, message.seconds, self._done(message, job))
                elif not self.plan.fail(job):
                    self._given_up(job, message.reason)
            self.listener.projected(self.plan.projected(self.executor.clock()))

    # What the work tells

    def _ready(self, ready: Ready, workers: int) -> None:
        several = f"{workers} x " if workers > 1 else ""
        kind = self.choice.kind
        chosen = f" (the default for {kind})" if kind else ""
        lines = [f"{ready.weights}{chosen} on {several}{ready.reason}", *self.choice.told()]
        lines += self.plan.told()
        if kind and kind != ready.kind:
            lines.append(f"They were chosen for {kind}; on this device --weights may name a better set.")
        self.listener.start("\n".join(lines))
        self._tell_restored()

    def _tell_restored(self) -> None:
        """What an earlier run has finished, as if it had just happened."""
        while self.restored:
            self._tell(self.restored.pop(0))

    def _answered(self, message: Answered, job: Job) -> None:
        self._tell(replace(self.ledger.answered(message, job.phase), at_once=job.untuned))

    def _done(self, message: Done, job: Job) -> float:
        if message.reduced:
            names = ", ".join(task.id for task in job.tasks[:3])
            self.listener.say(f"{names}: {message.reduced}")
        if message.doubted:
            self.plan.doubt(job)
        return self.ledger.disagreement(job.tasks)

    def _given_up(self, job: Job, reason: str) -> None:
        for task in job.tasks:
            self._tell(self.ledger.unanswered(task, job.phase, reason))

    def _public(self, result: TaskResult) -> TaskResult:
        """With the task as the caller gave it."""
        return replace(result, task=self.given[result.task.id])

    def _tell(self, result: TaskResult) -> None:
        self.last[result.task.id] = result
        self.listener.result(self._public(result))
