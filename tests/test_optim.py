"""Optimisers, averages and schedules against slow scalar versions."""

import math

import pytest
import torch
from model_inputs import ARCHES, small_config
from torch import nn

from solver.model.embedding import SparseRows
from solver.model.muon import (
    RELEASED_COEFFICIENTS,
    USUAL_COEFFICIENTS,
    Muon,
    build_muon,
    hidden_matrices,
    newton_schulz,
)
from solver.model.optim import (
    AdamAtan2,
    Average,
    _atan2,
    cosine_with_floor,
    sign_sgd_rows,
    warm_constant,
    warm_stable_decay,
)
from solver.model.registry import build_network


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_adam_atan2_one_number_at_a_time() -> None:
    lr, b1, b2, decay = 1e-2, 0.9, 0.95, 0.1
    start = torch.randn(3, 4, dtype=torch.float64, generator=seeded())
    grads = torch.randn(5, 3, 4, dtype=torch.float64, generator=seeded(2))
    grads[:, 0, 0] = 0.0
    parameter = nn.Parameter(start.clone())
    optimizer = AdamAtan2([parameter], lr, (b1, b2), decay)
    for grad in grads:
        parameter.grad = grad.clone()
        optimizer.step()
    for row in range(3):
        for column in range(4):
            w, m, v = float(start[row, column]), 0.0, 0.0
            for t, grad in enumerate(grads[:, row, column].tolist(), start=1):
                m, v = b1 * m + (1 - b1) * grad, b2 * v + (1 - b2) * grad * grad
                w -= lr * decay * w
                w -= lr / (1 - b1**t) * math.atan2(m, math.sqrt(v / (1 - b2**t)))
            assert float(parameter.detach()[row, column]) == pytest.approx(w, rel=1e-12)


def test_adam_atan2_leaves_what_has_no_gradient_and_counts_each_alone() -> None:
    one, two = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = AdamAtan2([one, two], 0.1, weight_decay=0.0)
    one.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(two, torch.ones(2))
    first_step = one.detach().clone()
    one.grad, two.grad = None, torch.ones(2)
    optimizer.step()
    torch.testing.assert_close(two.detach(), first_step)
    assert torch.equal(one.detach(), first_step)


def test_one_kernel_over_all_parameters_computes_the_same() -> None:
    shapes = [(3, 4), (5,), (2, 1, 2)]
    first = [torch.randn(shape, generator=seeded(n)) for n, shape in enumerate(shapes)]
    second = [torch.rand(shape, generator=seeded(n)) for n, shape in enumerate(shapes)]
    for one, other in zip(
        _atan2(first, second, together=True), _atan2(first, second, together=False), strict=True
    ):
        torch.testing.assert_close(one, other)  # shapes too


def sparse(table: torch.Tensor, index: list[int], grads: torch.Tensor) -> SparseRows:
    values = table[torch.tensor(index)].clone()
    values.grad = grads
    return SparseRows(table, torch.tensor(index), values)


def test_sign_sgd_sums_equal_ids_before_the_sign() -> None:
    table = torch.randn(6, 2, generator=seeded())
    before = table.clone()
    # Row 3 over two parts: 1 - 3 and then + 1 is still negative; its signs alone would say positive.
    first = sparse(table, [3, 3, 5], torch.tensor([[1.0, 2.0], [-3.0, 2.0], [0.5, 0.0]]))
    second = sparse(table, [3, 0], torch.tensor([[1.0, -1.0], [9.0, 9.0]]))
    sign_sgd_rows([first, second], lr=0.1, weight_decay=0.5)
    kept = 1 - 0.1 * 0.5
    torch.testing.assert_close(table[3], before[3] * kept - 0.1 * torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(table[5], before[5] * kept - 0.1 * torch.tensor([1.0, 0.0]))
    for untouched in (0, 1, 2, 4):
        assert torch.equal(table[untouched], before[untouched])


def test_sign_sgd_takes_rows_of_one_table_and_none_at_all() -> None:
    sign_sgd_rows([], lr=0.1, weight_decay=0.1)
    parts = [sparse(torch.zeros(2, 1), [1], torch.ones(1, 1)) for _ in range(2)]
    with pytest.raises(AssertionError):
        sign_sgd_rows(parts, lr=0.1, weight_decay=0.1)


@pytest.mark.parametrize("warm", [False, True])
def test_average_and_swap(warm: bool) -> None:
    module = nn.Linear(1, 1, bias=False)
    average = Average(module, 0.9, warm=warm)
    wanted, seen = float(module.weight.detach()), [2.0, -1.0, 4.0]
    for t, value in enumerate(seen, start=1):
        with torch.no_grad():
            module.weight.fill_(value)
        average.update()
        decay = min(0.9, (1 + t) / (10 + t)) if warm else 0.9
        wanted = decay * wanted + (1 - decay) * value
    average.swap()
    assert float(module.weight.detach()) == pytest.approx(wanted, rel=1e-5)
    average.swap()
    assert float(module.weight.detach()) == 4.0


def test_schedules() -> None:
    assert [warm_constant(step, 4) for step in (0, 1, 3, 9)] == [0.25, 0.5, 1.0, 1.0]
    assert warm_constant(0, 0) == 1.0
    found = [cosine_with_floor(step, 2, 10, 0.2) for step in (0, 1, 2, 6, 10, 50)]
    assert found == pytest.approx([0.5, 1.0, 1.0, 0.6, 0.2, 0.2])
    found = [warm_stable_decay(done, 0.1, 0.8) for done in (0.05, 0.1, 0.5, 0.9, 1.0)]
    assert found == pytest.approx([0.5, 1.0, 1.0, 0.5, 0.0])


@pytest.mark.parametrize("shape", [(12, 12), (8, 40), (40, 8)])
def test_newton_schulz_changes_singular_values_only(shape: tuple[int, int]) -> None:
    """U S V^T becomes U p(S) V^T, p the five polynomials one after another, all near 1."""
    matrix = torch.randn(shape, generator=seeded())
    u, values, vt = torch.linalg.svd(matrix, full_matrices=False)
    wanted = values.double() / values.double().norm()
    for a, b, c in RELEASED_COEFFICIENTS:
        wanted = a * wanted + b * wanted**3 + c * wanted**5
    found = newton_schulz(matrix[None])[0]
    inside = u.T @ found @ vt.T
    torch.testing.assert_close(inside, wanted.float().diag(), rtol=1e-3, atol=1e-3)
    assert float(wanted.min()) > 0.4 and float(wanted.max()) < 1.9
    torch.testing.assert_close(newton_schulz(1000 * matrix[None])[0], found, rtol=1e-3, atol=1e-4)


def test_muon_step_by_step() -> None:
    lr, momentum, decay = 0.02, 0.95, 0.1
    start = torch.randn(4, 6, generator=seeded())
    grads = torch.randn(3, 4, 6, generator=seeded(2))
    parameter = nn.Parameter(start.clone())
    optimizer = Muon([parameter], lr, momentum, decay)
    wanted, held = start.clone(), torch.zeros(4, 6)
    for grad in grads:
        parameter.grad = grad.clone()
        optimizer.step()
        held = momentum * held + (1 - momentum) * grad
        update = newton_schulz(((1 - momentum) * grad + momentum * held)[None])[0]
        wanted = wanted * (1 - lr * decay) - lr * 0.2 * math.sqrt(6) * update
        torch.testing.assert_close(parameter.detach(), wanted)
    moved = nn.Parameter(torch.zeros(64, 64))
    moved.grad = torch.randn(64, 64, generator=seeded(3))
    Muon([moved], 1.0, weight_decay=0.0).step()
    assert float(moved.detach().square().mean().sqrt()) == pytest.approx(0.2, rel=0.4)


def test_muon_on_many_matrices_is_each_alone() -> None:
    shapes = [(4, 6), (6, 4), (4, 6), (8, 8)]

    def parameters() -> list[nn.Parameter]:
        return [nn.Parameter(torch.randn(shape, generator=seeded(n))) for n, shape in enumerate(shapes)]

    together, alone = parameters(), parameters()
    optimizers = [Muon(together, 0.02), *(Muon([p], 0.02) for p in alone)]
    for step in range(2):
        for params in (together, alone):
            for n, p in enumerate(params):
                p.grad = torch.randn(p.shape, generator=seeded(10 * step + n))
        for optimizer in optimizers:
            optimizer.step()
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_muon_takes_matrices_only() -> None:
    with pytest.raises(ValueError, match="expected matrices only"):
        Muon([nn.Parameter(torch.zeros(3))])


@pytest.mark.parametrize("arch", ARCHES)
def test_hidden_matrices_are_chosen_by_role(arch: str) -> None:
    network = build_network(small_config(arch))
    taken = {id(p) for p in hidden_matrices(network)}
    names = {name for name, p in network.named_parameters() if id(p) in taken}
    kinds = {name.rpartition(".layers.")[2].removeprefix("layers.").split(".", 1)[1] for name in names}
    projections = {"self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj"}
    assert kinds == {f"{name}.weight" for name in projections}
    rest = {name for name, _ in network.named_parameters()} - names
    assert all("embed" in name or "heads" in name or "dwconv" in name for name in rest)
    layers = {"urm": 4, "trm": 2, "hrm": 8}[arch]
    assert len(taken) == 4 * layers


def test_hidden_matrices_of_mlp_t() -> None:
    network = build_network(small_config("trm", mlp_t=True, canvas_side=3))
    names = dict(network.named_parameters())
    taken = {id(p) for p in hidden_matrices(network)}
    assert id(names["L_level.layers.0.mlp_t.gate_up_proj.weight"]) in taken


@pytest.mark.parametrize("released", [True, False])
def test_build_muon_splits_and_steps(released: bool) -> None:
    network = build_network(small_config("urm", hidden_size=16, puzzle_emb_ndim=16), seeded())
    beside = nn.Parameter(torch.ones(2, 2))
    pair = build_muon(network, lr=1e-2, weight_decay=0.1, beside=[beside], released=released)
    assert pair[0].coefficients == (RELEASED_COEFFICIENTS if released else USUAL_COEFFICIENTS)
    assert pair[0].dtype == torch.float32, "a CPU iterates in float32, whatever it multiplies"
    held = [p for optimizer in pair for group in optimizer.param_groups for p in group["params"]]
    assert len({id(p) for p in held}) == len(held)
    assert {id(p) for p in held} == {id(p) for p in [*network.parameters(), beside]}
    before = [p.detach().clone() for p in held]
    for p in held:
        p.grad = torch.randn(p.shape, generator=seeded(4))
    for optimizer in pair:
        optimizer.step()
    assert all(not torch.equal(p, old) for p, old in zip(held, before, strict=True))


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch before 2.9 has no Muon of its own")
def test_muon_is_that_of_torch_and_goes_on_from_its_state() -> None:
    """Over three steps, up to the bfloat16 in which torch's iterates; the momenta are equal."""
    start = {
        shape: torch.randn(shape, generator=seeded(sum(shape))) for shape in ((24, 8), (8, 24), (16, 16))
    }
    ours, theirs = ([nn.Parameter(w.clone()) for w in start.values()] for _ in range(2))
    muon = Muon(ours, 0.02, coefficients=USUAL_COEFFICIENTS)
    other = torch.optim.Muon(theirs, lr=0.02, adjust_lr_fn="match_rms_adamw")
    for step in range(3):
        for p, q in zip(ours, theirs, strict=True):
            p.grad = torch.randn(p.shape, generator=seeded(step))
            q.grad = p.grad.clone()
        muon.step()
        other.step()
    for p, q, w in zip(ours, theirs, start.values(), strict=True):
        torch.testing.assert_close(p - w, q - w, rtol=0.05, atol=0.003)
        torch.testing.assert_close(muon.state[p]["momentum_buffer"], other.state[q]["momentum_buffer"])
    resumed = Muon([nn.Parameter(p.detach().clone()) for p in ours], 0.02, coefficients=USUAL_COEFFICIENTS)
    resumed.load_state_dict(other.state_dict())
    for group, params in ((resumed, resumed.param_groups[0]["params"]), (muon, ours)):
        for n, p in enumerate(params):
            p.grad = torch.randn(p.shape, generator=seeded(40 + n))
        group.step()
    for p, q in zip(ours, resumed.param_groups[0]["params"], strict=True):
        torch.testing.assert_close(p, q)


def test_both_coefficients_move_alike() -> None:
    moved = []
    for released in (True, False):
        network = build_network(small_config("trm"), seeded())
        start = [p.detach().clone() for p in hidden_matrices(network)]
        optimizer, _ = build_muon(network, lr=1e-2, weight_decay=0.1, released=released)
        for p, old in zip(hidden_matrices(network), start, strict=True):
            p.grad = old.clone()
        optimizer.step()
        moved.append([p.detach() - old for p, old in zip(hidden_matrices(network), start, strict=True)])
    for one, other in zip(*moved, strict=True):
        assert float(nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0)) > 0.85
        # The released polynomials leave singular values between 0.4 and 1.9, the usual ones 0.7 and 1.2.
        assert 0.5 < float(one.norm() / other.norm()) < 2.0
