"""Training on two nodes with torchrun: equal to one process, and a node that is lost costs no step."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from test_train_resume import final, same, steps_logged
from training import free_port, processes, small, small_words, sudoku_data
from two_nodes import TwoNodes

from train.distributed import World, joined
from train.log import FILE, read_log
from train.loop import train
from train.settings import TrainConfig

EVERY, STEPS = 20, 120
WORDS = ("arch.forward_dtype=float64", "arch.halt_exploration_prob=0.5", "ema=True", "ema_rate=0.9",
         "epochs=24", "eval_interval=24", f"checkpoint_interval={EVERY}")  # fmt: skip
KILLED_AFTER = 30
LIMIT = 600.0  # seconds until a run is taken to hang


@pytest.fixture
def nodes() -> Iterator[TwoNodes]:
    made = TwoNodes()
    try:
        made.__enter__()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespaces here, they need Linux, iproute2 and root ({error})")
    yield made
    made.__exit__()


def one_of_two(config: TrainConfig, rank: int, port: int) -> None:
    """A process of two on one machine, as torchrun would start it."""
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank)}
    os.environ |= {"WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    with joined() as world:
        train(config, world, quiet=True)


def wait_until(true, agents: list[subprocess.Popen], said: Path) -> None:
    until = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < until, said.read_text()
        assert all(agent.poll() in (None, 0) for agent in agents), said.read_text()
        time.sleep(0.02)


def test_a_lost_node_comes_back_and_the_run_ends_the_same(tmp_path: Path, nodes: TwoNodes) -> None:
    data = sudoku_data(tmp_path, train=60, test=12)
    whole = small(data, tmp_path / "whole", *WORDS)
    port, context = free_port(), processes()
    pair = [context.Process(target=one_of_two, args=(whole, rank, port)) for rank in range(2)]
    for process in pair:
        process.start()

    folder, said = tmp_path / "nodes", [tmp_path / "a.txt", tmp_path / "b.txt"]
    words = ("-m", "train", *small_words(data, folder, *WORDS, "load_checkpoint=latest"), "--quiet")
    agents = [nodes.torchrun(node, said[node], *words) for node in range(2)]
    wait_until(lambda: steps_logged(folder) >= KILLED_AFTER, agents, said[0])
    nodes.kill(1)
    agents[1].wait()
    agents[1] = nodes.torchrun(1, said[1], *words)
    wait_until(lambda: all(agent.poll() == 0 for agent in agents), agents, said[0])

    alone = small(data, tmp_path / "alone", *WORDS)
    train(alone, World(), quiet=True)
    for process in pair:
        process.join(LIMIT)
        assert process.exitcode == 0

    starts = [record for record in read_log(folder / FILE) if record["event"] == "header"]
    assert [start["processes"] for start in starts] == [2, 2]
    assert starts[0]["from_step"] == 0 and KILLED_AFTER <= starts[1]["from_step"] + EVERY < STEPS
    state, slots, numbers = final(folder)
    state_whole, slots_whole, numbers_whole = final(tmp_path / "whole")
    for either in (state, state_whole):
        del either["rng"]  # the global generator's, from which no step draws
    assert state["position"]["step"] == STEPS == sum(number["event"] == "train" for number in numbers)
    assert same(state, state_whole) and same(slots, slots_whole) and numbers == numbers_whole

    state_alone, _, numbers_alone = final(tmp_path / "alone")
    for name, value in state_alone["network"].items():
        torch.testing.assert_close(state["network"][name], value, rtol=1e-9, atol=1e-12)
    for own, other in zip(numbers, numbers_alone, strict=True):
        assert own.pop("event") == other.pop("event")
        assert own == pytest.approx(other, rel=1e-9)
