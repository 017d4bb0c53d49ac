"""The published protocol: votes of one checkpoint on tasks it was trained on, without tuning."""

import json
from pathlib import Path

import pytest
from cell_runs import CPU, EXAMPLES, FILE, config_of, write_recipe
from click.testing import CliRunner

from solver.arc.candidate import same_grid
from solver.arc.checksum import task_checksum
from solver.arc.policy import rank_views
from solver.arc.task import Pair, load_tasks
from solver.model.checkpoint import load_weights
from train.distributed import World
from train.loop import train
from train.protocol import Protocol, ask, judge, main, table

VOTES = ["--votes", "1,3,8", "--device", "cpu"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network that has seen the smaller example tasks."""
    folder = tmp_path_factory.mktemp("short")
    config = config_of(write_recipe(folder), folder / "run", "max_cells=60")
    assert train(config, World(), quiet=True) is not None
    return folder / "run" / "weights"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every third example task from the smallest on: some of them known to the network."""
    tasks = json.loads((EXAMPLES / FILE).read_text())
    for name, outputs in json.loads((EXAMPLES / "arc1_eval_20_solutions.json").read_text()).items():
        for pair, output in zip(tasks[name]["test"], outputs, strict=True):
            pair["output"] = output

    def cells(name: str) -> int:
        pairs = tasks[name]["train"] + tasks[name]["test"]
        return max(len(pair["input"]) * len(pair["input"][0]) for pair in pairs)

    kept = {name: tasks[name] for name in sorted(tasks, key=cells)[::3]}
    file = tmp_path_factory.mktemp("few") / "few.json"
    file.write_text(json.dumps(kept))
    return file


def run(*words: object) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def test_every_task_is_counted_and_an_ended_evaluation_goes_on(
    weights: Path, few: Path, tmp_path: Path
) -> None:
    asked = ["--tasks", few, *VOTES]
    whole = run(weights, *asked, "--log", tmp_path / "a.jsonl")
    known = set(load_weights(weights).vectors)
    tasks = load_tasks(few)
    seen = sum(task_checksum(task) in known for task in tasks)
    assert 0 < seen < len(tasks)
    outputs = sum(len(task.test) for task in tasks)
    assert f"{len(tasks)} tasks, {outputs} test outputs; {seen} tasks known from training\n" in whole
    lines = (tmp_path / "a.jsonl").read_text().splitlines(keepends=True)
    assert len(lines) == len(tasks) + 1
    (tmp_path / "b.jsonl").write_text("".join(lines[:5]) + lines[5][:20])
    assert run(weights, *asked, "--log", tmp_path / "b.jsonl") == whole
    assert (tmp_path / "b.jsonl").read_text() == "".join(lines)


def test_votes_are_prefixes_of_one_draw(weights: Path) -> None:
    loaded = load_weights(weights)
    task = next(t for t in load_tasks(EXAMPLES / FILE) if task_checksum(t) in loaded.vectors)
    few, many = (Protocol([loaded], votes, 0, CPU) for votes in ((3,), (3, 8)))
    (short, *_), (long, *_) = ask(few, loaded, task)[0], ask(many, loaded, task)[0]
    assert len(short.views) == 3 and len(long.views) == 8 and list(long.together) == [3, 8]
    pairs = [*zip(short.views, long.views[:3], strict=True), (short.together[3], long.together[3])]
    assert all(same_grid(one.grid, other.grid) for one, other in pairs)
    assert ask(many, loaded, task)[1] > ask(few, loaded, task)[1] > 0


def test_right_answers_are_counted_by_votes(weights: Path) -> None:
    """Test outputs that are what the votes say, or all views together, so that something is right."""
    loaded = load_weights(weights)
    task = next(t for t in load_tasks(EXAMPLES / FILE) if task_checksum(t) in loaded.vectors)
    protocol = Protocol([loaded], (1, 8), 0, CPU)
    (asked, *_), _ = ask(protocol, loaded, task)
    for rule in ("confidence", "consensus"):
        best = rank_views(asked.first(8), rule)[0].grid
        line = judge(protocol, type(task)(task.id, task.train, (Pair(task.test[0].input, best),)))
        assert line["known"] and line[f"{rule} 1"]["8"] == line[f"{rule} 2"]["8"] == [True]
        assert line["covered"]["8"] == [True] and "100.00%" in table([line], (1, 8), 1)[-2]


def test_several_checkpoints_vote_together_and_say_so(weights: Path, few: Path, tmp_path: Path) -> None:
    shown = run(weights, weights, "--tasks", few, *VOTES, "--log", tmp_path / "a.jsonl")
    assert "votes across 2 checkpoints" in shown


def test_a_log_of_something_else_is_refused(weights: Path, few: Path, tmp_path: Path) -> None:
    asked = [str(weights), "--tasks", str(few), "--log", str(tmp_path / "a.jsonl")]
    run(*asked, "--votes", "1", "--device", "cpu")
    for words, told in (
        (["--votes", "1,2"], "a.jsonl: is of votes [1], wanted [1, 2]"),
        (["--votes", "none"], "wanted whole numbers from 1 on"),
    ):
        result = CliRunner().invoke(main, [*asked, *words, "--device", "cpu"])
        assert result.exit_code == 2 and told in result.output
