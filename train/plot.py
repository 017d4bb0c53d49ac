"""``python -m train.plot RUN``: loss, exact accuracy, halting steps and learning rate of a run as a PNG;
``--compare RUN...``: accuracy of runs against training FLOP, with published systems as points."""

import sys
from pathlib import Path
from typing import Any

import click

from train.compare import draw_comparison
from train.figure import figure_of
from train.log import FILE, read_log

PANELS = (
    ("loss", (("train", "loss"), ("train", "lm_loss"))),
    (
        "exact accuracy",
        (("train", "exact_accuracy"), ("eval", "exact_accuracy"), ("eval", "train/exact_accuracy")),
    ),
    ("halting steps", (("train", "steps"),)),
    ("learning rate", (("train", "lr"),)),
)


def series(records: list[dict[str, Any]], event: str, name: str) -> tuple[list[int], list[float]]:
    """(steps, values) of a number in the log, in the order of the steps."""
    found = [(r["step"], float(r[name])) for r in records if r["event"] == event and name in r]
    found.sort()
    return [step for step, _ in found], [value for _, value in found]


def smooth(values: list[float], window: int) -> list[float]:
    """Means of the last ``window`` values at each place."""
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    return [(sums[n + 1] - sums[max(0, n + 1 - window)]) / min(n + 1, window) for n in range(len(values))]


def draw(records: list[dict[str, Any]], target: Path, title: str) -> None:
    """The four panels into ``target``. ValueError where the log has no steps or matplotlib is missing."""
    if not any(record["event"] == "train" for record in records):
        raise ValueError(f"{title}: the log holds no steps yet")
    figure, save = figure_of((10, 7))
    figure.suptitle(title)
    for axes, (name, lines) in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
        for event, key in lines:
            steps, values = series(records, event, key)
            if not steps:
                continue
            if event == "train" and key != "lr":
                values = smooth(values, max(1, len(values) // 50))
            axes.plot(steps, values, marker="o" if event == "eval" else None, label=f"{key} ({event})")
        axes.set_xlabel("step")
        axes.set_title(name)
        axes.legend()
    save(target)


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--compare", is_flag=True, help="Accuracy of all RUNS against training FLOP.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="the PNG; RUN/plot.png if not given")
def main(runs: tuple[Path, ...], compare: bool, output: Path | None) -> None:
    """Draw the log of a run's folder, or with --compare the evaluations of any number of runs."""
    try:
        if compare:
            target = output or Path("compare.png")
            draw_comparison(list(runs), target)
        elif len(runs) == 1:
            target = output or runs[0] / "plot.png"
            draw(read_log(runs[0] / FILE), target, runs[0].resolve().name)
        else:
            raise ValueError(f"wanted one run, found {len(runs)}; several with --compare")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(str(target))


if __name__ == "__main__":
    sys.exit(main())
