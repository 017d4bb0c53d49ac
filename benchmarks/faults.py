"""The fault campaign, whole runs with random faults: ``python -m benchmarks.faults --runs 200``.

What each run must keep is in ``benchmarks.promises``. Run ``n`` depends on the seed and ``n`` alone. With
``--log FILE`` each outcome is kept there as a line of JSON, and the same command goes on where it was ended.
``--executor ray`` starts a cluster on this machine, and the runs work on it one after another.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from benchmarks.faulty_run import Outcome, one_run, write_tiny_weights
from benchmarks.promises import EXECUTORS, LEFT_OUT, Pace
from solver.file import append_record, whole_records

if TYPE_CHECKING:
    from benchmarks.ray_nodes import RayNodes


def measure_pace(weights: Path, scratch: Path, nodes: "RayNodes | None" = None) -> Pace:
    """From a run without a fault; the one before it warms up. ValueError where even that breaks a promise."""
    pace = Pace(30.0)
    for name in ("warm", "clean"):
        outcome = one_run("", np.random.default_rng(0), weights, scratch / name, pace, nodes)
        if outcome.problem:
            raise ValueError(f"a run without a fault: {outcome.problem}")
        pace = Pace(outcome.seconds)
    return pace


def campaign(
    runs: int,
    seed: int,
    seconds: float = float("inf"),
    done: Sequence[int] = (),
    executor: str = "processes",
    only: str = "",
) -> Iterator[tuple[int, Outcome]]:
    """(number, outcome) of runs with random faults, each kind whose name begins with ``only`` in turn, until
    the seconds are over."""
    began, kinds = time.monotonic(), [kind for kind in EXECUTORS[executor] if kind.startswith(only)]
    order = np.random.default_rng(seed).permutation(len(kinds))
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch, standing(executor) as nodes:
        weights = Path(scratch) / "weights"
        write_tiny_weights(weights)
        pace = measure_pace(weights, Path(scratch), nodes)
        for number in range(runs):
            if number in done:
                continue
            if time.monotonic() - began > seconds:
                return
            scenario = kinds[order[number % len(kinds)]]
            generator = np.random.default_rng([seed, number])
            yield number, one_run(scenario, generator, weights, Path(scratch) / f"run-{number}", pace, nodes)


@contextmanager
def standing(executor: str) -> Iterator["RayNodes | None"]:
    """The cluster that all runs work on, if they do."""
    if executor == "processes":
        yield None
        return
    from benchmarks.ray_nodes import RayNodes

    with closing(RayNodes(cpus=2)) as nodes:  # one node has room for two workers
        yield nodes


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Markdown, a row for each kind of fault."""
    yield "| fault | runs | held | seconds a run | longest |"
    yield "|---|---|---|---|---|"
    for name in (*EXECUTORS["ray"], "all"):
        kind = [outcome for outcome in outcomes if name in (outcome.scenario, "all")]
        if kind:
            held, seconds = sum(not outcome.problem for outcome in kind), [o.seconds for o in kind]
            mean = f"{sum(seconds) / len(kind):.1f} | {max(seconds):.1f}"
            yield f"| {name} | {len(kind)} | {held} | {mean} |"


def read_log(path: Path) -> dict[int, Outcome]:
    """The outcomes by number; none where there is no file, a torn last line cut off. ValueError
    for a line that is no outcome."""
    found = {}
    for place, record in enumerate(whole_records(path), 1):
        try:
            fields = dict(record)
            number = int(fields.pop("number"))
            found[number] = Outcome(**fields)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}, line {place}: wanted an outcome, found {record}") from error
    return found


@click.command()
@click.option("--runs", default=200, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True)
@click.option("--seconds", default=float("inf"), show_default=True, help="Begin no run after so long.")
@click.option("--executor", default="processes", show_default=True, type=click.Choice(list(EXECUTORS)))
@click.option("--only", default="", metavar="WORD", help="Faults whose name begins so, such as joint.")
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Keep outcomes, and go on.")
def main(runs: int, seed: int, seconds: float, executor: str, only: str, log: Path | None) -> None:
    """Whole runs with random faults; exit status 1 where a promise was broken."""
    outcomes = read_log(log) if log else {}
    if any(outcome.executor != executor for outcome in outcomes.values()):
        raise click.UsageError(f"{log}: wanted runs on {executor}, found others")
    for name, reason in LEFT_OUT.items() if executor == "ray" else ():
        click.echo(f"left out: {name} ({reason})")
    if not any(kind.startswith(only) for kind in EXECUTORS[executor]):
        known = ", ".join(EXECUTORS[executor])
        raise click.UsageError(f"--only: wanted the beginning of one of {known}, found {only!r}")
    began, before = time.monotonic(), len(outcomes)
    for number, outcome in campaign(runs, seed, seconds, tuple(outcomes), executor, only):
        outcomes[number] = outcome
        if log:
            append_record(log, {"number": number, **asdict(outcome)})
        left = (time.monotonic() - began) / (len(outcomes) - before) * (runs - len(outcomes))
        said = f"{len(outcomes):4} of {runs}  {outcome.scenario:<23} {outcome.seconds:6.1f} s  "
        click.echo(f"{said}{outcome.problem or 'held':<6} {left / 60:5.1f} min left")
    click.echo("\n" + "\n".join(table(list(outcomes.values()))))
    sys.exit(1 if any(outcome.problem for outcome in outcomes.values()) else 0)


if __name__ == "__main__":
    main()
