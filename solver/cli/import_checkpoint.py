"""``solve import-checkpoint FILE -o weights/NAME``: published weights of URM, TRM and HRM become ours."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


EXAMPLES = """\b
Examples:
  solve import-checkpoint step_155718 -o weights/urm
  solve import-checkpoint step_9000 -o weights/trm --arch-config L_cycles=4
"""


@click.command(
    "import-checkpoint",
    short_help="Turn a published checkpoint into weights.",
    epilog=EXAMPLES,
)
@click.argument("checkpoint", metavar="FILE", type=_FILE)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the weights, such as weights/NAME; it must not hold weights already.",
)
@click.option(
    "--arch-config",
    multiple=True,
    metavar="FILE|KEY=VALUE",
    help="What shapes cannot tell (loops, H_cycles, L_cycles, num_heads, pos_encodings): the run's "
    "all_config.yaml, a JSON file, or single settings; later ones win. Default: the published runs.",
)
@click.option("--keep-table", is_flag=True, help="Keep every puzzle embedding, not only their mean.")
@click.option(
    "--identifiers", type=_FILE, metavar="FILE", help="identifiers.json of the data set, with --keep-table."
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="How the weights are stored.",
)
def import_checkpoint(
    checkpoint: Path,
    output: Path,
    arch_config: tuple[str, ...],
    keep_table: bool,
    identifiers: Path | None,
    dtype: str,
) -> None:
    """Turn a published checkpoint of URM, TRM or HRM into weights that `solve --weights` takes.

    FILE is a state dict saved by torch, bare or under model_state_dict.
    """
    import torch

    from solver.model import importer

    if keep_table != (identifiers is not None):
        raise click.UsageError("--keep-table and --identifiers FILE go together, found only one of them")
    if (output / "config.json").exists():
        raise click.UsageError(f"{output}: holds a set of weights already, wanted a new folder")
    try:
        found = importer.import_checkpoint(checkpoint, read_settings(arch_config))
        names = importer.read_identifiers(identifiers, len(found.rows)) if identifiers else None
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    importer.save_imported(output, found, checkpoint, getattr(torch, dtype))
    if names is not None:
        importer.write_table(output, found.rows, names)
    for line in describe(found, output):
        click.echo(line)


def describe(found: Any, output: Path) -> list[str]:
    """What was imported, for people. ``found``: the importer's record."""
    config = found.network.config
    parameters = sum(p.numel() for p in found.network.parameters())
    lines = [
        f"{config.arch}: {parameters:,} parameters, hidden size {config.hidden_size}, "
        f"canvas {config.canvas_side}x{config.canvas_side}, {len(found.rows):,} puzzle embeddings"
    ]
    if found.assumed:
        assumed = ", ".join(f"{key}={value}" for key, value in found.assumed.items())
        lines.append(f"not told by the file, taken from the published runs: {assumed}")
    if config.vocab_size != 12:
        lines.append(f"a vocabulary of {config.vocab_size} tokens: not weights for ARC tasks")
    return [*lines, f"written to {output}"]


def read_settings(sources: tuple[str, ...]) -> dict[str, Any]:
    """Settings from files and ``key=value`` words, later ones winning; a usage error for others."""
    settings: dict[str, Any] = {}
    for source in sources:
        key, equals, value = source.partition("=")
        if equals and not Path(source).is_file():
            settings[key.removeprefix("arch.")] = _parse(value)
        else:
            settings |= _read_file(Path(source))
    return settings


def _parse(text: str) -> Any:
    """A setting's value as released command lines write it: True, 16, 1e-5 or a word."""
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _read_file(path: Path) -> dict[str, Any]:
    """The settings of the network in a run's configuration: its ``arch`` section, or all of it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--arch-config {path}: cannot be read ({error})") from error
    try:
        value = json.loads(text) if path.suffix == ".json" else _read_yaml(text)
    except ValueError as error:
        raise click.UsageError(f"--arch-config {path}: {error}") from error
    if isinstance(value, dict):
        value = value.get("arch", value)
    if not isinstance(value, dict):
        raise click.UsageError(f"--arch-config {path}: found {type(value).__name__}, wanted settings by name")
    return value


def _read_yaml(text: str) -> Any:
    if find_spec("omegaconf") is None:
        raise click.UsageError("a YAML file needs omegaconf: pip install omegaconf")
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        return OmegaConf.to_container(OmegaConf.create(text), resolve=True)
    except (OmegaConfBaseException, YAMLError) as error:
        raise ValueError(f"not YAML settings ({str(error).splitlines()[0]})") from error
