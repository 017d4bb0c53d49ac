"""A program search: compositions of transforms that reproduce a task's demonstrations. numpy and numba
alone."""

from solver.search.search import Candidate, best_grids, search

__all__ = ["Candidate", "best_grids", "search"]
