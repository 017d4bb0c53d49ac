"""``python -m train.evaluate CHECKPOINT data_path=... [key=value ...]``: score a checkpoint.

The configuration is the checkpoint's own; words after it change what does not change the network:
``data_path``, ``evaluators``, ``loop_deltas=[0,8]``, ``eval_save_outputs``, ``eval_augmentations``,
``eval_batch_size``, ``eval_splits``, ``device``, ``arch.forward_dtype``.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from solver.file import replace_file
from train.checkpoint import find_checkpoint, read_state
from train.config import from_dict, parse_override
from train.dataset import Dataset
from train.dataset.inspection import check_data
from train.distributed import World, joined
from train.evaluation import Evaluation
from train.feed import SampleFeed
from train.loop import local_placement
from train.resume import load_weights
from train.settings import TrainConfig
from train.trainer import Trainer

SCORES = {
    "ARC/pass@2": "ARC/pass@2: test inputs right in one of two attempts, mean over tasks",
    "exact_accuracy": "exact_accuracy: test samples right in every cell",
    "train/exact_accuracy": "train/exact_accuracy: training samples right in every cell",
}
CHANGEABLE = (
    "data_path",
    "data_paths",
    "data_paths_test",
    "evaluators",
    "loop_deltas",
    "eval_save_outputs",
    "eval_augmentations",
    "eval_batch_size",
    "eval_splits",
    "allow_leaks",
    "eval_stops",
    "global_batch_size",
    "device",
    "compile",
    "arch.forward_dtype",
)


def reconfigured(stored: dict[str, Any], words: Sequence[str]) -> TrainConfig:
    """The stored configuration with the words' settings. ValueError for one that is not changeable."""
    values = {**stored, "grad_accum_steps": 1, "load_checkpoint": ""}
    arch = dict(values.pop("arch"))
    for word in words:
        path, value = parse_override(word)
        key = ".".join(path)
        if key not in CHANGEABLE:
            raise ValueError(f"{key}: is the checkpoint's own, here only {', '.join(CHANGEABLE)} may change")
        if path[0] == "arch":
            arch[path[1]] = value
        else:
            values[key] = value
        if key in ("data_path", "data_paths"):
            values |= {name: "" if name == "data_path" else [] for name in CHANGEABLE[:3] if name != key}
    return from_dict({**values, "arch": arch})


def score(
    checkpoints: Sequence[Path], words: Sequence[str], world: World, *, output: Path, raw: bool, quiet: bool
) -> dict[str, Any]:
    """What the command prints. Several checkpoints vote together: the result says so and names them."""
    trainer, evaluation, steps = None, None, []
    for path in checkpoints:
        state = read_state(path)
        if state["config"] is None or state["config"]["sources"]:
            raise ValueError(f"{path}: is of a run by cells; python -m train.protocol scores its weights")
        config = reconfigured(state["config"], words)
        if trainer is None:
            dataset = Dataset.open(config.run.data_test)
            check_data(dataset.splits, dataset.splits, config.run.data_test, leaks=config.run.allow_leaks)
            feed = SampleFeed(config, dataset, world)
            trainer = Trainer(config, feed, world, local_placement(config.run.device, world))
            evaluation = Evaluation(trainer, dataset, config.run.data_test)
        load_weights(trainer, state, str(path), strict=True, average=not raw)
        evaluation.run(quiet=quiet)
        steps.append(state["position"]["step"])
    numbers = evaluation.finish(output, steps[-1])
    averaged = not raw and state["average"] is not None
    return {
        "checkpoints": [str(path) for path in checkpoints],
        "steps": steps,
        "aggregated": len(checkpoints) > 1,
        "weights": "average" if averaged else "raw",
        "data": trainer.config.run.data_test,
        "numbers": numbers,
    }


@click.command()
@click.argument("checkpoint", type=click.Path())
@click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--aggregate",
    multiple=True,
    type=click.Path(),
    metavar="CHECKPOINT",
    help="vote with this one too (repeat)",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="folder of the results")
@click.option("--raw", is_flag=True, help="the weights themselves, not their moving average")
@click.option("--quiet", is_flag=True, help="no progress bar")
def main(
    checkpoint: str,
    words: tuple[str, ...],
    aggregate: tuple[str, ...],
    output: Path | None,
    raw: bool,
    quiet: bool,
) -> None:
    """Score CHECKPOINT (a step_N.pt folder, or a run's folder for its latest)."""
    # Several checkpoints may follow one --aggregate: those words that are no settings.
    more = [*aggregate, *(word for word in words if "=" not in word)]
    settings = [word for word in words if "=" in word]
    try:
        paths = [find_checkpoint(name, Path(name)) for name in (checkpoint, *more)]
        target = output or paths[0].parent / "evaluations" / "_".join(path.stem for path in paths)
        with joined() as world:
            result = score(paths, settings, world, output=target, raw=raw, quiet=quiet)
            if world.first:
                _report(result, target)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _report(result: dict[str, Any], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    replace_file(target / "evaluation.json", (json.dumps(result, indent=1) + "\n").encode())
    if result["aggregated"]:
        count = len(result["checkpoints"])
        click.echo(f"votes of {count} checkpoints counted together: not the score of one network")
    for name, value in result["numbers"].items():
        click.echo(f"{name}: {value:.4f}")
    click.echo(score_line(result["numbers"]))
    click.echo(f"results in {target}")


def score_line(numbers: dict[str, float]) -> str:
    """Which of the numbers is the score: ARC's with two attempts, or else the share of puzzles right in every
    cell."""
    for name, meaning in SCORES.items():
        if name in numbers:
            return f"score: {numbers[name]:.2%} ({meaning})"
    return "score: none, the data set has no test split that was asked"


if __name__ == "__main__":
    sys.exit(main())
