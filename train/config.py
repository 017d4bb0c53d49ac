"""Configuration of a run: the released keys and override syntax, closed to any other key.

A command is words: perhaps a recipe's name or YAML file first, then ``key=value``, with ``+`` before a key
allowed and dots for what lies deeper (``arch.loss.loss_type=...``, ``sources.0.weight=2``). Later words win;
``arch=NAME`` chooses the architecture before any of its settings are read, wherever it stands. A recipe with
``base``, the name of another beside it, is that one but for its own keys, which may be dotted too.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from solver.model.loss import LossType
from solver.words import closest
from train.arch import ArchConfig, arch_defaults
from train.settings import DTYPES, Mixture, RunConfig, TrainConfig, Watch, flatten, one_of

RECIPES = Path(__file__).parent / "recipes"
NESTED = {"mixture": Mixture, "watch": Watch}


def recipe_names() -> list[str]:
    """Names of the recipes that come along."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def read_recipe(name: str) -> dict[str, Any]:
    """The settings of a recipe by name or file; ValueError naming the nearest for an unknown one."""
    if name.endswith(".yaml"):
        return _read(Path(name))
    known = recipe_names()
    if name not in known:
        raise ValueError(f"recipe {name}: unknown{closest(name, known)}, wanted one of {', '.join(known)}")
    return _read(RECIPES / f"{name}.yaml")


def _read(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a recipe and of those that it is based on; ``above``: those that are based on it."""
    conf = omegaconf()
    try:
        own = conf.OmegaConf.to_container(conf.OmegaConf.load(path))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except (conf.errors.OmegaConfBaseException, _yaml_error()) as error:
        raise ValueError(f"{path}: not a recipe ({str(error).splitlines()[0]})") from error
    if not isinstance(own, dict):
        raise ValueError(f"{path}: wanted keys with values, found a list")
    base = own.pop("base", None)
    if base is None:
        found: dict[str, Any] = {}
    else:
        below = path.parent / f"{base}.yaml"
        if below in (path, *above):
            raise ValueError(f"{path}: is based on {base}, which is based on it")
        found = _read(below, (path, *above))
    for key, value in own.items():
        put(found, key.split("."), value, f"{path}, {key}")
    return found


def resolve(words: Sequence[str]) -> TrainConfig:
    """The configuration of a command's words. ValueError, one sentence, for anything unknown."""
    named = bool(words) and "=" not in words[0]
    values = read_recipe(words[0]) if named else {}
    if isinstance(values.get("arch", {}), str):
        values["arch"] = {"name": values["arch"]}
    values.setdefault("arch", {"name": "urm"})
    changes = [parse_override(word) for word in words[named:]]
    for path, value in changes:
        if path in (["arch"], ["arch", "name"]) and value != values["arch"]["name"]:
            values["arch"] = {"name": value}
    for path, value in changes:
        if path not in (["arch"], ["arch", "name"]):
            put(values, path, value, ".".join(path))
    return from_dict(values)


def put(settings: dict[str, Any], path: Sequence[str], value: Any, where: str) -> None:
    """One value into nested dictionaries and lists."""
    place: Any = settings
    try:
        for key in path[:-1]:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        place[int(path[-1]) if isinstance(place, list) else path[-1]] = value
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: no such place in the settings ({error})") from error


def from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """Checked settings over the defaults, the inverse of ``TrainConfig.to_dict``; every key must be known."""
    run = dict(values)
    arch = dict(run.pop("arch"))
    known = [f.name for f in fields(RunConfig)]
    deeper = [f"{name}.{f.name}" for name, cls in NESTED.items() for f in fields(cls)]
    for key in flatten({k: v for k, v in run.items() if k in NESTED}):
        if key not in deeper and key not in NESTED:
            raise ValueError(f"unknown key {key}{nearest(key, deeper)}")
    for key in run:
        if key not in known:
            everywhere = [
                *known,
                "arch",
                *deeper,
                *(f"arch.{n}" for n in flatten(arch_defaults(arch["name"]))),
            ]
            raise ValueError(f"unknown key {key}{nearest(key, everywhere)}")
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
    one_of("arch.loss.loss_type", merged["loss"]["loss_type"], get_args(LossType))
    one_of("arch.forward_dtype", merged["forward_dtype"], DTYPES)
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
    if not text:
        return key.split("."), ""
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
