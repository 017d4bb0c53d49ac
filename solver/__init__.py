"""An offline ARC-AGI solver: ``from solver import load_tasks, solve``.

Nothing is imported until it is asked for, so that ``solve --help`` and the readers need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from solver.arc.task import load_tasks
    from solver.run.pipeline import solve
    from solver.run.settings import SolveOptions

__version__ = "0.1.0"
__all__ = ["SolveOptions", "load_tasks", "solve"]

_HOMES = {
    "load_tasks": "solver.arc.task",
    "SolveOptions": "solver.run.settings",
    "solve": "solver.run.pipeline",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
