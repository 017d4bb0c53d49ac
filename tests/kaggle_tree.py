"""A folder that looks like Kaggle's machine, and kernels that run in it, cut off from any network."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from solver.kaggle.mounts import EVALUATION, TASKS

SLUG = "arc-prize-2026-arc-agi-2"
QUICKLY = ("--steps", "1", "--search-nodes", "5", "--augmentations", "2", "--workers", "1", "--doctor", "0")

# Where a process may not have a network namespace of its own, at least the kernel's process gets no socket.
_NO_SOCKETS = (
    "import runpy, socket, sys\n"
    "def refuse(*args, **named):\n"
    "    raise OSError('no network here')\n"
    "socket.socket.connect = socket.getaddrinfo = refuse\n"
    "sys.argv = sys.argv[1:]\n"
    "runpy.run_path(sys.argv[0], run_name='__main__')\n"
)


@cache
def own_network() -> tuple[str, ...]:
    """The words before a command that leave it and its children without any network; none where forbidden."""
    words = ("unshare", "--user", "--map-root-user", "--net")
    if not shutil.which(words[0]):
        return ()
    return () if subprocess.run([*words, "true"], capture_output=True, check=False).returncode else words


@dataclass(frozen=True)
class KaggleTree:
    """``input`` and ``working`` as on Kaggle, ``empty`` to start in, ``scratch`` for temporary files."""

    root: Path

    @property
    def working(self) -> Path:
        return self.root / "working"

    @property
    def submission(self) -> Path:
        return self.working / "submission.json"

    def start(
        self, kernel: Path, *arguments: str, scored: bool = False, alone: bool = True
    ) -> subprocess.Popen[str]:
        """The kernel in an empty folder, without a network; ``alone``: the interpreter knows no path."""
        code = self.root / "blocked.py"
        code.write_text(_NO_SOCKETS)
        apart = [sys.executable, *(["-I"] if alone else []), *([] if own_network() else [str(code)])]
        return subprocess.Popen(
            [*own_network(), *apart, str(kernel), *arguments],
            cwd=self.root / "empty",
            env=self.environment(scored),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def environment(self, scored: bool) -> dict[str, str]:
        """This process's, without Python's own variables. Kernels stay Python: in each new folder, compiling
        them anew would take longer than all the rest."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        places = {
            "KAGGLE_INPUT": self.root / "input",
            "KAGGLE_OUTPUT": self.working,
            "TMPDIR": self.root / "scratch",
        }
        rerun = {"KAGGLE_IS_COMPETITION_RERUN": "1"} if scored else {}
        return {
            **kept,
            "NUMBA_DISABLE_JIT": "1",
            **{name: str(path) for name, path in places.items()},
            **rerun,
        }


def make_tree(
    root: Path, tasks: Path, *, weights: Path | None = None, evaluation: Path | None = None
) -> KaggleTree:
    """Challenges as the hidden test, a folder of weights as a data set; ``evaluation``: challenges with their
    solutions beside them."""
    competition = root / "input" / "competitions" / SLUG
    for folder in (competition, root / "working", root / "empty", root / "scratch"):
        folder.mkdir(parents=True)
    shutil.copy(tasks, competition / TASKS)
    if evaluation is not None:
        shutil.copy(evaluation, competition / EVALUATION)
        solutions = evaluation.with_name(f"{evaluation.stem}_solutions.json")
        shutil.copy(solutions, competition / EVALUATION.replace("challenges", "solutions"))
    if weights is not None:
        shutil.copytree(weights, root / "input" / "datasets" / "somebody" / "arc-urm-solver-weights")
    return KaggleTree(root)
