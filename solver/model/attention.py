"""One call for attention, whichever engine runs it.

Equal canvases and padded batches go to ``scaled_dot_product_attention``. Over packed sequences there is
a choice, taken once for each GPU by measuring what it can run:

- ``flash``: flash-attn's variable-length kernel, where it is installed (compute capability 8.0 or later)
- ``varlen``: torch's own (torch 2.10 or later, compute capability 8.0 or later)
- ``flex``: FlexAttention with a block mask by sequence, compiled (needs Triton)
- ``padded``: unpack, ``scaled_dot_product_attention`` with a mask, pack: runs everywhere

All give the same result to rounding (``tests/test_attention.py``). The environment variable
URM_ATTENTION=NAME decides without measuring.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from subprocess import SubprocessError

import torch
import torch.nn.functional as F
from torch import Tensor

from solver.model.batch import Layout, Packing

ENGINES = ("flash", "varlen", "flex", "padded")
HALVES = (torch.float16, torch.bfloat16)
BLOCK = 128  # tokens of a block of FlexAttention's mask
MOST_SCORES = 2**26  # of one call that may stand in memory at once
CLOSED = -1e30  # a score whose exponential is 0
# What an engine that does not run here raises: torch without its kernel, another version's arguments,
# Triton without a C compiler.
FAILURES = (
    RuntimeError, ImportError, TypeError, ValueError, AttributeError, AssertionError, OSError,
    SubprocessError,
)  # fmt: skip

_forced: ContextVar[str] = ContextVar("engine", default="")


@dataclass(frozen=True)
class Choice:
    """``engine``: one of ENGINES. ``reason``: one line for people, measured milliseconds included."""

    engine: str
    reason: str


@contextmanager
def forced_engine(name: str) -> Iterator[None]:
    """Packed batches inside run on this engine, measured or not; for tests and benchmarks."""
    token = _forced.set(_known(name, "engine"))
    try:
        yield
    finally:
        _forced.reset(token)


def _known(name: str, where: str) -> str:
    if name not in ENGINES:
        raise ValueError(f"{where}: {name!r}, wanted one of {', '.join(ENGINES)}")
    return name


def engine_for(device: torch.device) -> str:
    """The engine for packed batches on the device; on a GPU the first call measures."""
    if _forced.get():
        return _forced.get()
    return "padded" if device.type != "cuda" else choice_for(device.index or 0).engine


@cache
def choice_for(index: int) -> Choice:
    """What runs packed attention on CUDA device ``index``, and why. ValueError for a name in
    URM_ATTENTION that is none."""
    named = os.environ.get("URM_ATTENTION", "")
    if named:
        return Choice(_known(named, "URM_ATTENTION"), "URM_ATTENTION says so")
    device = torch.device("cuda", index)
    # The first packed batch may come in a prediction, where nothing has a gradient.
    with torch.cuda.device(device), torch.inference_mode(False), torch.enable_grad():
        return chosen(torch.cuda.get_device_capability(index), lambda name: measure(name, device))


def chosen(capability: tuple[int, int], timed: Callable[[str], float]) -> Choice:
    """The fastest of the engines for a GPU of this compute capability by ``timed``, seconds of a name.

    FlexAttention takes half a minute to compile, so it is timed only where no variable-length kernel is
    installed or none of them runs."""
    seconds = {name: timed(name) for name in kernels(capability)}
    if all(value == float("inf") for value in seconds.values()) and flexes(capability):
        seconds["flex"] = timed("flex")
    if not seconds:
        return Choice("padded", "the only engine that this GPU runs")
    return fastest({**seconds, "padded": timed("padded")})


def kernels(capability: tuple[int, int]) -> list[str]:
    """The variable-length kernels that are installed for a GPU of this compute capability."""
    modules = {"flash": "flash_attn", "varlen": "torch.nn.attention.varlen"}
    return [
        name for name, module in modules.items() if capability >= (8, 0) and find_spec(module) is not None
    ]


def flexes(capability: tuple[int, int]) -> bool:
    """Whether FlexAttention can be compiled for a GPU of this compute capability."""
    return capability >= (7, 0) and find_spec("triton") is not None


def fastest(seconds: dict[str, float]) -> Choice:
    """The engine that took least; infinite where it did not run."""
    best = min(reversed(seconds), key=lambda name: seconds[name])  # of equals the plainest, which is last
    told = ", ".join(
        f"{name} {1e3 * value:.2f} ms" if value < float("inf") else f"{name} does not run"
        for name, value in seconds.items()
    )
    return Choice(best, f"measured forward and backward: {told}")


def measure(name: str, device: torch.device, dtype: torch.dtype | None = None) -> float:
    """Median seconds forward and backward over 32,768 packed tokens of 8 heads of 64; infinite where the
    engine does not run. Lengths as ARC's: 50 to 901."""
    if dtype is None:
        dtype = torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16
    lengths = torch.tensor([51, 101, 171, 258, 402, 626, 901] * 13)
    starts = F.pad(lengths.cumsum(0), (1, 0)).to(torch.int32)
    longest = int(lengths.max())
    place = torch.arange(longest)
    index = (place < lengths.unsqueeze(1)).flatten().nonzero().squeeze(1)
    packing = Packing(index, starts, longest).to(device)
    mask = (place < lengths.unsqueeze(1))[:, None, None, :].to(device)
    parts = [
        torch.randn(1, int(starts[-1]), 8, 64, device=device, dtype=dtype, requires_grad=True)
        for _ in range(3)
    ]
    times = []
    try:
        blocks = document_blocks(packing) if name == "flex" else None
        layout = Layout(None, None, mask, longest, packing, name, blocks)
        for _ in range(8):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            attend(*parts, layout).sum().backward()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end) / 1e3)
    except FAILURES:
        return float("inf")
    return sorted(times[3:])[2]


def document_blocks(packing: Packing) -> object:
    """FlexAttention's block mask: a token sees the tokens of its own sequence.

    Made from where sequences begin, without the [M, M] mask and without waiting for a GPU: a block of
    queries sees the blocks from its first token's sequence to the end of its last token's.
    """
    from torch.nn.attention.flex_attention import BlockMask

    documents, tokens = packing.documents, packing.index.shape[0]
    count = -(-tokens // BLOCK)
    first = torch.arange(count, device=documents.device) * BLOCK
    last = (first + BLOCK - 1).clamp_max(tokens - 1)
    starts = packing.starts.long()
    low = starts[documents[first]] // BLOCK
    high = (starts[documents[last] + 1] - 1) // BLOCK
    index = (low[:, None] + torch.arange(count, device=low.device)).clamp_max(count - 1)
    numbers = [part.to(torch.int32)[None, None] for part in (high - low + 1, index)]

    def same_sequence(b: Tensor, h: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return documents[query] == documents[key]

    return BlockMask.from_kv_blocks(
        *numbers, BLOCK_SIZE=BLOCK, mask_mod=same_sequence, seq_lengths=(tokens, tokens)
    )


def attend(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """Bidirectional softmax attention within each sequence, scale 1 / sqrt(head_dim).

    ``query``, ``key``, ``value`` [B, L, heads, head_dim], or [1, M, heads, head_dim] when the layout
    is packed; the result has the same shape.
    """
    if layout.packing is None:
        return _padded_attention(query, key, value, layout.mask)
    if layout.engine == "flex":
        return _flex(query, key, value, layout)
    if layout.engine != "padded" and query.dtype in HALVES:
        return (_flash if layout.engine == "flash" else _varlen)(query, key, value, layout)
    padded = [layout.packing.unpack(x, layout.length) for x in (query, key, value)]
    return layout.packing.pack(_padded_attention(*padded, layout.mask))


def _padded_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    heads_first = [x.transpose(1, 2) for x in (query, key, value)]
    if query.device.type == "cpu" and query.dtype in HALVES:
        # torch's CPU kernel is several times slower backward in half precision than in float32.
        batch, heads, length, _ = heads_first[0].shape
        if query.dtype == torch.bfloat16 and batch * heads * length**2 <= MOST_SCORES:
            return _by_products(*heads_first, mask).transpose(1, 2)
        heads_first = [x.float() for x in heads_first]
    out = F.scaled_dot_product_attention(*heads_first, attn_mask=mask)
    return out.transpose(1, 2).to(query.dtype)


def _by_products(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(D)) v as it is written, with all scores in memory: on a processor that multiplies
    bfloat16, twice as fast forward and backward as the float32 kernel on ARC's lengths.

    ``query``, ``key``, ``value`` [B, heads, L, D], ``mask`` [B, 1, 1, L]; the result [B, heads, L, D].
    """
    batch, heads, length, width = query.shape
    flat_query, flat_key, flat_value = (x.reshape(batch * heads, length, width) for x in (query, key, value))
    scale, keys = width**-0.5, flat_key.transpose(1, 2)
    if mask is None:
        scores = torch.bmm(flat_query * scale, keys)
    else:
        closed = torch.zeros(mask.shape, dtype=query.dtype, device=query.device).masked_fill(~mask, CLOSED)
        opened = closed.expand(batch, heads, 1, length).reshape(batch * heads, 1, length)
        scores = torch.baddbmm(opened, flat_query, keys, alpha=scale)
    return torch.bmm(scores.softmax(-1), flat_value).view(batch, heads, length, width)


def _flash(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    from flash_attn import flash_attn_varlen_func

    starts, longest = layout.packing.starts, layout.packing.longest
    out = flash_attn_varlen_func(query[0], key[0], value[0], starts, starts, longest, longest)
    return out.unsqueeze(0)


def _varlen(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    # Bidirectional is the default of every torch that has it; its other arguments changed names.
    starts, longest = layout.packing.starts, layout.packing.longest
    return varlen_attn(query[0], key[0], value[0], starts, starts, longest, longest).unsqueeze(0)


def _flex(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    heads_first = [x.transpose(1, 2) for x in (query, key, value)]
    kernel = _flex_kernel(query.device.type == "cuda" and not torch.compiler.is_compiling())
    return kernel(*heads_first, block_mask=layout.blocks).transpose(1, 2)


def _flex_kernel(compiled: bool) -> Callable[..., Tensor]:
    from torch.nn.attention.flex_attention import flex_attention

    return _compiled_flex() if compiled else flex_attention


@cache
def _compiled_flex() -> Callable[..., Tensor]:
    """FlexAttention is one kernel only when compiled; its plain form holds all scores in memory."""
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(partial(flex_attention), dynamic=True)
