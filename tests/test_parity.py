"""The networks against numbers recorded from the released code at random weights."""

from pathlib import Path

import pytest
import torch
from parity import read, recordings

from solver.model.embedding import SparseRows
from solver.model.loss import act_loss
from solver.model.optim import AdamAtan2, sign_sgd_rows
from solver.model.upstream import rename_from_upstream

URM = recordings("urm")
EXACT = {"rtol": 1e-4, "atol": 1e-5}
HALF_LIMIT = 3e-2  # norm of the difference over norm of the reference, bfloat16 recordings


def compare(found: torch.Tensor, wanted: torch.Tensor, dtype: torch.dtype, name: str) -> None:
    found, wanted = found.detach().double(), wanted.double()
    if dtype == torch.float32:
        torch.testing.assert_close(found, wanted, **EXACT, msg=lambda text: f"{name}: {text}")
        return
    ratio = float((found - wanted).norm() / wanted.norm())
    assert ratio <= HALF_LIMIT, f"{name}: relative norm {ratio:.4f}"


def test_there_are_recordings() -> None:
    assert {read(path).dtype for path in URM} >= {torch.float32, torch.bfloat16}


@pytest.mark.parametrize("path", URM, ids=lambda path: path.stem)
def test_evaluation(path: Path) -> None:
    recording = read(path)
    network, memory = recording.build()
    batch, states = recording.batch(), None
    states = network.initial_states(batch, recording.dtype)
    with torch.no_grad():
        for step in range(1, recording.config.loops + 1):
            output = network(states, batch, memory(batch.keys).vectors, recording.dtype)
            states = output.states
            wanted = recording.part(f"eval.step{step}.")
            compare(output.logits, wanted["logits"], recording.dtype, f"logits {step}")
            compare(output.q_halt, wanted["q_halt_logits"], recording.dtype, f"q_halt {step}")
            compare(output.q_continue, wanted["q_continue_logits"], recording.dtype, f"q_continue {step}")


def train_step(recording):
    network, memory = recording.build()
    batch = recording.batch()
    lookup = memory(batch.keys)
    output = network(network.initial_states(batch, recording.dtype), batch, lookup.vectors, recording.dtype)
    terms = act_loss(output.logits, output.q_halt, output.q_continue, batch.labels)
    terms.total.backward()
    return network, memory, lookup, terms


@pytest.mark.parametrize("path", URM, ids=lambda path: path.stem)
def test_losses_and_gradients(path: Path) -> None:
    recording = read(path)
    network, memory, lookup, terms = train_step(recording)
    wanted = recording.part("train.")
    compare(terms.total, wanted["loss"], recording.dtype, "loss")
    compare(terms.lm, wanted["lm_loss"], recording.dtype, "lm_loss")
    compare(terms.q_halt, wanted["q_halt_loss"], recording.dtype, "q_halt_loss")
    grads = rename_from_upstream(recording.arch, recording.part("grad."))
    rows = grads.pop("puzzle_emb.local_weights")
    compare(lookup.sparse[0].values.grad, rows, recording.dtype, "rows")
    found = {name: parameter.grad for name, parameter in network.named_parameters()}
    assert found.keys() == grads.keys()
    for name, grad in grads.items():
        compare(found[name], grad, recording.dtype, name)


@pytest.mark.parametrize("path", URM, ids=lambda path: path.stem)
def test_sign_sgd_on_recorded_gradients(path: Path) -> None:
    recording = read(path)
    network, memory = recording.build()
    values = memory.rows[recording.batch().keys.rows].clone()
    values.grad = recording.tensors["grad.inner.puzzle_emb.local_weights"].float()
    settings = recording.optimizer["signsgd"]
    sparse = SparseRows(memory.rows, recording.batch().keys.rows, values)
    sign_sgd_rows([sparse], lr=settings["lr"], weight_decay=settings["weight_decay"])
    wanted = recording.tensors["signsgd.puzzle_emb.weights"]
    torch.testing.assert_close(memory.rows, wanted, **EXACT)


@pytest.mark.parametrize("path", URM, ids=lambda path: path.stem)
def test_adam_atan2_on_recorded_gradients(path: Path) -> None:
    recording = read(path)
    wanted = rename_from_upstream(recording.arch, recording.part("adam_atan2."))
    if not wanted:
        pytest.skip("no optimiser steps in this recording")
    network, _ = recording.build()
    network.double()
    grads = rename_from_upstream(recording.arch, recording.part("grad."))
    settings = recording.optimizer["adam_atan2"]
    optimizer = AdamAtan2(
        network.parameters(), settings["lr"], tuple(settings["betas"]), settings["weight_decay"]
    )
    for scale in settings["grad_scales"]:
        for name, parameter in network.named_parameters():
            parameter.grad = grads[name].double() * scale
        optimizer.step()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.detach().float(), wanted[name], **EXACT)
