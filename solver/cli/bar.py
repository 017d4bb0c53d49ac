"""How far work has come: a bar in a terminal, a line a minute elsewhere.

A thread of its own keeps it alive, whatever the work waits for.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

from solver.cli.output import WIDTH, tell

FORMAT = "{desc}{n_fmt}/{total_fmt} |{bar}| {elapsed} elapsed{postfix}"
NARROW = 60  # columns below which the bar has fewer words
DRAWN, SAID = 0.5, 60.0  # seconds between two looks of the bar, and between two lines


def duration(seconds: float) -> str:
    """``2.1 s``, ``3 m 05 s`` or ``2 h 07 m``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} m"


def _terminal_width() -> int:
    """Columns of the terminal behind stderr, 0 where it does not say."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return 0


class Bar:
    """Use it as a context. ``what``: what is being worked on, such as "tasks". ``total``: of how many pieces;
    0 where nobody knows.

    ``done``: so many. ``left``: seconds until the end, None where nobody knows.
    """

    def __init__(
        self, what: str, total: int = 0, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.what, self.total, self.quiet, self.clock = what, total, quiet, clock
        self.done, self.left, self.note = 0, None, ""
        self._bar: tqdm | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._began = self._said = clock()

    def __enter__(self) -> "Bar":
        self._began = self._said = self.clock()
        if not self.quiet:
            if sys.stderr.isatty():
                shape = FORMAT if self.total else "{desc}{elapsed} elapsed{postfix}"
                total = self.total or None
                width = _terminal_width()  # some terminals say 0, for which tqdm draws nothing
                shape = shape.replace(" elapsed", "").replace("{desc}", "") if 0 < width < NARROW else shape
                self._bar = tqdm(
                    total=total,
                    ncols=None if width else WIDTH,
                    dynamic_ncols=bool(width),
                    bar_format=shape,
                    leave=False,
                )
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._bar is not None:
            self._bar.close()

    def _tick(self) -> None:
        while not self._over.wait(DRAWN):
            self.show()

    def show(self) -> None:
        """Draw the bar, or say a line where the last one was a minute ago."""
        if self._bar is not None:
            self._bar.n = self.done
            self._bar.set_description_str(self.note, refresh=False)
            self._bar.set_postfix_str(self._left(), refresh=False)
            self._bar.refresh()
        elif self.clock() - self._said >= SAID:
            self._said = self.clock()
            tell(self.line(), err=True)

    def line(self) -> str:
        """The same as a line."""
        count = f"{self.done} of {self.total} {self.what}" if self.total else self.what
        parts = [f"{self.note}{count}", f"{duration(self.clock() - self._began)} elapsed", self._left()]
        return ", ".join(filter(None, parts))

    def _left(self) -> str:
        return "" if self.left is None else f"{duration(self.left)} left"
