"""The words of a command: ``key=value`` in the released syntax, and what to say of a wrong one."""

import difflib
from collections.abc import Sequence
from typing import Any

from solver.words import closest


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
