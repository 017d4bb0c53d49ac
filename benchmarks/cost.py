"""The figure of cost against cells with its physical floor."""

from pathlib import Path
from typing import Any


def draw(known: dict[str, Any], target: Path) -> None:
    """Milliseconds of a sequence against its cells, trained and only run, with the floors."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ValueError("the figure needs matplotlib: pip install matplotlib") from error
    points, peak = known["cost"], known["peak"]["flop_per_second"]
    figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    figure.suptitle(f"{known['device']}\nmatrix peak {peak / 1e12:,.2f} TFLOP/s, measured", fontsize=10)
    axes = figure.subplots()
    cells = [point["cells"] for point in points]
    for name, title, colour in (
        ("train", "training loop", "tab:blue"),
        ("infer", "inference loop", "tab:orange"),
    ):
        axes.plot(cells, [1e3 * p[name] for p in points], "o-", color=colour, label=title)
        floor = [1e3 * p[f"{name}_flop"] / peak for p in points]
        axes.plot(cells, floor, "--", color=colour, label=f"{title}, operations over peak")
    axes.set_xlabel("cells of the canvas")
    axes.set_ylabel(
        "milliseconds a sequence" + (" (processor time)" if known["device"].startswith("CPU") else "")
    )
    axes.set_ylim(bottom=0)
    axes.legend()
    FigureCanvasAgg(figure).print_png(target)
