"""Answers made of whole images: one of the demonstrations' outputs, chosen by what a program makes of the
input, and products of two images."""

from collections.abc import Iterator

import numpy as np

from solver.search.arena import COUNT, FIRST, HEIGHT, IS_LIST, OFFSET, PROGRAMS, ROW, WIDTH, Arena, mix
from solver.search.jit import inner, outer
from solver.search.kernels.shape import SIDE

KEY_CELLS = 30  # of an image that chooses among outputs
FACTORS = 400  # programs that are multiplied with each other, the cheapest ones
COLOURED, COLOUR_OF, EMPTY = range(3)  # where a product draws its second image


@outer
def image_keys(arena: Arena, start: int, stop: int, most: int, keys: np.ndarray) -> None:
    """keys[program - start, pair] (uint64): a hash of the size and the cells of the program's one image, 0
    where it has a list or more than ``most`` cells."""
    for program in range(start, stop):
        for pair in range(keys.shape[1]):
            state = arena.programs[program, ROW + pair]
            image = arena.states[state, FIRST]
            height, width = arena.images[image, HEIGHT], arena.images[image, WIDTH]
            keys[program - start, pair] = np.uint64(0)
            if arena.states[state, COUNT] != 1 or height * width > most:
                continue
            value = np.uint64(height * 64 + width)
            for cell in range(height * width):
                colour = arena.cells[arena.images[image, OFFSET] + cell]
                value = value * np.uint64(0x100000001B3) + np.uint64(colour)
            keys[program - start, pair] = mix(value, np.uint64(9)) | np.uint64(1)


def labels_of(outputs: list[np.ndarray]) -> np.ndarray | None:
    """int64 [demonstrations]: equal numbers for equal outputs; None where all are equal or all differ."""
    known: list[np.ndarray] = []
    labels = []
    for grid in outputs:
        same = [k for k, other in enumerate(known) if np.array_equal(other, grid)]
        labels.append(same[0] if same else len(known))
        if not same:
            known.append(grid)
    return np.array(labels) if 1 < len(known) < len(outputs) else None


def choices(arena: Arena, start: int, labels: np.ndarray, tests: int) -> Iterator[tuple[int, np.ndarray]]:
    """Programs from ``start`` on whose image is equal for equal outputs and differs for different ones, and
    is one of these for every test input: the program, and int64 [tests], the outputs' numbers."""
    stop = int(arena.top[PROGRAMS])
    if stop <= start:
        return
    demos, count = len(labels), int(labels.max()) + 1
    keys = np.empty((stop - start, demos + tests), np.uint64)
    image_keys(arena, start, stop, KEY_CELLS, keys)
    firsts = keys[:, [int(np.argmax(labels == k)) for k in range(count)]]
    fits = (keys != 0).all(1) & (keys[:, :demos] == firsts[:, labels]).all(1)
    fits &= (np.diff(np.sort(firsts, axis=1), axis=1) != 0).all(1)
    shown = keys[:, demos:, None] == firsts[:, None, :]
    fits &= shown.any(2).all(1)
    for place in np.flatnonzero(fits):
        yield start + int(place), shown[place].argmax(1)


@inner
def _image_of(arena, program, pair):
    """The program's one image for a pair, or -1."""
    state = arena.programs[program, ROW + pair]
    if arena.states[state, COUNT] != 1 or arena.states[state, IS_LIST] == 1:
        return -1
    return arena.states[state, FIRST]


@inner
def _is_product(arena, one, two, mode, cells, start, width):
    """Whether the product of two images is the output that begins at ``start``."""
    tall, wide = arena.images[two, HEIGHT], arena.images[two, WIDTH]
    for cell in range(arena.images[one, HEIGHT] * arena.images[one, WIDTH]):
        a = arena.cells[arena.images[one, OFFSET] + cell]
        top, left = cell // arena.images[one, WIDTH] * tall, cell % arena.images[one, WIDTH] * wide
        for r in range(tall):
            for c in range(wide):
                b = arena.cells[arena.images[two, OFFSET] + r * wide + c]
                if (a == 0) != (mode == EMPTY):
                    b = np.uint8(0)
                elif mode == COLOUR_OF and b != 0:
                    b = a
                if cells[start + (top + r) * width + left + c] != b:
                    return False
    return True


@outer
def products(
    arena: Arena, most: int, cells: np.ndarray, starts: np.ndarray, shapes: np.ndarray, found
) -> int:
    """Pairs of the first ``most`` programs whose product is every output; how many.

    ``cells``, ``starts``, ``shapes``: the outputs as ``solver.search.pieces.Wanted`` has them. ``found``:
    int32 [most, 3], the two programs and where the second is drawn, written.
    """
    count = 0
    demos = shapes.shape[0]
    for first in range(most):
        for second in range(most):
            fits = True
            for demo in range(demos):
                one, two = _image_of(arena, first, demo), _image_of(arena, second, demo)
                if one < 0 or two < 0:
                    fits = False
                    break
                tall = arena.images[one, HEIGHT] * arena.images[two, HEIGHT]
                wide = arena.images[one, WIDTH] * arena.images[two, WIDTH]
                smaller = arena.images[one, HEIGHT] * arena.images[one, WIDTH]
                if tall != shapes[demo, 0] or wide != shapes[demo, 1] or smaller in (1, tall * wide):
                    fits = False
                    break
            if not fits:
                continue
            for mode in range(3):
                fits = True
                for demo in range(demos):
                    one, two = _image_of(arena, first, demo), _image_of(arena, second, demo)
                    if not _is_product(arena, one, two, mode, cells, starts[demo], shapes[demo, 1]):
                        fits = False
                        break
                if fits and count < found.shape[0]:
                    found[count, 0], found[count, 1], found[count, 2] = first, second, mode
                    count += 1
    return count


def image_of(arena: Arena, program: int, pair: int) -> np.ndarray | None:
    """The grid of the program's one image for a pair, uint8 [height, width]; None where it has a list."""
    state = arena.programs[program, ROW + pair]
    if arena.states[state, COUNT] != 1:
        return None
    image = arena.states[state, FIRST]
    offset, height, width = (int(arena.images[image, column]) for column in (OFFSET, HEIGHT, WIDTH))
    return arena.cells[offset : offset + height * width].reshape(height, width)


def product_of(one: np.ndarray, two: np.ndarray, mode: int) -> np.ndarray | None:
    """The product of two grids; None where it is larger than a grid may be."""
    if max(one.shape[0] * two.shape[0], one.shape[1] * two.shape[1]) > SIDE:
        return None
    mask = (one == 0) if mode == EMPTY else (one != 0)
    block = (two != 0) if mode == COLOUR_OF else two
    return np.kron(one if mode == COLOUR_OF else mask, block).astype(np.uint8)
