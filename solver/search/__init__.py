"""A program search: compositions of transforms that reproduce a task's demonstrations. numpy and numba
alone."""

from solver.search.search import Candidate, best_scores, search

__all__ = ["Candidate", "best_scores", "search"]
