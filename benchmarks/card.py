"""What a card makes of its arithmetic: steps against the matrix peak measured in the same run.

    python -m benchmarks.card --output FOLDER [--device cuda] [--data DIR] [--part NAME ...] [--within 240]

Parts, the essential ones first: ``peak`` (a large matrix product), ``engines`` (packed attention),
``recipe`` (a step of urm_arc_short, optimisers included, as its run compiles it), ``full`` (URM of width
512, full canvases, batch 768: compiled and uncompiled), ``cropped`` (the same network on packed cropped
canvases), ``cost`` (100 to 900 cells, with the floor: operations over peak), ``modes`` (the recipe's step
uncompiled, with CUDA graphs, and with matrix products tried out), ``recipes`` (TRM and HRM as published),
``flex`` (FlexAttention). Nothing is begun after --within seconds; what is left is named.

Every measurement goes to FOLDER/card.json as soon as it is made, which a later run of other parts
completes; one that fails is a line with its error there and on the screen, and the rest goes on. On a CPU
sizes are small and ``engines``, ``modes`` and ``flex`` have nothing to do. In the parts that are no recipe
batches lie on the device before the clock starts; a step is one loop forward and backward of every
sequence, in micro-batches as memory allows, and one update of everything.
"""

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

import click
import torch

from benchmarks import parts, short
from benchmarks.cost import draw
from benchmarks.parts import Card
from solver.file import replace_file
from solver.model.device import place, use_threads
from solver.processors import available_cpus

PARTS: dict[str, Callable[[Card], parts.Measurements]] = {
    "peak": parts.measure_peak,
    "engines": parts.measure_engines,
    "recipe": short.measure_recipe,
    "full": parts.measure_full,
    "cropped": parts.measure_cropped,
    "cost": parts.measure_cost,
    "modes": short.measure_modes,
    "recipes": parts.measure_recipes,
    "flex": parts.measure_flex,
}
# What a card, its driver or a compiler may raise; a mistake in here raises one of them too.
FAILURES = (
    RuntimeError, ValueError, TypeError, AttributeError, AssertionError, LookupError, ImportError,
    ArithmeticError, OSError, SubprocessError, MemoryError,
)  # fmt: skip


class Record:
    """FOLDER/card.json: what is known of a card, replaced after every measurement."""

    def __init__(self, folder: Path, **header: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "card.json"
        self.known = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}
        self.known |= header
        self.known.setdefault("failed", {})
        self.write()

    def write(self) -> None:
        """What is known, on disk."""
        replace_file(self.path, json.dumps(self.known, indent=1).encode())

    @property
    def peak(self) -> float:
        """Operations a second; 0 where it is not known."""
        return self.known.get("peak", {}).get("flop_per_second", 0.0)

    def take(self, name: str, work: Callable[[], Any]) -> bool:
        """Do the work, write what it gives or how it failed; whether it went well."""
        try:
            self.known[name] = work()
        except FAILURES as error:
            first = next(iter(str(error).splitlines()), "")
            self.known["failed"][name] = f"{type(error).__name__}: {first}"
            click.echo(f"{name}: FAILED, {self.known['failed'][name]}")
            return False
        else:
            self.known["failed"].pop(name, None)
            click.echo(told(name, self.known[name], self.peak))
            return True
        finally:
            self.write()


def told(name: str, value: Any, peak: float) -> str:
    """One measurement as a line, or a line for each of several."""
    if not isinstance(value, dict):
        return f"{name}: {value}"
    if "samples_per_second" in value:
        share = f", {value['flop_per_second'] / peak:.1%} of the peak" if peak else ""
        rates = f"{value['samples_per_second']:,.1f} samples/s, {value['tokens_per_second']:,.0f} tokens/s"
        speed = f"{value['flop_per_second'] / 1e12:,.3f} TFLOP/s{share}"
        return f"{name}: {value['seconds']:.4f} s a step, {rates}, {speed}"
    lines = [told(f"{name}, {key}", item, peak) for key, item in value.items() if isinstance(item, dict)]
    rest = {key: item for key, item in value.items() if not isinstance(item, dict)}
    return "\n".join([*lines, f"{name}: {rest}"])


def run_part(part: str, card: Card, record: Record) -> bool:
    """All measurements of a part; whether all went well."""
    start, well = time.monotonic(), True
    for name, work in PARTS[part](card):
        well = record.take(name, work) and well
        gc.collect()
        if card.cuda:
            torch.compiler.reset()  # graphs of other networks would count against torch's limit for the next
            torch.cuda.empty_cache()
    click.echo(f"  ({part} took {time.monotonic() - start:.0f} s)")
    return well


@click.command()
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--device", default="auto", show_default=True)
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Else examples.")
@click.option("--part", "names", multiple=True, type=click.Choice(list(PARTS)), help="All by default.")
@click.option("--within", default=240.0, show_default=True, help="Seconds after which no part is begun.")
def main(output: Path, device: str, data: Path | None, names: tuple[str, ...], within: float) -> None:
    """Measure the device."""
    began = time.monotonic()
    try:
        placement = place(device)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    use_threads(available_cpus())
    card = Card(placement, data, parts.PUBLISHED if placement.device.type == "cuda" else parts.SMALL)
    record = Record(output, device=placement.reason, torch=torch.__version__)
    click.echo(f"{placement.reason}, torch {torch.__version__}")
    failed, left = [], []
    for part in names or PARTS:
        if time.monotonic() - began > within:
            left.append(part)
        elif not run_part(part, card, record):
            failed.append(part)
    if "cost" in record.known and record.peak and not record.take("figure", lambda: _figure(record, output)):
        failed.append("figure")
    if left:
        click.echo("not begun: " + " ".join(f"--part {part}" for part in left))
    if failed:
        click.echo(f"failed: {', '.join(failed)}; the errors are in {record.path}")
        raise click.exceptions.Exit(1)


def _figure(record: Record, output: Path) -> str:
    draw(record.known, output / "cost.png")
    return "cost.png"


if __name__ == "__main__":
    main()
