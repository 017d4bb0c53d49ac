"""A temporary folder for weights that goes with its process, however that ends.

A process that is killed removes nothing. It does lose its lock on the folder, and the next process that
needs such a folder on that machine removes those that nobody locks.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "arc-weights-"
YOUNG = 60.0  # seconds in which a folder may not be locked yet


class Stash:
    """A new folder, ``path``. ``now``: seconds of the wall clock, with which files are marked."""

    def __init__(self, now: float) -> None:
        _sweep(Path(tempfile.gettempdir()), now)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock: int | None = _locked(self.path)

    def remove(self) -> None:
        """The folder and all in it; a second time does nothing."""
        lock, self._lock = self._lock, None
        if lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(lock)


def _locked(path: Path) -> int:
    """A descriptor that locks the folder until it is closed. OSError where another process has done so."""
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _sweep(folder: Path, now: float) -> None:
    """Remove what killed processes have left."""
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, somebody else's, or gone meanwhile
            if now - path.stat().st_mtime > YOUNG:
                lock = _locked(path)
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)
