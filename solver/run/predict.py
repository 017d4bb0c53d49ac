"""Candidates for a test input: the tuned network under many augmentations, each undone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from solver.arc.augment import IDENTITY, Augmentation
from solver.arc.canvas import Shape, larger_canvas, test_canvas
from solver.arc.consensus import Consensus
from solver.arc.task import COLOURS, MAX_SIDE, Pair, as_grid
from solver.arc.tokens import FIRST_COLOUR, crop_shape
from solver.arc.vote import Candidate
from solver.model.batch import Batch
from solver.model.config import NetworkConfig
from solver.model.device import Placement
from solver.model.loss import log_stablemax
from solver.run.batch import View, build_batch, place_batch, turned
from solver.run.budget import Budget
from solver.run.settings import PredictSettings
from solver.run.tuned import Tuned, split

# Views between two looks at the clock: an eighth of them, but not too few for a batch.
_PARTS, _LEAST_PART = 8, 16


def first_canvas(config: NetworkConfig, train: Sequence[Pair], pair: Pair) -> Shape:
    """The canvas to predict on: the whole one, or what the demonstrations' sizes suggest."""
    if config.canvas == "full":
        return config.canvas_side, config.canvas_side
    return test_canvas(train, pair.input)


def predict(tuned: Tuned, number: int, test_index: int, *rest, **more) -> Iterator[Candidate]:
    """The candidates of ``predict_views`` without their augmentations."""
    yield from (candidate for _, candidate in predict_views(tuned, number, test_index, *rest, **more))


def predict_views(
    tuned: Tuned,
    number: int,
    test_index: int,
    augmentations: Sequence[Augmentation],
    *,
    config: NetworkConfig,
    settings: PredictSettings,
    placement: Placement,
    budget: Budget | None = None,
    consensus: Consensus | None = None,
) -> Iterator[tuple[Augmentation, Candidate]]:
    """Candidates of one test input of task ``number`` under the augmentations, in their order; behind
    them, under the identity, what they give together, unless the settings leave it out.

    The work ends between two batches, but not before the first, when the budget (a clock; None for
    none) is used up. A prediction that reaches the edge of a cropped canvas is repeated on a larger one.
    A prediction from which nothing can be cropped yields no candidate. ``consensus``: takes in each view
    just before its candidate is yielded.
    """
    consensus = consensus or Consensus()
    task = tuned.tasks[number]
    pair = Pair(task.test[test_index].input)
    canvas = first_canvas(config, task.train, pair)
    views = [tuned.view(number, pair, canvas, a) for a in augmentations]
    most = 0 if budget is None else max(_LEAST_PART, -(-len(views) // _PARTS))
    for part in split(views, settings.tokens, most):
        for view, seen in zip(part, _predict_views(tuned, part, settings, placement), strict=True):
            if seen.candidate is not None:
                made = seen.candidate
                consensus.add(seen.log_p, view.augmentation, made.grid.shape, made.confidence)
                yield view.augmentation, made
        if budget is not None and budget.done(0) >= 1:
            break
    if settings.together and (together := consensus.candidate()) is not None:
        yield IDENTITY, together


@torch.inference_mode()
def _outputs(
    tuned: Tuned, batch: Batch, settings: PredictSettings, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """(logits, q_halt) of the last loop."""
    vectors = tuned.memory(batch.keys).vectors
    states = tuned.network.initial_states(batch, dtype)
    for _ in range(settings.loops):
        output = tuned.network(states, batch, vectors, dtype)
        states = output.states
    return output.logits, output.q_halt


@dataclass(frozen=True, eq=False)
class _Seen:
    """One view. ``candidate``: None where nothing could be cropped. ``log_p`` [H, W, 10] float32: of the
    colours of its cells."""

    candidate: Candidate | None
    log_p: np.ndarray


def _predict_views(
    tuned: Tuned, views: Sequence[View], settings: PredictSettings, placement: Placement
) -> list[_Seen]:
    """Each view as the network sees it."""
    batch = place_batch(build_batch(views), tuned.network.config.prefix_len, placement)
    seen: list[_Seen] = []
    again: list[int] = []
    cropped = tuned.network.config.canvas == "cropped"
    logits, q_halt = _outputs(tuned, batch, settings, placement.dtype)
    log_p = log_stablemax(logits).float().cpu().numpy()
    tokens = log_p.argmax(-1).astype(np.uint8)
    confidence = torch.sigmoid(q_halt).cpu().numpy()
    for n, view in enumerate(views):
        height, width = turned(view.canvas, view.augmentation)
        cells = tokens[n, : height * width].reshape(height, width)
        of_cells = log_p[n, : height * width].reshape(height, width, -1)
        crop = crop_shape(cells)
        if cropped and _reaches_edge(crop, (height, width)):
            again.append(n)
        made = _candidate(cells, of_cells.max(-1), crop, view, float(confidence[n])) if crop[0] else None
        seen.append(_Seen(made, of_cells[..., FIRST_COLOUR : FIRST_COLOUR + COLOURS]))
    for n, retried in zip(again, _retry(tuned, [views[n] for n in again], settings, placement), strict=True):
        seen[n] = seen[n] if retried.candidate is None else retried
    return seen


def _retry(
    tuned: Tuned, views: Sequence[View], settings: PredictSettings, placement: Placement
) -> list[_Seen]:
    """The same on larger canvases."""
    larger = [View(v.pair, larger_canvas(v.canvas), v.task, v.row, v.augmentation) for v in views]
    parts = split(larger, settings.tokens)
    return [seen for part in parts for seen in _predict_views(tuned, part, settings, placement)]


def _reaches_edge(crop: Shape, canvas: Shape) -> bool:
    return any(c == side < MAX_SIDE for c, side in zip(crop, canvas, strict=True))


def _candidate(
    cells: np.ndarray, scores: np.ndarray, crop: Shape, view: View, confidence: float
) -> Candidate:
    rows, columns = crop
    grid = as_grid(view.augmentation.undo(cells[:rows, :columns] - FIRST_COLOUR))
    log_prob = float(scores[:rows, :columns].sum())
    return Candidate(grid, confidence, log_prob)
