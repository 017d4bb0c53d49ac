"""``python -m train.protocol WEIGHTS [WEIGHTS ...] --tasks FILE --log FILE --votes 1,10,100,1000``.

The published protocol: no tuning, a test input asked under many augmentations with the vector that its task's
demonstrations were given in training, and the two grids with most votes as answers; beside it what ``solve``
answers, whose first answer is what all views give together (``solver.arc.consensus``). A task that the
weights have no vector of counts as wrong. Several sets of weights vote together, each with so many views,
and the table says so. The log has a line for each task: an evaluation that was ended goes on where it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import torch
from tqdm import tqdm

from solver.arc.augment import Augmentation, sample_augmentations
from solver.arc.candidate import Candidate, same_grid
from solver.arc.checksum import task_checksum
from solver.arc.consensus import Consensus
from solver.arc.policy import rank_views
from solver.arc.seed import derive_generator
from solver.arc.task import Task, load_tasks
from solver.choices import DEFAULT_RULE, PLAIN_RULE, VoteRule
from solver.file import append_record, whole_records
from solver.model.checkpoint import Weights, load_weights
from solver.model.device import Placement, place, use_threads
from solver.model.flops import inference_flop
from solver.tune.predict import Tuned, first_canvas, predict_views
from solver.tune.settings import PredictSettings
from solver.tune.views import fits
from train.watch import CELLS

RULES: tuple[VoteRule, ...] = (PLAIN_RULE, DEFAULT_RULE)  # published, ours
KINDS = (*(f"{rule} {number}" for rule in RULES for number in (1, 2)), "covered")
DTYPES = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True, eq=False)
class Protocol:
    """``votes``: counts of views that are scored, in rising order; the first so many of one draw."""

    weights: Sequence[Weights]
    votes: tuple[int, ...]
    seed: int
    placement: Placement

    def described(self, tasks: Path) -> dict[str, Any]:
        """What two parts of one log must agree in."""
        names = [f"{w.name} ({w.provenance.get('flop', 0.0):.4g} FLOP)" for w in self.weights]
        dtype = str(self.placement.dtype).removeprefix("torch.")
        asked = {"weights": names, "tasks": tasks.name, "votes": list(self.votes), "seed": self.seed}
        return asked | {"dtype": dtype}


@dataclass(frozen=True, eq=False)
class Asked:
    """One test input. ``views``: a candidate of each that gave an answer, in the order of the draw; none
    where the weights do not know the task. ``together``: by votes, what so many views give together."""

    views: tuple[Candidate, ...] = ()
    together: Mapping[int, Candidate | None] = field(default_factory=dict)

    def first(self, votes: int) -> list[Candidate]:
        """What so many views bring to the vote."""
        together = self.together.get(votes)
        return [*self.views[:votes], *([together] if together else [])]


def ask(protocol: Protocol, weights: Weights, task: Task) -> tuple[list[Asked], float]:
    """Each test input under all views, and the FLOP of it."""
    checksum, config = task_checksum(task), weights.config
    if checksum not in weights.vectors or not fits(task, config):
        return [Asked() for _ in task.test], 0.0
    memory = weights.starting_from(checksum).new_memory(tasks=1, rows=0).to(protocol.placement.device)
    tuned = Tuned(weights.network, memory, (task.without_test_outputs(),), ((),), 0, (), 0)
    views = sample_augmentations(task, protocol.votes[-1], derive_generator(protocol.seed, task.id, "votes"))
    asked, flop = [], 0.0
    for test, pair in enumerate(task.test):
        asked.append(_ask_one(protocol, tuned, test, views))
        height, width = first_canvas(config, task.train, pair)
        flop += len(views) * inference_flop(config, height * width, config.loops)
    return asked, flop


def _ask_one(protocol: Protocol, tuned: Tuned, test: int, views: Sequence[Augmentation]) -> Asked:
    placement, config = protocol.placement, tuned.network.config
    settings = PredictSettings(CELLS[placement.device.type], config.loops, together=False)
    consensus, made, together = Consensus(), [], {}
    answers = predict_views(
        tuned, 0, test, views, config=config, settings=settings, placement=placement, consensus=consensus
    )
    for candidate in answers:
        made.append(candidate)
        if len(made) in protocol.votes:
            together[len(made)] = consensus.candidate()
    for votes in protocol.votes:  # a task may have fewer augmentations
        together.setdefault(votes, consensus.candidate())
    return Asked(tuple(made), together)


def judge(protocol: Protocol, task: Task) -> dict[str, Any]:
    """One line of the log: for each of ``KINDS``, by votes, whether each test output is right. ``RULE N``:
    one of the best N answers by that rule; ``covered``: any candidate."""
    asked, flop = zip(*(ask(protocol, weights, task) for weights in protocol.weights), strict=True)
    known = any(part.views for tests in asked for part in tests)
    line: dict[str, Any] = {"task": task.id, "known": known, "flop": sum(flop)}
    line |= {kind: {str(votes): [] for votes in protocol.votes} for kind in KINDS}
    for test, pair in enumerate(task.test):
        for votes in protocol.votes:
            candidates = [c for tests in asked for c in tests[test].first(votes)]
            hits = {}
            for rule in RULES:
                right = [same_grid(answer.grid, pair.output) for answer in rank_views(candidates, rule)]
                hits |= {f"{rule} 1": any(right[:1]), f"{rule} 2": any(right[:2]), "covered": any(right)}
            for kind, hit in hits.items():
                line[kind][str(votes)].append(hit)
    return line


def read_log(path: Path, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines that are there; begins the log where there is none. ValueError for
    a log of something else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = whole_records(path)
    if not records:
        append_record(path, asked)
        return []
    head, *lines = records
    differ = [key for key in asked if head.get(key) != asked[key]]
    if differ:
        key = differ[0]
        raise ValueError(f"{path}: is of {key} {head.get(key)}, wanted {asked[key]}; name another --log")
    return lines


def table(lines: Sequence[dict[str, Any]], votes: Sequence[int], sets: int) -> list[str]:
    """For people: the share of tasks and of outputs that are right, by votes."""
    outputs = sum(len(line["covered"][str(votes[0])]) for line in lines)
    known = sum(line["known"] for line in lines)
    across = "" if sets == 1 else f", votes across {sets} checkpoints, each with so many"
    shown = [f"{len(lines)} tasks, {outputs} test outputs; {known} tasks known from training{across}"]
    shown.append(" " * 9 + "by votes" + " " * 10 + "together, then votes")
    shown.append("  votes   pass@1   pass@2   pass@1   pass@2  covered")
    for of in ("tasks", "outputs"):
        for count in votes:
            cells = [f"{_share(lines, kind, count, of == 'tasks'):8.2%}" for kind in KINDS]
            shown.append(f"{count:7d} {' '.join(cells)}  of {of}")
    if known:
        shown.append(f"{sum(line['flop'] for line in lines) / known:.3g} FLOP a known task")
    return shown


def _share(lines: Sequence[dict[str, Any]], kind: str, votes: int, of_tasks: bool) -> float:
    hits = [line[kind][str(votes)] for line in lines]
    if of_tasks:  # a task's score is the mean of its outputs
        return sum(sum(h) / len(h) for h in hits) / len(lines)
    return sum(map(sum, hits)) / sum(map(len, hits))


def _counts(context: click.Context, option: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        counts = tuple(sorted({int(part) for part in value.split(",")}))
    except ValueError:
        counts = ()
    if not counts or counts[0] < 1:
        raise click.BadParameter(f"{value!r}: wanted whole numbers from 1 on, with commas")
    return counts


@click.command()
@click.argument("weights", nargs=-1, required=True)
@click.option(
    "--tasks", required=True, type=click.Path(exists=True, path_type=Path), help="Task file with solutions."
)
@click.option(
    "--log", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A line a task; goes on."
)
@click.option(
    "--votes", default="1,10,100,1000", show_default=True, callback=_counts, help="Views that are scored."
)
@click.option("--seed", default=0, show_default=True, help="Of the views that are drawn.")
@click.option("--threads", type=int, help="Threads on the CPU.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--dtype", type=click.Choice(DTYPES), default="auto", show_default=True, help="Of activations.")
@click.option("--compile", "compiled", is_flag=True, help="Compile the blocks; pays from some minutes on.")
def main(
    weights: tuple[str, ...],
    tasks: Path,
    log: Path,
    votes: tuple[int, ...],
    seed: int,
    threads: int | None,
    device: str,
    dtype: str,
    compiled: bool,
) -> None:
    """Score WEIGHTS (names or folders) on --tasks whose demonstrations they were trained on, untuned."""
    try:
        use_threads(threads)
        placement = place(device)
        if dtype != "auto":
            placement = replace(placement, dtype=getattr(torch, dtype))
        loaded = [load_weights(name) for name in weights]
        for each in loaded:
            each.network.to(placement.device).eval()
            if compiled:
                each.network.compile()
        protocol = Protocol(loaded, votes, seed, placement)
        asked = [task for task in load_tasks(tasks) if task.solved_publicly]
        if not asked:
            raise ValueError(f"{tasks}: no task has all its test outputs; wanted them, to score")
        lines = read_log(log, protocol.described(tasks))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    done = {line["task"] for line in lines}
    for task in tqdm([task for task in asked if task.id not in done], disable=None):
        line = judge(protocol, task)
        append_record(log, line)
        lines.append(line)
    for text in table(lines, votes, len(loaded)):
        click.echo(text)


if __name__ == "__main__":
    main()
