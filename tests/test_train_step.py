"""One step is one step, however it is divided: into micro-batches, or over processes."""

import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from training import arc_data, free_port, processes, small, trainer_of

from train.distributed import World, joined
from train.settings import TrainConfig
from train.trainer import Trainer, metrics

STEPS = 20
EXACT = {"rtol": 1e-9, "atol": 1e-12}
SEEDS = "arch.halt_exploration_prob=0.5"
BASE = (
    "arch.canvas=cropped",
    "arch.hidden_size=16",
    "global_batch_size=8",
    "epochs=20",
    "eval_interval=20",
    "lr=1e-3",
    SEEDS,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return arc_data(tmp_path_factory.mktemp("data"))


def run_steps(config: TrainConfig, world: World, steps: int) -> tuple[Trainer, list[dict[str, float]]]:
    """A trainer after so many steps, and what they measured."""
    trainer, numbers = trainer_of(config, world), []
    for batch, _ in zip(trainer.feed.block(trainer.at), range(steps), strict=False):
        found = metrics(trainer.learn(batch))
        numbers.append({**found, "lr": config.run.lr * trainer.last_factor, **trainer.watch.take()})
    assert len(numbers) == steps
    return trainer, numbers


def tensors(trainer: Trainer) -> dict[str, Tensor]:
    """Everything that a step changes, by name."""
    found = {f"network.{k}": v for k, v in trainer.network.state_dict().items()}
    found |= {f"memory.{k}": v for k, v in trainer.memory.state_dict().items()}
    return {k: v.clone() for k, v in found.items()}


def compare(found: dict[str, Tensor], wanted: dict[str, Tensor], **limits: float) -> None:
    assert found.keys() == wanted.keys()
    for name in wanted:
        torch.testing.assert_close(
            found[name], wanted[name], msg=lambda text, n=name: f"{n}: {text}", **limits
        )


def one_of_two(config: TrainConfig, rank: int, port: int, steps: int, target: Path) -> None:
    """A process of two: its parameters, gradients of the last step's start and measures to a file."""
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank)}
    os.environ |= {"WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    with joined() as world:
        trainer, numbers = run_steps(config, world, steps)
        dist.barrier()
        torch.save({"tensors": tensors(trainer), "numbers": numbers}, target / f"rank{rank}.pt")


def two_processes(config: TrainConfig, steps: int, target: Path, port: int) -> list[dict]:
    context = processes()
    started = [
        context.Process(target=one_of_two, args=(config, rank, port, steps, target)) for rank in range(2)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(300)
        assert process.exitcode == 0, process.exitcode
    return [torch.load(target / f"rank{rank}.pt") for rank in range(2)]


def test_micro_batches_and_processes_equal_the_whole_batch(data: Path, tmp_path: Path) -> None:
    words = (*BASE, "arch.forward_dtype=float64")
    whole, numbers = run_steps(small(data, tmp_path, *words), World(), STEPS)
    assert any(n["finished"] for n in numbers) and whole.memory.rows.abs().sum() > 0
    halves, _ = run_steps(small(data, tmp_path, *words, "grad_accum_steps=2"), World(), STEPS)
    compare(tensors(halves), tensors(whole), **EXACT)
    both = two_processes(small(data, tmp_path, *words), STEPS, tmp_path, free_port())
    compare(both[0]["tensors"], both[1]["tensors"], rtol=0.0, atol=0.0)
    compare(both[0]["tensors"], tensors(whole), **EXACT)
    for own, other in zip(both[0]["numbers"], numbers, strict=True):
        assert own == pytest.approx(other, rel=1e-9)


def test_a_factored_memory_accumulates_too(data: Path, tmp_path: Path) -> None:
    words = (*BASE, "arch.forward_dtype=float64", "arch.memory=cose", "arch.memory_rank=4")
    whole, _ = run_steps(small(data, tmp_path, *words), World(), 6)
    assert whole.memory.rows.abs().sum() > 0 and whole.memory.task_vectors.abs().sum() > 0
    halves, _ = run_steps(small(data, tmp_path, *words, "grad_accum_steps=2"), World(), 6)
    compare(tensors(halves), tensors(whole), **EXACT)


def first_gradients(config: TrainConfig, monkeypatch) -> dict[str, Tensor]:
    """What the optimisers are handed in a run's first step, equal rows summed."""
    found: dict[str, Tensor] = {}

    def keep(run, dense, rows, factor, average) -> None:
        table = torch.zeros_like(rows[0].table)
        for part in rows:
            table.index_add_(0, part.index, part.values.grad)
        found["rows"] = table
        for optimiser in dense:
            for n, p in enumerate(optimiser.optimizer.param_groups[0]["params"]):
                found[str(n)] = p.grad.clone()

    monkeypatch.setattr("train.trainer.take_step", keep)
    run_steps(config, World(), 1)
    return found


def test_first_gradients_in_float32(data: Path, tmp_path: Path, monkeypatch) -> None:
    whole = first_gradients(small(data, tmp_path, *BASE), monkeypatch)
    assert whole["rows"].abs().sum() > 0
    halves = first_gradients(small(data, tmp_path, *BASE, "grad_accum_steps=2"), monkeypatch)
    compare(halves, whole, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("arch", ["trm", "hrm"])
def test_baselines_accumulate_too(data: Path, tmp_path: Path, arch: str) -> None:
    words = (*BASE, "arch.forward_dtype=float64", "target_q_update_every=2")
    whole, numbers = run_steps(small(data, tmp_path, *words, arch=arch), World(), 6)
    assert (sum(n["q_continue_loss"] for n in numbers) > 0) == (arch == "hrm")
    assert [n["q_continue_loss"] > 0 for n in numbers] == [arch == "hrm", False] * 3
    halves, _ = run_steps(small(data, tmp_path, *words, "grad_accum_steps=2", arch=arch), World(), 6)
    compare(tensors(halves), tensors(whole), **EXACT)


def test_frozen_weights_move_rows_alone(data: Path, tmp_path: Path) -> None:
    config = small(data, tmp_path, *BASE, "freeze_weights=True", "ema=True")
    fresh = trainer_of(config)
    trained, _ = run_steps(config, World(), 3)
    compare(trained.network.state_dict(), fresh.network.state_dict(), rtol=0.0, atol=0.0)
    moved = trained.memory.rows.abs().sum(1) > 0
    assert moved.any() and not moved.all() and not moved[0]


@pytest.mark.parametrize("variant", ["torch", "released"])
def test_muon_takes_a_step(data: Path, tmp_path: Path, variant: str) -> None:
    config = small(data, tmp_path, *BASE, "use_muon=True", f"muon_variant={variant}")
    trainer, numbers = run_steps(config, World(), 2)
    assert [type(part.optimizer).__name__ for part in trainer.dense] == ["Muon", "AdamW"]
    assert numbers[1]["loss"] < numbers[0]["loss"]


# Importing the compiler makes torch 2.13 warn of itself.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
def test_compilation_is_switched_by_setting_and_environment(data: Path, tmp_path: Path, monkeypatch) -> None:
    def compiled(*words: str) -> bool:
        trainer = trainer_of(small(data, tmp_path, *BASE, *words))
        return any(part._compiled_call_impl is not None for part in trainer.network.modules())

    assert not compiled() and compiled("compile=True") and not compiled("compile=False")
    monkeypatch.setenv("DISABLE_COMPILE", "1")
    assert not compiled("compile=True")


def test_rates_warm_up_and_fall_to_their_floor(data: Path, tmp_path: Path) -> None:
    words = (*BASE, "lr_warmup_steps=2", "lr_min_ratio=0.1", "lr=1.0", "freeze_weights=True")
    trainer, numbers = run_steps(small(data, tmp_path, *words), World(), 20)
    rates = [n["lr"] for n in numbers]
    assert rates[:3] == [0.5, 1.0, 1.0] and rates[3:] == sorted(rates[3:], reverse=True)
    assert trainer.step_total == 37 and rates[-1] > 0.1


def test_a_profile_says_where_the_time_goes(data: Path, tmp_path: Path) -> None:
    _, numbers = run_steps(small(data, tmp_path, *BASE, "arch.profile=True"), World(), 1)
    parts = {name for name in numbers[0] if name.startswith("seconds_")}
    assert parts == {f"seconds_{n}" for n in ("data", "forward", "backward", "reduce", "update")}
    assert all(numbers[0][part] > 0 for part in parts)
