"""Which weights answer what: the default for the device, and for a known task the set that knows it.

The supervising process decides, before any worker is there, so nothing here needs torch.
"""

import os
import platform
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

from solver.arc.checksum import task_checksum
from solver.arc.journal import SEEN_LABEL, TESTS_SEEN_LABEL
from solver.arc.task import Task
from solver.processors import cpu_workers
from solver.run.options import SolveOptions
from solver.run.schedule import DEFAULT_SECONDS, views_for
from solver.weights_card import KAGGLE, Card, available_weights, default_weights, find_weights, read_card

_GPU_FILES = ("dev/nvidia[0-9]*", "dev/dxg", "dev/kfd")  # NVIDIA, Windows' own Linux, AMD
_GPU_BUILD = re.compile(r"^(cuda|hip)\b[^=\n]*=\s*['\"]", re.MULTILINE)


@dataclass(frozen=True)
class Choice:
    """``folder``: the weights of the run. ``kind``: the device that they were chosen for, empty where a
    user named them. ``known``: by the ids of known tasks, the folder of the set that answers each.
    ``labels``: by task id, what a reader of the score must know. Without a folder there are only guesses.
    """

    folder: Path | None = None
    kind: str = ""
    known: Mapping[str, Path] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def known_text(self) -> str:
        """``12 by urm-arc1-public``: how many tasks each set answers from what it knows."""
        counts = Counter(folder.name for folder in self.known.values())
        return ", ".join(f"{count} by {name}" for name, count in sorted(counts.items()))

    def told(self) -> list[str]:
        """For people, before the work begins: what was seen in training."""
        if not self.labels:
            return []
        lines = [f"{len(self.labels)} of the tasks: {SEEN_LABEL}."]
        if self.known:
            lines.append(f"Known: {self.known_text}; tuned only if the demonstrations come out wrong.")
        return lines


def choose(tasks: Sequence[Task], options: SolveOptions) -> Choice:
    """The weights for these tasks; ValueError where there are none.

    Weights that a user names know the tasks whose vectors they carry. Without a name every shipped set is
    asked, the default for the device first, but for those that are meant for Kaggle alone: they have seen the
    test pairs of every public task, and a score with them would say nothing.
    """
    kind = "" if options.weights else expected_kind(options.device)
    folder = find_weights(options.weights or default_weights(kind))
    others = [] if options.weights else [find_weights(name) for name in available_weights()]
    cards = {found: read_card(found) for found in dict.fromkeys((folder, *others))}
    cards = {found: card for found, card in cards.items() if found == folder or card.devices != (KAGGLE,)}
    checksums = {task.id: task_checksum(task) for task in tasks}
    known = {} if options.tune_known else _recognise(checksums, cards)
    labels = {}
    for task_id, checksum in checksums.items():
        card = cards[known.get(task_id, folder)]
        if checksum in card.seen:
            labels[task_id] = TESTS_SEEN_LABEL if checksum in card.seen_tests else SEEN_LABEL
    return Choice(folder, kind, known, labels)


def _recognise(checksums: dict[str, str], cards: dict[Path, Card]) -> dict[str, Path]:
    """The first set that knows each task."""
    known: dict[str, Path] = {}
    for folder, card in cards.items():
        vectors = frozenset(card.known)
        for task_id, checksum in checksums.items():
            if checksum in vectors:
                known.setdefault(task_id, folder)
    return known


def with_views(options: SolveOptions, tasks: int) -> SolveOptions:
    """The options with as many views of each task as the time of a worker for it is good for
    (``shares.views_for``), where they do not say and a clock decides."""
    if options.augmentations is not None or options.steps is not None:
        return options
    kind = expected_kind(options.device)
    if kind not in DEFAULT_SECONDS:  # no device that there is, as its worker will say
        return options
    seconds = options.default_seconds(kind)
    if options.budget_seconds is not None:
        workers = options.workers
        if workers is None:
            workers = expected_gpus() if kind == "cuda" else cpu_workers(tasks)
        seconds = options.budget_seconds * max(1, workers) / max(1, tasks)
    return replace(options, augmentations=views_for(kind, seconds))


def expected_gpus() -> int:
    """How many GPUs there most likely are, at least 1, without torch."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return len(chosen.split(",")) if chosen else max(1, len(list(Path("/dev").glob("nvidia[0-9]*"))))


def expected_kind(device: str, root: Path = Path("/"), torch_folder: Path | None = None) -> str:
    """cpu, cuda or mps: what ``solver.model.device.place`` will most likely take for ``device``.

    A GPU that is there but cannot run a kernel is not found out here: its machine then runs the weights
    meant for GPUs on its CPU, and the run says so.
    """
    if device != "auto":
        return device.partition(":")[0]
    if sys.platform == "darwin":
        return "mps" if platform.machine() == "arm64" else "cpu"
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    there = any(next(root.glob(pattern), None) for pattern in _GPU_FILES)
    return "cuda" if there and not hidden and _torch_knows_gpus(torch_folder) else "cpu"


def _torch_knows_gpus(folder: Path | None) -> bool:
    """From the text of torch/version.py, since loading torch takes seconds; True where it cannot be read."""
    if folder is None:
        spec = find_spec("torch")
        if spec is None or not spec.origin:
            return False
        folder = Path(spec.origin).parent
    try:
        return _GPU_BUILD.search((folder / "version.py").read_text("utf-8")) is not None
    except OSError:
        return True
