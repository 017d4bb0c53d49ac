"""The report: one HTML file that needs nothing else and asks nobody for anything.

Ids, file names and rules are hostile input. Jinja2 escapes them in the page, JSON's escapes keep
them inside the data, the script writes them as text only, and the page's content security policy
allows this one script by its checksum and no other.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from solver.arc.score import STATUSES
from solver.arc.task import files_of
from solver.file import refuse_inputs, refuse_other_kind, replace_file
from solver.report.overview import overview_charts
from solver.report.palette import PALETTES
from solver.report.result import Result, Source, read_result, summarise
from solver.report.table import ANSWERED, Row, build_row, page_data


def _island(value: object) -> str:
    """JSON that can end no script element and open no comment."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def render_report(result: Result, title: str) -> str:
    """The page as text. ValueError where Jinja2 is not installed."""
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise ValueError("the report needs jinja2: pip install jinja2 markupsafe") from error
    ids = list(dict.fromkeys([*result.expected, *(task.id for task in result.tasks)]))
    ids = ids or list(result.attempts.grids)
    scores = {task.id: task for task in result.score.tasks} if result.score else {}
    data = page_data(result, ids)
    rows = [build_row(result, entry, scores.get(entry["id"])) for entry in data]
    script, style, template = map(_read, ("report.js", "report.css", "report.html.j2"))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    known = set(ids)
    return environment.from_string(template).render(
        title=title,
        summary=summarise(result) if result.score else None,
        journal=result.contents.header if result.contents else None,
        rows=rows,
        choices=_choices(rows),
        charts=[(chart, Markup(chart.svg)) for chart in overview_charts(result, rows)],
        extra=[task_id for task_id in result.attempts.grids if task_id not in known],
        style=Markup(style),
        script=Markup(script),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        island=Markup(_island({"palettes": PALETTES, "tasks": data})),
    )


def _read(name: str) -> str:
    """A file of this package, also where the package lies in an archive."""
    return resources.files("solver.report").joinpath(name).read_text("utf-8")


def _choices(rows: Sequence[Row]) -> dict[str, list[str]]:
    """What the page's filters offer: only what occurs."""
    return {
        "status": [name for name in (*STATUSES, ANSWERED) if any(row.status == name for row in rows)],
        "source": sorted({name for row in rows for name in row.source.split(" + ") if name}),
        "label": sorted({row.label for row in rows} - {""}),
    }


def write_report(
    path: str | Path,
    submission: Source,
    *,
    tasks: Source | None = None,
    solutions: Source | None = None,
    journal: Source | None = None,
) -> int:
    """Write the page for these files to ``path`` and return its size in bytes.

    ValueError, saying which and why, for a file that is not valid or a place that cannot be written.
    """
    inputs = [Path(name) for name in (submission, solutions, journal) if name is not None]
    refuse_inputs([path], [*inputs, *(files_of(tasks) if tasks is not None else [])])
    refuse_other_kind(path, b"<!doctype html", "a page")
    result = read_result(submission, solutions, tasks, journal)
    page = render_report(result, Path(submission).name).encode("utf-8", "replace")
    replace_file(path, page)
    return len(page)
