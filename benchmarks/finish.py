"""When a scored run would end: the real plan on a made-up clock, ``python -m benchmarks.finish``.

A job of ``s`` seconds takes ``fixed + s * over`` of them, over drawn from 1 to 1 + ``--overshoot``; both
the fixed part and the overshoot times ``--costlier``.
"""

from pathlib import Path

import click
import numpy as np

from solver.arc.task import Task, load_tasks
from solver.run.message import Job
from solver.run.options import SolveOptions
from solver.run.plan import QUICK, REFINE, TUNE
from solver.run.probe import SIDES, made_up_task
from solver.run.simulate import simulate

TASKS = 240


def evaluation_sized(data: Path | None) -> list[Task]:
    """240 tasks: those of the file, repeated, or made-up ones."""
    known = load_tasks(data) if data else [made_up_task(side) for side in SIDES]
    return [Task(f"t{n}", known[n % len(known)].train, known[n % len(known)].test) for n in range(TASKS)]


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Evaluation tasks; else made up.")
@click.option("--workers", default=4, show_default=True)
@click.option("--hours", default=11.25, show_default=True)
@click.option("--fixed", default=3.0, show_default=True, help="Seconds of a job beyond those it is given.")
@click.option("--overshoot", default=0.06, show_default=True, help="Share by which it goes on at most.")
@click.option("--seeds", default=5, show_default=True)
def main(data: Path | None, workers: int, hours: float, fixed: float, overshoot: float, seeds: int) -> None:
    """Finish time against the deadline, as expected and with everything twice as costly."""
    tasks = evaluation_sized(data)
    click.echo("| costs | seed | finish, h | deadline, h | quick | tune | refine | s a task | idle |")
    click.echo("|---|---|---|---|---|---|---|---|---|")
    for costlier in (1.0, 2.0):
        for seed in range(seeds):
            generator = np.random.default_rng(seed)

            def seconds(job: Job, factor: float = costlier, draw: np.random.Generator = generator) -> float:
                return (job.seconds or 0.0) * (1 + factor * draw.uniform(0, overshoot)) + factor * fixed

            made = simulate(
                tasks,
                SolveOptions(budget_seconds=hours * 3600, seed=seed),
                kind="cuda",
                workers=workers,
                seconds=seconds,
                disagreement=lambda job, draw=generator: float(draw.random() < 0.5),
                load=60.0,
            )
            counts = " | ".join(str(made.jobs[phase]) for phase in (QUICK, TUNE, REFINE))
            mean = sum(made.tuned.values()) / len(tasks)
            click.echo(
                f"| x {costlier:g} | {seed} | {made.finish / 3600:.2f} | {hours:g} | {counts} | {mean:.0f} "
                f"| {made.idle:.1%} |"
            )


if __name__ == "__main__":
    main()
