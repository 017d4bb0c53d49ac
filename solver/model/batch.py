"""The record that the networks read, and the geometry of its sequences."""

from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import pad

IGNORE = -100  # a label that no loss counts
LONGEST_STEP = 128


@dataclass(frozen=True, eq=False)
class Keys:
    """Which puzzle embedding each sequence of a batch carries.

    ``rows`` [B] int64: row of the (task, augmentation) in a table, 0 for none. ``tasks`` [B] int64:
    row of the task. ``symmetries`` [B] int64: 0..7. ``palettes`` [B, 10] int64.
    """

    rows: Tensor
    tasks: Tensor
    symmetries: Tensor
    palettes: Tensor

    def to(self, device: torch.device) -> "Keys":
        return Keys(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))

    def select(self, index: Tensor) -> "Keys":
        return Keys(*(getattr(self, f.name)[index] for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Packing:
    """How sequences of different lengths stand one behind another in one row of M tokens, prefix and
    cells, without padding.

    ``index`` [M] int64: each token's place in the flattened [B, P + T]. ``starts`` [B + 1] int32:
    where each sequence begins, and M. ``longest``: tokens of the longest sequence, on the host, rounded up
    to a multiple of LONGEST_STEP: kernels take any upper bound, and a compiled step sees few values.
    """

    index: Tensor
    starts: Tensor
    longest: int

    @property
    def documents(self) -> Tensor:
        """[M] int64: the number of the sequence that each token belongs to."""
        place = torch.arange(self.index.shape[0], device=self.starts.device)
        return torch.searchsorted(self.starts[1:].long(), place, right=True)

    @property
    def opens(self) -> Tensor:
        """[1, M, 1] bool: True at the first token of each sequence."""
        inside = torch.zeros(self.index.shape[0], dtype=torch.bool, device=self.starts.device)
        return inside.index_fill(0, self.starts[:-1].long(), True)[None, :, None]

    def to(self, device: torch.device) -> "Packing":
        index, starts = (part.to(device, non_blocking=True) for part in (self.index, self.starts))
        return Packing(index, starts, self.longest)

    def pack(self, padded: Tensor) -> Tensor:
        """[B, P + T, ...] -> [1, M, ...]."""
        return padded.flatten(0, 1)[self.index].unsqueeze(0)

    def unpack(self, packed: Tensor, length: int) -> Tensor:
        """[1, M, ...] -> [B, length, ...], zero where nothing stands; ``length`` is P + T."""
        size = self.starts.shape[0] - 1
        flat = packed.new_zeros(size * length, *packed.shape[2:])
        return flat.index_copy(0, self.index, packed[0]).unflatten(0, (size, length))


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences of canvas cells, padded to a common length T.

    ``tokens`` [B, T] int64, pad 0. ``labels`` [B, T] int64, IGNORE where nothing is asked.
    ``heights``, ``widths`` [B] int64: the canvas of each sequence, row-major in its first
    height x width places. ``uniform``: all canvases are equal and fill T, known on the host.
    ``packing``: set where the network is to work on the sequences without their padding.
    """

    tokens: Tensor
    labels: Tensor
    heights: Tensor
    widths: Tensor
    keys: Keys
    uniform: bool
    packing: Packing | None = None

    def __len__(self) -> int:
        return self.tokens.shape[0]

    @property
    def lengths(self) -> Tensor:
        """[B] int64: cells of each canvas."""
        return self.heights * self.widths

    def to(self, device: torch.device) -> Self:
        cells = ("tokens", "labels", "heights", "widths")
        moved = {name: getattr(self, name).to(device, non_blocking=True) for name in cells}
        packing = self.packing and self.packing.to(device)
        return replace(self, **moved, keys=self.keys.to(device), packing=packing)

    def packed(self, prefix_len: int, *, always: bool = False) -> Self:
        """The same sequences to be worked on without padding; itself when there is none to save, unless
        ``always`` asks for one form whatever the canvases.

        Looks at the canvases: on the host before the batch goes to a GPU, it costs no waiting.
        """
        if self.uniform and not always:
            return self
        lengths = self.lengths + prefix_len
        place = torch.arange(self.tokens.shape[1] + prefix_len, device=lengths.device)
        index = (place < lengths.unsqueeze(1)).flatten().nonzero().squeeze(1)
        starts = pad(lengths.cumsum(0), (1, 0)).to(torch.int32)
        longest = -(-int(lengths.max()) // LONGEST_STEP) * LONGEST_STEP
        return replace(self, uniform=False, packing=Packing(index, starts, longest))

    def select(self, index: Tensor) -> Self:
        """The sequences at ``index`` [n] int64, still padded to T, not packed."""
        return type(self)(
            self.tokens[index],
            self.labels[index],
            self.heights[index],
            self.widths[index],
            self.keys.select(index),
            self.uniform,
        )


@dataclass(frozen=True, eq=False)
class Layout:
    """Where each token of [B, P + T], or of a packed [1, M], stands: computed once a loop, used by
    every layer.

    ``cos``, ``sin`` [1 or B, P + T, 1, head_dim / 2] or [1, M, 1, head_dim / 2]: rotary factors, None
    without rotary positions. ``mask`` [B, 1, 1, P + T] bool: True at tokens that may be attended to;
    None when all may. ``packing``: the batch's; ``length``: P + T. ``engine``: what runs attention over a
    packed batch (solver.model.attention), ``blocks``: what FlexAttention wants to know beside it.
    ``opens`` [1, M, 1] bool, of a packed batch: True at the first token of each sequence.
    """

    cos: Tensor | None
    sin: Tensor | None
    mask: Tensor | None
    length: int
    packing: Packing | None = None
    engine: str = "padded"
    blocks: object = None
    opens: Tensor | None = None


def cell_positions(batch: Batch) -> tuple[Tensor, Tensor]:
    """(rows, columns) of the cells, int64 [1 or B, T]; places behind a canvas run on."""
    place = torch.arange(batch.tokens.shape[1], device=batch.tokens.device)
    widths = (batch.widths[:1] if batch.uniform else batch.widths).unsqueeze(1)
    rows = torch.div(place, widths, rounding_mode="floor")
    return rows, place - rows * widths


def padding_mask(batch: Batch, prefix_len: int) -> Tensor | None:
    """[B, 1, 1, P + T] bool, True at the prefix and inside the canvas; None when nothing is padded."""
    if batch.uniform:
        return None
    place = torch.arange(-prefix_len, batch.tokens.shape[1], device=batch.tokens.device)
    return (place < batch.lengths.unsqueeze(1))[:, None, None, :]
