"""Compiling: a network is compiled block by block, and batches of other shapes need no other graph."""

from importlib.util import find_spec
from itertools import pairwise

import pytest
import torch
from model_inputs import make_batch, small_config
from torch import Tensor
from torch._dynamo.testing import CompileCounter

from solver.model.attention import forced_engine
from solver.model.registry import build_network

SHAPES = (
    [(6, 6), (3, 4), (2, 5)],
    [(5, 5), (4, 4), (3, 3), (2, 2)],
    [(6, 5), (4, 6)],
    [(2, 6), (1, 1), (5, 5), (4, 4), (3, 1)],
)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch's own look
@pytest.mark.parametrize("arch", ["urm", "trm"])
def test_one_graph_for_each_form_of_work_whatever_the_shapes(arch: str) -> None:
    """Padded and packed, with and without gradient: four graphs at most for each kind of block, none more
    for other sizes, other layers or other recurrences. The graphs themselves run as they are traced."""
    config = small_config(arch, canvas="cropped", pos_encodings="rope2d")
    plain = build_network(config, torch.Generator().manual_seed(1))
    network = build_network(config, torch.Generator().manual_seed(1))
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    network.compile(backend="eager")
    seen = []
    for shapes in SHAPES:
        for pack in (False, True):
            batch = make_batch(config, shapes)
            batch = batch.packed(config.prefix_len) if pack else batch
            vectors = torch.ones(len(batch), config.puzzle_emb_ndim)
            logits = [
                each(each.initial_states(batch, torch.float32), batch, vectors, torch.float32).logits
                for each in (network, plain)
            ]
            torch.testing.assert_close(*logits)
        seen.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])
    assert seen[0] == seen[-1] == 4, f"graphs after each batch: {seen}"
    assert not torch._dynamo.utils.counters["graph_break"]
    torch._dynamo.reset()


def test_names_of_the_weights_are_those_of_the_plain_network() -> None:
    network = build_network(small_config("urm"))
    before = list(network.state_dict())
    network.compile(backend="eager")
    assert list(network.state_dict()) == before


def each_sequence(query: Tensor, key: Tensor, value: Tensor, starts: Tensor, grad: Tensor | None = None):
    """Attention of packed [M, heads, width] one sequence at a time, or its gradients written out: a kernel
    stands below autograd."""
    found: list[tuple[Tensor, ...]] = []
    for begin, end in pairwise(starts.tolist()):
        q, k, v, g = (
            None if x is None else x[begin:end].transpose(0, 1).float() for x in (query, key, value, grad)
        )
        shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        if g is None:
            results = (shares @ v,)
        else:
            inner = g @ v.mT
            scores = shares * (inner - (inner * shares).sum(-1, keepdim=True)) / q.shape[-1] ** 0.5
            results = (scores @ k, scores.mT @ q, shares.mT @ g)
        found.append(tuple(x.transpose(0, 1).to(query.dtype) for x in results))
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


def varlen_on_a_cpu() -> None:
    """Kernels for torch's variable-length attention, which has none for a CPU: everything about it but
    the kernel, its arguments, shapes and gradients included, is then torch's own."""
    from torch.nn.attention import varlen

    def forward(query, key, value, starts, starts_k, longest, longest_k, *rest):
        (out,) = each_sequence(query, key, value, starts)
        return out, torch.zeros(query.shape[1], query.shape[0]), torch.zeros(2, dtype=torch.uint64)

    def backward(grad, query, key, value, out, lse, starts, *rest):
        return each_sequence(query, key, value, starts, grad)

    varlen._varlen_attn.register_kernel("cpu")(forward)
    varlen._varlen_attn_backward.register_kernel("cpu")(backward)


@pytest.mark.skipif(find_spec("torch.nn.attention.varlen") is None, reason="torch has it from 2.10 on")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_a_packed_step_compiles_whole_with_torchs_variable_length_attention() -> None:
    """Forward and backward traced as on a GPU: no break, one graph for all layers, recurrences and
    batches of one shape; and the result of the padded engine."""
    varlen_on_a_cpu()
    config = small_config("urm", canvas="cropped", pos_encodings="rope2d", H_cycles=1, num_layers=2)
    shapes = [(3, 4), (6, 6), (2, 5), (1, 1)]
    gradients = []
    for engine in ("varlen", "padded"):
        network = build_network(config, torch.Generator().manual_seed(1))
        if engine == "varlen":
            torch.compiler.reset()
            torch._dynamo.utils.counters.clear()
            network.compile(backend="aot_eager", dynamic=False, fullgraph=True)
        for order in (shapes, shapes[::-1]):
            batch = make_batch(config, order).packed(config.prefix_len)
            vectors = torch.ones(len(batch), config.puzzle_emb_ndim)
            with forced_engine(engine):
                states = network.initial_states(batch, torch.float16)
                output = network(states, batch, vectors, torch.float16)
                inside = torch.arange(36) < batch.lengths[:, None]
                output.logits.float().square()[inside].mean().backward()
        gradients.append([p.grad for p in network.layers.parameters()])
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.01 * float(other.abs().max()))
    torch.compiler.reset()


@torch.no_grad()  # torch has no gradient of FlexAttention on the CPU
def test_flex_attention_compiles_whole_and_once() -> None:
    """Where sequences begin is data: other batches of the same size need no other graph."""
    config = small_config("urm", canvas="cropped", pos_encodings="rope2d", num_layers=2)
    plain = build_network(config, torch.Generator().manual_seed(1))
    network = build_network(config, torch.Generator().manual_seed(1))
    counter = CompileCounter()
    torch.compiler.reset()
    network.compile(backend=counter, fullgraph=True)
    shapes = [(3, 4), (6, 6), (2, 5)]
    for order in (shapes, shapes[::-1], [shapes[1], *shapes[::2]]):
        batch = make_batch(config, order).packed(config.prefix_len)
        vectors = torch.ones(len(batch), config.puzzle_emb_ndim)
        states = network.initial_states(batch, torch.float32)
        with forced_engine("flex"):
            found = network(states, batch, vectors, torch.float32).logits
        inside = torch.arange(36) < batch.lengths[:, None]
        wanted = plain(states, batch, vectors, torch.float32).logits
        torch.testing.assert_close(found[inside], wanted[inside], rtol=1e-4, atol=2e-5)
    assert counter.frame_count == 1
    torch.compiler.reset()
