"""Run the benchmarks: ``python -m benchmarks [NAME ...] [--data DIR] [--scratch DIR] [--full]``."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numba

from benchmarks import canvas, dataset, memory, step
from benchmarks.measure import Measurement, Setting

BENCHMARKS: dict[str, Callable[[Setting], Iterator[Measurement]]] = {
    "compact": dataset.measure_compact,
    "rows": dataset.measure_rows,
    "loader": dataset.measure_loader,
    "canvas": canvas.measure_canvas,
    "step": step.measure_step,
    "memory": memory.measure_memory,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="ARC tasks; else the examples",
)
@click.option(
    "--scratch", type=click.Path(path_type=Path, file_okay=False, exists=True), help="where to write"
)
@click.option("--full", is_flag=True, help="rows of all 1,000 augmentations: minutes, 15 GB")
def main(names: tuple[str, ...], data: Path | None, scratch: Path | None, full: bool) -> None:
    """Speed and memory; the ratio says how many times better than the twin or the released figure."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    click.echo(f"{os.cpu_count()} cores, {numba.get_num_threads()} numba threads, load before {load}")
    for name in names or BENCHMARKS:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            for measurement in BENCHMARKS[name](Setting(data, Path(folder), full)):
                click.echo(measurement.line())
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    click.echo(f"load after {load}")


if __name__ == "__main__":
    main()
