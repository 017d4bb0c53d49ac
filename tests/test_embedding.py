"""Task memories: formulas, zero start, start from the mean, augmentations never seen."""

import pytest
import torch
from model_inputs import make_keys, small_config

from solver.model.batch import Keys
from solver.model.embedding import CoseMemory, Memory, TableMemory, build_memory
from solver.model.optim import sign_sgd_rows

TABLE = small_config("urm")
COSE = small_config("urm", memory="cose", memory_rank=4)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def turned_keys(row: int, task: int, symmetry: int, palette: list[int]) -> Keys:
    return Keys(torch.tensor([row]), torch.tensor([task]), torch.tensor([symmetry]), torch.tensor([palette]))


def trained_cose(rank: int = 4) -> CoseMemory:
    """Every table away from its start."""
    config = small_config("urm", memory="cose", memory_rank=rank)
    memory = CoseMemory(config, tasks=4, rows=6, generator=seeded())
    generator = seeded(2)
    with torch.no_grad():
        for tensor in [*memory.parameters(), *memory.buffers()]:
            tensor.add_(torch.randn(tensor.shape, generator=generator))
    return memory


@pytest.mark.parametrize("config", [TABLE, COSE], ids=["table", "cose"])
def test_every_vector_starts_at_zero(config) -> None:
    memory = build_memory(config, tasks=4, rows=6, generator=seeded())
    lookup = memory(turned_keys(5, 3, 6, [0, 9, 8, 7, 6, 5, 4, 3, 2, 1]))
    assert lookup.vectors.shape == (1, config.puzzle_emb_ndim)
    assert bool((lookup.vectors == 0).all())


def test_a_table_gives_its_rows_and_a_gradient_for_each() -> None:
    memory = TableMemory(TABLE, tasks=2, rows=5)
    memory.rows.copy_(torch.randn(5, 32, generator=seeded()))
    lookup = memory(make_keys([3, 1, 3]))
    assert torch.equal(lookup.vectors, memory.rows[[3, 1, 3]])
    (lookup.vectors * torch.tensor([[1.0], [2.0], [4.0]])).sum().backward()
    assert lookup.sparse[0].values.grad[:, 0].tolist() == [1.0, 2.0, 4.0]
    with torch.no_grad():
        assert not memory(make_keys([3])).vectors.requires_grad


@pytest.mark.parametrize("rank", [0, 4])
def test_cose_formula(rank: int) -> None:
    memory = trained_cose(rank)
    palette, symmetry, task, row = [0, 3, 1, 2, 9, 5, 6, 8, 7, 4], 5, 2, 3
    found = memory(turned_keys(row, task, symmetry, palette))
    slots = [memory.slots[palette[colour] - 1] for colour in range(1, 10)]
    film = memory.film @ torch.cat([memory.dihedral[symmetry], memory.base, *slots])
    gamma, beta = film[:32], film[32:]
    wanted = (1 + gamma) * memory.task_vectors[task] + beta
    if rank:
        wanted = wanted + memory.up.weight @ memory.rows[row]
    torch.testing.assert_close(found.vectors[0], wanted, rtol=1e-4, atol=1e-4)
    assert len(found.sparse) == (1 if rank else 0)


@pytest.mark.parametrize("rank", [0, 4])
def test_free_rows_start_at_nothing_and_are_each_view_s_own(rank: int) -> None:
    memory = trained_cose(rank)
    keys = make_keys([3, 1], tasks=[2, 2])
    before, names = memory(keys).vectors.detach(), set(memory.shared_state())
    memory.free_rows(4)
    found = memory(keys)
    assert torch.equal(found.vectors, before) and len(found.sparse) == (2 if rank else 1)
    found.vectors[0].sum().backward()
    sign_sgd_rows(found.sparse[-1:], lr=0.5, weight_decay=0.0)
    torch.testing.assert_close(memory(keys).vectors, before - torch.tensor([[0.5], [0.0]]))
    assert bool((memory.free[[0, 1, 2]] == 0).all())
    assert set(memory.shared_state()) == names


def test_cose_tells_augmentations_apart_and_knows_unseen_ones() -> None:
    memory = trained_cose()
    plain = list(range(10))
    swapped = [0, 2, 1, *range(3, 10)]
    # Row 0 holds no residual: the augmentation has no row of its own, and still has a vector.
    vectors = [
        memory(turned_keys(0, 1, symmetry, palette)).vectors.detach()
        for symmetry, palette in ((0, plain), (0, swapped), (3, plain), (3, swapped))
    ]
    for n, one in enumerate(vectors):
        assert bool(one.isfinite().all()) and float(one.norm()) > 0
        assert all(not torch.allclose(one, other) for other in vectors[n + 1 :])
    memory = CoseMemory(COSE, tasks=3, rows=2, generator=seeded())
    with torch.no_grad():
        memory.task_vectors[1] = 1.0
    unseen = memory(turned_keys(0, 1, 7, swapped)).vectors.detach()
    torch.testing.assert_close(unseen, torch.ones(1, 32))


def test_every_part_of_cose_learns_from_the_zero_start() -> None:
    memory = CoseMemory(COSE, tasks=3, rows=4, generator=seeded())
    optimizer = torch.optim.SGD(memory.parameters(), 0.1)
    goal = torch.randn(1, 32, generator=seeded(3))
    keys = turned_keys(2, 1, 3, [0, 2, 1, *range(3, 10)])
    before = {name: p.detach().clone() for name, p in memory.named_parameters()}
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        lookup = memory(keys)
        loss = (lookup.vectors - goal).square().sum()
        loss.backward()
        losses.append(float(loss.detach()))
        sign_sgd_rows(lookup.sparse, lr=0.01, weight_decay=0.0)
        optimizer.step()
    assert losses[-1] < 0.01 * losses[0]
    moved = {name for name, p in memory.named_parameters() if not torch.equal(p, before[name])}
    assert moved == set(before)
    assert bool((memory.rows[2] != 0).any()) and bool((memory.rows[[0, 1, 3]] == 0).all())
    assert bool((memory.task_vectors[[0, 2]] == 0).all())


def start_again(memory: Memory, config) -> Memory:
    fresh = build_memory(config, tasks=3, rows=9, generator=seeded(8))
    fresh.start(memory.shared_state())
    return fresh


def test_a_table_starts_from_the_mean() -> None:
    memory = TableMemory(TABLE, tasks=2, rows=5)
    memory.rows[1:] = torch.randn(4, 32, generator=seeded())
    mean = memory.rows[1:].mean(0)
    assert set(memory.shared_state()) == {"mean"}
    fresh = start_again(memory, TABLE)
    torch.testing.assert_close(fresh(make_keys([1, 8])).vectors, mean.expand(2, -1))
    assert bool((fresh(make_keys([0])).vectors == 0).all())


def test_cose_starts_from_the_mean_and_keeps_what_is_shared() -> None:
    memory = trained_cose()
    fresh = start_again(memory, COSE)
    mean = memory.task_vectors[1:].detach().mean(0)
    torch.testing.assert_close(fresh.task_vectors.detach()[1:], mean.expand(2, -1))
    assert bool((fresh.task_vectors[0] == 0).all()) and bool((fresh.rows == 0).all())
    for name in ("dihedral", "base", "slots", "film"):
        assert torch.equal(getattr(fresh, name), getattr(memory, name))
    assert torch.equal(fresh.up.weight, memory.up.weight)
