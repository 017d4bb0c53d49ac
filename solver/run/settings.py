"""What a run is told (SolveOptions), and what that becomes once the devices are known (Settings).

The supervising process resolves the settings once, before any worker exists, and sends them whole to every
process. Nothing here needs torch.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from solver.arc.checksum import task_checksum
from solver.arc.journal import SEEN_LABEL, TESTS_SEEN_LABEL
from solver.arc.task import Task
from solver.choices import DEFAULT_RULE, DEFAULT_SOURCES, NETWORK, TUNES, VOTE_RULES, Tune, VoteRule
from solver.run.schedule import DEFAULT_SECONDS, JOINT_SECONDS, STEP_VIEWS, views_for
from solver.run.sources import find_sources
from solver.weights_card import KAGGLE, Card, available_weights, default_weights, find_weights, read_card
from solver.words import counted


@dataclass(frozen=True)
class SolveOptions:
    """What ``solve`` is told. At most one of ``steps``, ``seconds_per_task`` and ``budget_seconds``.

    ``sources``: who proposes answers, in this order: names of ``solver.run.sources.SOURCES`` or
    ``module:function``.
    ``weights``: a shipped set's name or a folder; None: the shipped set for the device.
    ``steps``: steps for each task; the clock is not read.
    ``seconds_per_task``: seconds of a worker for each task.
    ``budget_seconds``: seconds for the whole run.
    ``search_seconds``: seconds of the program search for each task; None: those of the task, before a
    network SEARCH_SECONDS at most, or a share of the budget. ``search_nodes``: transforms of programs that
    it tries for each task, the clock unread; None where ``steps`` are counted: SEARCH_NODES.
    ``augmentations``: views of each task that are tuned on; None: by device and time (``resolve``).
    ``seed``: of everything that is drawn.
    ``device``: auto, cpu, cuda, cuda:N or mps.
    ``tune``: what moves at test time; ``auto``: by device and time (``tunes_jointly``).
    ``votes``: views that are predicted; None: those that are tuned on. More need a factored memory.
    ``vote``: how votes are ranked.
    ``replay``: a file of public tasks that joint tuning trains on beside the run's own.
    ``workers``: processes; 0: work in this process; None: one for each GPU, or for each processor.
    ``patience``: seconds without a sign of life after which a worker is replaced.
    ``tune_known``: also tune tasks whose trained vectors the weights carry.
    """

    sources: tuple[str, ...] = DEFAULT_SOURCES
    weights: str | None = None
    steps: int | None = None
    seconds_per_task: float | None = None
    budget_seconds: float | None = None
    search_seconds: float | None = None
    search_nodes: int | None = None
    augmentations: int | None = None
    seed: int = 0
    device: str = "auto"
    tune: Tune = "auto"
    votes: int | None = None
    vote: VoteRule = DEFAULT_RULE
    replay: str | None = None
    workers: int | None = 0
    patience: float = 900.0
    tune_known: bool = False

    def __post_init__(self) -> None:
        given = [self.steps, self.seconds_per_task, self.budget_seconds]
        if sum(value is not None for value in given) > 1:
            raise ValueError("wanted at most one of steps, seconds per task and budget")
        if self.search_seconds is not None and self.search_nodes is not None:
            raise ValueError("wanted seconds of the search or its nodes, found both")
        given += [self.search_seconds, self.search_nodes]
        if any(value is not None and value < 0 for value in given):
            raise ValueError("wanted a budget of 0 or more")
        for name, value, least in (
            ("augmentations", self.augmentations, 1),
            ("votes", self.votes, 1),
            ("workers", self.workers, 0),
        ):
            if value is not None and value < least:
                raise ValueError(f"{name} is {value}, wanted at least {least}")
        for name, value, known in (("tune", self.tune, TUNES), ("vote", self.vote, VOTE_RULES)):
            if value not in known:
                raise ValueError(f"{name} is {value!r}, wanted one of {', '.join(known)}")
        find_sources(self.sources)

    @property
    def tuned_views(self) -> int:
        """Views of a task that are tuned on; STEP_VIEWS where nothing says how many."""
        return self.augmentations or STEP_VIEWS

    @property
    def predicted_views(self) -> int:
        """Views of a test input that are predicted. Views that were not tuned on are worse than none after
        few steps (docs/TUNING.md), so more than ``tuned_views`` must be asked for."""
        return self.votes or self.tuned_views

    def default_seconds(self, kind: str) -> float:
        """Seconds for each task on a device of this kind where no budget is given."""
        return DEFAULT_SECONDS[kind] if self.seconds_per_task is None else self.seconds_per_task

    def tunes_jointly(self, kind: str, workers: int, tasks: int) -> bool:
        """Whether tasks are tuned jointly on ``workers`` devices of this kind.

        ``auto`` does so on a GPU, by the clock, where each worker has JOINT_SECONDS or more for its share
        of the tasks: joint tuning costs a fraction of as many single ones (arXiv 2511.02886). With counted
        steps and on a CPU it tunes task by task, which measured better there (docs/LOG.md).
        """
        if self.tune != "auto":
            return self.tune == "joint" and tasks >= 2
        if kind == "cpu" or self.steps is not None or tasks < 2 * workers:
            return False
        whole = self.budget_seconds
        seconds = self.default_seconds(kind) * tasks / workers if whole is None else whole
        return seconds >= JOINT_SECONDS


@dataclass(frozen=True)
class Devices:
    """What the network will run on: ``count`` devices of a ``kind`` (cpu, cuda or mps)."""

    kind: str
    count: int


@dataclass(frozen=True)
class Settings:
    """The resolved settings of a run, or of one of its workers.

    ``options``: what was said, with the number of views filled in.
    ``kind``: the device that the views and the default weights were chosen for.
    ``weights``: folder of the weights, '' without the network. ``chosen``: whether ``kind`` chose them.
    ``known``: task id -> folder of the weights that carry the task's trained vector.
    ``labels``: task id -> what a reader of the score must know.
    ``replay``: file of public tasks, ''.
    ``entry``: "module:function" that opens the worker's source. ``plain``: it needs no torch.
    ``device``: the worker's device. ``share``: how many workers divide the processors' threads.
    ``local``: where this machine keeps the files of ``paths``, where that is another path.
    ``hold_share``: as ``TuneSettings``; None: by the time of the job. ``free_rows``: as ``TuneSettings``.
    """

    options: SolveOptions
    kind: str = "cpu"
    weights: str = ""
    chosen: bool = False
    known: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    replay: str = ""
    entry: str = ""
    plain: bool = False
    device: str = "auto"
    share: int = 1
    local: Mapping[str, str] = field(default_factory=dict)
    hold_share: float | None = None
    free_rows: bool = True

    @property
    def paths(self) -> tuple[str, ...]:
        """Folders and files that a worker of the network reads."""
        return tuple(
            dict.fromkeys(path for path in (self.weights, *self.known.values(), self.replay) if path)
        )

    def at(self, path: str) -> str:
        """Where this machine keeps one of ``paths``."""
        return self.local.get(path, path)

    def _known_counts(self) -> Counter[str]:
        """How many tasks each set of weights knows."""
        return Counter(Path(folder).name for folder in self.known.values())

    @property
    def known_text(self) -> str:
        """``12 by urm-arc1-public``: for the journal's header."""
        return ", ".join(f"{count} by {name}" for name, count in sorted(self._known_counts().items()))

    def lines(self) -> list[str]:
        """For people, before the work begins: what was seen in training."""
        if not self.labels:
            return []
        lines = [f"* marks {counted(len(self.labels), 'task')}: {SEEN_LABEL}, no measure of new tasks."]
        for name, count in sorted(self._known_counts().items()):
            lines.append(f"{name} answers {count} without tuning, if all demonstrations come out.")
        return lines


def resolve(tasks: Sequence[Task], options: SolveOptions, devices: Devices) -> Settings:
    """The settings of a run on these devices. ValueError where there are no such weights.

    Weights that a user names know the tasks whose vectors they carry. Without a name every shipped set is
    consulted, the default for the device first, except sets for Kaggle alone: they were trained on the test
    pairs of every public task, and a score with them would say nothing.
    """
    options = with_views(options, devices, len(tasks))
    if NETWORK not in options.sources:
        return Settings(options, devices.kind)
    folder = find_weights(options.weights or default_weights(devices.kind))
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
    return Settings(
        options,
        devices.kind,
        str(folder.resolve()),
        not options.weights,
        {task_id: str(found.resolve()) for task_id, found in known.items()},
        labels,
        str(Path(options.replay).resolve()) if options.replay else "",
        device=options.device,
    )


def _recognise(checksums: dict[str, str], cards: dict[Path, Card]) -> dict[str, Path]:
    """The first set of weights that knows each task."""
    known: dict[str, Path] = {}
    for folder, card in cards.items():
        vectors = frozenset(card.known)
        for task_id, checksum in checksums.items():
            if checksum in vectors:
                known.setdefault(task_id, folder)
    return known


def with_views(options: SolveOptions, devices: Devices, tasks: int) -> SolveOptions:
    """The options with the number of views by the seconds that a device has for each task
    (``schedule.views_for``), where they do not say and a clock decides."""
    if options.augmentations is not None or options.steps is not None or devices.kind not in DEFAULT_SECONDS:
        return options  # a device that does not exist is its worker's error to report
    seconds = options.default_seconds(devices.kind)
    if options.budget_seconds is not None:
        seconds = options.budget_seconds * max(1, devices.count) / max(1, tasks)
    return replace(options, augmentations=views_for(devices.kind, seconds))
