"""Progress for people: a bar in a terminal, a line a minute elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tqdm import tqdm

EVERY = 60.0  # seconds between two lines


class Progress:
    """Counts ``unit`` up to ``total`` from ``done``. ``show`` False: says nothing."""

    def __init__(
        self,
        total: int,
        unit: str,
        *,
        done: int = 0,
        show: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.unit, self.done, self.clock = total, unit, done, clock
        self.began = self.said = clock()
        self.first = done
        terminal = sys.stderr.isatty()
        self.lines = show and not terminal
        self.bar = tqdm(total=total, initial=done, unit=unit, disable=not (show and terminal), leave=False)

    def advance(self, **numbers: str) -> None:
        """One more; ``numbers`` stand beside the count."""
        self.done += 1
        self.bar.set_postfix(numbers, refresh=False)
        self.bar.update()
        now = self.clock()
        if self.lines and now - self.said >= EVERY:
            self.said = now
            left = (now - self.began) / (self.done - self.first) * (self.total - self.done)
            shown = "".join(f", {name} {value}" for name, value in numbers.items())
            print(
                f"{self.unit} {self.done} of {self.total}{shown}, about {left / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )

    def over(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items, counted as they are done."""
        for item in items:
            yield item
            self.advance()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()
