"""The ablation's table, and the figure of its scores against the seconds that each task has."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from solver.choices import VOTE_RULES

COLUMNS = (
    ("network", "network"),
    ("pool", "pool"),
    ("both", "+ programs"),
    ("always", "no gate"),
)


def grouped(rows: Sequence[dict]) -> dict[tuple, list[dict]]:
    """The rows of each (half, seconds, memory, arm), in the order in which they came."""
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for row in rows:
        groups[row["half"], row["seconds"], row["memory"], row["arm"]].append(row)
    return groups


def table(rows: Sequence[dict]) -> Iterator[str]:
    """Markdown: tasks right, of so many. network: by its two best; pool: anywhere among its candidates;
    views: mean share of the views asked whose grid is right; cells: of the network's best answer; no gate:
    if its best always took the first attempt; by rule: the network's two best by each of VOTE_RULES, those
    that all rows have; demos, held out: mean shares that came out."""
    names = " | ".join(name for _, name in COLUMNS)
    tail = "views | cells | by rule | demos | held out | s a task | steps"
    yield f"| half | s | memory | arm | tasks | {names} | {tail} |"
    yield "|---" * (12 + len(COLUMNS)) + "|"
    for (half, seconds, memory, arm), cell in grouped(rows).items():
        counts = [f"{sum(row[key] for row in cell):.1f}" for key, _ in COLUMNS]
        yield (
            "| "
            + " | ".join(
                [
                    half,
                    f"{seconds:g}" if seconds else "-",
                    memory,
                    arm,
                    str(len(cell)),
                    *counts,
                    *(_mean(cell, key, ".1%") if arm != "programs" else "-" for key in ("views", "cells")),
                    _by_rule(cell),
                    _mean(cell, "demonstrations", ".1%"),
                    _mean(cell, "held_out", ".1%"),
                    _mean(cell, "spent", ".1f"),
                    _mean(cell, "steps", ".0f"),
                ]
            )
            + " |"
        )


def _by_rule(rows: Sequence[dict]) -> str:
    found = [row["rules"] for row in rows if row.get("rules")]
    known = [rule for rule in VOTE_RULES if all(rule in rules for rules in found)]
    return " / ".join(f"{rule} {sum(rules[rule] for rules in found):.1f}" for rule in known) if found else "-"


def _mean(rows: Sequence[dict], key: str, form: str) -> str:
    known = [row[key] for row in rows if row.get(key) is not None]
    return format(float(np.mean(known)), form) if known else "-"


def curves(rows: Sequence[dict], half: str, key: str) -> dict[str, tuple[list[float], list[float]]]:
    """By ``arm, memory``: the seconds, ascending, and the share of tasks that are right by ``key``. Arms
    that no time changes are flat lines over all seconds."""
    groups = {place: cell for place, cell in grouped(rows).items() if place[0] == half}
    times = sorted({place[1] for place in groups if place[1]})
    found: dict[str, tuple[list[float], list[float]]] = {}
    for (_, seconds, memory, arm), cell in sorted(groups.items(), key=lambda item: item[0][1]):
        name = arm if memory == "-" else f"{arm}, {memory}"
        share = sum(row[key] for row in cell) / len(cell)
        xs, ys = found.setdefault(name, ([], []))
        xs += [seconds] if seconds else times
        ys += [share] if seconds else [share] * len(times)
    return found


def common(rows: Sequence[dict], half: str) -> list[dict]:
    """The rows of the half's tasks that every one of its arms, memories and times has."""
    mine = [row for row in rows if row["half"] == half]
    shared = set.intersection(*({row["task"] for row in cell} for cell in grouped(mine).values()))
    return [row for row in mine if row["task"] in shared]


def draw(rows: Sequence[dict], path: Path) -> None:
    """A column for each half, over the tasks that all its arms have: above, attempts with programs, and
    dotted the coverage of the network's pool; below, right cells of the network's best answer."""
    if find_spec("matplotlib") is None:
        raise ValueError("a figure needs Matplotlib: pip install matplotlib")
    from matplotlib.figure import Figure

    halves = sorted({row["half"] for row in rows})
    picture = Figure(figsize=(5 * len(halves) + 2, 7), layout="constrained")
    panels = np.array(picture.subplots(2, len(halves), sharex=True, sharey="row")).reshape(2, len(halves))
    handles: dict[str, object] = {}
    for (above, below), half in zip(panels.T, halves, strict=True):
        shown = common(rows, half)
        pool, cells = curves(shown, half, "pool"), curves(shown, half, "cells")
        for name, (xs, ys) in curves(shown, half, "both").items():
            style = {"color": f"C{list(handles).index(name) if name in handles else len(handles)}"}
            style["marker"] = "os^Dv<>"[(int(style["color"][1:]) // 10) % 7]
            (handles[name],) = above.plot(xs, ys, label=name, **style)
            above.plot(*pool[name], linestyle=":", color=style["color"])
            if name != "programs":
                below.plot(*cells[name], **style)
        above.set_xscale("log")
        above.set(title=f"{half} half, {len({row['task'] for row in shown})} tasks")
        below.set(xlabel="seconds a task")
    panels[0, 0].set_ylabel("share of tasks right")
    panels[1, 0].set_ylabel("share of cells right")
    picture.legend(list(handles.values()), list(handles), loc="outside right center", fontsize="small")
    picture.savefig(path, dpi=110)
