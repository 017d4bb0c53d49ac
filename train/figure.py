"""Figures as PNG files, without a display; matplotlib is loaded when one is drawn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def figure_of(size: tuple[float, float]) -> tuple[Any, Callable[[Path], None]]:
    """An empty figure of so many inches, and what writes it as a PNG; ValueError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ValueError('plotting needs matplotlib: pip install "arc-urm-solver[train]"') from error
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    return figure, FigureCanvasAgg(figure).print_png
