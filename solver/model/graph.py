"""One loop recorded as a CUDA graph: for small batches, whose kernels are shorter than their launches."""

import torch
from torch import Tensor, nn

from solver.model.batch import Batch


class LoopGraph:
    """A loop of ``network`` on one batch without gradient, recorded once and replayed.

    Recording costs about four loops, so it pays where a batch is run for many more, or where equal shapes
    come again (``batch`` and ``vectors`` are read anew at every replay). ValueError off CUDA.
    """

    def __init__(self, network: nn.Module, batch: Batch, vectors: Tensor | None, dtype: torch.dtype) -> None:
        if not batch.tokens.is_cuda:
            raise ValueError(f"a CUDA graph of a batch on {batch.tokens.device}: wanted a CUDA GPU")
        with torch.inference_mode():
            self.start = tuple(s.contiguous() for s in network.initial_states(batch, dtype))
            self.states = tuple(torch.empty_like(s) for s in self.start)
            self.network, self.batch, self.vectors, self.dtype = network, batch, vectors, dtype
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):  # whatever is set up at first use must not be recorded
                self._reset()
                for _ in range(3):
                    self._loop()
            torch.cuda.current_stream().wait_stream(aside)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.logits, self.q_halt = self._loop()

    def _reset(self) -> None:
        for state, start in zip(self.states, self.start, strict=True):
            state.copy_(start)

    def _loop(self) -> tuple[Tensor, Tensor]:
        output = self.network(self.states, self.batch, self.vectors, self.dtype)
        for state, new in zip(self.states, output.states, strict=True):
            state.copy_(new)
        return output.logits, output.q_halt

    @torch.inference_mode()
    def run(self, loops: int) -> tuple[Tensor, Tensor]:
        """(logits [B, T, vocabulary], q_halt [B]) after so many loops from a fresh start; overwritten by
        the next run."""
        self._reset()
        for _ in range(loops):
            self.graph.replay()
        return self.logits, self.q_halt
