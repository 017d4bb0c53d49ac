"""What strikes a run of the fault campaign from outside: a worker, an actor or a node of it is killed."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.promises import Stage, finished, marked

TICK = 0.05  # seconds between two looks at the run


def strike(stage: Stage, process: subprocess.Popen, number: int, at: float) -> None:
    """Kill a part of the run so many seconds after its start, or as soon as there is such a part; each time
    leaves a file among the stage's hits. The first strike (``number`` 0) waits no longer than for the first
    result, so that it does not come too late."""
    began = time.monotonic()
    while process.poll() is None:
        due = time.monotonic() - began >= at or (number == 0 and finished(stage.journal))
        if due and _kill(stage, process.pid):
            (stage.hits / f"{stage.scenario}-{number}").touch()
            return
        time.sleep(TICK)


def _kill(stage: Stage, pid: int) -> bool:
    """Whether there was anything to kill."""
    if stage.scenario == "node killed":
        return _kill_a_node(stage)
    pids = stage.nodes.actors() if stage.scenario == "actor killed" else _workers(stage, pid)
    with suppress(OSError):  # it has ended meanwhile
        for youngest in pids[-1:]:
            os.kill(youngest, signal.SIGKILL)
            return True
    return False


def _kill_a_node(stage: Stage) -> bool:
    """The node that has the youngest actor of the run: one without an actor would be missed by nobody."""
    for actor in reversed(stage.nodes.actors()):
        index = stage.nodes.node_of(actor)
        if index >= 0:
            stage.nodes.kill(index)
            return True
    return False


def _workers(stage: Stage, pid: int) -> list[int]:
    """The worker processes of a run, the youngest last. On Ray actors have started them, not ``pid``."""
    if stage.nodes:
        return sorted(found for found in marked(stage.mark) if found != pid)
    with suppress(OSError):  # the run has ended
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
