"""Precision and waiting: what each card computes in, scaled losses, and steps that never ask the GPU."""

import pytest
import torch
from model_inputs import make_batch, small_config
from torch.utils._python_dispatch import TorchDispatchMode

from solver.model.device import cpu_precision, cuda_precision, place
from solver.model.embedding import build_memory
from solver.model.learner import Learner, Rates, run_loops
from solver.model.optim import Average
from solver.model.registry import build_network
from solver.model.scaling import LossScale


def learner(dtype: torch.dtype = torch.float32, **options) -> Learner:
    config = small_config("urm", canvas="cropped", pos_encodings="rope2d", num_layers=1, memory_rank=4)
    generator = torch.Generator().manual_seed(1)
    network = build_network(config, generator)
    kind = options.pop("memory", "cose")
    memory = build_memory(
        type(config)(**{**config.to_dict(), "memory": kind}), tasks=4, rows=4, generator=generator
    )
    rates = options.pop("rates", Rates(weights=1e-3))
    return Learner(network, memory, rates, dtype=dtype, average=Average(network, 0.9), **options)


def tensors(one: Learner) -> list[torch.Tensor]:
    """Everything a step may change, the optimisers' moments included."""
    every = (*one.optimizers, *one.task_optimizers)
    states = [state for optimizer, _ in every for state in optimizer.state.values()]
    moments = [value for state in states for value in state.values() if isinstance(value, torch.Tensor)]
    known = [*one.network.state_dict().values(), *one.memory.state_dict().values(), *one.average.values]
    return [value.clone() for value in [*known, *moments]]


def take(one: Learner, steps: int = 1) -> None:
    batch = make_batch(one.network.config, [(3, 4), (6, 6), (2, 2)])
    states = one.network.initial_states(batch, one.dtype)
    for _ in range(steps):
        states, _ = one.step(states, batch)


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [
        ((6, 0), torch.float32),
        ((7, 0), torch.float16),
        ((7, 5), torch.float16),
        ((8, 0), torch.bfloat16),
        ((8, 9), torch.bfloat16),
        ((9, 0), torch.bfloat16),
    ],
)
def test_precision_by_card(capability: tuple[int, int], dtype: torch.dtype) -> None:
    found, why = cuda_precision(capability)
    assert found == dtype and str(dtype).removeprefix("torch.") in why
    assert cuda_precision(capability, "float32")[0] == torch.float32
    with pytest.raises(ValueError, match="URM_PRECISION: 'half', wanted one of float32"):
        cuda_precision(capability, "half")


def test_precision_of_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solving takes bfloat16 where the processor multiplies it, training float32."""
    assert cpu_precision("", multiplies=False) == (torch.float32, "float32")
    assert cpu_precision("", multiplies=True)[0] == torch.bfloat16
    assert cpu_precision("float32", multiplies=True)[0] == torch.float32
    with pytest.raises(ValueError, match="URM_PRECISION: 'half', wanted one of float32"):
        cpu_precision("half")
    monkeypatch.setenv("URM_PRECISION", "bfloat16")
    assert place("cpu").dtype == torch.float32 and place("cpu", quick=True).dtype == torch.bfloat16
    assert "bfloat16" in place("cpu", quick=True).reason


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_memory_with_rows_of_two_kinds_moves_both(dtype: torch.dtype) -> None:
    one = learner(dtype)
    one.memory.free_rows(4)
    take(one)
    assert bool(one.memory.rows.any()) and bool(one.memory.free.any())


def test_training_without_a_scaled_loss_stays_out_of_float16() -> None:
    assert place("cpu").unscaled_dtype == torch.float32
    half = type(place("cpu"))(torch.device("cpu"), torch.float16, "")
    assert half.unscaled_dtype == torch.float32
    assert type(half)(torch.device("cpu"), torch.bfloat16, "").unscaled_dtype == torch.bfloat16


def test_a_scaled_loss_gives_the_same_step() -> None:
    plain, scaled = learner(), learner(scaling=LossScale(torch.device("cpu")))
    take(plain, 3)
    take(scaled, 3)
    for one, other in zip(tensors(plain), tensors(scaled), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)  # powers of two lose nothing


def test_a_step_that_overflows_changes_nothing_but_the_factor() -> None:
    one = learner(scaling=LossScale(torch.device("cpu"), start=2.0**10, interval=2))
    take(one, 1)
    before = tensors(one)
    one.scaling.factor.fill_(float("inf"))
    take(one, 1)
    assert all(torch.equal(a, b) for a, b in zip(before, tensors(one), strict=True))
    assert all(p.grad is None for p in one.shared) and one.memory.task_vectors.grad is None
    assert one.scaling.skipped == 1
    one.scaling.factor.fill_(2.0**10)
    take(one, 2)
    assert float(one.scaling.factor) == 2.0**11 and one.scaling.skipped == 1
    assert not all(torch.equal(a, b) for a, b in zip(before, tensors(one), strict=True))


def test_the_factor_falls_until_float16_gradients_are_finite() -> None:
    one = learner(torch.float16)
    assert one.scaling is not None
    one.scaling.factor.fill_(2.0**40)
    take(one, 40)
    assert 20 <= one.scaling.skipped < 40 and float(one.scaling.factor) < 2.0**20
    assert all(value.isfinite().all() for value in tensors(one))


class Waiting(TorchDispatchMode):
    """Fails at every operation after which the host would wait for a GPU."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        assert str(function) not in {
            "aten._local_scalar_dense.default",
            "aten.is_nonzero.default",
            "aten.equal.default",
            "aten.nonzero.default",
            "aten._unique2.default",
            "aten.masked_select.default",
        }, f"the host waits: {function}"
        sized = str(function) != "aten.repeat_interleave.Tensor" or (kwargs or {}).get("output_size")
        assert sized, "the host waits for the length of what is repeated"
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("memory", ["table", "cose"])
@pytest.mark.parametrize("packed", [False, True])
def test_nothing_waits_in_a_step_or_a_prediction(memory: str, packed: bool) -> None:
    one = learner(memory=memory)
    one.task_optimizers = []  # torch's AdamW counts on the host here; on a GPU its fused form does not
    config = one.network.config
    batch = make_batch(config, [(3, 4), (6, 6), (2, 2)])
    batch = batch.packed(config.prefix_len) if packed else batch
    with Waiting():
        states = one.network.initial_states(batch, torch.float32)
        for _ in range(2):
            states, _ = one.step(states, batch)
        run_loops(one.network, one.memory, batch, loops=2, dtype=torch.float32)
    with pytest.raises(AssertionError, match="the host waits"), Waiting():
        batch.lengths.max().item()
