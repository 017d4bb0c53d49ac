"""Configuration of a run: the released keys and override syntax, closed to any other key.

A command is words: perhaps a recipe's name first, then ``key=value``, with ``+`` before a key allowed
and dots for what lies deeper (``arch.loss.loss_type=...``). Later words win; ``arch=NAME`` chooses the
architecture before any of its settings are read, wherever it stands.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from solver.model.loss import LossType
from solver.words import closest
from train.act import STOPS
from train.arch import ArchConfig, arch_defaults

RECIPES = Path(__file__).parent / "recipes"
DTYPES = ("auto", "float32", "bfloat16", "float64")
ON_NAN = ("stop", "skip")
MUONS = ("torch", "released")
SPLITS = ("train", "test")
TRACKERS = ("none", "tensorboard", "wandb")

# Keys whose value may change when a run goes on from its checkpoint: they change no number of it.
FREE = frozenset(
    (
        "data_path",
        "data_paths",
        "data_paths_test",
        "evaluators",
        "eval_save_outputs",
        "loop_deltas",
        "checkpoint_every_eval",
        "checkpoint_interval",
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
    )
)


@dataclass(frozen=True)
class RunConfig:
    """Everything but the architecture. Rates are for a batch; ``eval_interval`` counts epochs.

    ``keep_checkpoints``: how many of the newest stay, 0 for all. ``checkpoint_interval``: steps between
    two, 0 for none; with ``checkpoint_every_eval`` there is one after each evaluation, and there always
    is one at the end. ``eval_splits``: ``test``, and ``train`` for the
    share of what was trained on that the network reproduces. ``evaluators``: None is ARC's where the data
    asks ARC's questions. ``on_nan``: ``stop`` at a loss that is no number, or ``skip`` the step and count it.
    ``task_lr``, ``task_weight_decay``: of the task vectors of ``arch.memory=cose``. ``larger_share``: of
    samples on a larger canvas than needed, with ``arch.canvas=cropped``. ``compile``: with torch.compile;
    None is on a GPU only, and DISABLE_COMPILE=1 in the environment switches it off everywhere.
    ``keep_best``: a number of the evaluations, such as ``exact_accuracy``: the checkpoint with the best one
    stays, and ``weights/`` are its. ``eval_stops``: ``q_halt`` and ``settled`` (the answer no longer changes)
    are measured beside all loops, each sequence at the loop where it would stop.
    ``allow_leaks``: go on although test pairs are among the training pairs.
    """

    data_path: str = ""
    data_paths: list[str] = field(default_factory=list)
    data_paths_test: list[str] = field(default_factory=list)
    evaluators: Any = None
    global_batch_size: int = 768
    grad_accum_steps: int = 1
    epochs: int = 100000
    eval_interval: int = 10000
    checkpoint_every_eval: bool = False
    checkpoint_interval: int = 1000
    keep_checkpoints: int = 3
    lr: float = 1e-4
    lr_min_ratio: float = 1.0
    lr_warmup_steps: int = 2000
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
    compile: bool | None = None
    on_nan: str = "stop"
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
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: found {getattr(self, name)}, wanted at least 1")
        _one_of("on_nan", self.on_nan, ON_NAN)
        _one_of("muon_variant", self.muon_variant, MUONS)
        _one_of("tracker", self.tracker, TRACKERS)
        for name in self.eval_splits:
            _one_of("eval_splits", name, SPLITS)
        for name in self.eval_stops:
            _one_of("eval_stops", name, STOPS)
        if not self.loop_deltas and not self.eval_stops:
            raise ValueError("loop_deltas: found none and no eval_stops, wanted one of either")
        if self.global_batch_size % self.grad_accum_steps:
            raise ValueError(
                f"grad_accum_steps: {self.grad_accum_steps} does not divide "
                f"global_batch_size {self.global_batch_size}"
            )
        if len(self.data_paths) > 1 or len(self.data_paths_test) > 1:
            raise ValueError("data_paths: found several data sets, wanted one (build its subsets together)")

    @property
    def data(self) -> str:
        """The data set to train on; ValueError when none is named."""
        path = self.data_path or next(iter(self.data_paths), "")
        if not path:
            raise ValueError("data_path: wanted the folder of a data set (build_dataset.py makes one)")
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

    def to_dict(self) -> dict[str, Any]:
        """As checkpoints, logs and ``--print-config`` have it; ``from_dict`` is the way back."""
        return {**asdict(self.run), "arch": self.arch.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """The configuration of ``to_dict``; ValueError for anything else."""
        values = dict(values)
        arch = dict(values.pop("arch"))
        return build_config(values, arch)

    def differences(self, other: "TrainConfig") -> list[str]:
        """Lines ``key: other's value, this one's value`` for keys that change a run's numbers."""
        mine, theirs = flatten(self.to_dict()), flatten(other.to_dict())
        keys = [key for key in mine if key not in FREE and key != "arch.profile"]
        keys += [key for key in theirs if key not in mine]
        return [
            f"{key}: {theirs.get(key)!r} there, {mine.get(key)!r} here"
            for key in keys
            if theirs.get(key) != mine.get(key)
        ]


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{name}: found {value!r}, wanted one of {', '.join(known)}")


def recipe_names() -> list[str]:
    """Names of the recipes that come along."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def read_recipe(name: str) -> dict[str, Any]:
    """The settings of a recipe by name; ValueError naming the nearest for an unknown one."""
    conf = omegaconf()
    path = RECIPES / f"{name}.yaml"
    if name not in recipe_names():
        known = recipe_names()
        raise ValueError(f"recipe {name}: unknown{closest(name, known)}, wanted one of {', '.join(known)}")
    return conf.OmegaConf.to_container(conf.OmegaConf.load(path))


def resolve(words: Sequence[str]) -> TrainConfig:
    """The configuration of a command's words. ValueError, one sentence, for anything unknown."""
    named = bool(words) and "=" not in words[0]
    run = read_recipe(words[0]) if named else {}
    arch = run.pop("arch", {"name": "urm"})
    for word in words[named:]:
        path, value = parse_override(word)
        if path in (["arch"], ["arch", "name"]) and value != arch["name"]:
            arch = {"name": value}
    for word in words[named:]:
        path, value = parse_override(word)
        if path[0] != "arch":
            run[".".join(path)] = value
        elif path not in (["arch"], ["arch", "name"]):
            _put(arch, path[1:], value)
    return build_config(run, arch)


def _put(settings: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        inner = settings.setdefault(key, {})
        settings[key] = settings = inner if isinstance(inner, dict) else {}
    settings[path[-1]] = value


def build_config(run: Mapping[str, Any], arch: dict[str, Any]) -> TrainConfig:
    """Checked settings over the defaults; every key must be known."""
    known = {f.name for f in fields(RunConfig)}
    for key in run:
        if key not in known:
            deeper = [f"arch.{name}" for name in flatten(arch_defaults(arch["name"]))]
            raise ValueError(f"unknown key {key}{nearest(key, [*known, 'arch', *deeper])}")
    return TrainConfig(_structured(RunConfig, run), _build_arch(arch))


def _build_arch(arch: dict[str, Any]) -> ArchConfig:
    defaults = arch_defaults(arch["name"])
    arch = {{"halt_max_steps": "loops"}.get(key, key): value for key, value in arch.items()}
    known = list(flatten(defaults))
    for key in flatten(arch):
        if key not in known:
            full = [f"arch.{name}" for name in known]
            raise ValueError(
                f"unknown key arch.{key} of the architecture {arch['name']}{nearest(f'arch.{key}', full)}"
            )
    if "hidden_size" in arch and "puzzle_emb_ndim" not in arch:
        arch["puzzle_emb_ndim"] = arch["hidden_size"]
    conf = omegaconf()
    merged = conf.OmegaConf.to_container(conf.OmegaConf.merge(defaults, arch))
    _one_of("arch.loss.loss_type", merged["loss"]["loss_type"], get_args(LossType))
    _one_of("arch.forward_dtype", merged["forward_dtype"], DTYPES)
    return ArchConfig.from_dict(merged)


def _structured(cls: type, values: Mapping[str, Any]) -> Any:
    """An instance of a dataclass, each value converted to its field's type by omegaconf."""
    conf = omegaconf()
    try:
        typed = conf.OmegaConf.merge(conf.OmegaConf.structured(cls), dict(values))
        return conf.OmegaConf.to_object(typed)
    except conf.errors.OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "configuration"
        raise ValueError(f"{key}: {str(error).splitlines()[0]}") from error


def to_yaml(config: TrainConfig) -> str:
    """The whole configuration, for people."""
    conf = omegaconf()
    return conf.OmegaConf.to_yaml(conf.OmegaConf.create(json.loads(json.dumps(config.to_dict()))))


def parse_override(word: str) -> tuple[list[str], Any]:
    """(path of keys, value) of ``key.key=value``; the value is read as YAML."""
    conf = omegaconf()
    key, equals, text = word.lstrip("+").partition("=")
    if not equals or not key:
        raise ValueError(f"{word}: wanted key=value (a recipe's name can only come first)")
    try:
        node = conf.OmegaConf.from_dotlist([f"value={text}"])
        value = conf.OmegaConf.to_container(node)["value"]
    except (conf.errors.OmegaConfBaseException, _yaml_error()) as error:
        raise ValueError(f"{word}: the value cannot be read ({str(error).splitlines()[0]})") from error
    return key.split("."), value


def nearest(name: str, known: Sequence[str]) -> str:
    """`` (did you mean X?)``: a key of that very name deeper down, else one that is spelt alike."""
    last = name.rpartition(".")[2]
    deeper = [key for key in known if key.rpartition(".")[2] == last]
    if deeper:
        return f" (did you mean {deeper[0]}?)"
    hint = closest(name, list(known))
    near = difflib.get_close_matches(last, [key.rpartition(".")[2] for key in known], n=1)
    if hint or not near:
        return hint
    return f" (did you mean {next(key for key in known if key.endswith(near[0]))}?)"


def omegaconf() -> Any:
    """The library, or one sentence that says how to get it."""
    try:
        import omegaconf
    except ModuleNotFoundError as error:
        message = 'training needs omegaconf: pip install "arc-urm-solver[train]"'
        raise ValueError(message) from error
    return omegaconf


def _yaml_error() -> type[Exception]:
    import yaml

    return yaml.YAMLError
