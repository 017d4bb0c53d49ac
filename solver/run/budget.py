"""How long a piece of work may take: a number of steps, or the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Budget:
    """``steps``: exactly so many, the clock unread (results repeat). Otherwise ``seconds`` from
    ``start``, as ``clock`` tells them. ``beat`` is called each time that somebody asks: a sign of life."""

    steps: int | None = None
    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    start: float = field(default=0.0)
    beat: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise ValueError(f"wanted steps or seconds, found steps {self.steps}, seconds {self.seconds}")

    def done(self, step: int) -> float:
        """The share of the budget that is used up before ``step`` (from 0); 1 or more ends the work."""
        if self.beat is not None:
            self.beat()
        if self.steps is not None:
            return step / self.steps if self.steps else 1.0
        # A plain number, whatever the seconds were computed with: torch takes no numpy booleans.
        return float((self.clock() - self.start) / self.seconds) if self.seconds > 0 else 1.0

    def part(self, share: float) -> "Budget":
        """The first ``share`` of the seconds; all of the steps."""
        if self.seconds is None:
            return self
        return replace(self, seconds=self.seconds * share)

    def fair(self, number: int, count: int) -> "Budget":
        """What piece ``number`` of ``count`` that follow one another gets: equal steps, or an equal part
        of the seconds that are left when it is asked, so that what one saves the others have."""
        if self.steps is not None:
            return replace(self, steps=self.steps // count + (number < self.steps % count))
        now = self.clock()
        left = max(0.0, self.start + self.seconds - now)
        return replace(self, seconds=left / (count - number), start=now)
