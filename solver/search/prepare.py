"""Compiling the search before its first task: once a machine, in two processes where two processors are free.

Numba keeps the machine code beside the sources, or in the user's cache where it may not write there; later
processes load it in a moment.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from solver.arc.task import Pair, Task, as_grid
from solver.processors import available_cpus
from solver.search.jit import compiled, is_kept
from solver.search.kernels.families import FAMILIES, kernel_of
from solver.search.run import IMAGE_RUNNER, LIST_RUNNER, run_image_transforms, run_list_transforms
from solver.search.search import search
from solver.search.transform import COLOUR, DRAW, FILL, MATCH, OBJECT, PATTERN, RELATION, RUN, SHAPE

HERE, APART = (
    (OBJECT, RUN),
    (MATCH, PATTERN, RELATION, DRAW, FILL, SHAPE, COLOUR),
)  # the lists come here: halves
_FOLDER = str(Path(__file__).resolve().parents[2])
_CODE = (
    "import sys; sys.path.insert(0, {folder!r}); from solver.search.prepare import compile_apart; "
    "compile_apart()"
)


def is_compiled() -> bool:
    """Whether the machine code of all kernels is kept on this machine."""
    return all(is_kept(function) for function in (*FAMILIES.values(), run_list_transforms))


def prepare(say: Callable[[str], None]) -> None:
    """Compile all that the search runs, or load it where it is kept; ``say`` is told before it takes long."""
    helper, kept = None, is_compiled()
    if not kept:
        say("The program search is being compiled: once on this machine, for a minute or two.")
    if not kept and available_cpus() > 1:
        command = [sys.executable, "-c", _CODE.format(folder=_FOLDER)]
        helper = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        for family in HERE:
            kernel_of(family)
        compiled(run_list_transforms, LIST_RUNNER)
        if helper is not None:
            helper.wait()
    finally:
        if helper is not None:
            helper.kill()
            helper.wait()
            helper.stdin.close()
    for _ in search(_small_task(), jobs=3000):
        pass


def compile_apart() -> None:
    """The second process's half; it ends when the first one's pipe does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for family in APART:
        kernel_of(family)
    compiled(run_image_transforms, IMAGE_RUNNER)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _small_task() -> Task:
    """A task whose search runs through every kind of assembly."""
    inputs = ([[1, 0], [0, 2]], [[0, 1], [2, 2]], [[1, 1], [0, 2]])
    outputs = ([[3, 0], [0, 4]], [[5, 3], [3, 4]], [[3, 0], [0, 4]])
    pairs = [
        Pair(as_grid(np.array(one, np.uint8)), as_grid(np.array(two, np.uint8)))
        for one, two in zip(inputs, outputs, strict=True)
    ]
    return Task("small", tuple(pairs), (Pair(pairs[0].input),))


if __name__ == "__main__":
    prepare(print)
