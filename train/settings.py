"""What a run may be told: the closed records behind recipes and ``key=value`` (``train.config`` reads them);
and how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from train.act import STOPS
from train.arch import ArchConfig

DTYPES = ("auto", "float32", "bfloat16", "float64")
ON_NAN = ("stop", "skip")
MUONS = ("torch", "released")
SPLITS = ("train", "test")
TRACKERS = ("none", "tensorboard", "wandb")
LAYOUTS = ("auto", "padded", "packed")
# What torch.compile does beside fusing: nothing, CUDA graphs of the blocks, matrix products tried out.
MODES = ("default", "reduce-overhead", "max-autotune-no-cudagraphs")

# Keys that may change when a run goes on from its checkpoint: they change no number of what is still to come,
# or are its budget.
FREE = frozenset(
    [
        "data_path",
        "data_paths",
        "data_paths_test",
        "evaluators",
        "eval_save_outputs",
        "loop_deltas",
        "checkpoint_every_eval",
        "checkpoint_interval",
        "checkpoint_seconds",
        "keep_checkpoints",
        "checkpoint_path",
        "load_checkpoint",
        "load_strict",
        "load_optimizer_state",
        "project_name",
        "run_name",
        "device",
        "compile",
        "tracker",
        "on_nan",
        "eval_augmentations",
        "eval_batch_size",
        "eval_splits",
        "allow_leaks",
        "epochs",
        "eval_interval",
        "eval_stops",
        "keep_best",
        "flop",
        "seconds",
        "seconds_now",
        "small_state",
        "threads",
        "workers",
        "log_interval",
        "watch",
        "start",
    ]
)


@dataclass(frozen=True)
class Source:
    """``file``: tasks, under the data folder. ``tests``: their test pairs with known outputs are
    trained on too. ``weight``: how often one of its tasks is drawn against those of other sources."""

    file: str = ""
    tests: bool = True
    weight: float = 1.0


@dataclass(frozen=True)
class Mixture:
    """``extra_share``: how often a task that has generated pairs shows one of them. ``larger_share``:
    how often a canvas is larger than the box, by up to ``larger_by`` rows and columns (uniform), as
    at test time, when the output's size is unknown. ``plain_share``: how often the colours stay as
    they are. ``tokens``: of a batch; padding counts. ``augmentations``: fixed ones for each task, which
    memories with rows need; 0 draws fresh ones."""

    extra_share: float = 0.5
    larger_share: float = 0.25
    larger_by: int = 4
    plain_share: float = 0.0
    tokens: int = 4096
    augmentations: int = 0


@dataclass(frozen=True)
class Stage:
    """From the share ``start`` of the budget on, a batch is kept for ``loops`` loops of H_cycles x
    L_cycles recurrences."""

    start: float
    loops: int
    H_cycles: int
    L_cycles: int


@dataclass(frozen=True)
class Watch:
    """Evaluations of a run that trains by cells. ``file``: tasks that are trained on, whose test pairs are
    kept back: those with crc32(id) divisible by ``modulus`` are asked without tuning, by ``votes`` views, at
    the shares ``at`` of the budget. ``tuned_file``: tasks, chosen by ``tuned_modulus``, that are tuned
    jointly for ``tuned_steps`` first, at the shares ``tuned_at``; with ``tuned_unseen`` the run trains on
    none of them, nor on a task that shares a pair with one. An empty file asks nothing."""

    file: str = ""
    modulus: int = 20
    votes: int = 16
    at: list[float] = field(default_factory=lambda: [0.01, 0.03, 0.1, 0.3, 1.0])
    tuned_file: str = ""
    tuned_modulus: int = 40
    tuned_unseen: bool = False
    tuned_steps: int = 0
    tuned_at: list[float] = field(default_factory=lambda: [1.0])


@dataclass(frozen=True)
class RunConfig:
    """Everything but the architecture.

    A run trains by samples or by cells. By samples: a data set of ``build_dataset.py`` (``data_path``), a
    batch of ``global_batch_size`` sequences, a budget of ``epochs``, and the released ACT, in which halted
    slots are refilled after every loop. By cells: ``sources``, task files under ``data_path``, in batches of
    ``mixture.tokens`` cells, which stay for their stage's loops and are then replaced as a whole, and a
    budget of ``flop`` or ``seconds`` (summed over resumptions).

    Rates are for a batch: ``lr`` of the weights, by Adam-atan2; with ``matrix_lr``, or ``use_muon``, which
    takes ``lr``, Muon moves the hidden matrices and AdamW the rest. ``puzzle_emb_lr``: of rows, by SignSGD;
    ``task_lr``: of the task vectors of ``arch.memory=cose``, by AdamW. They warm up over ``lr_warmup_steps``
    and fall by a cosine to ``lr_min_ratio``; with ``decay_from`` they rise over the share ``warm_up`` of the
    budget, hold, and fall linearly to zero from there on. ``ema_warm``: the average forgets its start.

    ``eval_interval`` counts epochs. ``checkpoint_interval``, ``checkpoint_seconds``: steps and seconds
    between two checkpoints, 0 for none; with ``checkpoint_every_eval`` there is one after each evaluation,
    and there always is one at the end. ``keep_checkpoints``: how many of the newest stay, 0 for all.
    ``small_state``: checkpoints of 16-bit numbers without optimisers' moments, in parts of 15 MiB.
    ``seconds_now``: this call ends after so many, its checkpoint saved. ``log_interval``: batches between two
    lines of the log; above 1 the host does not wait for each. ``eval_splits``: ``test``, and ``train`` for
    the share of what was trained on that the network reproduces. ``evaluators``: None is ARC's where the data
    asks ARC's questions. ``on_nan``: ``stop`` at a loss that is no number, or ``skip`` the step and count it.
    ``larger_share``: of samples on a larger canvas than needed, with ``arch.canvas=cropped``. ``compile``:
    the network's blocks, with torch.compile, perhaps in one of its MODES; None is on a GPU only, and
    DISABLE_COMPILE=1 in the environment switches it off everywhere. ``keep_best``: a number of the
    evaluations, such as ``exact_accuracy``: the checkpoint with the best one stays, and ``weights/`` are its.
    ``eval_stops``: ``q_halt`` and ``settled`` (the answer no longer changes) are measured beside all loops,
    each sequence at the loop where it would stop. ``allow_leaks``: go on although test pairs are among the
    training pairs.

    ``extra``: file of generated pairs. ``held_out``: files whose test pairs must not be seen, wherever they
    stand. ``exclude``: files whose tasks must not be seen at all, nor tasks that share a pair with them.
    ``max_cells``: of a pair's box, at most. ``stages``: [share of the budget, loops] or [share, loops,
    H_cycles, L_cycles]. ``start``: weights, or the folder of a run, to continue from. ``layout``: of batches;
    auto packs them on a GPU. ``workers``: processes that draw batches; 0 draws them in the trainer.
    """

    data_path: str = ""
    data_paths: list[str] = field(default_factory=list)
    data_paths_test: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    extra: str = ""
    held_out: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    max_cells: int = 900
    mixture: Mixture = field(default_factory=Mixture)
    stages: list[Any] = field(default_factory=lambda: [[0.0, 1]])
    start: str = ""
    layout: str = "auto"
    workers: int = 0
    watch: Watch = field(default_factory=Watch)
    evaluators: Any = None
    global_batch_size: int = 768
    grad_accum_steps: int = 1
    epochs: int = 100000
    flop: float = 0.0
    seconds: float = 0.0
    eval_interval: int = 10000
    checkpoint_every_eval: bool = False
    checkpoint_interval: int = 1000
    checkpoint_seconds: float = 0.0
    keep_checkpoints: int = 3
    small_state: bool = False
    lr: float = 1e-4
    matrix_lr: float = 0.0
    lr_min_ratio: float = 1.0
    lr_warmup_steps: int = 2000
    warm_up: float = 0.0
    decay_from: float = 0.0
    target_q_update_every: int = 4
    beta1: float = 0.9
    beta2: float = 0.95
    weight_decay: float = 0.1
    puzzle_emb_lr: float = 1e-2
    puzzle_emb_weight_decay: float = 0.1
    task_lr: float = 1e-2
    task_weight_decay: float = 0.1
    use_muon: bool = False
    muon_variant: str = "torch"
    ema: bool = False
    ema_rate: float = 0.999
    ema_warm: bool = False
    freeze_weights: bool = False
    seed: int = 0
    larger_share: float = 0.0
    project_name: str = ""
    run_name: str = ""
    checkpoint_path: str = ""
    load_checkpoint: str = ""
    load_strict: bool = True
    load_optimizer_state: bool = True
    eval_save_outputs: list[str] = field(default_factory=list)
    loop_deltas: list[int] = field(default_factory=lambda: [0])
    eval_augmentations: int = 0
    eval_batch_size: int = 0
    eval_splits: list[str] = field(default_factory=lambda: ["test"])
    device: str = "auto"
    threads: int = 0
    seconds_now: float = 0.0
    compile: Any = None
    on_nan: str = "stop"
    log_interval: int = 1
    tracker: str = "none"
    allow_leaks: bool = False
    keep_best: str = ""
    eval_stops: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in (
            "global_batch_size",
            "grad_accum_steps",
            "epochs",
            "eval_interval",
            "target_q_update_every",
            "log_interval",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: found {getattr(self, name)}, wanted at least 1")
        for name, known in (
            ("on_nan", ON_NAN),
            ("muon_variant", MUONS),
            ("tracker", TRACKERS),
            ("layout", LAYOUTS),
            ("eval_splits", SPLITS),
            ("eval_stops", STOPS),
        ):
            found = getattr(self, name)
            for value in [found] if isinstance(found, str) else found:
                one_of(name, value, known)
        if not (self.compile is None or isinstance(self.compile, bool) or self.compile in MODES):
            modes = ", ".join(MODES)
            raise ValueError(f"compile: found {self.compile!r}, wanted true, false or one of {modes}")
        if not self.loop_deltas and not self.eval_stops:
            raise ValueError("loop_deltas: found none and no eval_stops, wanted one of either")
        if self.global_batch_size % self.grad_accum_steps:
            raise ValueError(
                f"grad_accum_steps: {self.grad_accum_steps} does not divide "
                f"global_batch_size {self.global_batch_size}"
            )
        if len(self.data_paths) > 1 or len(self.data_paths_test) > 1:
            raise ValueError("data_paths: found several data sets, wanted one (build its subsets together)")
        for source in self.sources:
            if source.tests and source.file in self.held_out:
                raise ValueError(
                    f"sources: {source.file} is held out, so its test pairs cannot be trained on: "
                    "wanted tests: false"
                )
        if self.sources and (self.seconds > 0) == (self.flop > 0):
            raise ValueError(
                f"flop: one budget wanted, found {self.seconds:g} seconds, {self.flop:g} flop (a budget that "
                f"is given changes the recipe's: flop=0 seconds=600)"
            )

    @property
    def by_cells(self) -> bool:
        """Whether the run trains on task files by cells, or on a data set by samples."""
        return bool(self.sources)

    @property
    def data(self) -> str:
        """The data set to train on; ValueError when none is named."""
        path = self.data_path or next(iter(self.data_paths), "")
        if not path:
            what = "the folder of the sources" if self.sources else "the folder of a data set"
            raise ValueError(f"data_path: wanted {what} (docs/TRAINING.md says how to make one)")
        return path

    @property
    def data_test(self) -> str:
        """The data set to evaluate on: ``data_paths_test``, or the one trained on."""
        return next(iter(self.data_paths_test), "") or self.data

    @property
    def folder(self) -> Path:
        """Where checkpoints and the log go."""
        name = self.run_name or "run"
        return Path(self.checkpoint_path or Path("checkpoints", self.project_name, name))


@dataclass(frozen=True)
class TrainConfig:
    """A whole run's settings."""

    run: RunConfig
    arch: ArchConfig

    def __post_init__(self) -> None:
        if not self.run.by_cells:
            return
        starts = [stage.start for stage in self.schedule]
        if not starts or starts[0] != 0 or starts != sorted(starts):
            raise ValueError(f"stages: the first must start at 0, the others after it, found {starts}")
        last, network = self.schedule[-1], self.arch.network
        # Several of the network's loops may be one of the last stage: the recurrences are the same ones.
        if last.H_cycles != network["H_cycles"] or last.L_cycles % network["L_cycles"]:
            raise ValueError(
                f"stages: the last stage has {last.H_cycles} x {last.L_cycles} recurrences, wanted the "
                f"network's {network['H_cycles']} x {network['L_cycles']}"
            )
        if network["memory"] == "table" and not self.run.mixture.augmentations:
            raise ValueError(
                "arch.memory: a table has a row for each of some mixture.augmentations, found none"
            )

    @cached_property
    def schedule(self) -> tuple[Stage, ...]:
        """The stages of a run by cells."""
        cycles = [self.arch.network["H_cycles"], self.arch.network["L_cycles"]]
        return tuple(Stage(*(s if len(s) == 4 else [*s, *cycles])) for s in self.run.stages)

    def stage_at(self, done: float) -> Stage:
        """The stage when the share ``done`` of the budget is used."""
        return [stage for stage in self.schedule if stage.start <= done][-1]

    def to_dict(self) -> dict[str, Any]:
        """As checkpoints, logs and ``--print-config`` have it; ``train.config.from_dict`` is the way back."""
        return {**asdict(self.run), "arch": self.arch.to_dict()}

    def differences(self, other: "TrainConfig") -> list[str]:
        """Lines ``key: other's value, this one's value`` for keys that change a run's numbers."""
        mine, theirs = flatten(self.to_dict()), flatten(other.to_dict())
        keys = [key for key in mine if key.split(".")[0] not in FREE and key != "arch.profile"]
        keys += [key for key in theirs if key not in mine]
        return [
            f"{key}: {theirs.get(key)!r} there, {mine.get(key)!r} here"
            for key in keys
            if theirs.get(key) != mine.get(key)
        ]


@dataclass
class Position:
    """How far a run is. ``step`` counts updates. ``block`` and ``within``: the next batch; by samples a block
    has the number of its first epoch and ends before ``until``. ``tokens``: cells of samples, in all loops.
    ``flop``: of this run; ``before``: of the runs that it continues. ``seen``: the budget used, or the epoch,
    when the last evaluation was made, -1 before the first."""

    step: int = 0
    block: int = 0
    within: int = 0
    samples: int = 0
    tokens: int = 0
    seconds: float = 0.0
    flop: float = 0.0
    before: float = 0.0
    seen: float = -1.0
    until: int = 0


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def one_of(name: str, value: str, known: Sequence[str]) -> None:
    """ValueError where a setting has another value than those that are known."""
    if value not in known:
        raise ValueError(f"{name}: found {value!r}, wanted one of {', '.join(known)}")
