"""One arm of the ablation on one task, or jointly on many: the very jobs that a run gives its workers."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from solver.arc import fallback
from solver.arc.candidate import Candidate, same_grid
from solver.arc.journal import Proposed
from solver.arc.policy import Answer, Policy, believe_views, join, rank_programs, rank_views
from solver.arc.task import Task
from solver.budget import Budget
from solver.choices import JOINT, NETWORK, SEARCH, START, TUNE, VOTE_RULES
from solver.model.checkpoint import Weights
from solver.model.config import NetworkConfig
from solver.model.embedding import build_memory
from solver.run.message import Answered, Failed, Given, Job, Joint
from solver.run.schedule import JOINT_SHARE, SEARCH_NODES
from solver.search.source import propose
from solver.tune.engine import Engine
from solver.tune.job import solve_job

ARMS = ("none", "embedding", "full", "joint")


def with_memory(weights: Weights, kind: str) -> Weights:
    """The same network with another kind of task memory, starting from the same embedding.

    A table's rows start at the factored memory's mean vector without any augmentation's modulation; a
    factored memory over a table's mean has factors that have not been trained.
    """
    if weights.config.memory == kind:
        return weights
    config: NetworkConfig = replace(weights.config, memory=kind, memory_rank=0)
    shared = build_memory(config, tasks=2, rows=2).shared_state()
    network = copy.copy(weights.network)  # the same tensors under another configuration
    network.config = config
    return replace(weights, config=config, network=network, memory={**shared, "mean": weights.memory["mean"]})


@dataclass(frozen=True)
class Judged:
    """Shares of a task's test outputs, 0..1: right by the network's two best answers (``rules``: by each
    rule of the vote), anywhere in its ``pool``, by the two attempts with programs (``both``; ``always``:
    if the network always came first), and by programs alone. ``views``: of the views that were asked, those
    whose grid is right; ``cells``: of the network's best answer's cells, those that are right, 0 where its
    shape is wrong. These two tell arms apart where few tasks are right.
    """

    network: float
    pool: float
    views: float
    cells: float
    both: float
    always: float
    programs: float
    rules: dict[str, float]


def programs_of(task: Task) -> tuple[tuple[Candidate, ...], ...]:
    """What the program search finds for each test input with SEARCH_NODES."""
    found: list[list[Candidate]] = [[] for _ in task.test]
    for test, candidate in propose(task, Budget(steps=SEARCH_NODES), 0):
        found[test].append(candidate)
    return tuple(map(tuple, found))


def judge(task: Task, answered: Answered | None) -> Judged:
    """``task``: with its solutions. ``answered``: None for programs alone."""
    hidden, rows = task.without_test_outputs(), []
    events = [Proposed(task.id, fallback.fallbacks(hidden), fallback.SOURCE, START)]
    events.append(Proposed(task.id, programs_of(hidden), SEARCH, START))
    if answered:
        known = {"reproduced": answered.reproduced, "demonstrations": len(task.train)}
        events.append(Proposed(task.id, answered.candidates, held_out=answered.held_out, **known))
    policy = Policy()
    for test, pair in enumerate(task.test):
        candidates = answered.candidates[test] if answered else ()
        votes = [same_grid(c.grid, pair.output) for c in candidates if not c.known.pooled]
        ranked = rank_views(candidates)
        programs = [rank_programs(event.candidates[test]) for event in events[:2]]
        always = join([believe_views(ranked, trusted=True), *programs])

        def right(answers: Sequence[Answer], wanted: np.ndarray = pair.output) -> float:
            return float(any(same_grid(answer.grid, wanted) for answer in answers))

        rows.append(
            Judged(
                right(ranked[:2]),
                right(ranked),
                float(np.mean(votes)) if votes else 0.0,
                _right_cells(ranked, pair.output),
                right(policy.attempts(events, test)),
                right(always[:2]),
                right(join(programs)[:2]),
                {rule: right(rank_views(candidates, rule)[:2]) for rule in VOTE_RULES},
            )
        )
    means = {
        name: float(np.mean([getattr(row, name) for row in rows]))
        for name in ("network", "pool", "views", "cells", "both", "always", "programs")
    }
    rules = {rule: float(np.mean([row.rules[rule] for row in rows])) for rule in VOTE_RULES}
    return Judged(**means, rules=rules)


def _right_cells(ranked: Sequence[Answer], wanted: np.ndarray) -> float:
    if not ranked or ranked[0].grid.shape != wanted.shape:
        return 0.0
    return float((ranked[0].grid == wanted).mean())


def run_alone(engine: Engine, arm: str, task: Task, seconds: float) -> tuple[Answered, float]:
    """The task's answers after one job of so many seconds, and the seconds it took."""
    given = Given(seconds=seconds)
    options = replace(engine.settings.options, tune=arm)
    engine = replace(engine, settings=replace(engine.settings, options=options))
    return _only(engine, Job(1, 0, (task.without_test_outputs(),), NETWORK, TUNE, given))


@dataclass(frozen=True)
class Together:
    """What a joint part took: seconds ``spent`` and ``steps`` in all, for so many ``tasks``. A step's batch
    is as large as one of a task alone, so a task's share of both is what it would have had alone."""

    spent: float
    steps: int
    tasks: int


def tune_together(engine: Engine, tasks: Sequence[Task], seconds: float, path: Path) -> Together:
    """The joint part for all tasks, into the file at ``path``. ``seconds``: for each task, its finish
    included."""
    hidden = tuple(task.without_test_outputs() for task in tasks)
    whole = seconds * JOINT_SHARE * len(tasks)
    job = Job(1, 0, hidden, NETWORK, JOINT, Given(seconds=whole), start=Joint(str(path)))
    began = engine.clock()
    steps = max((answered.steps for answered in _answers(engine, job)), default=0)
    return Together(engine.clock() - began, steps, len(tasks))


def finish_alone(engine: Engine, task: Task, seconds: float, path: Path) -> tuple[Answered, float]:
    """The task's answers after its finish from the joint weights at ``path``, and the finish's seconds."""
    share = seconds * (1 - JOINT_SHARE)
    hidden = task.without_test_outputs()
    return _only(engine, Job(1, 0, (hidden,), NETWORK, TUNE, Given(seconds=share), start=Joint(str(path))))


def _only(engine: Engine, job: Job) -> tuple[Answered, float]:
    began = engine.clock()
    answers = list(_answers(engine, job))
    return answers[-1], engine.clock() - began


def _answers(engine: Engine, job: Job) -> Iterator[Answered]:
    for message in solve_job(engine, job, lambda: None):
        _refuse(message)
        if isinstance(message, Answered):
            yield message


def _refuse(message: object) -> None:
    if isinstance(message, Failed):
        raise ValueError(f"a job of the ablation failed: {message.reason}")
