"""The tuned network and what it predicts: candidates under many augmentations, each undone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from solver.arc.augment import IDENTITY, Augmentation
from solver.arc.candidate import Candidate
from solver.arc.candidate import View as Known
from solver.arc.canvas import Shape, larger_canvas, test_canvas
from solver.arc.consensus import Consensus
from solver.arc.task import COLOURS, MAX_SIDE, Pair, Task, as_grid
from solver.arc.tokens import FIRST_COLOUR, crop_shape
from solver.budget import Budget
from solver.choices import NETWORK
from solver.model.batch import IGNORE, Batch
from solver.model.config import NetworkConfig
from solver.model.device import Placement
from solver.model.embedding import Memory, TableMemory
from solver.model.learner import run_loops
from solver.model.loss import log_stablemax
from solver.run.message import Answered
from solver.run.schedule import LOOK_LEAST, LOOK_PARTS
from solver.tune.settings import PredictSettings
from solver.tune.views import View, build_batch, canvas_of, place_batch, split, turned

NOT_FINITE = "the network's numbers are not finite"


@dataclass(frozen=True, eq=False)
class Tuned:
    """Network and memory after tuning, or on the way.

    ``augmentations[n]``: those that task n was tuned on; its rows follow one another from
    ``n * rows_per_task + 1``. ``further[n]``: more that may be asked. ``reproduced[n]``: demonstrations
    of task n that come out exactly. ``held_out[n]``: how often one that was held back did, None where
    none was. ``rightness[n]``: for each augmentation, the share of its training sequences that came out
    (smoothed); empty where nothing was tuned. ``steps`` taken for task n. ``settled[n]``: solved and
    stable before the budget ended.
    """

    network: nn.Module
    memory: Memory
    tasks: tuple[Task, ...]
    augmentations: tuple[tuple[Augmentation, ...], ...]
    rows_per_task: int
    reproduced: tuple[int, ...]
    steps: int
    further: tuple[tuple[Augmentation, ...], ...] = ()
    held_out: tuple[float | None, ...] = ()
    rightness: tuple[tuple[float, ...], ...] = ()
    settled: tuple[bool, ...] = ()

    def row(self, number: int, augmentation: Augmentation) -> int:
        """The memory's row of task ``number`` under the augmentation; 0 if it was not tuned on."""
        known = self.augmentations[number]
        if augmentation not in known:
            return 0
        return number * self.rows_per_task + known.index(augmentation) + 1

    def in_order(self, number: int) -> tuple[Augmentation, ...]:
        """The augmentations in order of expected value: the identity, then those whose training
        sequences came out most often, then those that were not tuned on (none of a table's)."""
        known = self.augmentations[number]
        rightness = self.rightness[number] if self.rightness else (0.0,) * len(known)
        places = sorted(range(len(known)), key=lambda n: (known[n] != IDENTITY, -rightness[n], n))
        more = () if isinstance(self.memory, TableMemory) or not self.further else self.further[number]
        return (*(known[n] for n in places), *more)

    def view(self, number: int, pair: Pair, canvas: Shape, augmentation: Augmentation = IDENTITY) -> View:
        """A pair of task ``number`` as the network will see it."""
        return View(pair, canvas, number + 1, self.row(number, augmentation), augmentation)


def count_exact(
    tuned: Tuned,
    number: int,
    pairs: Sequence[Pair],
    augmentations: Sequence[Augmentation],
    *,
    placement: Placement,
    tokens: int,
) -> int:
    """How many of the pairs, under how many of the augmentations, have every cell right after all
    loops; ``len(pairs) * len(augmentations)`` at most."""
    config = tuned.network.config
    views = [tuned.view(number, pair, canvas_of(pair, config), a) for a in augmentations for pair in pairs]
    found = 0
    for part in split(views, tokens):
        batch = place_batch(build_batch(part), config.prefix_len, placement)
        logits, _ = run_loops(tuned.network, tuned.memory, batch, loops=config.loops, dtype=placement.dtype)
        right = (logits.argmax(-1) == batch.labels) | (batch.labels == IGNORE)
        found += int(right.all(-1).sum())
    return found


def first_canvas(config: NetworkConfig, train: Sequence[Pair], pair: Pair) -> Shape:
    """The canvas to predict on: the whole one, or what the demonstrations' sizes suggest."""
    if config.canvas == "full":
        return config.canvas_side, config.canvas_side
    return test_canvas(train, pair.input)


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
) -> Iterator[Candidate]:
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
    most = 0 if budget is None else max(LOOK_LEAST, -(-len(views) // LOOK_PARTS))
    for part in split(views, settings.tokens, most):
        for view, seen in zip(part, _predict_views(tuned, part, settings, placement), strict=True):
            if seen.candidate is not None:
                made = seen.candidate
                consensus.add(seen.log_p, view.augmentation, made.grid.shape, made.known.confidence)
                yield made
        if budget is not None and budget.done(0) >= 1:
            break
    if settings.together and (together := consensus.candidate()) is not None:
        yield together


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
    augmentation = view.augmentation
    known = Known(confidence, log_prob, augmentation.symmetry, augmentation.palette)
    return Candidate(grid, NETWORK, known)


@dataclass(frozen=True)
class Asking:
    """How tasks are asked. ``job``: its number. ``views``: at most so many augmentations each."""

    job: int
    views: int
    settings: PredictSettings
    placement: Placement


def answer_task(tuned: Tuned, number: int, asking: Asking, budget: Budget, outputs: int) -> Answered:
    """Candidates for every test input of one task. ``outputs``: left to be asked in the time of
    ``budget``, this task's included."""
    task, candidates = tuned.tasks[number], []
    for test in range(len(task.test)):
        made = predict_views(
            tuned,
            number,
            test,
            tuned.in_order(number)[: asking.views],
            config=tuned.network.config,
            settings=asking.settings,
            placement=asking.placement,
            budget=share_of(budget, outputs - test),
        )
        candidates.append(tuple(made))
    note = "" if all(_finite(candidate) for made in candidates for candidate in made) else NOT_FINITE
    held_out = tuned.held_out[number] if tuned.held_out else None
    reproduced = tuned.reproduced[number]
    return Answered(asking.job, task.id, tuple(candidates), reproduced, tuned.steps, 0.0, note, held_out)


def is_finite(tuned: Tuned) -> bool:
    """Whether all weights and embeddings are numbers."""
    values = [*tuned.network.parameters(), *tuned.memory.state_dict().values()]
    return all(bool(torch.isfinite(value).all()) for value in values if value.is_floating_point())


def _finite(candidate: Candidate) -> bool:
    return math.isfinite(candidate.known.confidence) and math.isfinite(candidate.known.log_prob)


def share_of(budget: Budget, outputs: int) -> Budget:
    """An even share of the seconds left for the next output; where steps count, only the sign of life."""
    if budget.seconds is None:
        return Budget(steps=1, beat=budget.beat)  # never used up before its first step
    left = budget.start + budget.seconds - budget.clock()
    return replace(budget, seconds=max(0.0, left) / outputs, start=budget.clock())


def outputs_of(tasks: Sequence) -> int:
    """Test inputs of all tasks together."""
    return sum(len(task.test) for task in tasks)
