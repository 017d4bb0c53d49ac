"""Compiling: a network is compiled block by block, and batches of other shapes need no other graph."""

import pytest
import torch
from model_inputs import make_batch, small_config

from solver.model.graph import LoopGraph
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


def graph_inputs(device: str):
    config = small_config("urm", canvas="cropped", pos_encodings="rope2d")
    network = build_network(config, torch.Generator().manual_seed(1)).to(device)
    batch = make_batch(config, [(3, 4), (6, 6), (2, 5)]).to(torch.device(device))
    return network, batch, torch.ones(3, config.puzzle_emb_ndim, device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
def test_a_loop_graph_wants_a_gpu() -> None:
    network, batch, vectors = graph_inputs("cpu")
    with pytest.raises(ValueError, match="wanted a CUDA GPU"):
        LoopGraph(network, batch, vectors, torch.float32)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_a_loop_graph_replays_the_loop() -> None:
    network, batch, vectors = graph_inputs("cuda")
    graph = LoopGraph(network, batch, vectors, torch.float32)
    for _ in range(2):
        found, _ = graph.run(3)
        states = network.initial_states(batch, torch.float32)
        with torch.inference_mode():
            for _ in range(3):
                output = network(states, batch, vectors, torch.float32)
                states = output.states
        torch.testing.assert_close(found, output.logits)
