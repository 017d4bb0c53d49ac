"""The ablation, the comparison of votes, and the count of a memory's bytes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from made_run import challenges, solutions, view
from test_run import tiny_task, tiny_weights

from benchmarks import ablation, curve, votes
from benchmarks.arm import ARMS, Together, judge, with_memory
from benchmarks.figure import curves, table
from benchmarks.memory import memory_bytes
from solver.arc.journal import Header, Journal, Proposed
from solver.arc.task import Pair, Task, as_grid
from solver.model.checkpoint import save_weights
from solver.model.config import URMConfig
from solver.run.message import Answered

RIGHT, WRONG, OTHER = (as_grid([[colour, 1]]) for colour in (1, 2, 3))


def test_a_memorys_bytes_are_counted_from_its_shapes() -> None:
    config = URMConfig(hidden_size=32, num_heads=2, puzzle_emb_ndim=32, memory="table")
    assert memory_bytes(config, tasks=5, augmentations=10) == 4 * 32 * 51
    factored = URMConfig(hidden_size=32, num_heads=2, puzzle_emb_ndim=32, memory="cose", memory_rank=4)
    shared = 8 * 32 + 32 + 9 * 16 + 2 * 32 * (32 + 32 + 9 * 16) + 4 * 32
    assert memory_bytes(factored, tasks=5, augmentations=10) == 4 * (3 * (6 * 32 + shared) + 51 * 4)


@pytest.mark.parametrize(("trained", "wanted"), [("cose", "table"), ("table", "cose"), ("cose", "cose")])
def test_another_memory_starts_from_the_same_embedding(trained: str, wanted: str) -> None:
    weights = tiny_weights(memory=trained)
    weights.memory["mean"] = torch.arange(32.0)
    other = with_memory(weights, wanted)
    assert other.config.memory == other.network.config.memory == wanted
    assert weights.network.config.memory == trained
    memory = other.new_memory(tasks=1, rows=1)
    start = memory.rows[1] if wanted == "table" else memory.task_vectors[1]
    assert torch.equal(start, torch.arange(32.0))


def known_task(name: str) -> Task:
    task = tiny_task(name)
    return Task(name, task.train, (Pair(task.test[0].input, RIGHT),))


def answered(grids: list, reproduced: int = 2) -> Answered:
    views = tuple(view(grid, 0.5, -0.01) for grid in grids)
    return Answered(1, "t", (views,), reproduced, 3, 1.0, "", None)


def best_cells(task: Task, grids: list) -> float:
    return judge(task, answered(grids)).cells


def test_an_outcome_is_judged_with_and_without_guesses() -> None:
    task = known_task("t")
    third = judge(task, answered([WRONG, WRONG, OTHER, OTHER, RIGHT]))
    assert (third.network, third.pool) == (0.0, 1.0) and third.views == pytest.approx(1 / 5)
    assert third.cells == float((WRONG == RIGHT).mean()) and best_cells(task, [OTHER[:, :1]]) == 0.0
    best = judge(task, answered([RIGHT, RIGHT, WRONG]))
    assert best.network == best.both == best.always == best.rules["probability"] == 1.0
    assert judge(task, None).network == judge(task, None).pool == 0.0


def test_seconds_and_steps_of_a_joint_arm_are_of_both_its_parts() -> None:
    task = known_task("t")
    alone = ablation._outcome(task, answered([RIGHT]), 1.0, None)
    assert (alone["spent"], alone["steps"]) == (1.0, 3)
    finished = ablation._outcome(task, answered([RIGHT]), 1.0, Together(spent=30.0, steps=40, tasks=4))
    assert (finished["spent"], finished["steps"]) == (8.5, 13.0)
    assert "steps" not in ablation._outcome(task, None, 0.0, None)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A challenges file with its solutions beside it, and a folder of weights."""
    tasks = [known_task(name) for name in ("aa", "ab", "ac", "ad")]
    path = tmp_path / "made_challenges.json"
    path.write_text(json.dumps(challenges(tasks)))
    (tmp_path / "made_solutions.json").write_text(json.dumps(solutions(tasks)))
    weights = tiny_weights(memory="cose")
    save_weights(tmp_path / "tiny", weights.network, weights.memory, {})
    return path, tmp_path / "tiny"


def test_an_ablation_that_was_ended_goes_on(files: tuple[Path, Path], tmp_path: Path) -> None:
    tasks, weights = files
    log, figure = tmp_path / "log.jsonl", tmp_path / "figure.png"
    command = [str(tasks), "--log", str(log), "--weights", str(weights), "--seconds", "0.3,0.6"]
    command += ["--half", "both", "--augmentations", "2", "--device", "cpu", "--limit", "1"]
    done = CliRunner().invoke(ablation.main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    cells = {(row["half"], row["seconds"], row["memory"], row["arm"]) for row in rows}
    assert len(cells) == 2 * (1 + 2 * (1 + 2 * 3) + 2 * 2)
    assert {cell[3] for cell in cells} == {"programs", *ARMS}
    assert len({tuple(row["key"]) for row in rows}) == len(rows)
    assert not list(tmp_path.glob("*.npz"))
    # Seconds and steps of the joint arm are those of the finish and of the joint part.
    for joint in (row for row in rows if row["arm"] == "joint" and row["task"] != ablation._STAGE):
        (part,) = (
            row for row in rows if row["key"][:4] == joint["key"][:4] and row["task"] == ablation._STAGE
        )
        assert joint["spent"] > part["spent"] > 0 and part["tasks"] == 1
        assert joint["steps"] >= part["steps"]
    # Torn off in the middle of a line, it does again what is missing, and the joint part that its finish
    # starts from, whose weights are gone.
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
    again = CliRunner().invoke(ablation.main, [*command, "--figure", str(figure)], catch_exceptions=False)
    kept = log.read_bytes().splitlines(keepends=True)
    assert kept[: len(lines) - 1] == lines[:-1]
    assert [json.loads(line)["arm"] for line in kept[len(lines) - 1 :]] == ["joint", "joint"]
    # What has no free rows is not done again for them.
    assert {cell[3] for cell in cells if cell[2] == "free"} == {"full", "joint"}
    assert figure.read_bytes().startswith(b"\x89PNG")
    shown = CliRunner().invoke(ablation.main, [str(tasks), "--log", str(log), "--show"])
    assert shown.output.splitlines() == again.output.splitlines()[1:]


def test_one_tuning_is_answered_on_the_way(files: tuple[Path, Path], tmp_path: Path) -> None:
    tasks, weights = files
    log = tmp_path / "log.jsonl"
    command = [str(tasks), "--log", str(log), "--weights", str(weights), "--at", "0.3,1", "--half", "both"]
    command += ["--augmentations", "2"]
    done = CliRunner().invoke(curve.main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert {(row["task"], row["seconds"]) for row in rows} == {
        (task, seconds) for task in ("aa", "ab", "ac", "ad") for seconds in (0.3, 1.0)
    }
    by_task = {(row["task"], row["seconds"]): row["steps"] for row in rows}
    assert all(by_task[task, 0.3] <= by_task[task, 1.0] for task, _ in by_task)
    assert by_task["ad", 1.0] > 0
    assert len(list(table(rows))) == 2 + 4
    # A task whose last line is there is not tuned again; one that was ended on the way is.
    whole = log.read_bytes()
    CliRunner().invoke(curve.main, command, catch_exceptions=False)
    assert log.read_bytes() == whole
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    CliRunner().invoke(curve.main, command, catch_exceptions=False)
    assert len(log.read_bytes().splitlines()) == len(rows)


def test_the_table_and_the_curves_keep_the_halves_apart() -> None:
    def row(half: str, arm: str, seconds: float, both: float) -> dict:
        shares = dict.fromkeys(("network", "pool", "always", "views", "cells"), 0.0)
        memory = "-" if arm == "guesses" else "cose"
        return {"half": half, "seconds": seconds, "memory": memory, "arm": arm, "both": both, **shares}

    rows = [row("even", "guesses", 0.0, 1.0), row("even", "guesses", 0.0, 0.0)]
    rows += [row("even", "full", 10.0, 0.5), row("even", "full", 30.0, 1.0), row("odd", "full", 10.0, 0.0)]
    found = curves(rows, "even", "both")
    assert found == {"guesses": ([10.0, 30.0], [0.5, 0.5]), "full, cose": ([10.0, 30.0], [0.5, 1.0])}
    lines = list(table(rows))
    assert len(lines) == 2 + 4 and len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| even | - | - | guesses | 2 | 0.0 | 0.0 | 1.0 |")


def test_votes_are_compared_by_rule(files: tuple[Path, Path], tmp_path: Path) -> None:
    tasks, _ = files
    path = tmp_path / "run.journal"

    def record(task_id: str, phase: str, *cells: tuple) -> Proposed:
        return Proposed(task_id, (tuple(view(*each) for each in cells),), phase=phase)

    with Journal.create(path, Header()) as journal:
        # Equal votes: confidence lifts the right grid, probability the first one.
        journal.append(record("aa", "tune", (WRONG, 0.1, -0.05), (OTHER, 0.1, -9.0), (RIGHT, 0.9, -0.1)))
        journal.append(record("ab", "quick", (RIGHT, 0.5, -1.0)))
        journal.append(record("ab", "tune", (WRONG, 0.5, -1.0)))
        journal.append(record("ac", "joint", (RIGHT, 0.5, -1.0)))
    done = CliRunner().invoke(votes.main, [str(path), "--tasks", str(tasks)], catch_exceptions=False)
    said = done.output.splitlines()
    assert said[:2] == [
        "split: made_challenges.json, 0 tasks even, 3 tasks odd",
        "all: 3 test outputs of 3 tasks with candidates of the network",
    ]
    rules = [line.split() for line in said[3:6]]
    right = {"consensus": 2, "confidence": 2, "probability": 1}
    assert rules == [[rule, str(count), "2", "2"] for rule, count in right.items()]
    assert said[6] == "all of them not seen by the weights"
    (line,) = (line for line in said if line.startswith("within 1: probability against confidence"))
    assert "better on 0 tasks, worse on 1; -33.33 points" in line
    assert line.endswith("sign test p = 1.000: no more than chance") and len(said) == 7 + 2 * 3
    (tmp_path / "made_solutions.json").unlink()
    refused = CliRunner().invoke(votes.main, [str(path), "--tasks", str(tasks)])
    assert refused.exit_code == 2 and "solution of task aa is not known" in refused.output
    other = tmp_path / "made_evaluation.json"
    refused = CliRunner().invoke(votes.main, [str(path), "--tasks", str(other)])
    assert refused.exit_code == 2 and "a rule is chosen by training tasks" in refused.output


def test_a_difference_of_rules_is_one_of_tasks() -> None:
    """Ten tasks of two outputs each, both right by one rule only: ten tosses of a coin, not twenty."""
    made = []
    for n in range(10):
        none = (False, False)
        hits = {"consensus": (False, n > 8), "confidence": (True, True), "probability": none}
        made += [votes.Output(f"t{n}", n < 4, True, hits)] * 2
    assert votes.differences(made, "consensus", "confidence", 1) == [1.0] * 10
    assert votes.differences(made, "consensus", "confidence", 2) == [1.0] * 9 + [0.0]
    said = list(votes.lines(made, "tasks.json", False))
    assert "seen in training by the weights: 8 test outputs of 4 tasks with candidates of the network" in said
    (line,) = (line for line in said if line.startswith("within 1: confidence against consensus"))
    assert "+100.00 points (95% +100.00 to +100.00), sign test p = 0.002: beyond chance" in line


def test_a_journal_of_training_tasks_is_made_and_compared_by_one_command(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    tasks, weights = files
    path = tmp_path / "made.journal"
    command = [str(path), "--tasks", str(tasks), "--solve", "0.2", "--half", "odd", "--limit", "1"]
    command += ["--weights", str(weights), "--augmentations", "2"]
    done = CliRunner().invoke(votes.main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "1 tasks, odd half, grids up to 12 x 12, 0.2 s each" in done.output
    assert "all: 1 test outputs of 1 tasks" in done.output
    before = path.read_bytes()
    again = CliRunner().invoke(votes.main, command, catch_exceptions=False)
    assert again.output == done.output and path.read_bytes() == before


def test_tasks_are_chosen_by_half_and_size() -> None:
    tasks = [known_task(name) for name in ("aa", "ab", "ac", "ad", "ae")]
    even, odd = (ablation.chosen(tasks, half, 12) for half in ("even", "odd"))
    assert {t.id for t in even} | {t.id for t in odd} == {t.id for t in tasks}
    assert not {t.id for t in even} & {t.id for t in odd}
    assert ablation.chosen(tasks, "even", 3) == []
    assert np.array_equal(ablation.chosen(tasks, "odd", 12, 1)[0].test[0].output, RIGHT)
