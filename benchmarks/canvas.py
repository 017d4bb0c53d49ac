"""How often the true output does not fit the canvas that is predicted for a test input."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measurement, Setting
from benchmarks.step import EXAMPLES
from solver.arc.canvas import larger_canvas, test_canvas
from solver.arc.task import load_tasks


def _sources(setting: Setting) -> list[Path]:
    if setting.data is None:
        return [EXAMPLES]
    return sorted(setting.data.glob("arc-agi_*_challenges.json"))


def measure_canvas(setting: Setting) -> Iterator[Measurement]:
    """Test outputs that do not fit the first canvas, and those that fit none after growing."""
    for source in _sources(setting):
        first, last, outputs, cells = 0, 0, 0, 0
        for task in load_tasks(source):
            for pair in task.test:
                if pair.output is None:
                    continue
                canvas, outputs = test_canvas(task.train, pair.input), outputs + 1
                height, width = pair.output.shape
                cells += canvas[0] * canvas[1]
                first += height > canvas[0] or width > canvas[1]
                while canvas != larger_canvas(canvas) and (height > canvas[0] or width > canvas[1]):
                    canvas = larger_canvas(canvas)
                last += height > canvas[0] or width > canvas[1]
        name = source.stem.removeprefix("arc-agi_").removesuffix("_challenges")
        if outputs:
            target = "at most 0.5; after growing: " + f"{100 * last / outputs:.2f}"
            yield Measurement(f"canvas too small at first: {name}", 100 * first / outputs, "%", target)
            yield Measurement(f"cells of a canvas: {name}", cells / outputs, "cells")
