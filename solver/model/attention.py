"""One call for attention, whichever engine runs it.

``scaled_dot_product_attention`` runs everywhere. On a GPU, in half precision, flash-attn is taken
when it is installed and supports the card; packed sequences go to its variable-length kernel or to
torch's own. All give the same result to rounding (``tests/test_attention.py``).
"""

from functools import cache
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor

from solver.model.batch import Layout


@cache
def flash_attention_supported(device_index: int) -> bool:
    """True when flash-attn is installed and the CUDA device is of compute capability 8.0 or later."""
    return find_spec("flash_attn") is not None and _modern(device_index)


@cache
def torch_varlen_supported(device_index: int) -> bool:
    """True when torch has attention over packed sequences (2.10 or later) and the card runs it."""
    return find_spec("torch.nn.attention.varlen") is not None and _modern(device_index)


def _modern(device_index: int) -> bool:
    return torch.cuda.get_device_capability(device_index) >= (8, 0)


def attend(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """Bidirectional softmax attention within each sequence, scale 1 / sqrt(head_dim).

    ``query``, ``key``, ``value`` [B, L, heads, head_dim], or [1, M, heads, head_dim] when the layout
    is packed; the result has the same shape.
    """
    half = query.dtype in (torch.float16, torch.bfloat16)
    if layout.packing is not None:
        if query.is_cuda and half:
            engine = _packed_engine(query.device.index)
            if engine is not None:
                return engine(query, key, value, layout)
        padded = [layout.packing.unpack(x, layout.length) for x in (query, key, value)]
        return layout.packing.pack(_padded_attention(*padded, layout.mask))
    if layout.mask is None and query.is_cuda and half and flash_attention_supported(query.device.index):
        from flash_attn import flash_attn_func

        return flash_attn_func(query, key, value, causal=False)
    return _padded_attention(query, key, value, layout.mask)


def _padded_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    heads_first = [x.transpose(1, 2) for x in (query, key, value)]
    if query.device.type == "cpu" and query.dtype in (torch.float16, torch.bfloat16):
        # torch's CPU kernel is several times slower backward in half precision than in float32.
        heads_first = [x.float() for x in heads_first]
    out = F.scaled_dot_product_attention(*heads_first, attn_mask=mask)
    return out.transpose(1, 2).to(query.dtype)


@cache
def _packed_engine(device_index: int):
    """The variable-length kernel of this card, or None where there is none."""
    if flash_attention_supported(device_index):
        return _flash_varlen
    return _torch_varlen if torch_varlen_supported(device_index) else None


def _flash_varlen(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    from flash_attn import flash_attn_varlen_func

    starts, longest = layout.packing.starts, layout.packing.longest
    out = flash_attn_varlen_func(query[0], key[0], value[0], starts, starts, longest, longest)
    return out.unsqueeze(0)


def _torch_varlen(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    # Bidirectional is the default of every torch that has it; its other arguments changed names.
    starts, longest = layout.packing.starts, layout.packing.longest
    return varlen_attn(query[0], key[0], value[0], starts, starts, longest, longest).unsqueeze(0)
