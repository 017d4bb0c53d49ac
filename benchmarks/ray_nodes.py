"""A Ray cluster on this machine, for tests and the fault campaign: a head without processors, and nodes."""

import os
import re
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ray._private.node import Node
from ray.cluster_utils import Cluster as Nodes

from solver.run.launch import PACKAGE_FOLDER

T = TypeVar("T")
SETTINGS = {  # told to nobody; not nicer than other work; no worker for a task that no run has
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_prestart_worker_first_driver": "0",
    "PYTHONPATH": PACKAGE_FOLDER,
}
STORE = 80 * 2**20  # bytes of a node's object store, near the least that Ray takes
ACTOR = b"ray::Seat"  # how the command line of an actor begins


@contextmanager
def inherited() -> Iterator[None]:
    """What the nodes and their workers inherit."""
    before = dict(os.environ)
    os.environ |= SETTINGS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of Ray's own log files
            yield
    finally:
        os.environ.clear()
        os.environ |= before


class TimedOut:
    """Passes over what Ray says when it gave the thing it starts too little time; it has no type for that."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return bool(re.search("timed out during startup|no cluster at ray://", str(error)))


def patiently(start: Callable[[], T]) -> T:
    """Ray gives whatever it starts 30 seconds, however busy the machine is; then it has another try."""
    for _ in range(3):
        with TimedOut():
            return start()
    return start()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class RayNodes:
    """``address``: what a driver on this machine connects to; ``client``: what any other would. ``cpus``:
    processors that each node says it has."""

    def __init__(self, cpus: int = 1) -> None:
        port = _free_port()
        head = dict(num_cpus=0, include_dashboard=False, ray_client_server_port=port)
        with inherited():
            self.cluster = patiently(
                lambda: Nodes(True, head_node_args={**head, "object_store_memory": STORE})
            )
        self.address, self.client = self.cluster.address, f"ray://127.0.0.1:{port}"
        self.cpus = cpus
        self.nodes: list[Node] = []

    def fill(self, count: int) -> "RayNodes":
        """Start what is missing to so many nodes."""
        while len(self.nodes) < count:
            with inherited():
                self.nodes.append(patiently(self._add))
        return self

    def _add(self) -> Node:
        return self.cluster.add_node(num_cpus=self.cpus, object_store_memory=STORE)

    def kill(self, index: int = -1) -> None:
        """A node, the newest unless said otherwise, as when its power fails."""
        self.cluster.remove_node(self.nodes.pop(index), allow_graceful=False)

    def actors(self) -> list[int]:
        """The processes of the cluster's actors, the youngest last."""
        lines = {pid: _command(pid) for pid in _descendants(os.getpid())}
        return sorted(pid for pid, line in lines.items() if line.startswith(ACTOR))

    def node_of(self, pid: int) -> int:
        """The index of the node that has started a process; -1: none has."""
        for index, node in enumerate(self.nodes):
            for process in node.all_processes["raylet"]:
                if pid in _descendants(process.process.pid):
                    return index
        return -1

    def close(self) -> None:
        """Stop the rest of them, and the head."""
        self.cluster.shutdown()


def _command(pid: int) -> bytes:
    with suppress(OSError):  # it has ended
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _descendants(pid: int) -> Iterator[int]:
    """The processes that ``pid``, or those that it started, have started."""
    children: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (thread / "children").read_text().split())
    for child in children:
        yield child
        yield from _descendants(child)
