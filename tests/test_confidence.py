"""What tuning knows of itself: the demonstration held back, tasks that settle, what the vote makes of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_run import program, view
from test_run import CPU, tiny_task, tiny_weights

from solver.arc.augment import IDENTITY
from solver.arc.journal import Header, Journal, read_journal
from solver.arc.submission import read_submission
from solver.arc.task import Pair, Task, as_grid
from solver.budget import Budget
from solver.choices import JOINT, NETWORK, QUICK, REFINE, SEARCH, START, TUNE
from solver.model.learner import Rates
from solver.run.ledger import Ledger
from solver.run.message import Answered, Given, Job
from solver.tune.adapt import Tuning, adapt
from solver.tune.sampler import DemonstrationSampler
from solver.tune.settings import TuneSettings


def three_demonstrations(name: str = "three", count: int = 3) -> Task:
    """One rule, the same answer everywhere: easily learned from two of its demonstrations."""
    generator = np.random.default_rng(8)
    answer = as_grid([[1, 2], [2, 1]])
    pairs = [Pair(as_grid(generator.integers(3, 6, (2, 2))), answer) for _ in range(count + 1)]
    return Task(name, tuple(pairs[:count]), (Pair(pairs[count].input),))


def small_settings(**changes: object) -> TuneSettings:
    values = dict(arm="full", augmentations=2, tokens=64, rates=Rates(weights=3e-3), check_views=2)
    return TuneSettings(**{**values, **changes})


def begin(task: Task, steps: int, **changes: object) -> Tuning:
    settings = small_settings(**changes)
    budget = Budget(steps=steps)
    return Tuning(tiny_weights(), [task], settings=settings, budget=budget, placement=CPU, seed=0)


def test_the_held_back_demonstration_is_never_drawn_before_it_is_asked() -> None:
    task = three_demonstrations()
    tuning = begin(task, 100)
    held = tuning.sampler.held[0]
    assert held in (0, 1, 2)
    shown = {tuning.sampler._draw_view().pair.input.tobytes() for _ in range(60)}
    assert shown == {task.train[n].input.tobytes() for n in range(3) if n != held}
    tuning.run(until=0.35)
    if tuning.sampler.held[0] is not None:
        assert tuning.watch.held_out == [None]
    tuning.run(until=0.45)
    assert tuning.sampler.held == [None] and 0.0 <= tuning.watch.held_out[0] <= 1.0
    shown = {tuning.sampler._draw_view().pair.input.tobytes() for _ in range(60)}
    assert len(shown) == 3


def test_the_choice_follows_the_seed_and_two_demonstrations_are_both_shown() -> None:
    task, settings = three_demonstrations(), small_settings()
    held = set()
    for seed in range(8):
        tuning = Tuning(
            tiny_weights(), [task], settings=settings, budget=Budget(steps=1), placement=CPU, seed=seed
        )
        held.add(tuning.sampler.held[0])
    assert held == {0, 1, 2}
    assert begin(tiny_task(), 1).sampler.held == [None]
    assert begin(task, 1, hold_share=0.0).sampler.held == [None]


def test_a_solved_and_stable_task_ends_early_and_its_confidence_is_known() -> None:
    tuning = begin(three_demonstrations(count=8), 400, augmentations=1, check_share=0.05)
    tuning.run()
    tuned = tuning.finish()
    assert tuned.settled == (True,) and tuned.steps < 300
    assert tuned.held_out == (1.0,) and tuned.reproduced == (8,)


def test_a_task_without_a_rule_gets_no_confidence_and_all_of_its_steps() -> None:
    generator = np.random.default_rng(3)
    pairs = [Pair(*(as_grid(generator.integers(0, 10, (3, 3))) for _ in range(2))) for _ in range(3)]
    task = Task("noise", tuple(pairs), (Pair(pairs[0].input),))
    tuning = begin(task, 40)
    tuning.run()
    tuned = tuning.finish()
    assert tuned.held_out == (0.0,) and tuned.settled == (False,) and tuned.steps == 40


def test_a_settled_task_leaves_its_turns_to_the_others() -> None:
    group = [three_demonstrations("a"), three_demonstrations("b")]
    augmentations = [[IDENTITY], [IDENTITY]]
    settings = small_settings(settled_share=0.0)
    sampler = DemonstrationSampler(tiny_weights().config, group, augmentations, settings, 0)
    sampler.settled[0] = True
    assert {sampler._draw_view().task for _ in range(20)} == {2}
    sampler.settled[1] = True
    assert {sampler._draw_view().task for _ in range(20)} == {1, 2}


@pytest.mark.parametrize("memory", ["table", "cose"])
def test_embeddings_alone_do_not_depend_on_the_grouping(memory: str) -> None:
    weights = tiny_weights(memory=memory, memory_rank=4 if memory == "cose" else 0)
    tasks = [tiny_task("one"), three_demonstrations("two"), tiny_task("three")]
    settings = small_settings(arm="embedding")
    common = dict(settings=settings, placement=CPU, seed=0)
    together = adapt(weights, tasks, budget=Budget(steps=18), **common)
    for n, task in enumerate(tasks):
        alone = adapt(weights, [task], budget=Budget(steps=6), **common)
        mine = slice(n * 2 + 1, n * 2 + 3)
        assert torch.equal(together.memory.rows[mine], alone.memory.rows[1:])
        if memory == "cose":
            assert torch.equal(together.memory.task_vectors[n + 1], alone.memory.task_vectors[1])
        assert together.held_out[n] == alone.held_out[0]
    moved = together.memory.rows if memory == "table" else together.memory.task_vectors
    assert len({tuple(row) for row in moved.tolist()}) == len(moved)


def test_full_tuning_starts_from_the_base_weights_in_every_group() -> None:
    weights, settings = tiny_weights(memory="cose"), small_settings()
    common = dict(settings=settings, budget=Budget(steps=4), placement=CPU, seed=0)
    alone = adapt(weights, [tiny_task("two")], **common)
    adapt(weights, [tiny_task("one")], **common)
    again = adapt(weights, [tiny_task("two")], **common)
    for name, value in alone.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name])
    assert torch.equal(alone.memory.task_vectors, again.memory.task_vectors)


# What the vote makes of it

NET, ONE, TWO = (as_grid([[colour]]) for colour in (1, 2, 3))


def two_rules() -> Answered:
    """Two rules fit, with a different answer each."""
    return Answered(1, "three", ((program(ONE, "one", 0), program(TWO, "two", 1)),), 0, 0, 0.0)


def answered(votes: int, reproduced: int, held_out: float | None, grid: np.ndarray = NET) -> Answered:
    views = tuple(view(grid, 0.5, -0.1) for _ in range(votes))
    return Answered(1, "three", (views,), reproduced, 9, 1.0, "", held_out)


def job(phase: str, source: str = NETWORK) -> Job:
    return Job(1, 0, (three_demonstrations(),), source, phase, Given())


def new_ledger() -> Ledger:
    ledger = Ledger([three_demonstrations()], None, print)
    ledger.answered(two_rules(), job(START, SEARCH))
    return ledger


@pytest.mark.parametrize(
    ("votes", "reproduced", "held_out", "first"),
    [
        (8, 3, 1.0, NETWORK),
        (8, 3, None, NETWORK),
        (1, 3, 1.0, "search"),
        (8, 0, 0.0, "search"),
        (8, 0, None, "search"),
    ],
)
def test_thin_votes_do_not_displace_a_second_rule(
    votes: int, reproduced: int, held_out: float | None, first: str, tmp_path: Path
) -> None:
    ledger = Ledger([three_demonstrations()], None, print)
    path = tmp_path / "run.journal"
    ledger.open_journal(Journal.create(path, Header()), None)
    ledger.answered(two_rules(), job(START, SEARCH))
    result = ledger.answered(answered(votes, reproduced, held_out), job(TUNE))
    ledger.close()
    assert result.attempts[0][0].source == first and result.held_out == held_out
    explained = [a.explanation for a in result.attempts[0]]
    assert explained == (["one", "two"] if first == "search" else ["", "one"])
    # A resumed run knows the same and decides the same.
    again = Ledger([three_demonstrations()], None, print)
    opened, contents = Journal.resume(path, Header())
    again.open_journal(opened, contents)
    again.close()
    assert read_journal(path).finished("three").held_out == held_out
    assert [a.explanation for a in again.attempts(three_demonstrations())[0]] == explained


def numbers(ledger: Ledger) -> list[tuple]:
    """All that a run submits, decides by and refines by, of its only task."""
    ledger.attempts(three_demonstrations())  # with fallbacks, whether or not anything was proposed yet
    ranked = ledger.policy.rank(ledger.events["three"], 0)
    found = [(a.grid.tolist(), a.sources, a.votes, a.programs, a.confidence, a.belief) for a in ranked]
    return [*found, ledger.disagreement(ledger.tasks)]


def test_a_run_killed_at_any_record_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """Joint checkpoints come one after another, of which the latest counts; a task is answered once more
    where a worker died behind it. Cut off after each byte count of a whole line, and inside a line, the
    journal and the work that is left give the same numbers."""
    work = [
        (two_rules(), job(START, SEARCH)),
        (answered(4, 0, None, TWO), job(QUICK)),
        *[(answered(2, n, 0.5, grid), job(JOINT)) for n, grid in ((1, NET), (2, ONE), (3, NET))],
        (answered(6, 3, 1.0, ONE), job(TUNE)),
        (answered(7, 3, 1.0), job(TUNE)),
        (answered(5, 2, 0.0, TWO), job(REFINE)),
    ]
    path = tmp_path / "run.journal"
    ledger = Ledger([three_demonstrations()], None, print)
    ledger.open_journal(Journal.create(path, Header()), None)
    steps = [path.stat().st_size]
    seen = [numbers(ledger)]
    for message, given in work:
        ledger.answered(message, given)
        steps.append(path.stat().st_size)
        seen.append(numbers(ledger))
    ledger.close()
    whole = path.read_bytes()
    assert seen[3][0][2] == 2 and seen[5][0][2] == 2, "a checkpoint takes the place of the one before it"
    lines = [0, *[n + 1 for n, byte in enumerate(whole) if byte == ord("\n")]]
    for end in sorted({*lines, *[line + 9 for line in lines[:-1]]}):
        path.write_bytes(whole[:end])
        again = Ledger([three_demonstrations()], None, print)
        opened, contents = Journal.resume(path, Header())
        restored = again.open_journal(opened, contents)
        done = sum(step <= end for step in steps[1:])
        assert len(restored) == done and numbers(again) == seen[done]
        for message, given in work[done:]:
            again.answered(message, given)
        again.close()
        assert numbers(again) == seen[-1]
        assert [e.phase for e in read_journal(path).records] == [e.phase for e in ledger.events["three"]]


def test_refinement_goes_where_more_work_may_change_something() -> None:
    task = three_demonstrations()

    def left(grids: list, held_out: float | None, pooled: np.ndarray | None = None) -> float:
        ledger = new_ledger()
        views = tuple(view(grid) for grid in grids)
        views += () if pooled is None else (view(pooled, pooled=True),)
        ledger.answered(replace(answered(0, 3, held_out), candidates=(views,)), job(TUNE))
        return ledger.disagreement([task])

    many = [as_grid([[n // 10, n % 10]]) for n in range(16)]
    assert left([NET] * 8, 1.0) == left([NET] * 8, None) == 0.0
    assert left([NET] * 4 + [ONE] * 4, 1.0) == left([NET] * 4 + [ONE] * 4, 1.0, TWO) == 1.0
    assert 0 < left(many, 1.0) < 0.5 < left([NET] * 8, 0.0)
    assert 0 < left([], None) < 0.5


def test_a_task_of_a_hundred_test_inputs_is_answered(tmp_path: Path) -> None:
    """A valid file may hold one; its submission is written, and its journal read."""
    few = three_demonstrations()
    task = replace(few, test=few.test * 100)
    ledger = Ledger([task], tmp_path / "s.json", print)
    path = tmp_path / "run.journal"
    ledger.open_journal(Journal.create(path, Header()), None)
    ledger.write(first=True)
    message = replace(answered(0, 3, None), candidates=((view(NET), view(NET)),) * 100)
    attempts = ledger.answered(message, job(TUNE)).attempts
    ledger.close()
    assert len(attempts) == 100 and attempts[99][0].source == NETWORK
    assert len(read_submission(tmp_path / "s.json")["three"]) == 100
    assert read_journal(path).tests == {"three": 100}


@pytest.mark.parametrize(
    ("tasks", "steps", "seconds", "held"),
    [
        (1, None, 59.0, False),
        (2, None, 120.0, True),
        (1, 499, None, False),
        (2, 999, None, False),
        (2, 1000, None, True),
    ],
)
def test_a_demonstration_is_held_back_only_where_there_is_time(
    tasks: int, steps: int | None, seconds: float | None, held: bool
) -> None:
    made = Job(1, 0, (three_demonstrations(),) * tasks, NETWORK, TUNE, Given(steps, seconds))
    assert (made.hold_share > 0) == held
