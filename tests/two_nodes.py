"""Two machines that are one: network namespaces with a cable between them. Linux, as root."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from conftest import ROOT

ADDRESSES = ("10.231.7.1", "10.231.7.2")
PORT = 29400  # free in a namespace of our own


def documented() -> tuple[dict[str, str], list[str]]:
    """Environment and options of the first torchrun command of docs/CLUSTER.md, for toy nodes."""
    text = (ROOT / "docs" / "CLUSTER.md").read_text("utf-8").replace("\\\n", " ")
    exports = dict(re.findall(r"^export (\w+)=(\S+)$", text, re.MULTILINE))
    (line, *_) = re.findall(r"^torchrun (.*) -m train ", text, re.MULTILINE)
    toy = {"HEAD:29400": f"{ADDRESSES[0]}:{PORT}", "8": "1"}
    words = [toy.get(word, word) for word in line.split()]
    assert words[:4] == ["--nnodes", "2", "--nproc-per-node", "1"], words
    return exports, words


def ip(*words: str) -> str:
    """One ``ip`` command; CalledProcessError or OSError where this machine does not allow it."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class TwoNodes:
    """Use it as a context: namespaces, and all processes in them, are gone afterwards."""

    def __init__(self) -> None:
        self.names = tuple(f"arc{os.getpid()}{side}" for side in "ab")
        self.agents: list[subprocess.Popen] = []

    def __enter__(self) -> "TwoNodes":
        try:
            for name in self.names:
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            ends = ["name", "eth", "netns", self.names[0], "type", "veth"]
            ip("link", "add", *ends, "peer", "name", "eth", "netns", self.names[1])
            for name, address in zip(self.names, ADDRESSES, strict=True):
                ip("-n", name, "address", "add", f"{address}/24", "dev", "eth")
                ip("-n", name, "link", "set", "eth", "up")
        except (OSError, subprocess.CalledProcessError):
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node, name in enumerate(self.names):
            with suppress(OSError, subprocess.CalledProcessError):
                self.kill(node)
                ip("netns", "delete", name)
        for agent in self.agents:
            agent.wait()

    def torchrun(self, node: int, said: Path, *words: str) -> subprocess.Popen:
        """The documented ``torchrun ... WORDS`` on a node, with one process; what it says goes to a file."""
        exports, options = documented()
        own = ["--local-addr", ADDRESSES[node], "--rdzv-conf", f"is_host={node == 0},keep_alive_interval=2"]
        torchrun = [sys.executable, "-m", "torch.distributed.run", *options, *own]
        launch = ["ip", "netns", "exec", self.names[node], *torchrun]
        environment = {**os.environ, **exports, "GLOO_SOCKET_IFNAME": "eth", "OMP_NUM_THREADS": "1"}
        with open(said, "ab") as file:
            agent = subprocess.Popen([*launch, *words], cwd=ROOT, env=environment, stdout=file, stderr=file)
        self.agents.append(agent)
        return agent

    def kill(self, node: int) -> None:
        """Every process of the node at once, without a last word."""
        for pid in ip("netns", "pids", self.names[node]).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
