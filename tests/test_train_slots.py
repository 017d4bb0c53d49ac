"""Training on slots by tokens: it learns, keeps to its budget, weighs each sequence alike, and goes on."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from test_train_resume import final, same
from test_train_step import compare
from torch import Tensor
from training import arc_data, free_port, processes, small

import train.loop
import train.trainer
from solver.model.device import place
from solver.model.loss import act_loss
from train.act import Loop, PackedAct
from train.checkpoint import checkpoints
from train.config import TrainConfig
from train.dataset import Dataset
from train.distributed import World, joined
from train.log import FILE, read_log
from train.loop import Run
from train.slots import Slots, as_leaves, from_leaves
from train.trainer import Trainer

TOKENS = 1000
WORDS = ("arch.canvas=cropped", f"tokens_per_batch={TOKENS}", "global_batch_size=6", "evaluators=[]")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return arc_data(tmp_path_factory.mktemp("data"))


def test_it_learns_within_its_budget(data: Path, tmp_path: Path, monkeypatch) -> None:
    budgets, loop = [], PackedAct.loop

    def watched(act: PackedAct, carry: Slots, draws: Tensor, *, with_target: bool) -> Loop:
        budgets.append(sum(act.queue.tokens(sequence) for sequence in carry.sequences))
        return loop(act, carry, draws, with_target=with_target)

    monkeypatch.setattr(PackedAct, "loop", watched)
    words = (*WORDS, "epochs=8", "eval_interval=4", "lr=5e-3", "evaluators=null", "eval_augmentations=1")
    numbers = train.loop.train(small(data, tmp_path, *words), World(), quiet=True)
    records = read_log(tmp_path / FILE)
    losses = [r["lm_loss"] for r in records if r["event"] == "train"]
    assert len(losses) == len(budgets) == records[0]["total_steps"] == 20
    assert max(budgets) <= TOKENS and min(budgets) > 0.9 * TOKENS
    assert losses[-1] < 0.8 * losses[0], losses
    assert [r["step"] for r in records if r["event"] == "eval"] == [10, 20]
    assert "ARC/pass@2" in numbers and (tmp_path / "weights").is_dir()


@pytest.mark.parametrize("arch", ["urm", "hrm"])
def test_killed_within_a_step_it_ends_the_same(data: Path, tmp_path: Path, monkeypatch, arch: str) -> None:
    tokens = ("tokens_per_batch=1840", "grad_accum_steps=2", "global_batch_size=30")
    tokens = (*tokens, "eval_splits=[train]", "eval_augmentations=1")
    words = (*WORDS, *tokens, "epochs=16", "eval_interval=8", "ema=True", "checkpoint_interval=3")
    words = (*words, "arch.halt_exploration_prob=0.5", "target_q_update_every=2", "load_checkpoint=latest")
    torch.manual_seed(0)  # as processes of their own would start: equal
    train.loop.train(small(data, tmp_path / "whole", *words, arch=arch), World(), quiet=True)
    config = small(data, tmp_path / "killed", *words, arch=arch)
    torch.manual_seed(0)
    for killed_at in (4, 7):
        run = Run(config, World(), quiet=True)
        loop = run.trainer.act.loop

        def ended(carry: Slots, *args: Any, run=run, loop=loop, killed_at=killed_at, **names: Any) -> Loop:
            if run.trainer.step == killed_at:
                raise KeyboardInterrupt
            return loop(carry, *args, **names)

        monkeypatch.setattr(run.trainer.act, "loop", ended)
        with pytest.raises(KeyboardInterrupt):
            run.go()
        run.log.close()
        assert checkpoints(run.folder)[-1].name == f"step_{killed_at - killed_at % 3}.pt"
    train.loop.train(config, World(), quiet=True)
    state, own, numbers = final(tmp_path / "whole")
    state_after, own_after, numbers_after = final(tmp_path / "killed")
    assert state["step"] == 8 and own["queue"]["position"][0] > 0 and own["queue"]["waiting"]
    assert same(state_after, state) and same(own_after, own) and numbers_after == numbers


def recorded(config: TrainConfig, world: World, target: Path) -> None:
    """Three steps: the first one's slots and gradients to a file, and what the last has left."""
    trainer = Trainer(config, Dataset.open(config.run.data), world, place("cpu"))
    found: dict[str, Any] = {"slots": []}
    fill, take_step = trainer._fill, train.trainer.take_step

    def filled(samples: None) -> list[Slots]:
        slots = fill(samples)
        if trainer.step == 0:
            found["slots"] = [as_leaves(part.sequences) for part in slots]
        return slots

    def taken(*args: Any) -> None:
        if trainer.step == 0:
            found["gradients"] = {n: p.grad.clone() for n, p in trainer.network.named_parameters()}
        take_step(*args)

    trainer._fill, train.trainer.take_step = filled, taken
    found["numbers"] = [trainer.train_step() for _ in range(3)]
    found["after"] = trainer.model.state_dict()
    torch.save(found, target / f"rank{world.rank}.pt")


def one_of_two(config: TrainConfig, rank: int, port: int, target: Path) -> None:
    """A process of two."""
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank)}
    os.environ |= {"WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    with joined() as world:
        recorded(config, world, target)
        dist.barrier()


def test_every_sequence_of_every_process_weighs_the_same(data: Path, tmp_path: Path) -> None:
    words = ("tokens_per_batch=4000", "grad_accum_steps=2", "arch.forward_dtype=float64")
    config = small(data, tmp_path, *WORDS, *words, "arch.hidden_size=16", "arch.loops=2", "lr=1e-3")
    context, port = processes(), free_port()
    started = [context.Process(target=one_of_two, args=(config, n, port, tmp_path)) for n in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
        assert process.exitcode == 0, process.exitcode
    both = [torch.load(tmp_path / f"rank{n}.pt") for n in range(2)]
    compare(both[0]["after"], both[1]["after"], rtol=0.0, atol=0.0)
    assert both[0]["numbers"] == both[1]["numbers"] and both[0]["after"]["memory.rows"].abs().sum() > 0
    sequences = [[one for part in rank["slots"] for one in from_leaves(part)] for rank in both]
    assert len(sequences[0]) != len(sequences[1]), "equal shares: nothing is proved"

    fresh = Trainer(config, Dataset.open(data), World(), place("cpu"))
    count = sum(map(len, sequences))
    for sequence in [one for rank in sequences for one in rank]:
        alone = fresh.act.evaluate(sequence, [1])[1]
        terms = act_loss(alone.logits, alone.q_halt, alone.q_continue, alone.labels)
        (terms.total / count).backward()
    wanted = {name: p.grad for name, p in fresh.network.named_parameters()}
    for rank in both:
        compare(rank["gradients"], wanted, rtol=1e-9, atol=1e-12)


def test_what_is_no_number_leaves_its_slot(data: Path, tmp_path: Path) -> None:
    config = small(data, tmp_path, *WORDS, "on_nan=skip")
    trainer = Trainer(config, Dataset.open(data), World(), place("cpu"))
    trainer.train_step()
    slots = trainer.carries[0]
    slots.carry.halted[:] = False
    first = trainer.act.queue.tokens(slots.sequences[0])
    slots.carry.states[0].flatten(0, 1)[first] = torch.nan  # the first token of the second sequence
    assert trainer.train_step()["loss"] != trainer.train_step()["loss"] and trainer.skipped == 1
    left = trainer.carries[0].sequences
    assert slots.sequences[1] not in left and slots.sequences[0] in left and slots.sequences[2] in left
    assert all(p.isfinite().all() for p in trainer.network.parameters())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("arch.canvas=full",),
            "found 1000 with arch.canvas=full, wanted 0, or tokens with",
        ),
        (("tokens_per_batch=-1",), "tokens_per_batch: found -1 with arch.canvas=cropped, wanted 0"),
        (("grad_accum_steps=2",), r"tokens_per_batch: found 1000, wanted at least \d+: a full canvas"),
    ],
)
def test_what_does_not_fit_is_refused(data: Path, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Run(small(data, tmp_path / "run", *WORDS, *words), World(), quiet=True)
    assert not (tmp_path / "run").exists()
