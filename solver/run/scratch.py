"""A folder for what a run needs only while it lasts, found again by a run that resumes it."""

import json
import shutil
import tempfile
import zlib
from dataclasses import asdict
from pathlib import Path

from solver.arc.journal import Header

PREFIX = "arc-urm-solver-"


class Scratch:
    """Its name follows from the run's ``header``, so that the same run finds it after it was ended, and no
    other does. It lies outside the output's folder."""

    def __init__(self, header: Header) -> None:
        known = json.dumps(asdict(header), sort_keys=True).encode()
        self.path = Path(tempfile.gettempdir()) / f"{PREFIX}{zlib.crc32(known):08x}"

    def open(self, *, keep: bool) -> str:
        """The folder's path; who writes there makes it. What an ended run left goes unless ``keep``."""
        if not keep:
            self.remove()
        return str(self.path)

    def remove(self) -> None:
        """The folder and what is in it, if it is there."""
        shutil.rmtree(self.path, ignore_errors=True)
