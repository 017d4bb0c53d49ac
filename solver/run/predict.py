"""Candidates for a test input: the tuned network under many augmentations, each undone."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from solver.arc.augment import Augmentation
from solver.arc.canvas import Shape, larger_canvas, test_canvas
from solver.arc.task import MAX_SIDE, Pair, as_grid
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
) -> Iterator[tuple[Augmentation, Candidate]]:
    """Candidates of one test input of task ``number`` under the augmentations, in their order.

    The work ends between two batches, but not before the first, when the budget (a clock; None for
    none) is used up, or when the views that are left could not change the best two answers by count.
    A prediction that reaches the edge of a cropped canvas is asked again on a larger one. A
    prediction from which nothing can be cropped yields no candidate.
    """
    task = tuned.tasks[number]
    pair = Pair(task.test[test_index].input)
    canvas = first_canvas(config, task.train, pair)
    views = [tuned.view(number, pair, canvas, a) for a in augmentations]
    votes: Counter[bytes] = Counter()
    left = len(views)
    for part in split(views, settings.tokens, max(_LEAST_PART, -(-left // _PARTS)) if settings.stop else 0):
        for view, made in zip(part, _predict_views(tuned, part, settings, placement), strict=True):
            votes.update(grid_key(candidate.grid) for candidate in made)
            yield from ((view.augmentation, candidate) for candidate in made)
        left -= len(part)
        if budget is not None and budget.done(0) >= 1:
            return
        ranked = [count for _, count in votes.most_common(3)]
        if settings.stop and decided(ranked, left * len(_loops_asked(settings))):
            return


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


def _predict_views(
    tuned: Tuned, views: Sequence[View], settings: PredictSettings, placement: Placement
) -> list[list[Candidate]]:
    """For each view its candidates, one for each loop that votes; none where nothing could be cropped."""
    batch = place_batch(build_batch(views), tuned.network.config.prefix_len, placement)
    made: list[list[Candidate]] = [[] for _ in views]
    again: list[int] = []
    cropped = tuned.network.config.canvas == "cropped"
    for label, logits, q_halt in _outputs(tuned, batch, settings, placement.dtype):
        log_p, tokens = log_stablemax(logits).max(-1)
        tokens, log_p = tokens.to("cpu", torch.uint8).numpy(), log_p.float().cpu().numpy()
        confidence = torch.sigmoid(q_halt).cpu().numpy()
        for n, view in enumerate(views):
            height, width = turned(view.canvas, view.augmentation)
            cells = tokens[n, : height * width].reshape(height, width)
            scores = log_p[n, : height * width].reshape(height, width)
            crop = crop_shape(cells)
            if cropped and not label and _reaches_edge(crop, (height, width)):
                again.append(n)
            if crop[0]:
                made[n].append(_candidate(cells, scores, crop, view, float(confidence[n]), label))
    for n, retried in zip(again, _retry(tuned, [views[n] for n in again], settings, placement), strict=True):
        made[n] = retried or made[n]
    return made


def _retry(
    tuned: Tuned, views: Sequence[View], settings: PredictSettings, placement: Placement
) -> list[list[Candidate]]:
    """The same on larger canvases."""
    larger = [View(v.pair, larger_canvas(v.canvas), v.task, v.row, v.augmentation) for v in views]
    parts = split(larger, settings.tokens)
    return [made for part in parts for made in _predict_views(tuned, part, settings, placement)]


def _reaches_edge(crop: Shape, canvas: Shape) -> bool:
    return any(c == side < MAX_SIDE for c, side in zip(crop, canvas, strict=True))


def _candidate(
    cells: np.ndarray, scores: np.ndarray, crop: Shape, view: View, confidence: float, label: str
) -> Candidate:
    rows, columns = crop
    grid = as_grid(view.augmentation.undo(cells[:rows, :columns] - FIRST_COLOUR))
    log_prob = float(scores[:rows, :columns].sum())
    return Candidate(grid, confidence, log_prob, rule=label)
