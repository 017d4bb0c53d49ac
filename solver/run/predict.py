"""Candidates for a test input: the tuned network under many augmentations, each undone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from solver.arc.augment import Augmentation
from solver.arc.canvas import Shape, larger_canvas, test_canvas
from solver.arc.task import MAX_SIDE, Pair, as_grid
from solver.arc.tokens import FIRST_COLOUR, crop_shape
from solver.arc.vote import Candidate
from solver.model.config import NetworkConfig
from solver.model.device import Placement
from solver.model.learner import run_loops
from solver.model.loss import log_stablemax
from solver.run.adapt import Tuned, split
from solver.run.batch import View, build_batch, turned
from solver.run.budget import Budget


@dataclass(frozen=True)
class PredictSettings:
    """``tokens``: cells of a batch, padding counted. ``loops``: loops to run."""

    tokens: int
    loops: int


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
    """Candidates of one test input of task ``number``, one for each augmentation, in their order.

    The budget (a clock; None for none) ends the work between two batches, but not before the first.
    A prediction that reaches the edge of a cropped canvas is asked again on a larger one. A
    prediction from which nothing can be cropped yields no candidate.
    """
    task = tuned.tasks[number]
    pair = Pair(task.test[test_index].input)
    canvas = first_canvas(config, task.train, pair)
    views = [View(pair, canvas, number + 1, tuned.row(number, a), a) for a in augmentations]
    for part in split(views, settings.tokens):
        made = zip(part, _predict_views(tuned, part, settings, placement), strict=True)
        yield from ((view.augmentation, candidate) for view, candidate in made if candidate is not None)
        if budget is not None and budget.done(0) >= 1:
            return


def _predict_views(
    tuned: Tuned, views: Sequence[View], settings: PredictSettings, placement: Placement
) -> list[Candidate | None]:
    """One candidate for each view, None where nothing could be cropped."""
    batch = build_batch(views).to(placement.device)
    logits, q_halt = run_loops(
        tuned.network, tuned.memory, batch, loops=settings.loops, dtype=placement.dtype
    )
    log_p, tokens = log_stablemax(logits).max(-1)
    tokens, log_p = tokens.to("cpu", torch.uint8).numpy(), log_p.float().cpu().numpy()
    confidence = torch.sigmoid(q_halt).cpu().numpy()
    candidates: list[Candidate | None] = []
    again: list[tuple[int, View]] = []
    for n, view in enumerate(views):
        height, width = turned(view.canvas, view.augmentation)
        cells = tokens[n, : height * width].reshape(height, width)
        scores = log_p[n, : height * width].reshape(height, width)
        rows, columns = crop_shape(cells)
        if _reaches_edge((rows, columns), (height, width)) and tuned.network.config.canvas == "cropped":
            again.append(
                (n, View(view.pair, larger_canvas(view.canvas), view.task, view.row, view.augmentation))
            )
        candidates.append(_candidate(cells, scores, (rows, columns), view, float(confidence[n])))
    for part in split([view for _, view in again], settings.tokens):
        retried = _predict_views(tuned, part, settings, placement)
        for view, candidate in zip(part, retried, strict=True):
            place = next(n for n, wanted in again if wanted is view)
            candidates[place] = candidate or candidates[place]
    return candidates


def _reaches_edge(crop: Shape, canvas: Shape) -> bool:
    return any(c == side < MAX_SIDE for c, side in zip(crop, canvas, strict=True))


def _candidate(
    cells: np.ndarray, scores: np.ndarray, crop: Shape, view: View, confidence: float
) -> Candidate | None:
    rows, columns = crop
    if rows == 0:
        return None
    grid = as_grid(view.augmentation.undo(cells[:rows, :columns] - FIRST_COLOUR))
    log_prob = float(scores[:rows, :columns].sum())
    return Candidate(grid, confidence, log_prob)
