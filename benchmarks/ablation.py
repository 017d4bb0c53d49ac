"""What tuning is worth: guesses, the network as it is, embeddings tuned, everything tuned.

    python -m benchmarks.ablation TASKS --seconds 10 [--weights NAME] [--half even|odd|all] [--side 12]

Every arm has the same seconds for each task and the same votes. Solutions must be known; they are
read only to count. One line for each arm, and JSON lines of every task under --log.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import click
import numpy as np
from tqdm import tqdm

from solver.arc.guess import guesses
from solver.arc.task import Task, load_tasks
from solver.arc.vote import NETWORK, Answer, rank, same_grid, two_attempts
from solver.model.checkpoint import Weights, load_weights
from solver.model.device import Placement, place
from solver.run.adapt import adapt
from solver.run.budget import seconds_from_now
from solver.run.predict import predict
from solver.run.settings import PredictSettings, TuneSettings

ARMS = ("none", "embedding", "full")
TUNING_SHARE = 0.9


def chosen(tasks: Sequence[Task], half: str, side: int) -> list[Task]:
    """Tasks of one half by crc32 whose grids, test outputs included, fit ``side`` x ``side``."""
    wanted = {"even": (0,), "odd": (1,), "all": (0, 1)}[half]
    found = [task for task in tasks if crc32(task.id.encode()) % 2 in wanted and task.solved_publicly]
    grids = {task.id: task.demonstration_grids() + [pair.output for pair in task.test] for task in found}
    return [task for task in found if max(max(grid.shape) for grid in grids[task.id]) <= side]


def network_answers(
    task: Task, arm: str, weights: Weights, placement: Placement, seconds: float, augmentations: int
) -> tuple[list[list[Answer]], int]:
    """(ranked network answers for each test input, demonstrations reproduced) of one arm."""
    hidden = task.without_test_outputs()
    budget = seconds_from_now(seconds)
    tuned = adapt(
        weights,
        [hidden],
        settings=TuneSettings(arm=arm, augmentations=augmentations),
        budget=budget.part(TUNING_SHARE),
        placement=placement,
        seed=0,
    )
    settings = PredictSettings(tokens=8192, loops=weights.config.loops)
    views = tuned.augmentations[0]
    answers = [
        rank(
            predict(
                tuned,
                0,
                index,
                views,
                config=weights.config,
                settings=settings,
                placement=placement,
                budget=budget,
            )
        )
        for index in range(len(task.test))
    ]
    return answers, tuned.reproduced[0]


def judge(task: Task, answers: Sequence[Sequence[Answer]]) -> dict[str, float]:
    """Shares of the task's test outputs: by the network's two best, with guesses, in the whole pool."""
    network, both, pool, guessed = [], [], [], []
    for index, (pair, ranked) in enumerate(zip(task.test, answers, strict=True)):
        fallback = guesses(task.without_test_outputs(), index)
        hit = [same_grid(answer.grid, pair.output) for answer in ranked if answer.source == NETWORK]
        network.append(any(hit[:2]))
        pool.append(any(hit))
        both.append(any(same_grid(a.grid, pair.output) for a in two_attempts(ranked, fallback)))
        guessed.append(any(same_grid(a.grid, pair.output) for a in two_attempts([], fallback)))
    return {
        "network": float(np.mean(network)),
        "pool": float(np.mean(pool)),
        "both": float(np.mean(both)),
        "guesses": float(np.mean(guessed)),
    }


@click.command()
@click.argument("tasks")
@click.option("--weights", default="urm-nano", show_default=True)
@click.option("--seconds", default=10.0, show_default=True, help="For each task and arm.")
@click.option("--half", type=click.Choice(["even", "odd", "all"]), default="even", show_default=True)
@click.option("--side", default=12, show_default=True, help="Only tasks whose grids fit.")
@click.option("--limit", default=0, help="Only the first so many tasks by id; 0 for all.")
@click.option("--augmentations", default=16, show_default=True)
@click.option("--arms", default=",".join(ARMS), show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path))
def main(
    tasks: str,
    weights: str,
    seconds: float,
    half: str,
    side: int,
    limit: int,
    augmentations: int,
    arms: str,
    device: str,
    log: Path | None,
) -> None:
    """Compare the arms on TASKS."""
    selected = sorted(chosen(load_tasks(tasks), half, side), key=lambda task: task.id)[: limit or None]
    loaded, placement = load_weights(weights), place(device)
    click.echo(f"{len(selected)} tasks ({half}, {side} x {side}), {seconds:g} s each, {placement.reason}")
    click.echo(
        f"{'arm':<12}{'network':>9}{'pool':>7}{'+ guesses':>11}{'guesses':>9}{'demos':>8}{'s/task':>8}"
    )
    for arm in arms.split(","):
        rows, started = [], time.monotonic()
        for task in tqdm(selected, desc=arm, leave=False, disable=None):
            answers, reproduced = network_answers(task, arm, loaded, placement, seconds, augmentations)
            row = {"task": task.id, "arm": arm, **judge(task, answers)}
            rows.append({**row, "demonstrations": reproduced / len(task.train)})
            if log:
                with log.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
        keys = ("network", "pool", "both", "guesses")
        total = {key: sum(row[key] for row in rows) for key in keys}
        demos = np.mean([row["demonstrations"] for row in rows])
        spent = (time.monotonic() - started) / len(rows)
        click.echo(
            f"{arm:<12}"
            + "".join(f"{value:>10.1f}" for value in total.values())
            + f"{demos:>10.1%}{spent:>10.1f}"
        )


if __name__ == "__main__":
    main()
