"""What every run promises, whatever strikes it, and whether a run of the fault campaign kept it.

Exit status 0 unless it was the one that was killed; a valid submission, equal to what the policy makes of
the journal; every candidate of a task that was told as finished is in the journal; no process and no scratch
folder is left; the clock is kept; whatever befell joint tuning, each task is finished by itself behind it. On
Ray the processes of the standing cluster are no part of the run, its actors are.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from solver.arc.candidate import same_grid
from solver.arc.journal import Contents, read_journal
from solver.arc.pool import rank_journal
from solver.arc.submission import read_submission, validate_submission
from solver.arc.task import Pair, Task, as_grid, read_json
from solver.choices import START, TUNE
from solver.run.schedule import GRACE
from solver.run.temporary import JOINT as SCRATCH

if TYPE_CHECKING:
    from benchmarks.ray_nodes import RayNodes

WORKER_FAULTS = ("die", "hang", "memory", "nan", "error", "vanish")
RUN_FAULTS = (
    "worker killed",
    "supervisor killed",
    "truncated weights",
    "disk full",
    "read-only output",
    "clock near its end",
)
IN_JOINT = "joint "  # how the kinds begin that strike in the middle of joint tuning
JOINT_FAULTS = tuple(
    IN_JOINT + kind for kind in ("die", "hang", "memory", "nan", "supervisor killed", "disk full")
)
SCENARIOS = (*WORKER_FAULTS, *RUN_FAULTS, *JOINT_FAULTS)
RAY_FAULTS = ("actor killed", "node killed")  # what processes of this machine have not
OUTER_FAULTS = ("worker killed", *RAY_FAULTS)  # which ``benchmarks.strike`` brings about
LEFT_OUT = {
    "head killed": "the cluster stands for all runs, and a run ends with its head",
    "supervisor killed over ray://": "each would wait for the 30 s that Ray gives a client to come back",
}
EXECUTORS = {"processes": SCENARIOS, "ray": (*SCENARIOS, *RAY_FAULTS)}
MARK = "ARC_FAULT_RUN"  # in the environment of every process of a run: how orphans are found
FULL, TOLD, TOOK = "the disk is full now", "told", "took"  # how lines of the run begin


@dataclass(frozen=True)
class Pace:
    """``clean``: seconds of a run without a fault on this machine, from which every other time derives.
    ``patience``: until a worker is taken to hang. ``limit``: until a run is."""

    clean: float

    @property
    def patience(self) -> float:
        return max(3.0, self.clean)

    @property
    def limit(self) -> float:
        return 60.0 + 40.0 * self.clean


@dataclass(frozen=True)
class Ended:
    """How the process of a run ended. ``status``: None where it was killed, ``meant``: on purpose.
    ``lines``: what it said."""

    status: int | None
    meant: bool
    lines: tuple[str, ...]

    def told(self) -> set[tuple[str, str]]:
        """(phase, task id) of the results that the run told while its disk took them."""
        whole = self.lines.index(FULL) if FULL in self.lines else len(self.lines)
        words = [line.split() for line in self.lines[:whole]]
        return {(word[1], word[2]) for word in words if word[:1] == [TOLD] and len(word) == 3}

    def took(self) -> float | None:
        """Seconds of the work alone, without the start of the process."""
        words = [line.split() for line in self.lines]
        return next((float(word[1]) for word in words if word[:1] == [TOOK] and len(word) == 2), None)


@dataclass(frozen=True)
class Stage:
    """Everything of one run but its process. ``nodes``: of the Ray cluster that it works on, if any."""

    scenario: str
    folder: Path
    settings: dict[str, object]
    environment: dict[str, str]
    pace: Pace
    nodes: "RayNodes | None" = None

    @property
    def mark(self) -> str:
        return self.environment[MARK]

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def hits(self) -> Path:
        """A file for each time that the fault struck."""
        return self.folder / "hits"

    @property
    def joint(self) -> bool:
        return self.scenario.startswith(IN_JOINT)

    @property
    def kind(self) -> str:
        """Of the fault, wherever it strikes."""
        return self.scenario.removeprefix(IN_JOINT)


def tiny_tasks() -> list[Task]:
    """Three tasks of the smallest kind; what they ask is of no importance."""
    generator = np.random.default_rng(5)
    grids = [as_grid(generator.integers(0, 4, (3, 3))) for _ in range(3)]
    pairs = [Pair(grid, as_grid(grid[:, ::-1])) for grid in grids]
    return [Task(name, tuple(pairs[:2]), (Pair(grids[2]),)) for name in ("a1", "b2", "c3")]


def broken_promise(stage: Stage, ended: Ended, *, resumed: bool = False) -> str:
    """The first promise that this process of the run broke, or an empty string."""
    last = " | ".join(ended.lines[-4:])[-400:]
    if ended.status is None and not ended.meant:
        return f"it did not end in {stage.pace.limit:.0f} s: {last}"
    if ended.status:
        return f"exit status {ended.status}: {last}"
    left = _orphans(stage)
    if left:
        return f"{left} processes are left"
    if ended.status == 0 and list(stage.folder.glob(f"{SCRATCH}*")):
        return "its scratch folder is left"
    try:
        contents = _journal(stage.journal)
        if missing := ended.told() - finished(stage.journal).keys():
            return f"told, but not in the journal: {sorted(missing)}"
        return _check_submission(stage, ended, contents, resumed) or _check_fault(stage, ended, resumed)
    except ValueError as error:
        return str(error)


def _check_submission(stage: Stage, ended: Ended, contents: Contents | None, resumed: bool) -> str:
    """Valid, and unless something kept the last answers out of it, what the policy makes of the journal."""
    output = Path(str(stage.settings["output"]))
    if stage.scenario == "read-only output":
        return "it wrote where nothing can be written" if output.exists() else ""
    if ended.status is None and not output.exists():
        return ""  # killed before its first answers
    validate_submission(read_json(output), tiny_tasks())
    if ended.status is None or contents is None or (stage.kind == "disk full" and not resumed):
        return ""
    answers = read_submission(output)
    for (name, test), ranked in rank_journal(contents).items():
        wanted = [answer.grid for answer in ranked[:2]]
        if not all(same_grid(a, b) for a, b in zip(answers[name][test], wanted, strict=True)):
            return f"task {name}: the submission is not what the policy makes of the journal"
    return ""


def _check_fault(stage: Stage, ended: Ended, resumed: bool) -> str:
    """Whether the fault did strike, and the clock was kept."""
    budget, took = stage.settings["budget"], ended.took()
    clocked = isinstance(budget, float) and ended.status is not None
    late = clocked and (took is None or took > budget + GRACE[1] + stage.pace.clean)
    if late:
        return f"it took {took} s of {budget:.1f}"
    inside = stage.kind in WORKER_FAULTS or (stage.joint and stage.kind == "disk full")
    if (inside or stage.scenario in OUTER_FAULTS) and not any(stage.hits.iterdir()):
        return "the fault did not strike"
    if stage.kind == "disk full" and not resumed and FULL not in ended.lines:
        return "the disk was never full"
    if stage.settings["killed_after"] and not resumed and ended.status is not None:
        return "the supervisor was not killed"
    whole = ended.status == 0 and budget is None and (resumed or stage.kind != "disk full")
    if stage.joint and whole and {(TUNE, task.id) for task in tiny_tasks()} - finished(stage.journal).keys():
        return "a task was not finished behind joint tuning"
    return ""


def _journal(path: Path) -> Contents | None:
    """What the journal holds; None where not even its header was written."""
    if not path.exists() or b"\n" not in path.read_bytes():
        return None
    return read_journal(path)


def finished(path: Path) -> dict[tuple[str, str], int]:
    """Number of candidates of the latest event by the (phase, task id) that workers have finished."""
    contents = _journal(path)
    events = contents.records if contents else ()
    return {(e.phase, e.task_id): sum(map(len, e.candidates)) for e in events if e.phase != START}


def _orphans(stage: Stage) -> int:
    """Processes that carry the run's mark, and actors, after some seconds in which they may end."""
    until = time.monotonic() + 5 + stage.pace.clean
    while (left := _processes(stage)) and time.monotonic() < until:
        time.sleep(0.1)
    return left


def _processes(stage: Stage) -> int:
    return len(list(marked(stage.mark))) + (len(stage.nodes.actors()) if stage.nodes else 0)


def marked(mark: str) -> Iterator[int]:
    """The processes that carry a run's mark: its own, its workers, and what these have started."""
    wanted = f"{MARK}={mark}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)
