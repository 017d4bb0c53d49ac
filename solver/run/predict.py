"""Candidates for a test input: the tuned network under many augmentations, each undone."""

from collections import Counter
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
from solver.arc.vote import Candidate, decided, grid_key
from solver.model.batch import Batch
from solver.model.config import NetworkConfig
from solver.model.device import Placement
from solver.model.loss import log_stablemax
from solver.run.batch import View, build_batch, place_batch, turned
from solver.run.budget import Budget
from solver.run.settings import PredictSettings
from solver.run.tuned import Tuned, split

# Views between two looks at whether the vote is decided: an eighth of them, but not too few for a batch.
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
    none) is used up, or when the views that are left could not change the best two answers by count.
    A prediction that reaches the edge of a cropped canvas is asked again on a larger one. A
    prediction from which nothing can be cropped yields no candidate. ``consensus``: takes in each view
    just before its candidates are yielded.
    """
    consensus = consensus or Consensus()
    task = tuned.tasks[number]
    pair = Pair(task.test[test_index].input)
    canvas = first_canvas(config, task.train, pair)
    views = [tuned.view(number, pair, canvas, a) for a in augmentations]
    votes: Counter[bytes] = Counter()
    left = len(views)
    for part in split(views, settings.tokens, max(_LEAST_PART, -(-left // _PARTS)) if settings.stop else 0):
        for view, seen in zip(part, _predict_views(tuned, part, settings, placement), strict=True):
            votes.update(grid_key(candidate.grid) for candidate in seen.candidates)
            if seen.candidates:
                last = seen.candidates[-1]
                consensus.add(seen.log_p, view.augmentation, last.grid.shape, last.confidence)
            yield from ((view.augmentation, candidate) for candidate in seen.candidates)
        left -= len(part)
        if budget is not None and budget.done(0) >= 1:
            break
        ranked = [count for _, count in votes.most_common(3)]
        if settings.stop and decided(ranked, left * len(_loops_asked(settings))):
            break
    if settings.together and (together := consensus.candidate()) is not None:
        yield IDENTITY, together


def _loops_asked(settings: PredictSettings) -> range:
    """The loops (from 1) whose answers vote."""
    last = settings.loops
    return range(last // 2 + 1 if settings.across_loops else last, last + 1)


@torch.inference_mode()
def _outputs(
    tuned: Tuned, batch: Batch, settings: PredictSettings, dtype: torch.dtype
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(label, logits, q_halt) of each loop that votes; the last loop has no label."""
    vectors = tuned.memory(batch.keys).vectors
    states = tuned.network.initial_states(batch, dtype)
    asked = _loops_asked(settings)
    for loop in range(1, settings.loops + 1):
        output = tuned.network(states, batch, vectors, dtype)
        states = output.states
        if loop in asked:
            label = "" if loop == settings.loops else f"loop {loop} of {settings.loops}"
            yield label, output.logits, output.q_halt


@dataclass(frozen=True, eq=False)
class _Seen:
    """One view. ``candidates``: one for each loop that votes, the last loop's last; none where nothing could
    be cropped. ``log_p`` [H, W, 10] float32: of the colours of its cells, of the last loop."""

    candidates: list[Candidate]
    log_p: np.ndarray


def _predict_views(
    tuned: Tuned, views: Sequence[View], settings: PredictSettings, placement: Placement
) -> list[_Seen]:
    """Each view as the network sees it."""
    batch = place_batch(build_batch(views), tuned.network.config.prefix_len, placement)
    seen = [_Seen([], np.empty((0, 0, COLOURS), np.float32)) for _ in views]
    again: list[int] = []
    cropped = tuned.network.config.canvas == "cropped"
    for label, logits, q_halt in _outputs(tuned, batch, settings, placement.dtype):
        log_p = log_stablemax(logits).float().cpu().numpy()
        tokens = log_p.argmax(-1).astype(np.uint8)
        confidence = torch.sigmoid(q_halt).cpu().numpy()
        for n, view in enumerate(views):
            height, width = turned(view.canvas, view.augmentation)
            cells = tokens[n, : height * width].reshape(height, width)
            of_cells = log_p[n, : height * width].reshape(height, width, -1)
            crop = crop_shape(cells)
            if cropped and not label and _reaches_edge(crop, (height, width)):
                again.append(n)
            made = seen[n].candidates
            if crop[0]:
                made.append(_candidate(cells, of_cells.max(-1), crop, view, float(confidence[n]), label))
            if not label:
                seen[n] = _Seen(made, of_cells[..., FIRST_COLOUR : FIRST_COLOUR + COLOURS])
    for n, retried in zip(again, _retry(tuned, [views[n] for n in again], settings, placement), strict=True):
        seen[n] = retried if retried.candidates else seen[n]
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
    cells: np.ndarray, scores: np.ndarray, crop: Shape, view: View, confidence: float, label: str
) -> Candidate:
    rows, columns = crop
    grid = as_grid(view.augmentation.undo(cells[:rows, :columns] - FIRST_COLOUR))
    log_prob = float(scores[:rows, :columns].sum())
    return Candidate(grid, confidence, log_prob, rule=label)
