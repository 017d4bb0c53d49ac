"""Layers that URM, TRM and HRM share. Parameters are float32; they are cast to the input's dtype."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solver.model.attention import attend, document_blocks, engine_for
from solver.model.batch import Batch, Layout, Packing, cell_positions, padding_mask
from solver.model.config import NetworkConfig


def truncated_normal(shape: tuple[int, ...], std: float, generator: torch.Generator | None) -> Tensor:
    """A normal cut at two standard deviations, rescaled so that ``std`` is what comes out.

    The rescaling divides by the standard deviation that remains of a unit normal after the cut.
    """
    density = math.exp(-2.0) / math.sqrt(2.0 * math.pi)
    mass = math.erf(math.sqrt(2.0))
    remaining = math.sqrt(1.0 - 4.0 * density / mass)
    values = torch.empty(shape)
    scale = std / remaining
    return nn.init.trunc_normal_(values, 0.0, scale, -2 * scale, 2 * scale, generator=generator)


class Linear(nn.Module):
    """y = x W^T (+ b), W [out, in] float32, LeCun truncated-normal start, bias 0."""

    def __init__(
        self, inputs: int, outputs: int, *, bias: bool = False, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(truncated_normal((outputs, inputs), inputs**-0.5, generator))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return F.linear(x, self.weight.to(x.dtype), bias)


class Embedding(nn.Module):
    """Rows [vocabulary, width] float32, looked up and cast to ``dtype``."""

    def __init__(self, rows: int, width: int, std: float, generator: torch.Generator | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(truncated_normal((rows, width), std, generator))

    def forward(self, index: Tensor, dtype: torch.dtype) -> Tensor:
        return F.embedding(index, self.weight.to(dtype))


def widened(x: Tensor) -> Tensor:
    """float32, or float64 where it is that already."""
    return x if x.dtype == torch.float64 else x.float()


def rms_norm(x: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) over the last axis, in float32 at least, without a weight."""
    wide = widened(x)
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)).to(x.dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions, rotate-half form: (x1 cos - x2 sin, x2 cos + x1 sin).

    x [B, T, heads, head_dim], x1 and x2 its halves; cos, sin [1 or B, T, 1, head_dim / 2].
    """
    first, second = x.chunk(2, dim=-1)
    halves = (first * cos - second * sin, second * cos + first * sin)
    return torch.cat(halves, dim=-1).to(x.dtype)


def rotary_layout(config: NetworkConfig, batch: Batch) -> Layout:
    """The batch's rotary factors and mask. 1-D: token p has angle p, the prefix counted, and a cell
    of a cropped canvas keeps the number it has on the full one. 2-D: half of the frequencies turn
    with the row, half with the column, and the prefix is not turned."""
    prefix = config.prefix_len
    mask, length = padding_mask(batch, prefix), prefix + batch.tokens.shape[1]
    engine, blocks, opens = "padded", None, None
    if batch.packing is not None:
        engine, opens = engine_for(batch.tokens.device), batch.packing.opens
        blocks = document_blocks(batch.packing) if engine == "flex" else None
    if config.pos_encodings not in ("rope", "rope2d"):
        return Layout(None, None, mask, length, batch.packing, engine, blocks, opens)
    rows, columns = cell_positions(batch)
    device = rows.device
    if config.pos_encodings == "rope":
        cells = (rows * config.canvas_side + columns + prefix).float()
        head = torch.arange(prefix, device=device).float().expand(cells.shape[0], -1)
        angles = torch.cat((head, cells), 1)[..., None] * _frequencies(config, config.head_dim, device)
    else:
        turns = _frequencies(config, config.head_dim // 2, device)
        cells = torch.cat((rows.float()[..., None] * turns, columns.float()[..., None] * turns), -1)
        angles = F.pad(cells, (0, 0, prefix, 0))
    if batch.packing is not None:
        angles = batch.packing.pack(angles)
    angles = angles.unsqueeze(2)
    return Layout(angles.cos(), angles.sin(), mask, length, batch.packing, engine, blocks, opens)


def _frequencies(config: NetworkConfig, width: int, device: torch.device) -> Tensor:
    """[width / 2] float32: theta^(-2 i / width)."""
    exponent = torch.arange(0, width, 2, dtype=torch.float32, device=device) / width
    return 1.0 / config.rope_theta**exponent


class Attention(nn.Module):
    """Bidirectional multi-head self-attention without biases."""

    def __init__(self, config: NetworkConfig, generator: torch.Generator | None) -> None:
        super().__init__()
        self.heads, self.head_dim = config.num_heads, config.head_dim
        self.qkv_proj = Linear(config.hidden_size, 3 * config.hidden_size, generator=generator)
        self.o_proj = Linear(config.hidden_size, config.hidden_size, generator=generator)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        batch, length, width = x.shape
        mixed = self.qkv_proj(x).view(batch, length, 3 * self.heads, self.head_dim)
        query, key, value = mixed.chunk(3, dim=2)
        if layout.cos is not None:
            # One rotation of query and key together: half the small operations.
            both = rotate(mixed[:, :, : 2 * self.heads], layout.cos, layout.sin)
            query, key = both.chunk(2, dim=2)
        return self.o_proj(attend(query, key, value, layout).reshape(batch, length, width))


class SwiGLU(nn.Module):
    """down(silu(gate x) * up x); ``gate_up_proj`` holds gate, then up (arXiv 2002.05202)."""

    def __init__(self, width: int, intermediate: int, generator: torch.Generator | None) -> None:
        super().__init__()
        self.gate_up_proj = Linear(width, 2 * intermediate, generator=generator)
        self.down_proj = Linear(intermediate, width, generator=generator)

    def forward(self, x: Tensor, layout: Layout | None = None) -> Tensor:
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(F.silu(gate) * up)


class ShortConvolution(nn.Module):
    """Depthwise convolution of kernel 2 over the sequence: y_t = w_0 x_(t-1) + w_1 x_t + b.

    ``weight`` [channels, 1, 2] as torch's Conv1d has it; x_(-1) is 0. Written as two products: a
    convolution of two taps is faster so, and can be cut where one sequence ends.
    """

    def __init__(self, channels: int, generator: torch.Generator | None) -> None:
        super().__init__()
        bound = 2**-0.5  # Conv1d's own start: uniform in 1 / sqrt(fan in)
        self.weight = nn.Parameter(torch.empty(channels, 1, 2).uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound, generator=generator))

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        before, here = self.weight.to(x.dtype).unbind(-1)
        shifted = F.pad(x, (0, 0, 1, 0))[:, :-1]
        if layout.packing is not None:
            # Nothing leaks from one sequence into the next. A mask melts into the products when compiled;
            # writing at the places where sequences begin would be a kernel of its own.
            shifted = shifted.masked_fill(layout.opens, 0)
        return torch.addcmul(torch.addcmul(self.bias.to(x.dtype), x, here[:, 0]), shifted, before[:, 0])


class ConvSwiGLU(nn.Module):
    """down(silu(conv(silu(gate x) * up x))): URM's SwiGLU with a short convolution
    (arXiv 2512.14693, section 3)."""

    def __init__(self, width: int, intermediate: int, generator: torch.Generator | None) -> None:
        super().__init__()
        self.gate_up_proj = Linear(width, 2 * intermediate, generator=generator)
        self.dwconv = ShortConvolution(intermediate, generator)
        self.down_proj = Linear(intermediate, width, generator=generator)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(F.silu(self.dwconv(F.silu(gate) * up, layout)))


class Heads(nn.Module):
    """``lm_head``: logits of every cell. ``q_head``: (halt, continue) from the first position."""

    def __init__(self, config: NetworkConfig, generator: torch.Generator | None) -> None:
        super().__init__()
        self.prefix_len = config.prefix_len
        self.lm_head = Linear(config.hidden_size, config.vocab_size, generator=generator)
        self.q_head = Linear(config.hidden_size, 2, bias=True)
        with torch.no_grad():
            self.q_head.weight.zero_()
            self.q_head.bias.fill_(-5.0)

    def forward(self, hidden: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
        """hidden [B, P + T, D], or packed -> logits [B, T, vocabulary], q logits float32 [B, 2]."""
        packing = layout.packing
        if packing is None:
            return self.lm_head(hidden[:, self.prefix_len :]), widened(self.q_head(hidden[:, 0]))
        logits = packing.unpack(self.lm_head(hidden), layout.length)[:, self.prefix_len :]
        return logits, widened(self.q_head(hidden[0, packing.starts[:-1]]))


class InputEmbedding(nn.Module):
    """Prefix (puzzle embedding) and cells as one sequence, scaled by sqrt(hidden)."""

    def __init__(self, config: NetworkConfig, generator: torch.Generator | None) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = Embedding(
            config.vocab_size, config.hidden_size, config.hidden_size**-0.5, generator
        )
        self.embed_pos = None
        if config.pos_encodings == "learned":
            length = config.prefix_len + config.seq_len
            self.embed_pos = Embedding(length, config.hidden_size, config.hidden_size**-0.5, generator)

    def forward(self, batch: Batch, vectors: Tensor | None, dtype: torch.dtype) -> Tensor:
        """``vectors`` [B, puzzle_emb_ndim] -> [B, P + T, D] in ``dtype``, or packed [1, M, D]."""
        config = self.config
        prefix = self._prefix(vectors, dtype)
        if batch.packing is not None and self.embed_pos is None:
            return config.hidden_size**0.5 * self._packed(batch, batch.packing, prefix, dtype)
        embedded = self.embed_tokens(batch.tokens, dtype)
        if prefix is not None:
            embedded = torch.cat((prefix, embedded), 1)
        if self.embed_pos is not None:
            rows, columns = cell_positions(batch)
            cells = rows.clamp_max(config.canvas_side - 1) * config.canvas_side + columns
            head = torch.arange(config.prefix_len, device=cells.device).expand(cells.shape[0], -1)
            position = torch.cat((head, cells + config.prefix_len), 1)
            embedded = 0.5**0.5 * (embedded + self.embed_pos(position, dtype))
        if batch.packing is not None:
            embedded = batch.packing.pack(embedded)
        return config.hidden_size**0.5 * embedded

    def _prefix(self, vectors: Tensor | None, dtype: torch.dtype) -> Tensor | None:
        """The puzzle embeddings as tokens [B, P, D]; None where the network has none."""
        config = self.config
        if not config.prefix_len:
            return None
        assert vectors is not None and vectors.shape[1] == config.puzzle_emb_ndim
        room = config.prefix_len * config.hidden_size - config.puzzle_emb_ndim
        return F.pad(vectors.to(dtype), (0, room)).view(len(vectors), config.prefix_len, -1)

    def _packed(self, batch: Batch, packing: Packing, prefix: Tensor | None, dtype: torch.dtype) -> Tensor:
        """[1, M, D]: only tokens that stand in the row are looked up, padding never."""
        length = self.config.prefix_len
        embedded = self.embed_tokens(packing.pack(F.pad(batch.tokens, (length, 0))), dtype)
        if prefix is None:
            return embedded
        places = packing.starts[:-1].long().unsqueeze(1) + torch.arange(length, device=embedded.device)
        return embedded.index_copy(1, places.flatten(), prefix.flatten(0, 1).unsqueeze(0))


def states_shape(config: NetworkConfig, batch: Batch) -> tuple[int, int, int]:
    """Shape of a hidden state: [B, P + T, D], or packed [1, M, D]."""
    if batch.packing is not None:
        return 1, batch.packing.index.shape[0], config.hidden_size
    return len(batch), config.prefix_len + batch.tokens.shape[1], config.hidden_size
