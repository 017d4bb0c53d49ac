"""One attention, whichever engine runs it: against softmax attention written out."""

from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from solver.model.attention import attend
from solver.model.batch import Layout


def plain_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax attention one sequence, one head and one query at a time, in float64."""
    result = torch.zeros_like(query, dtype=torch.float64)
    for b in range(query.shape[0]):
        for h in range(query.shape[2]):
            keys, values = key[b, :, h].double(), value[b, :, h].double()
            for t in range(query.shape[1]):
                scores = keys @ query[b, t, h].double() / query.shape[3] ** 0.5
                if mask is not None:
                    scores = scores.masked_fill(~mask[b, 0, 0], -torch.inf)
                weights = (scores - scores.max()).exp()
                result[b, t, h] = weights @ values / weights.sum()
    return result


def open_to(mask: Tensor | None) -> Layout:
    return Layout(None, None, mask, 11)


def inputs(dtype: torch.dtype, device: str = "cpu", width: int = 8) -> list[Tensor]:
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(2, 11, 3, width, generator=generator).to(device, dtype) for _ in range(3)]


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 1e-6), (torch.bfloat16, 2e-2)])
def test_unmasked(dtype: torch.dtype, limit: float) -> None:
    query, key, value = inputs(dtype)
    wanted = plain_attention(query, key, value, None)
    found = attend(query, key, value, open_to(None))
    assert found.shape == query.shape and found.dtype == dtype
    torch.testing.assert_close(found.double(), wanted, rtol=limit, atol=limit)


def test_masked_keys_count_for_nothing() -> None:
    query, key, value = inputs(torch.float32)
    mask = (torch.arange(11) < torch.tensor([[11], [4]]))[:, None, None, :]
    found = attend(query, key, value, open_to(mask))
    torch.testing.assert_close(found.double(), plain_attention(query, key, value, mask), rtol=1e-6, atol=1e-6)
    key[1, 4:], value[1, 4:] = 1e3, -1e3
    torch.testing.assert_close(attend(query, key, value, open_to(mask)), found, rtol=0, atol=0)


def test_gradients_are_those_of_the_formula() -> None:
    parts = [x.double().requires_grad_() for x in inputs(torch.float32)]
    mask = (torch.arange(11) < torch.tensor([[9], [4]]))[:, None, None, :]
    weight = torch.randn(parts[0].shape, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    found = torch.autograd.grad((attend(*parts, open_to(mask)) * weight).sum(), parts)
    scores = torch.einsum("bqhd,bkhd->bhqk", parts[0], parts[1]) / 8**0.5
    shares = scores.masked_fill(~mask, -torch.inf).softmax(-1)
    wanted = torch.autograd.grad((torch.einsum("bhqk,bkhd->bqhd", shares, parts[2]) * weight).sum(), parts)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.skipif(find_spec("flash_attn") is None, reason="flash-attn is not installed")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="flash-attn needs a CUDA GPU")
def test_flash_attention_computes_the_same() -> None:
    query, key, value = inputs(torch.bfloat16, "cuda", width=64)
    everything = torch.ones(2, 1, 1, 11, dtype=torch.bool, device="cuda")
    torch.testing.assert_close(
        attend(query, key, value, open_to(None)), attend(query, key, value, everything), rtol=2e-2, atol=2e-2
    )
