"""A folder for what a run needs only while it lasts, found again by a run that resumes it."""

import json
import shutil
import tempfile
import zlib
from dataclasses import asdict
from pathlib import Path

from solver.arc.record import Header


class Scratch:
    """Its name follows from the run's ``header``, so that the same run finds it after it was ended, and no
    other does. It lies outside the output's folder."""

    def __init__(self, header: Header) -> None:
        known = json.dumps(asdict(header), sort_keys=True).encode()
        self.path = Path(tempfile.gettempdir()) / f"arc-urm-solver-{zlib.crc32(known):08x}"

    def open(self, *, keep: bool) -> str:
        """The folder's path, an empty string where it cannot be made. What an ended run left there goes
        unless ``keep``. It is made where the run starts; workers elsewhere do without."""
        try:
            if not keep:
                self.remove()
            self.path.mkdir(exist_ok=True)
        except OSError:
            return ""
        return str(self.path)

    def remove(self) -> None:
        """The folder and what is in it, if it is there."""
        shutil.rmtree(self.path, ignore_errors=True)
