"""A Ray cluster on this machine: a head without processors, and nodes with one each."""

import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from conftest import ROOT
from ray.cluster_utils import Cluster as Nodes
from training import free_port

T = TypeVar("T")
STORE = 80 * 2**20  # bytes of a node's object store, near the least that Ray takes


@contextmanager
def inherited() -> Iterator[None]:
    """What the nodes and their workers inherit: nothing is told to Ray's makers, this checkout is found."""
    before = dict(os.environ)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0", "PYTHONPATH": str(ROOT)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of Ray's own log files
            yield
    finally:
        os.environ.clear()
        os.environ |= before


def patiently(start: Callable[[], T]) -> T:
    """Ray gives whatever it starts 30 seconds, however busy the machine is; then it has another try."""
    for _ in range(3):
        try:
            return start()
        except Exception as error:  # Ray raises nothing more precise
            if not re.search("timed out during startup|no cluster at ray://", str(error)):
                raise
    return start()


class RayNodes:
    """``address``: what a driver on this machine connects to; ``client``: what any other would."""

    def __init__(self) -> None:
        port = free_port()
        head = dict(num_cpus=0, include_dashboard=False, ray_client_server_port=port)
        with inherited():
            self.cluster = patiently(
                lambda: Nodes(True, head_node_args={**head, "object_store_memory": STORE})
            )
        self.address, self.client = self.cluster.address, f"ray://127.0.0.1:{port}"
        self.nodes: list = []

    def fill(self, count: int) -> "RayNodes":
        """Start what is missing to so many nodes."""
        while len(self.nodes) < count:
            with inherited():
                node = patiently(lambda: self.cluster.add_node(num_cpus=1, object_store_memory=STORE))
                self.nodes.append(node)
        return self

    def kill(self) -> None:
        """The newest node, as when its power fails."""
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)

    def stop(self) -> None:
        """The rest of them."""
        self.cluster.shutdown()
