"""When a scored run would end: the real plan on a made-up clock, ``python -m benchmarks.finish``.

A job of ``s`` seconds takes ``fixed + s * over`` of them, over drawn from 1 to 1 + ``--overshoot``; both
the fixed part and the overshoot times ``--costlier``. ``--shares``: how each machine's time is divided.
``--project``: how many steps and views each task gets there, at a stated rate.
"""

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from benchmarks.machines import MACHINES, TASKS, Machine, shares_table
from benchmarks.simulate import Simulated, simulate
from solver.arc.made_up import SIDES, made_up_task
from solver.arc.task import Task, load_tasks
from solver.choices import JOINT, QUICK, REFINE, TUNE
from solver.run.message import Job
from solver.run.settings import SolveOptions

PHASES = (QUICK, JOINT, TUNE, REFINE)
LOAD_SECONDS = 60.0  # until the workers are ready


def evaluation_sized(data: Path | None) -> list[Task]:
    """240 tasks: those of the file, repeated, or made-up ones."""
    known = load_tasks(data) if data else [made_up_task(side) for side in SIDES]
    return [Task(f"t{n}", known[n % len(known)].train, known[n % len(known)].test) for n in range(TASKS)]


def simulated(
    tasks: Sequence[Task], machine: Machine, *, seed: int, fixed: float, overshoot: float, costlier: float
) -> Simulated:
    """A run of the tasks on this machine; half of them disagree after tuning."""
    generator = np.random.default_rng(seed)

    def seconds(job: Job) -> float:
        return (job.given.seconds or 0.0) * (
            1 + costlier * generator.uniform(0, overshoot)
        ) + costlier * fixed

    return simulate(
        tasks,
        SolveOptions(budget_seconds=machine.hours * 3600, seed=seed),
        kind=machine.kind,
        workers=machine.devices,
        seconds=seconds,
        disagreement=lambda job: float(generator.random() < 0.5),
        load=LOAD_SECONDS,
    )


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Evaluation tasks; else made up.")
@click.option("--replay", default="", help="Public tasks that are replayed, for --project.")
@click.option("--kind", type=click.Choice(["cpu", "cuda"]), default="cuda", show_default=True)
@click.option("--workers", default=4, show_default=True)
@click.option("--hours", default=11.25, show_default=True)
@click.option("--fixed", default=3.0, show_default=True, help="Seconds of a job beyond those it is given.")
@click.option("--overshoot", default=0.06, show_default=True, help="Share by which it goes on at most.")
@click.option("--seeds", default=5, show_default=True)
@click.option("--shares", is_flag=True, help="Only how the time is divided, for several machines.")
@click.option("--project", is_flag=True, help="Only the steps and views of each task, for several machines.")
@click.option("--share", default=0.25, show_default=True, help="Of a card's peak, the network of width 512.")
@click.option("--small-share", default=0.05, show_default=True, help="The same, urm-nano.")
def main(
    data: Path | None,
    replay: str,
    kind: str,
    workers: int,
    hours: float,
    fixed: float,
    overshoot: float,
    seeds: int,
    shares: bool,
    project: bool,
    share: float,
    small_share: float,
) -> None:
    """Finish time against the deadline, as expected and with everything twice as costly."""
    costs = {"fixed": fixed, "overshoot": overshoot}
    if shares:
        click.echo("\n".join(shares_table()))
    elif project:
        _project(evaluation_sized(data), replay, (share, small_share), costs)
    else:
        machine = Machine("this one", kind, workers, hours, 0.0)
        _finish(evaluation_sized(data), machine, seeds, costs)


def _finish(tasks: Sequence[Task], machine: Machine, seeds: int, costs: dict[str, float]) -> None:
    click.echo("| costs | seed | finish, h | deadline, h | quick | joint | tune | refine | s a task | idle |")
    click.echo("|---|---|---|---|---|---|---|---|---|---|")
    for costlier in (1.0, 2.0):
        for seed in range(seeds):
            made = simulated(tasks, machine, seed=seed, costlier=costlier, **costs)
            counts = " | ".join(str(made.jobs[phase]) for phase in PHASES)
            mean = sum(made.given.values()) / len(tasks)
            click.echo(
                f"| x {costlier:g} | {seed} | {made.finish / 3600:.2f} | {machine.hours:g} | {counts} "
                f"| {mean:.0f} | {made.idle:.1%} |"
            )


def _project(
    tasks: Sequence[Task], replay: str, shares: tuple[float, float], costs: dict[str, float]
) -> None:
    from benchmarks.projection import afford, networks

    click.echo(
        "| machine | network | TFLOP/s a device | finish, h | steps, joint | shown, joint "
        "| steps, alone | shown, alone | views afforded | asked |"
    )
    click.echo("|---|---|---|---|---|---|---|---|---|---|")
    for machine in MACHINES:
        made = simulated(tasks, machine, seed=0, costlier=1.0, **costs)
        for (name, config), part in zip(networks().items(), shares, strict=True):
            part = part if machine.kind == "cuda" else 1.0
            room = afford(machine, config, tasks, made, share=part, replay=replay)
            asked = machine.shares()
            click.echo(
                f"| {machine.name} | {name} | {machine.peak * part / 1e12:.3g} | {made.finish / 3600:.2f} "
                f"| {room.joint_steps:,.0f} | {room.joint_sequences:,.0f} | {room.steps:,.0f} "
                f"| {room.sequences:,.0f} | {room.views:,.0f} | {asked.augmentations} |"
            )


if __name__ == "__main__":
    main()
