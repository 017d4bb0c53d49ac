"""A Ray cluster on this machine: a head without processors, and nodes with one each."""

import os
from pathlib import Path

from ray.cluster_utils import Cluster as Nodes
from training import free_port

STORE = 80 * 2**20  # bytes of a node's object store, near the least that Ray takes
SILENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}


class RayNodes:
    """``address``: what a driver on this machine connects to; ``client``: what any other would."""

    def __init__(self) -> None:
        os.environ |= SILENT
        port = free_port()
        head = dict(num_cpus=0, include_dashboard=False, ray_client_server_port=port)
        self.cluster = Nodes(True, head_node_args={**head, "object_store_memory": STORE})
        self.client = f"ray://127.0.0.1:{port}"
        self.nodes: list = []

    @property
    def address(self) -> str:
        return self.cluster.address

    def fill(self, count: int) -> "RayNodes":
        """Start what is missing to so many nodes."""
        while len(self.nodes) < count:
            self.nodes.append(self.cluster.add_node(num_cpus=1, object_store_memory=STORE))
        return self

    def kill(self) -> None:
        """The newest node, as when its power fails."""
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)

    def stop(self) -> None:
        self.cluster.shutdown()


def environment(pid: int) -> bytes:
    """What a process was started with; nothing for one that is gone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
