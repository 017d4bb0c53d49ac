"""What is drawn from a pool: samples, and the two forms in which batches travel to the trainer.

A sample is one pair of one task under a symmetry and a palette. Padded batches hold canvases of like
size (the CPU's form); packed ones stand in a row of a fixed number of tokens (the GPU's): every
shape is the same for every batch, so nothing is compiled twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from solver.arc.augment import IDENTITY_PALETTE, SYMMETRIES, Augmentation
from solver.arc.seed import derive_generator
from solver.arc.task import MAX_SIDE
from solver.arc.tokens import PAD, draw_tokens
from solver.tune.views import View, turned
from train.pool import PooledTask, canvas_of
from train.settings import Mixture

BLOCK = 1024  # samples that are drawn, sorted into padded batches by canvas size, and shown together
SPARE = 1.25  # slots of a packed batch over the number of samples that fills it on average


@dataclass(frozen=True)
class Deck:
    """A pool to draw from. ``side``: of the full canvas, 0 for cropped ones."""

    pool: Sequence[PooledTask]
    mixture: Mixture
    seed: int
    side: int = 0

    def view(self, generator: np.random.Generator, edges: Sequence[float]) -> View:
        """One sample. ``edges``: running sums of the entries' weights."""
        mixture = self.mixture
        number = int(np.searchsorted(edges, generator.random() * edges[-1], side="right"))
        entry = self.pool[number]
        generated = entry.extra and generator.random() < mixture.extra_share
        pairs = entry.extra if generated else entry.pairs
        pair = pairs[int(generator.integers(len(pairs)))]
        height, width = canvas_of(pair, self.side)
        if not self.side and generator.random() < mixture.larger_share:
            more = generator.integers(0, mixture.larger_by + 1, 2)
            height, width = min(MAX_SIDE, height + int(more[0])), min(MAX_SIDE, width + int(more[1]))
        if entry.augmentations:
            chosen = int(generator.integers(len(entry.augmentations)))
            row = number * mixture.augmentations + chosen + 1
            return View(pair, (height, width), number + 1, row, entry.augmentations[chosen])
        plain = generator.random() < mixture.plain_share
        palette = IDENTITY_PALETTE if plain else (0, *(int(c) + 1 for c in generator.permutation(9)))
        symmetry = int(generator.integers(SYMMETRIES))
        return View(pair, (height, width), number + 1, 0, Augmentation(symmetry, palette))

    def draw(self, generator: np.random.Generator, count: int) -> list[View]:
        """``count`` samples."""
        edges = list(accumulate(entry.weight for entry in self.pool))
        return [self.view(generator, edges) for _ in range(count)]

    def padded(self, block: int) -> list[list[View]]:
        """The padded batches of one block, in random order. They depend on (seed, block) alone, so a run
        resumes at any block and blocks can be made by any process."""
        generator = derive_generator(self.seed, "block", block)
        made = token_batches(self.draw(generator, BLOCK), self.mixture.tokens)
        return [made[number] for number in generator.permutation(len(made))]


def token_batches(views: Sequence[View], tokens: int) -> list[list[View]]:
    """The views in batches of similar canvases: size of a batch x its largest canvas <= tokens."""
    batches: list[list[View]] = []
    current: list[View] = []
    for view in sorted(views, key=lambda view: view.canvas[0] * view.canvas[1]):
        if current and (len(current) + 1) * view.canvas[0] * view.canvas[1] > tokens:
            batches.append(current)
            current = []
        current.append(view)
    return [*batches, current] if current else batches


@dataclass(frozen=True)
class Frame:
    """The shapes of every packed batch: ``tokens`` in all, prefixes counted, in ``slots`` sequences of
    ``prefix`` tokens and at most ``cells`` cells each."""

    tokens: int
    slots: int
    cells: int
    prefix: int

    def room(self, left: int, slots: int) -> bool:
        """Whether ``left`` tokens can stand in exactly so many sequences."""
        return slots * self.prefix <= left <= slots * (self.prefix + self.cells)


@dataclass(frozen=True, eq=False)
class Parcel:
    """A packed batch as it travels between processes: as few bytes as will do.

    ``cells`` uint8 [2, B, T]: tokens and labels, each row padded. ``sides`` int16 [B, 2]: height, width.
    ``tasks``, ``rows`` int32 [B]; ``symmetries`` uint8 [B]; ``palettes`` uint8 [B, 10]. The last
    sequences are blank and fill the frame: task 0, every cell pad, no labels. ``samples``: the others.
    """

    cells: np.ndarray
    sides: np.ndarray
    tasks: np.ndarray
    rows: np.ndarray
    symmetries: np.ndarray
    palettes: np.ndarray
    samples: int


def frame_of(deck: Deck, prefix: int) -> Frame:
    """Shapes with room for somewhat more samples than fill a batch of this pool on average. ValueError
    where ``tokens`` hold less than two of the largest canvases."""
    assert prefix > 0, "a blank sequence stands on its prefix"
    tokens, cells = deck.mixture.tokens, _largest(deck)
    if tokens < 2 * (cells + prefix):
        raise ValueError(f"mixture: tokens is {tokens}, wanted {2 * (cells + prefix)} for packed batches")
    seen = deck.draw(derive_generator(deck.seed, "frame"), BLOCK)
    mean = sum(view.canvas[0] * view.canvas[1] for view in seen) / len(seen) + prefix
    slots = max(int(SPARE * tokens / mean), -(-tokens // (prefix + cells)) + 1)
    return Frame(tokens, min(slots, tokens // prefix), cells, prefix)


def _largest(deck: Deck) -> int:
    """Cells of the largest canvas that may be drawn."""
    more = deck.mixture.larger_by if deck.mixture.larger_share and not deck.side else 0
    shapes = {canvas_of(pair, deck.side) for entry in deck.pool for pair in (*entry.pairs, *entry.extra)}
    return max(min(MAX_SIDE, height + more) * min(MAX_SIDE, width + more) for height, width in shapes)


def fill_parcel(deck: Deck, frame: Frame, number: int) -> Parcel:
    """Packed batch ``number``: samples until one does not fit (that one is dropped, at most 3% of the
    largest at 32,768 tokens), then blank sequences up to the last token."""
    generator = derive_generator(deck.seed, "packed", number)
    edges = list(accumulate(entry.weight for entry in deck.pool))
    views: list[View] = []
    left = frame.tokens
    while True:
        view = deck.view(generator, edges)
        length = frame.prefix + view.canvas[0] * view.canvas[1]
        if not frame.room(left - length, frame.slots - len(views) - 1):
            break
        views.append(view)
        left -= length
    assert views, (frame, "no sample fits")
    shapes = [turned(view.canvas, view.augmentation) for view in views]
    sides = np.array([*shapes, *_blanks(frame, left, frame.slots - len(views))], np.int16)
    cells = np.full((2, frame.slots, frame.cells), PAD, np.uint8)
    for n, (view, (height, width)) in enumerate(zip(views, shapes, strict=True)):
        for side, grid in enumerate((view.pair.input, view.pair.output)):
            canvas = cells[side, n, : height * width].reshape(height, width)
            draw_tokens(canvas, view.augmentation.apply(grid), 0, 0)
    return Parcel(cells, sides.reshape(-1, 2), *_keys(views, frame.slots), len(views))


def _blanks(frame: Frame, left: int, slots: int) -> list[tuple[int, int]]:
    """Canvases of one row, or none, for ``slots`` blank sequences that take exactly ``left`` tokens."""
    spare, sides = left - slots * frame.prefix, []
    for _ in range(slots):
        width = min(spare, frame.cells)
        sides.append((1, width) if width else (0, 1))
        spare -= width
    assert spare == 0, (frame, left, slots)
    return sides


def _keys(views: Sequence[View], slots: int) -> tuple[np.ndarray, ...]:
    """tasks, rows, symmetries and palettes of the views, blank for the slots behind them."""
    tasks, rows = np.zeros(slots, np.int32), np.zeros(slots, np.int32)
    symmetries = np.zeros(slots, np.uint8)
    palettes = np.tile(np.array(IDENTITY_PALETTE, np.uint8), (slots, 1))
    for n, view in enumerate(views):
        tasks[n], rows[n] = view.task, view.row
        symmetries[n], palettes[n] = view.augmentation.symmetry, view.augmentation.palette
    return tasks, rows, symmetries, palettes
