"""Progress for people: a bar in a terminal, a line a minute elsewhere; and how fast a run goes."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch
from tqdm import tqdm

from solver.model.device import Placement
from train.settings import Position

EVERY = 60.0  # seconds between two lines
SIDES = {"cuda": 8192, "mps": 2048, "cpu": 512}  # of the square matrices
SHARE = "{percentage:.1f}%|{bar}| {elapsed} gone, {remaining} left{postfix}"


def say(text: str) -> None:
    """A line for people, above the bar."""
    tqdm.write(text)


class Progress:
    """Counts ``unit`` up to ``total`` from ``done``, or shows the share of a ``budget``. ``show`` False: says
    nothing."""

    def __init__(
        self,
        total: float,
        unit: str,
        *,
        done: float = 0,
        show: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.unit, self.done, self.clock = total, unit, done, clock
        self.began = self.said = clock()
        self.first = done
        terminal = sys.stderr.isatty()
        self.lines = show and not terminal
        form = {"bar_format": SHARE} if unit == "budget" else {}
        hidden = not (show and terminal)
        self.bar = tqdm(total=total, initial=done, unit=unit, disable=hidden, leave=False, **form)

    def advance(self, to: float | None = None, **numbers: str) -> None:
        """One more, or as far as ``to``; ``numbers`` stand beside the count."""
        before, self.done = self.done, self.done + 1 if to is None else to
        self.bar.set_postfix(numbers, refresh=False)
        self.bar.update(self.done - before)
        now = self.clock()
        if self.lines and now - self.said >= EVERY and self.done > self.first:
            self.said = now
            left = (now - self.began) / (self.done - self.first) * (self.total - self.done)
            shown = "".join(f", {name} {value}" for name, value in numbers.items())
            count = f"{self.unit} {self.done:.0f} of {self.total:.0f}"
            if self.unit == "budget":
                count = f"{self.done / self.total:.2%} of the budget"
            print(f"{count}{shown}, about {left / 60:.0f} min left", file=sys.stderr, flush=True)

    def over(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items, counted as they are done."""
        for item in items:
            yield item
            self.advance()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()


def matmul_peak(placement: Placement, dtype: torch.dtype, rounds: int = 5) -> float:
    """FLOP a second of a large product of random matrices in ``dtype``: the median of ``rounds``."""
    device, side = placement.device, SIDES[placement.device.type]
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(side, side, generator=generator).to(device, dtype)
    b = torch.randn(side, side, generator=generator).to(device, dtype)
    seconds = []
    for n in range(rounds + 2):  # the first two warm up
        began = _now(device)
        torch.mm(a, b)
        if n > 1:
            seconds.append(_now(device) - began)
    return 2 * side**3 / sorted(seconds)[len(seconds) // 2]


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


class Pace:
    """Rates between two looks at a run by cells. ``peak``: FLOP a second of a large matrix product."""

    def __init__(self, peak: float, at: Position) -> None:
        self.peak, self.last = peak, replace(at)

    def look(self, at: Position) -> dict[str, float]:
        """Tokens and TFLOP a second since the last look, and the share of the peak."""
        seconds = max(at.seconds - self.last.seconds, 1e-9)
        rate = (at.flop - self.last.flop) / seconds
        tokens, self.last = at.tokens - self.last.tokens, replace(at)
        return {
            "tokens_per_second": round(tokens / seconds),
            "tflop_per_second": rate / 1e12,
            "share_of_peak": rate / self.peak,
        }
