"""``python -m train.plot RUN``: loss, exact accuracy, halting steps and learning rate of a run as a PNG;
``--compare RUN...``: accuracy of runs against training FLOP, with published systems as points."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

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


TABLE = Path(__file__).with_name("published.json")
SCORES = (("pass@2", "asked", "o-", ""), ("tuned pass@2", "tuned asked", "s--", ", tuned"))


@dataclass(frozen=True)
class Published:
    """A system as its authors report it. ``score``: percent right with ``attempts`` answers. ``flop``: of
    training, found as ``basis`` says. ``tuned``: it learns at test time too, which ``flop`` leaves out
    unless ``basis`` says otherwise."""

    name: str
    score: float
    attempts: int
    flop: float
    basis: str
    tuned: bool
    source: str


def published(path: Path = TABLE) -> list[Published]:
    """The table of published systems."""
    return [Published(**system) for system in json.loads(path.read_text(encoding="utf-8"))["systems"]]


def curve(records: list[dict[str, Any]], score: str) -> tuple[list[float], list[float]]:
    """(training FLOP, percent) of a run's evaluations that have this score, in the order of compute; the
    FLOP of the runs that it continued are counted in."""
    scored = [r for r in records if r["event"] == "eval" and score in r]
    found = sorted((r["flop"] + r.get("before", 0.0), 100 * r[score]) for r in scored)
    return [flop for flop, _ in found], [value for _, value in found]


def _sample(records: list[dict[str, Any]], asked: str) -> str:
    """Whose tasks the last evaluation asked, as a label has it; nothing where the log does not say."""
    files = [record[asked] for record in records if asked in record]
    return f" ({Path(files[-1]).stem.removesuffix('_challenges')})" if files else ""


def draw_comparison(runs: list[Path], target: Path) -> None:
    """One picture of all runs and systems. ValueError where a run has no evaluation with its FLOP, or
    matplotlib is missing."""
    lines = []
    for run in runs:
        records, before = read_log(run / FILE), len(lines)
        for score, asked, style, suffix in SCORES:
            flop, percent = curve(records, score)
            if flop:
                lines.append((run.resolve().name + suffix + _sample(records, asked), flop, percent, style))
        if len(lines) == before:
            raise ValueError(f"{run / FILE}: no evaluation with pass@2 and FLOP yet")
    figure, save = figure_of((9, 6))
    axes = figure.subplots()
    for name, flop, percent, style in lines:
        axes.plot(flop, percent, style, label=name, markersize=5)
    for number, system in enumerate(sorted(published(), key=lambda s: s.flop)):
        axes.plot(system.flop, system.score, "^" if system.tuned else "D", color="0.45", markersize=6)
        above = number % 2 == 0  # neighbours' labels on different sides
        axes.annotate(
            system.name,
            (system.flop, system.score),
            xytext=(-6, 5 if above else -11),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color="0.3",
        )
    axes.set_xscale("log")
    axes.set_ylim(0, 100)
    axes.set_xlabel("training FLOP (grey: published, some from device-hours; triangles tune at test time)")
    axes.set_ylabel("ARC-AGI-1 public evaluation, pass@2, %")
    axes.grid(alpha=0.3)
    if lines:
        axes.legend(loc="upper left", title="ours: outputs of a sample of tasks")
    save(target)


def figure_of(size: tuple[float, float]) -> tuple[Any, Callable[[Path], None]]:
    """An empty figure of so many inches, and what writes it as a PNG; ValueError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ValueError('plotting needs matplotlib: pip install "arc-urm-solver[train]"') from error
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    return figure, FigureCanvasAgg(figure).print_png


if __name__ == "__main__":
    sys.exit(main())
