"""One attention, whichever engine runs it: against softmax attention written out."""

import pytest
import torch
from model_inputs import ARCHES, make_batch, small_config
from torch import Tensor

from solver.model import attention
from solver.model.attention import (
    BLOCK,
    attend,
    choice_for,
    chosen,
    document_blocks,
    engine_for,
    fastest,
    forced_engine,
    kernels,
)
from solver.model.batch import Layout, Packing
from solver.model.registry import build_network


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


@pytest.mark.parametrize("most", [2**26, 1])
def test_bfloat16_on_a_cpu(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """As products, and where too many scores would stand in memory, by the float32 kernel."""
    monkeypatch.setattr(attention, "MOST_SCORES", most)
    whole = [x.bfloat16().double().requires_grad_() for x in inputs(torch.float32)]
    mask = (torch.arange(11) < torch.tensor([[11], [4]]))[:, None, None, :]
    for open_mask in (None, mask):
        halves = [x.detach().bfloat16().requires_grad_() for x in whole]
        found = attend(*halves, open_to(open_mask))
        wanted = attend(*whole, open_to(open_mask))
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found.double(), wanted, rtol=2e-2, atol=2e-2)
        one = torch.autograd.grad(found.float().square().sum(), halves)
        other = torch.autograd.grad(wanted.square().sum(), whole)
        for got, exact in zip(one, other, strict=True):
            assert float((got.double() - exact).norm() / exact.norm()) < 2e-2
            if open_mask is not None and got is not one[0]:
                assert not got[1, 4:].any()  # what is closed has no gradient, to the last bit


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


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("arch", ARCHES)
@torch.no_grad()  # torch has no gradient of FlexAttention on the CPU
def test_flex_attention_over_packed_sequences_is_the_padded_one(arch: str) -> None:
    """Several blocks of 128 tokens, sequences that end inside a block, at its end, and beyond it."""
    config = small_config(arch, canvas="cropped", canvas_side=12, pos_encodings="rope2d", puzzle_emb_len=1)
    network = build_network(config, torch.Generator().manual_seed(1))
    batch = make_batch(config, [(12, 12), (3, 4), (9, 11), (1, 1), (2, 5), (9, 9), (10, 12)])
    batch = batch.packed(config.prefix_len)
    vectors = torch.randn(len(batch), config.puzzle_emb_ndim, generator=torch.Generator().manual_seed(2))
    found = {}
    for engine in ("padded", "flex"):
        with forced_engine(engine):
            states = network.initial_states(batch, torch.float32)
            found[engine] = network(states, batch, vectors, torch.float32)
    inside = torch.arange(144) < batch.lengths[:, None]
    one, other = (found[engine].logits[inside] for engine in ("padded", "flex"))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-5)


def test_the_block_mask_holds_every_pair_of_a_sequence() -> None:
    lengths = [100, 28, 128, 3, 300, 1, 77]
    starts = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
    packing = Packing(torch.arange(sum(lengths)), starts, 384)
    assert packing.documents.tolist() == [n for n, length in enumerate(lengths) for _ in range(length)]
    mask = document_blocks(packing)
    seen = torch.zeros(mask.kv_num_blocks.shape[-1], mask.kv_num_blocks.shape[-1], dtype=torch.bool)
    for row, (count, index) in enumerate(zip(mask.kv_num_blocks[0, 0], mask.kv_indices[0, 0], strict=True)):
        seen[row, index[: int(count)].long()] = True
    blocks = torch.arange(sum(lengths)) // BLOCK
    same = packing.documents[:, None] == packing.documents[None, :]
    wanted = torch.zeros_like(seen)
    wanted[blocks[:, None].expand_as(same)[same], blocks[None, :].expand_as(same)[same]] = True
    assert torch.equal(seen, wanted)


def test_engines_are_chosen_by_card_and_by_time() -> None:
    assert kernels((7, 5)) == [] and set(kernels((9, 0))) <= {"flash", "varlen"}
    assert chosen((6, 0), lambda name: 1.0).reason == "the only engine that this GPU runs"
    choice = fastest({"varlen": 0.002, "padded": 0.003, "flex": float("inf")})
    assert choice.engine == "varlen"
    assert choice.reason.endswith("varlen 2.00 ms, padded 3.00 ms, flex does not run")
    assert fastest({"varlen": float("inf"), "padded": float("inf")}).engine == "padded"
    assert engine_for(torch.device("cpu")) == "padded"
    with forced_engine("flex"):
        assert engine_for(torch.device("cpu")) == "flex"
    with pytest.raises(ValueError, match="wanted one of flash, varlen, flex, padded"), forced_engine("fast"):
        pass


def test_flex_attention_is_timed_only_where_no_other_kernel_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that has the variable-length kernel's wrapper and not the kernel must not end up padded."""
    monkeypatch.setattr(
        "solver.model.attention.find_spec", lambda name: None if name == "flash_attn" else name
    )
    milliseconds = {"varlen": 2.0, "flex": 3.0, "padded": 9.0}
    asked: list[str] = []

    def timed(name: str) -> float:
        asked.append(name)
        return milliseconds[name] / 1e3

    assert chosen((9, 0), timed).engine == "varlen" and asked == ["varlen", "padded"]
    milliseconds["varlen"] = float("inf")
    choice = chosen((9, 0), timed)
    assert choice.engine == "flex" and "varlen does not run, flex 3.00 ms" in choice.reason
    assert chosen((7, 5), timed).engine == "flex"
    milliseconds["flex"] = float("inf")
    assert chosen((7, 5), timed).engine == "padded"


def test_the_environment_decides_without_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URM_ATTENTION", "flex")
    choice_for.cache_clear()
    assert choice_for(0).engine == "flex" and "URM_ATTENTION" in choice_for(0).reason
    monkeypatch.setenv("URM_ATTENTION", "quick")
    choice_for.cache_clear()
    with pytest.raises(ValueError, match="URM_ATTENTION: 'quick'"):
        choice_for(0)
    choice_for.cache_clear()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
@pytest.mark.parametrize("engine", ["flash", "varlen", "flex"])
def test_engines_of_the_card_compute_the_same(engine: str) -> None:
    if engine not in {*kernels(torch.cuda.get_device_capability(0)), "flex"}:
        pytest.skip(f"{engine} does not run here")
    lengths = torch.tensor([200, 3, 130, 77])
    starts = torch.nn.functional.pad(lengths.cumsum(0), (1, 0)).to(torch.int32)
    index = (torch.arange(256) < lengths.unsqueeze(1)).flatten().nonzero().squeeze(1)
    packing = Packing(index, starts, 256).to("cuda")
    mask = (torch.arange(256) < lengths.unsqueeze(1))[:, None, None, :].cuda()
    parts = [
        torch.randn(1, 410, 2, 64, device="cuda", dtype=torch.float16, requires_grad=True) for _ in "qkv"
    ]
    weight = torch.randn(1, 410, 2, 64, device="cuda", dtype=torch.float16)
    found = {}
    for name in (engine, "padded"):
        blocks = document_blocks(packing) if name == "flex" else None
        out = attend(*parts, Layout(None, None, mask, 256, packing, name, blocks))
        found[name] = [out, *torch.autograd.grad((out * weight).sum(), parts)]
    for one, other in zip(*found.values(), strict=True):
        assert float((one - other).float().norm() / other.float().norm()) < 1e-2
