"""Temporary folders that go with their process, however that ends.

A process that is killed removes nothing. It does lose its lock on its folder, and the next process that needs
such a folder on that machine removes those that nobody locks.
"""

import fcntl
import os
import shutil
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

WEIGHTS, JOINT = "arc-weights-", "arc-joint-"  # what a folder is for: copied weights, jointly tuned weights
YOUNG = 60.0  # seconds in which a folder may not be locked yet
KEPT = 7 * 86400.0  # seconds for which a killed run's folder waits for the run to be resumed


class TemporaryFolder:
    """A folder, ``path``, locked by this process until ``close``. ``now``: seconds of the wall clock, with
    which files are marked.

    ``name``: what a later run finds the folder by, after this one was killed; None for a folder that nobody
    looks for. Where another process has that folder, this one gets one of its own: no two share anything.
    """

    def __init__(self, prefix: str, now: float, name: str | None = None) -> None:
        folder = Path(tempfile.gettempdir())
        own = None if name is None else folder / f"{prefix}{zlib.crc32(name.encode()):08x}-kept"
        _sweep(folder, prefix, now, own)
        self._lock: int | None = None
        if own is not None:
            own.mkdir(mode=0o700, exist_ok=True)
            with suppress(OSError):  # another process has it, or somebody else made it
                self._lock = _locked(own)
        if self._lock is None:
            own = Path(tempfile.mkdtemp(prefix=prefix))
            self._lock = _locked(own)
        self.path = own

    def clear(self) -> None:
        """Remove what an ended run has left in it."""
        for path in self.path.iterdir():
            with suppress(OSError):
                path.unlink()

    def close(self, *, remove: bool = True) -> None:
        """Unlock the folder, and remove it and all in it, or leave it to a later run. A second time does
        nothing."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        if remove:
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


def _sweep(folder: Path, prefix: str, now: float, own: Path | None) -> None:
    """Remove what killed processes have left; a folder that a run may be resumed from only after KEPT."""
    for path in folder.glob(f"{prefix}*"):
        with suppress(OSError):  # in use, somebody else's, or gone meanwhile
            age = KEPT if path.name.endswith("-kept") else YOUNG
            if path != own and now - path.stat().st_mtime > age:
                lock = _locked(path)
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)
