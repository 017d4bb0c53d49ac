"""Accuracy against training compute: runs as lines, published systems as points."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.figure import figure_of
from train.log import FILE, read_log

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
