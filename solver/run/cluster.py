"""Workers on a Ray cluster (https://docs.ray.io): an actor for each GPU or share of the processors.

Ray decides which node takes an actor, starts another where a node was lost, and carries what is said. The
actor starts the very process that a run on one machine has, so an answer does not depend on where it was
found, and a broken CUDA context ends with its process. Every node has this package installed, of the same
version; it needs neither the weights, which lie in the object store once, nor a file system in common.
"""

import logging
import math
import os
import platform
import queue
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solver.processors import WORKER_BYTES, available_cpus
from solver.run.launch import LAST_WORDS, PACKAGE_FOLDER, Executor, Launcher, NoWorker, Worker
from solver.run.message import Job, Message, Ready, Refused
from solver.run.settings import Devices, Settings, SolveOptions
from solver.run.temporary import WEIGHTS, TemporaryFolder
from solver.weights_card import shown_name

if TYPE_CHECKING:
    import ray

_WEIGHTS_FILES = (".json", ".safetensors")


def package_checksum() -> int:
    """Of the source of ``solver``: one on all nodes, or answers would depend on where they are found."""
    paths = sorted(Path(PACKAGE_FOLDER, "solver").rglob("*.py"))
    return zlib.crc32(b"".join(path.read_bytes() for path in paths))


def read_files(path: str) -> dict[str, np.ndarray]:
    """The bytes of a folder of weights by the files' names, or of one file by ''."""
    if Path(path).is_dir():
        files = {file.name: file for file in Path(path).iterdir() if file.suffix in _WEIGHTS_FILES}
    else:
        files = {"": Path(path)}
    return {name: np.frombuffer(file.read_bytes(), np.uint8) for name, file in files.items()}


@dataclass(frozen=True)
class Ended:
    """A worker's process is no more: how it ended, in a few words."""

    how: str


class Seat:
    """The actor: a worker process on its node, and the box of what that has said.

    ``cpus``: processors that are its own; 0: all of them. ``files``: for each of the settings' paths the
    files of that folder by name, or the one file by ''.
    ``checksum``: of the package, where the supervisor is.
    """

    def __init__(
        self,
        settings: Settings,
        module: str,
        environment: Mapping[str, str],
        cpus: int,
        checksum: int,
        *files: Mapping[str, np.ndarray],
    ) -> None:
        self.box: queue.SimpleQueue[Message | Ended] = queue.SimpleQueue()
        if package_checksum() != checksum:
            text = f"{platform.node()}: another version of this package than the supervisor's is installed"
            self.box.put(Refused(text, "weights"))
            return
        os.environ.update(environment)
        self.folder = TemporaryFolder(WEIGHTS, time.time())
        self.local = {path: self._write(path, data) for path, data in zip(settings.paths, files, strict=True)}
        share = math.ceil(available_cpus() / cpus) if cpus else 1
        settings = replace(settings, local=self.local, share=max(1, share))
        self.process = Launcher(module).start(settings)
        threading.Thread(target=self._collect, daemon=True).start()

    def _write(self, path: str, files: Mapping[str, np.ndarray]) -> str:
        """Keep a copy of the supervisor's file or folder, with its name, which is the weights' name too."""
        own = Path(tempfile.mkdtemp(dir=self.folder.path)) / shown_name(Path(path))
        for name, data in files.items():
            target = own / name if name else own
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return str(own)

    def _collect(self) -> None:
        while (message := self.process.hear()) is not None:
            if isinstance(message, Refused):
                for path, local in self.local.items():
                    message = replace(message, text=message.text.replace(local, path))
            self.box.put(message)
        self.folder.close()
        self.box.put(Ended(self.process.end(patience=LAST_WORDS)))

    def give(self, job: Job) -> None:
        """A job for the process."""
        self.process.give(job, time.monotonic())

    def hear(self) -> list[Message | Ended]:
        """What the process has said since the last call; waits for the first word."""
        said = [self.box.get()]
        while not self.box.empty():
            said.append(self.box.get())
        return said


@dataclass(eq=False, kw_only=True)
class Remote(Worker):
    """``word``: what is to come from the actor's ``hear``. ``how``: how it ended, once it has."""

    actor: Any
    kill: Callable[[Any], None]
    word: Any = None
    how: str = "killed"

    def _send(self, job: Job) -> None:
        self.actor.give.remote(job)

    def end(self, *, patience: float = 0.0) -> str:
        """Kill the actor; its process dies with it. One that ended by itself has said how."""
        self.kill(self.actor)
        return self.how


@dataclass(frozen=True)
class Resources:
    """What each worker reserves: ``gpus`` and ``cpus``; ``count`` workers fit."""

    gpus: int
    cpus: int
    count: int


def divide(nodes: Sequence[Mapping[str, float]], device: str, workers: int | None) -> Resources:
    """Each node's ``CPU`` and ``GPU`` counts and ``memory`` in bytes -> a worker for each GPU, or, without
    GPUs, for each processor, as far as the memory goes.

    With ``workers`` so many, each with the largest equal share of processors. ValueError where they do
    not fit.
    """
    gpus = [(int(node.get("GPU", 0)), int(node.get("CPU", 0))) for node in nodes if node.get("GPU", 0) >= 1]
    if gpus and device != "cpu":
        there = sum(count for count, _ in gpus)
        if workers and workers > there:
            raise ValueError(f"the cluster has {there} GPUs, wanted {workers} workers")
        return Resources(1, min(cpus // count for count, cpus in gpus), workers or there)
    if device == "cuda":
        raise ValueError("device cuda: no node of the cluster has a GPU")
    cpus = [int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1]
    rooms = [node.get("memory", math.inf) / WORKER_BYTES for node in nodes if node.get("CPU", 0) >= 1]
    count = workers or max(1, sum(int(min(own, max(1, room))) for own, room in zip(cpus, rooms, strict=True)))
    for share in range(max(cpus, default=0), 0, -1):
        if sum(own // share for own in cpus) >= count:
            return Resources(0, share, count)
    raise ValueError(f"the cluster has {sum(cpus)} processors, wanted {count} workers")


@dataclass(frozen=True)
class Cluster(Executor):
    """The cluster that this process is connected to. ``environment``: variables that workers shall have.
    ``workers``: how many there shall be; None: as ``divide`` says. ``module``: as for ``Launcher``."""

    workers: int | None = None
    module: str = "solver.run.worker"
    environment: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    stored: dict[str, Any] = field(default_factory=dict)  # references to what workers read, by path
    rooms: dict[str, Resources] = field(default_factory=dict)  # by device, as the cluster was at first

    def devices(self, options: SolveOptions, tasks: int) -> Devices:
        """The cluster's: this machine may well have none."""
        room = self._room(options.device)
        return Devices("cuda" if room.gpus else "cpu", room.count)

    def for_plain(self) -> Executor:
        """This machine."""
        return Launcher()

    def start(self, settings: Settings) -> Remote:
        """An actor, wherever there is room, now or later."""
        import ray

        room = self._room(settings.device)
        files = [self.stored.get(path) or self._store(path) for path in settings.paths]
        actor = (
            ray.remote(Seat)
            .options(num_gpus=room.gpus, num_cpus=room.cpus, max_concurrency=2, scheduling_strategy="SPREAD")
            .remote(settings, self.module, dict(self.environment), room.cpus, package_checksum(), *files)
        )
        now = self.clock()
        return Remote(settings=settings, began=now, heard=now, actor=actor, kill=ray.kill)

    def _room(self, device: str) -> Resources:
        """The same for the whole run: a worker of a lost node waits for a place like that one."""
        import ray

        if device not in self.rooms:
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            self.rooms[device] = divide(nodes, device, self.workers)
        return self.rooms[device]

    def _store(self, path: str) -> "ray.ObjectRef":
        """A folder of weights or a file in the object store: nodes fetch it from there, each once."""
        import ray

        self.stored[path] = ray.put(read_files(path))
        return self.stored[path]

    def listen(self, workers: Sequence[Remote], seconds: float) -> list[tuple[Remote, Message | None]]:
        """All that was said by those who said anything."""
        import ray

        heard: list[tuple[Remote, Message | None]] = []
        try:
            for worker in workers:
                worker.word = worker.word or worker.actor.hear.remote()
            by_word = {worker.word: worker for worker in workers}
            ready, _ = ray.wait(list(by_word), num_returns=1, timeout=seconds)
            if ready:  # those of the others that have come too
                ready, _ = ray.wait(list(by_word), num_returns=len(by_word), timeout=0)
            for word in ready:
                heard += _said(by_word[word])
        except ConnectionError as error:
            raise NoWorker(f"the connection to the cluster is lost ({error})") from error
        return heard

    def places(self, settings: Settings, ready: Ready, wanted: int | None) -> list[Settings]:
        """Equal ones: a device's name is each node's own matter."""
        return [settings] * self._room(settings.device).count


def _said(worker: Remote) -> Iterator[tuple[Remote, Message | None]]:
    """The messages of a worker whose word has come; None where it ended, or its actor or node did."""
    import ray

    word, worker.word = worker.word, None
    try:
        said = ray.get(word)
    except ray.exceptions.RayError as error:
        said = [Ended(f"its actor or node is gone: {_last_line(error)}")]
    for message in said:
        if isinstance(message, Ended):
            worker.how = message.how
        yield worker, None if isinstance(message, Ended) else message


def _last_line(error: Exception) -> str:
    """The cause: Ray's messages begin with where, and go on with a traceback."""
    return str(error).strip().splitlines()[-1][:200]


@contextmanager
def connected(address: str, *, workers: int | None) -> Iterator[Cluster]:
    """The cluster at ``auto`` (the one this machine belongs to) or ``ray://HOST:PORT``.

    ``workers``: as for ``Cluster``. ValueError without Ray or without a cluster.
    """
    if find_spec("ray") is None:
        raise ValueError('a cluster needs Ray: pip install "ray[client]"')
    import ray

    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ValueError(f"no cluster at {address} ({_last_line(error)})") from error
    try:
        yield Cluster(workers)
    finally:
        ray.shutdown()
