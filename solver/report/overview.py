"""The charts at the report's head: score, votes, seconds and coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

from solver.arc.pool import PASS_AT, PoolScore
from solver.arc.score import SOLVED, STATUSES, Score
from solver.report.charts import Part, histogram, nice_edges, share_bar, share_columns
from solver.report.result import Result
from solver.report.table import ANSWERED, Row


@dataclass(frozen=True)
class Chart:
    """``svg``: made of numbers and fixed words only. ``legend``: a count of 0 is not shown."""

    title: str
    svg: str
    legend: Sequence[Part]


def _statuses(rows: Sequence[Row]) -> Chart:
    parts = []
    for name in (*STATUSES, ANSWERED):
        count = sum(row.status == name for row in rows)
        if count:
            parts.append(Part(name.replace(" ", "-"), name, count))
    return Chart("Tasks by what became of them", share_bar(parts), parts)


def _spread(
    title: str, unit: str, values: Sequence[tuple[Row, float]], edges: Sequence[float], scored: bool
) -> Chart:
    """A histogram of a number for each row, solved tasks apart from the others where that is known."""
    if scored:
        solved = [value for row, value in values if row.status == SOLVED]
        others = [value for row, value in values if row.status != SOLVED]
        groups = [("solved", "all outputs right", solved), ("wrong", "not all right", others)]
    else:
        groups = [("answered", "tasks", [value for _, value in values])]
    legend = [Part(css, name, len(numbers)) for css, name, numbers in groups]
    return Chart(title, histogram(groups, edges, unit), legend)


def _coverage(pool: PoolScore, score: Score) -> Chart:
    shares = [(str(k), pool.pass_at(k)) for k in PASS_AT]
    shares.append(("all", pool.coverage()))
    svg = share_columns(shares, score.per_task, "score reached", "pass@k of the candidates")
    legend = [Part("covered", "in the pool", 0), Part("reached", "score reached", 0)]
    return Chart("What the candidates cover", svg, legend)


def overview_charts(result: Result, rows: Sequence[Row]) -> list[Chart]:
    """The charts that the result has numbers for."""
    charts = [_statuses(rows)]
    scored = result.score is not None
    voted = [(row, 100 * row.votes / row.candidates) for row in rows if row.votes is not None]
    if voted:
        edges = range(0, 101, 10)
        unit = "share of votes for attempt 1, %"
        charts.append(_spread("Tasks by the votes of attempt 1", unit, voted, edges, scored))
    seconds = [(row, row.seconds) for row in rows if row.seconds is not None]
    if seconds:
        edges = nice_edges([value for _, value in seconds])
        charts.append(_spread("Tasks by seconds", "seconds", seconds, edges, scored))
    if result.pool and result.score:
        charts.append(_coverage(result.pool, result.score))
    return charts
