"""Puzzle-embedding memories: what the network knows of each task, one vector per sequence.

``TableMemory`` is the released one: a free row for each (task, augmentation). ``CoseMemory`` is
factored (CHARM, arXiv 2609.33270): a vector for each task, modulated by the augmentation, plus a
low-rank residual row. Row 0 and task 0 are blank in both.

Rows are no parameters: a lookup returns the rows of its batch as leaves that collect a gradient,
and ``optim.sign_sgd_rows`` writes them back, so that rows outside the batch cost nothing.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from solver.model.batch import Keys
from solver.model.config import NetworkConfig
from solver.model.layers import Linear, truncated_normal

SYMMETRIES = 8
SLOTS = 9  # colours 1..9; colour 0 never moves
DIHEDRAL_WIDTH = 32
BASE_WIDTH = 32
SLOT_WIDTH = 16
_OF_TASKS = ("task_vectors", "rows", "free")


@dataclass(frozen=True, eq=False)
class SparseRows:
    """Rows of a table that a batch looked up. ``table`` [N, D]; ``index`` [B] int64; ``values``
    [B, D]: a leaf whose ``grad`` is one row's share each, equal ids not yet summed."""

    table: Tensor
    index: Tensor
    values: Tensor


@dataclass(frozen=True, eq=False)
class Lookup:
    """``vectors`` [B, puzzle_emb_ndim] for the network; ``sparse``: the rows behind them."""

    vectors: Tensor
    sparse: tuple[SparseRows, ...]


def look_up(table: Tensor, index: Tensor) -> SparseRows:
    """The rows of ``table`` at ``index``, as a leaf of their own."""
    return SparseRows(table, index, table[index].detach().requires_grad_(torch.is_grad_enabled()))


class TableMemory(nn.Module):
    """One row for each (task, augmentation): rows [N, puzzle_emb_ndim] float32, starting at zero."""

    def __init__(self, config: NetworkConfig, *, tasks: int, rows: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(rows, config.puzzle_emb_ndim))

    def forward(self, keys: Keys) -> Lookup:
        found = look_up(self.rows, keys.rows)
        return Lookup(found.values, (found,))

    def shared_state(self) -> dict[str, Tensor]:
        """What outlives the tasks: ``mean`` [puzzle_emb_ndim] of the trained rows."""
        return {"mean": self.rows[1:].mean(0)}

    def start(self, shared: dict[str, Tensor]) -> None:
        """Set every row but the blank one to the stored mean."""
        self.rows[1:] = shared["mean"].to(self.rows)


class CoseMemory(nn.Module):
    """Factored task memory (CoSE, arXiv 2609.33270, section 3). For task n under the augmentation a of
    symmetry s (0..7) and palette p (p(c): what colour c becomes):

        z = [ dihedral_s ; base ; slot_p(1) ; ... ; slot_p(9) ]     [208] = [32 + 32 + 9 * 16]
        (gamma, beta) = W z                                         [D] each, W [2 D, 208]
        e = (1 + gamma) * t_n + beta + U r_(n, a)                   [D] = [puzzle_emb_ndim]

    ``task_vectors`` t [tasks, D], ``dihedral`` [8, 32], ``base`` [32], ``slots`` [9, 16] (colour 0 never
    moves and has none), ``film`` W; with ``rank`` > 0 also ``rows`` r [rows, rank] and ``up`` U [D, rank].
    All tables (t, r, dihedral, base, slots) start at zero, so that e does; W and U do not, or no gradient
    would ever reach the tables behind them. Rows are moved by SignSGD, task vectors by AdamW, the rest with
    the network's weights. Any augmentation can be asked: one without a row has row 0, which stays zero.

    At test time ``free_rows`` adds f_(n, a) [D], a residual of its own for each view that is tuned on, from
    zero, moved by SignSGD: what a table's row can say and a factor cannot (docs/TUNING.md).
    """

    def __init__(
        self,
        config: NetworkConfig,
        *,
        tasks: int,
        rows: int,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        width = config.puzzle_emb_ndim
        self.task_vectors = nn.Parameter(torch.zeros(tasks, width))
        self.dihedral = nn.Parameter(torch.zeros(SYMMETRIES, DIHEDRAL_WIDTH))
        self.base = nn.Parameter(torch.zeros(BASE_WIDTH))
        self.slots = nn.Parameter(torch.zeros(SLOTS, SLOT_WIDTH))
        inputs = DIHEDRAL_WIDTH + BASE_WIDTH + SLOTS * SLOT_WIDTH
        self.film = nn.Parameter(truncated_normal((2 * width, inputs), inputs**-0.5, generator))
        self.rank = config.memory_rank
        if self.rank:
            self.register_buffer("rows", torch.zeros(rows, self.rank))
            self.up = Linear(self.rank, width, generator=generator)
        self.register_buffer("free", None)

    def free_rows(self, rows: int) -> None:
        """From here on, residuals of full width for so many rows, the blank one included."""
        self.free = self.task_vectors.new_zeros(rows, self.task_vectors.shape[1])

    def forward(self, keys: Keys) -> Lookup:
        size = len(keys.tasks)
        slots = self.slots[keys.palettes[:, 1:] - 1].flatten(1)
        code = torch.cat((self.dihedral[keys.symmetries], self.base.expand(size, -1), slots), 1)
        gamma, beta = (code @ self.film.T).chunk(2, dim=1)
        vectors = (1 + gamma) * self.task_vectors[keys.tasks] + beta
        sparse: list[SparseRows] = []
        if self.rank:
            sparse.append(look_up(self.rows, keys.rows))
            vectors = vectors + self.up(sparse[-1].values)
        if self.free is not None:
            sparse.append(look_up(self.free, keys.rows))
            vectors = vectors + sparse[-1].values
        return Lookup(vectors, tuple(sparse))

    def shared_state(self) -> dict[str, Tensor]:
        """Everything but tasks and rows, and the ``mean`` [D] of the trained task vectors."""
        state = {k: v for k, v in self.state_dict().items() if k not in _OF_TASKS}
        return {**state, "mean": self.task_vectors[1:].detach().mean(0)}

    def start(self, shared: dict[str, Tensor]) -> None:
        """Take the shared parts, set every task vector to the stored mean, residual rows to zero."""
        state = {k: v for k, v in shared.items() if k != "mean"}
        kept = {k: v for k, v in self.state_dict().items() if k in _OF_TASKS}
        self.load_state_dict({**state, **kept})
        with torch.no_grad():
            self.task_vectors[1:] = shared["mean"].to(self.task_vectors)


Memory = TableMemory | CoseMemory


def build_memory(
    config: NetworkConfig, *, tasks: int, rows: int, generator: torch.Generator | None = None
) -> Memory:
    """The memory that ``config.memory`` names, for ``tasks`` and ``rows``, the blank ones included."""
    if config.memory == "table":
        return TableMemory(config, tasks=tasks, rows=rows)
    return CoseMemory(config, tasks=tasks, rows=rows, generator=generator)
