"""Accuracy against seconds from one tuning of each task, answered on the way.

    python -m benchmarks.curve TASKS --log FILE --at 10,30,60,120,300 [--half both]

Everything moves after the first three seconds, no demonstration is held back, and the clock stands still
while the task is answered. Lines are those of ``benchmarks.ablation`` (its ``--show`` and ``--figure`` take
the log, other lines in it too), under the memory ``free, one run``: unlike there, the schedule of a short
time is the beginning of the longest one's.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from tqdm import tqdm

from benchmarks.ablation import HALVES, Cell, Log, chosen
from benchmarks.arm import judge
from solver.arc.task import Task, load_tasks
from solver.budget import Budget
from solver.model.checkpoint import Weights, load_weights
from solver.model.device import Placement, place
from solver.run.message import Answered
from solver.run.schedule import PREDICTED_PER_TUNED
from solver.tune.adapt import Tuning
from solver.tune.predict import Asking, answer_task
from solver.tune.settings import PredictSettings, TuneSettings

MEMORY = "free, one run"
_EMBEDDING_SECONDS = 3.0


class Stopwatch:
    """Seconds that have gone by, but for those between ``stop`` and ``go``; it begins stopped."""

    def __init__(self) -> None:
        self._began = self._stopped = time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() - self._began

    def stop(self) -> None:
        self._stopped = time.monotonic()

    def go(self) -> None:
        self._began += time.monotonic() - self._stopped


def answers(
    weights: Weights, task: Task, times: Sequence[float], placement: Placement, augmentations: int
) -> Iterator[tuple[float, Answered]]:
    """The task as it is answered after each of the ``times``, ascending; test outputs are not read."""
    watch = Stopwatch()
    settings = TuneSettings(
        augmentations=augmentations, hold_share=0.0, embedding_share=_EMBEDDING_SECONDS / times[-1]
    )
    budget = Budget(seconds=times[-1], clock=watch)
    tuning = Tuning(
        weights, [task.without_test_outputs()], settings=settings, budget=budget, placement=placement, seed=0
    )
    watch.go()  # the first tuning of a process loads torch's optimisers
    tokens, loops = PREDICTED_PER_TUNED * tuning.settings.tokens, weights.config.loops
    asking = Asking(1, augmentations, PredictSettings(tokens, loops), placement)
    for seconds in times:
        tuning.run(seconds / times[-1])
        watch.stop()
        with tuning.averaged():
            yield seconds, answer_task(tuning.counted(), 0, asking, Budget(steps=1), len(task.test))
        watch.go()


@click.command()
@click.argument("tasks")
@click.option("--log", "path", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--at", default="10,30,60,120,300", show_default=True, help="Seconds, ascending.")
@click.option("--weights", default="urm-nano", show_default=True)
@click.option("--half", type=click.Choice([*HALVES, "both"]), default="even", show_default=True)
@click.option("--side", default=12, show_default=True, help="Only tasks whose grids fit.")
@click.option("--limit", default=0, help="Only the first so many tasks of a half by id; 0 for all.")
@click.option("--augmentations", default=16, show_default=True)
@click.option("--device", default="auto", show_default=True)
def main(tasks: str, path: Path, at: str, weights: str, half: str, side: int, limit: int, **options) -> None:
    """Tune each of TASKS once and answer it on the way."""
    log, loaded = Log(path), load_weights(weights)
    placement = place(options["device"], quick=True)
    times = sorted(float(part) for part in at.split(","))
    known = load_tasks(tasks)
    for part in [*HALVES] if half == "both" else [half]:
        cells = [Cell(part, seconds, MEMORY, "full") for seconds in times]
        selected = chosen(known, part, side, limit)
        left = [task for task in selected if cells[-1].key(task.id) not in log.known]
        for task in tqdm(left, desc=part, leave=False, disable=None):
            found = answers(loaded, task, times, placement, options["augmentations"])
            for cell, (seconds, answered) in zip(cells, found, strict=True):
                outcome = asdict(judge(task, answered)) | {"spent": seconds, "steps": answered.steps}
                outcome |= {"demonstrations": answered.reproduced / len(task.train), "held_out": None}
                if cell.key(task.id) not in log.known:
                    log.add(cell, task.id, **outcome)


if __name__ == "__main__":
    main()
