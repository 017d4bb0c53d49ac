"""The plain step of benchmarks/released_step.py computes what the network computes."""

import copy

import torch
from model_inputs import make_batch, small_config

from benchmarks.released_step import ReleasedStep
from solver.model.embedding import TableMemory
from solver.model.learner import Learner, Rates, run_loops
from solver.model.urm import URM


def test_training_and_inference_agree() -> None:
    config = small_config("urm", H_cycles=2)
    network = URM(config, torch.Generator().manual_seed(1))
    batch = make_batch(config, [(6, 6)] * 3)
    memory = TableMemory(config, tasks=1, rows=4)
    memory.rows[1:] = torch.randn(3, 32, generator=torch.Generator().manual_seed(2))
    plain = ReleasedStep(copy.deepcopy(network), memory.rows.clone())
    logits, _ = run_loops(network, memory, batch, loops=2, dtype=torch.float32)
    torch.testing.assert_close(plain.infer(batch, 2), logits, rtol=1e-4, atol=1e-5)
    learner = Learner(network, memory, Rates(), dtype=torch.float32)
    for _ in range(2):
        _, terms = learner.step(network.initial_states(batch, torch.float32), batch)
        torch.testing.assert_close(plain.train(batch), terms.total.detach(), rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(plain.table, memory.rows, rtol=1e-4, atol=1e-5)
