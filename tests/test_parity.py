"""The networks against numbers recorded from the released code at random weights."""

from pathlib import Path

import pytest
import torch
from parity import Recording, read, recordings

from solver.model.embedding import SparseRows
from solver.model.halting import next_q_target
from solver.model.loss import act_loss
from solver.model.optim import AdamAtan2, sign_sgd_rows
from solver.model.registry import architectures
from solver.model.stack import Output
from solver.model.upstream import rename_from_upstream

ALL = [path for arch in sorted(architectures()) for path in recordings(arch)]
EXACT = {"rtol": 1e-4, "atol": 1e-5}
HALF_LIMIT = 3e-2  # norm of the difference over norm of the reference, bfloat16 recordings


def compare(
    found: torch.Tensor, wanted: torch.Tensor, dtype: torch.dtype, name: str, noise: float = 0.0
) -> None:
    found, wanted = found.detach().double(), wanted.double()
    gap = (found - wanted).abs()
    # Shown by pytest -s: the figures of docs/LOG.md.
    share = float((found - wanted).norm() / wanted.norm().clamp_min(1e-30))
    print(f"parity {dtype} {name}: largest difference {float(gap.max()):.2e}, relative norm {share:.2e}")
    if dtype == torch.float32:
        rtol, atol = EXACT["rtol"], EXACT["atol"] + noise
        torch.testing.assert_close(found, wanted, rtol=rtol, atol=atol, msg=lambda text: f"{name}: {text}")
        return
    assert share <= HALF_LIMIT, f"{name}: relative norm {share:.4f}"


def test_there_are_recordings() -> None:
    assert {read(path).arch for path in ALL} == architectures()
    assert {read(path).dtype for path in recordings("urm")} >= {torch.float32, torch.bfloat16}
    assert {read(path).config.mlp_t for path in recordings("trm")} == {False, True}


def run_all_loops(recording: Recording, dtype: torch.dtype) -> list[Output]:
    network, memory = recording.build()
    network.to(torch.promote_types(dtype, torch.float32))
    batch, outputs = recording.batch(), []
    states = network.initial_states(batch, dtype)
    with torch.no_grad():
        vectors = memory(batch.keys).vectors
        for _ in range(recording.config.loops):
            outputs.append(network(states, batch, vectors, dtype))
            states = outputs[-1].states
    return outputs


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_evaluation(path: Path) -> None:
    recording = read(path)
    mixer = recording.arch == "trm" and recording.config.mlp_t
    outputs = run_all_loops(recording, recording.dtype)
    # The norm over the sequence amplifies rounding some fourfold a loop, in the recording too: what
    # float32 is worth there is how far ours is from the same in float64.
    exact = run_all_loops(recording, torch.float64) if mixer else outputs
    for step, (output, precise) in enumerate(zip(outputs, exact, strict=True), start=1):
        wanted = recording.part(f"eval.step{step}.")
        noise = 4 * float((output.logits - precise.logits).abs().max())
        compare(output.logits, wanted["logits"], recording.dtype, f"logits {step}", noise)
        compare(output.q_halt, wanted["q_halt_logits"], recording.dtype, f"q_halt {step}", noise)
        compare(output.q_continue, wanted["q_continue_logits"], recording.dtype, f"q_continue {step}", noise)
        assert noise < 2e-3, (step, noise)


def train_step(recording):
    network, memory = recording.build()
    batch = recording.batch()
    lookup = memory(batch.keys)
    output = network(network.initial_states(batch, recording.dtype), batch, lookup.vectors, recording.dtype)
    target = None
    if recording.config.use_continue:
        last = torch.full((len(batch),), recording.config.loops == 1)
        vectors = lookup.vectors.detach()
        target = next_q_target(network, output.states, batch, vectors, recording.dtype, last)
    terms = act_loss(output.logits, output.q_halt, output.q_continue, batch.labels, target_q_continue=target)
    terms.total.backward()
    return network, lookup, terms


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_losses_and_gradients(path: Path) -> None:
    recording = read(path)
    network, lookup, terms = train_step(recording)
    wanted = recording.part("train.")
    compare(terms.total, wanted["loss"], recording.dtype, "loss")
    compare(terms.lm, wanted["lm_loss"], recording.dtype, "lm_loss")
    compare(terms.q_halt, wanted["q_halt_loss"], recording.dtype, "q_halt_loss")
    assert recording.config.use_continue == ("q_continue_loss" in wanted)
    if recording.config.use_continue:
        compare(terms.q_continue, wanted["q_continue_loss"], recording.dtype, "q_continue_loss")
    grads = rename_from_upstream(recording.part("grad."))
    rows = grads.pop("puzzle_emb.local_weights")
    compare(lookup.sparse[0].values.grad, rows, recording.dtype, "rows")
    found = {name: parameter.grad for name, parameter in network.named_parameters()}
    assert found.keys() == grads.keys()
    for name, grad in grads.items():
        compare(found[name], grad, recording.dtype, name)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_sign_sgd_on_recorded_gradients(path: Path) -> None:
    recording = read(path)
    _, memory = recording.build()
    values = memory.rows[recording.batch().keys.rows].clone()
    values.grad = recording.tensors["grad.inner.puzzle_emb.local_weights"].float()
    settings = recording.optimizer["signsgd"]
    sparse = SparseRows(memory.rows, recording.batch().keys.rows, values)
    sign_sgd_rows([sparse], lr=settings["lr"], weight_decay=settings["weight_decay"])
    wanted = recording.tensors["signsgd.puzzle_emb.weights"]
    torch.testing.assert_close(memory.rows, wanted, **EXACT)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_adam_atan2_on_recorded_gradients(path: Path) -> None:
    recording = read(path)
    wanted = rename_from_upstream(recording.part("adam_atan2."))
    if not wanted:
        pytest.skip("no optimiser steps in this recording")
    network, _ = recording.build()
    network.double()
    grads = rename_from_upstream(recording.part("grad."))
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
