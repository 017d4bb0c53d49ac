"""One call for attention, whichever engine runs it.

``scaled_dot_product_attention`` runs everywhere. flash-attn is taken when it is installed, the
tensors are half precision on a GPU it supports, and nothing is masked; both give the same result
to rounding (``tests/test_attention.py``).
"""

from functools import cache
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor


@cache
def flash_attention_supported(device_index: int) -> bool:
    """True when flash-attn is installed and the CUDA device is of compute capability 8.0 or later."""
    if find_spec("flash_attn") is None:
        return False
    return torch.cuda.get_device_capability(device_index) >= (8, 0)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Bidirectional softmax attention, scale 1 / sqrt(head_dim).

    ``query``, ``key``, ``value`` [B, T, heads, head_dim]; ``mask`` [B, 1, 1, T] bool or None.
    Returns [B, T, heads, head_dim].
    """
    half = query.dtype in (torch.float16, torch.bfloat16)
    if mask is None and query.is_cuda and half and flash_attention_supported(query.device.index):
        from flash_attn import flash_attn_func

        return flash_attn_func(query, key, value, causal=False)
    heads_first = [x.transpose(1, 2) for x in (query, key, value)]
    if half and query.device.type == "cpu":
        # torch's CPU kernel is several times slower backward in half precision than in float32.
        heads_first = [x.float() for x in heads_first]
    out = F.scaled_dot_product_attention(*heads_first, attn_mask=mask)
    return out.transpose(1, 2).to(query.dtype)
