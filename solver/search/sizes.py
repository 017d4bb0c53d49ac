"""The size of the output: what the demonstrations say of it before anything is explored, and what pieces
say."""

import numpy as np

from solver.arc.task import MAX_SIDE, Task
from solver.search.arena import COUNT, FIRST, HEIGHT, PROGRAMS, ROW, WIDTH, Arena

MOST_FACTOR, MOST_MORE = 5, 3
SAME, SMALLER, LARGER = OUTPUTS = ("same", "smaller", "larger")
LOOKED_AT = 16_000  # programs whose sizes are compared with the outputs'


def outputs_of(task: Task) -> str:
    """SAME where every demonstration's output has its input's height and width, SMALLER where every output
    has fewer cells than its input, else LARGER."""
    if all(pair.output.shape == pair.input.shape for pair in task.train):
        return SAME
    return SMALLER if all(pair.output.size < pair.input.size for pair in task.train) else LARGER


def sizes_from_inputs(task: Task) -> np.ndarray:
    """int64 [pairs, 2], height and width of each output: of demonstrations as they are, of test inputs by
    a rule.

    A side is that of the input, or a constant, or the input's times or divided by a small factor, or such a
    multiple of the input's other side, whichever of these all demonstrations follow first; all 0 where none
    does for one of the sides.
    """
    wanted = np.array([pair.output.shape for pair in task.train], np.int64)
    inputs = np.array([pair.input.shape for pair in (*task.train, *task.test)], np.int64)
    sizes = np.zeros_like(inputs)
    for side in (0, 1):
        made = _rule(wanted[:, side], inputs[:, side])
        if made is None:
            made = _rule(wanted[:, side], inputs[:, 1 - side])
        if made is None:
            return np.zeros_like(inputs)
        sizes[:, side] = made
    return sizes if ((sizes >= 1) & (sizes <= MAX_SIDE)).all() else np.zeros_like(inputs)


def _rule(wanted: np.ndarray, inputs: np.ndarray) -> np.ndarray | None:
    demos = len(wanted)
    if (wanted == inputs[:demos]).all():
        return inputs
    if (wanted == wanted[0]).all():
        return np.concatenate([wanted, np.full(len(inputs) - demos, wanted[0])])
    for up in range(1, MOST_FACTOR + 1):
        for down in range(1, MOST_FACTOR + 1):
            if (wanted * down == inputs[:demos] * up).all() and (inputs * up % down == 0).all():
                return inputs * up // down
    return None


def sizes_from_programs(arena: Arena, wanted: np.ndarray) -> np.ndarray | None:
    """int64 [pairs, 2]: the sizes of the first program from whose image's size the outputs' follows; or None.

    It follows where every demonstration's side is the image's times 1 to MOST_FACTOR plus -MOST_MORE to
    MOST_MORE. Of all programs and rules the exact size comes first, then the program that was found first.
    ``wanted``: int64 [demonstrations, 2].
    """
    demos = len(wanted)
    known = min(int(arena.top[PROGRAMS]), LOOKED_AT)
    states = arena.programs[:known, ROW:]
    single = (arena.states[states, COUNT] == 1).all(axis=1)
    images = arena.states[states[single], FIRST]
    sides = np.stack([arena.images[images, HEIGHT], arena.images[images, WIDTH]], axis=2)
    for factor in range(1, MOST_FACTOR + 1):
        for more in sorted(range(-MOST_MORE, MOST_MORE + 1), key=abs):
            made = sides * factor + more
            fits = (made[:, :demos] == wanted).all(axis=(1, 2))
            fits &= ((made >= 1) & (made <= MAX_SIDE)).all(axis=(1, 2))
            if fits.any():
                return made[int(np.argmax(fits))]
    return None
