"""Comparisons: what is noise is called noise, what is not is not."""

import json
from itertools import product
from math import comb

import numpy as np
import pytest
from click.testing import CliRunner
from made_run import entry, grid, solutions

from solver.arc.score import score_attempts
from solver.arc.submission import parse_attempts
from solver.arc.task import Pair, Task
from solver.cli import main
from solver.report.compare import bootstrap_interval, compare_scores, mcnemar_p

RIGHT, WRONG = grid("12/34"), grid("12/35")


def scores_of(pattern: str):
    """One task a character: 1 right, 0 wrong, h right in one of two outputs."""
    expected = {f"t{n:03}": [RIGHT] * (2 if mark == "h" else 1) for n, mark in enumerate(pattern)}
    value = {}
    for (task_id, grids), mark in zip(expected.items(), pattern, strict=True):
        first = [RIGHT if mark == "1" or (mark == "h" and n) else WRONG for n in range(len(grids))]
        value[task_id] = [entry(grid_, WRONG) for grid_ in first]
    return score_attempts(expected, parse_attempts(value, "s"))


def pair_of(a: str, b: str):
    """Two scores over the same tasks, of one output each."""
    return scores_of(a), scores_of(b)


def test_gained_and_lost():
    result = compare_scores(*pair_of("1100", "1010"))
    assert result.gained == ("t002",) and result.lost == ("t001",)
    assert result.difference == 0 and (result.only_a, result.only_b) == (1, 1)
    assert result.p_value == 1.0 and result.is_noise


def test_a_clear_difference_is_no_noise_and_a_small_one_is():
    assert not compare_scores(*pair_of("0" * 40 + "1" * 60, "1" * 100)).is_noise
    worse = compare_scores(*pair_of("1" * 100, "0" * 40 + "1" * 60))
    assert not worse.is_noise and worse.difference == pytest.approx(-0.4)
    assert compare_scores(*pair_of("0" * 50 + "1" * 50, "1" * 3 + "0" * 47 + "1" * 50)).is_noise
    same = compare_scores(*pair_of("01" * 20, "01" * 20))
    assert same.interval == (0.0, 0.0) and same.is_noise and same.gained == same.lost == ()


def test_mcnemar_is_the_exact_binomial():
    for a, b in product(range(7), repeat=2):
        total = a + b
        tail = sum(comb(total, k) for k in range(min(a, b) + 1)) / 2**total
        assert mcnemar_p(a, b) == pytest.approx(min(1.0, 2 * tail))


def test_the_interval_covers_as_often_as_it_says():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(300):
        differences = generator.choice([-1, 0, 1], 100, p=[0.1, 0.7, 0.2])
        low, high = bootstrap_interval(differences, 400, generator)
        covered += low <= 0.1 <= high
    assert 0.90 <= covered / 300 <= 0.99


def test_the_same_seed_gives_the_same_interval():
    pair = pair_of("0101101", "1101001")
    assert compare_scores(*pair, seed=3) == compare_scores(*pair, seed=3)


@pytest.fixture
def files(tmp_path):
    tasks = [Task(f"t{n}", (), (Pair(RIGHT, RIGHT),)) for n in range(30)]
    paths = {}
    for name, right in (("a", 5), ("b", 25)):
        value = {t.id: [entry(RIGHT if n < right else WRONG, WRONG)] for n, t in enumerate(tasks)}
        paths[name] = tmp_path / f"{name}.json"
        paths[name].write_text(json.dumps(value))
    paths["solutions"] = tmp_path / "solutions.json"
    paths["solutions"].write_text(json.dumps(solutions(tasks)))
    return paths


def invoke(*arguments: object):
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


def test_the_command(files):
    result = invoke(files["a"], files["b"], files["solutions"])
    assert result.exit_code == 0, result.output
    assert "B - A  +66.67 points per task over 30 tasks" in result.output
    assert "gained 20: t5, t6" in result.output and "lost 0: none" in result.output
    assert "verdict: B is better, beyond noise" in result.output
    assert "verdict: both solve the same" in invoke(files["a"], files["a"], files["solutions"]).output


def test_the_command_as_json(files):
    found = json.loads(invoke(files["b"], files["a"], files["solutions"], "--json").stdout)
    assert found["noise"] is False and found["only_a"] == 20 and found["only_b"] == 0
    assert found["difference"] == pytest.approx(-20 / 30) and found["p_value"] == pytest.approx(2 / 2**20)
