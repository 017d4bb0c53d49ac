"""Operations of a loop by architecture, and the figure of cost against cells with its physical floor."""

from pathlib import Path
from typing import Any

from solver.model.config import HRMConfig, NetworkConfig, TRMConfig, URMConfig


def blocks(config: NetworkConfig) -> tuple[int, int]:
    """(blocks that a loop runs, those of them with gradient), by architecture."""
    outer, inner = config.H_cycles, config.L_cycles
    if isinstance(config, URMConfig):
        return outer * inner * config.num_layers, inner * config.num_layers
    if isinstance(config, TRMConfig):
        return outer * (inner + 1) * config.L_layers, (inner + 1) * config.L_layers
    assert isinstance(config, HRMConfig), config
    every = outer * (inner * config.L_layers + config.H_layers)
    return every, config.L_layers + config.H_layers


def step_flop(config: NetworkConfig, cells: int, *, training: bool = True) -> float:
    """Operations of one loop on one sequence, two a multiply-add: T (8 d^2 + 6 d i + 4 d T) a block, T the
    sequence with its prefix; backward costs twice the forward of the blocks with gradient."""
    length, d, i = cells + config.prefix_len, config.hidden_size, config.intermediate_size
    every, with_gradient = blocks(config)
    return length * (8 * d * d + 6 * d * i + 4 * d * length) * (every + 2 * with_gradient * training)


def draw(known: dict[str, Any], target: Path) -> None:
    """Milliseconds of a sequence against its cells, trained and only run, with the floors."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ValueError('the figure needs matplotlib: pip install "arc-urm-solver[train]"') from error
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
    axes.set_ylabel("milliseconds a sequence")
    axes.set_ylim(bottom=0)
    axes.legend()
    FigureCanvasAgg(figure).print_png(target)
