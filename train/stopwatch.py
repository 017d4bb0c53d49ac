"""Where the time of a step goes (``arch.profile=True``)."""

import time
from collections import defaultdict
from collections.abc import Callable

import torch


class Stopwatch:
    """Adds up seconds for each named part of a step. On a GPU each mark waits for the device, so that
    a part's time is its own; switched off, nothing waits and nothing is measured."""

    def __init__(
        self, device: torch.device, on: bool, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.device, self.on, self.clock = device, on, clock
        self.seconds: dict[str, float] = defaultdict(float)
        self.last = 0.0

    def start(self) -> None:
        """What follows belongs to the next mark."""
        if self.on:
            self._wait()
            self.last = self.clock()

    def mark(self, part: str) -> None:
        """The time since the last mark went into ``part``."""
        if self.on:
            self._wait()
            now = self.clock()
            self.seconds[part] += now - self.last
            self.last = now

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def take(self) -> dict[str, float]:
        """Seconds for each part since the last call."""
        found = {f"seconds_{part}": value for part, value in self.seconds.items()}
        self.seconds.clear()
        return found
