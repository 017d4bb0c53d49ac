"""How long a piece of work may take: a number of steps, a number of tokens, or the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Budget:
    """One of three. ``steps``: exactly so many. ``tokens``: cells of batches, padding counted, until at
    least so many have been worked on. With both the clock is unread, so results repeat. ``seconds`` from
    ``start``, as ``clock`` tells them. ``beat`` is called each time that somebody asks: a sign of life."""

    steps: int | None = None
    seconds: float | None = None
    tokens: int | None = None
    clock: Callable[[], float] = time.monotonic
    start: float = field(default=0.0)
    beat: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        given = {"steps": self.steps, "seconds": self.seconds, "tokens": self.tokens}
        if sum(value is not None for value in given.values()) != 1:
            found = ", ".join(f"{name} {value}" for name, value in given.items())
            raise ValueError(f"wanted one of steps, seconds and tokens, found {found}")

    def done(self, step: int, tokens: int = 0) -> float:
        """The share of the budget that is used up before ``step`` (from 0), after so many ``tokens``; 1 or
        more ends the work."""
        if self.beat is not None:
            self.beat()
        for used, whole in ((step, self.steps), (tokens, self.tokens)):
            if whole is not None:
                return used / whole if whole else 1.0
        # A plain number, whatever the seconds were computed with: torch takes no numpy booleans.
        return float((self.clock() - self.start) / self.seconds) if self.seconds > 0 else 1.0

    def part(self, share: float) -> "Budget":
        """The first ``share`` of the seconds; all of the steps or tokens."""
        if self.seconds is None:
            return self
        return replace(self, seconds=self.seconds * share)

    def fair(self, number: int, count: int) -> "Budget":
        """What piece ``number`` of ``count`` that follow one another gets: equal steps or tokens, or an equal
        part of the seconds that are left when it is asked, so that what one saves the others have."""
        for name, whole in (("steps", self.steps), ("tokens", self.tokens)):
            if whole is not None:
                return replace(self, **{name: whole // count + (number < whole % count)})
        now = self.clock()
        left = max(0.0, self.start + self.seconds - now)
        return replace(self, seconds=left / (count - number), start=now)
