"""The report's table and the data behind it: one row and one entry of grids for each task."""

from collections.abc import Sequence
from dataclasses import dataclass

from solver.arc.journal import grid_text
from solver.arc.policy import Answer, Policy
from solver.arc.pool import find_answer
from solver.arc.score import MISSING, TaskScore
from solver.arc.task import Grid, Task
from solver.report.result import Result

MOST_IMAGES = 12  # of a list that are drawn
ANSWERED = "answered"  # the status of a task whose solution is not known


@dataclass(frozen=True)
class Row:
    """One line of the table. None where nothing is known; ``votes`` of the first attempts, summed."""

    id: str
    status: str
    css: str
    right: int | None
    outputs: int
    wrong_cells: int | None
    votes: int | None
    candidates: int
    source: str
    cells: int
    seconds: float | None
    reproduced: int | None
    demonstrations: int | None
    label: str


def _text(grid: Grid | None) -> str | None:
    return None if grid is None else grid_text(grid)


def _attempt(result: Result, place: tuple[str, int], number: int) -> dict[str, object]:
    """An attempt as the page's script draws it; keys are short, since there are thousands."""
    grid = result.attempts.of(*place)[number]
    data: dict[str, object] = {"g": _text(grid)}
    answer = find_answer(grid, result.ranking.get(place, ()))
    if answer:
        data |= {"v": answer.votes, "c": round(answer.confidence, 4), "s": " + ".join(answer.sources)}
        data |= {"r": answer.explanation or ("all views together" if answer.pooled else "")}
        if answer.program is not None:
            data |= {"u": answer.sureness}
            task = next((task for task in result.tasks if task.id == place[0]), None)
            if task is not None and answer.program.text:
                data |= _steps(task, place[1], number, answer)
    return data


def _steps(task: Task, test: int, number: int, answer: Answer) -> dict[str, object]:
    """The steps of the answer's program on a demonstration and on the test input, or why there are none."""
    # Only here, where there is a program to run: the transforms may have to be compiled.
    from solver.report.explained import explain, numbered

    explained = explain(task, test, number + 1, answer)
    if explained.problem:
        return {"no": explained.problem}
    return {
        "x": [
            {
                "on": shown.pair,
                "end": shown.verdict,
                "steps": [
                    [caption, len(step.images), [grid_text(grid) for grid, _, _ in step.images[:MOST_IMAGES]]]
                    for caption, step in numbered(shown.steps)
                ],
                "wanted": grid_text(shown.wanted) if shown.differs else "",
            }
            for shown in explained.shown
        ]
    }


def _output(result: Result, place: tuple[str, int]) -> dict[str, object]:
    task_id, test = place
    grids = result.expected.get(task_id)
    data: dict[str, object] = {"a": [_attempt(result, place, number) for number in (0, 1)]}
    if grids and test < len(grids):
        data["e"] = grid_text(grids[test])
    if place in result.ranking:
        data["n"] = Policy.of(result.contents).votes(result.contents.events[task_id], test)
        data["d"] = len(result.ranking[place])
    if result.pool and place in result.pool.outputs:
        output = result.pool.outputs[place]
        data |= {"p": output.position, "pv": output.votes}
    return data


def page_data(result: Result, ids: Sequence[str]) -> list[dict[str, object]]:
    """Every task's grids and answers, in the order of ``ids``."""
    tasks = {task.id: task for task in result.tasks}
    problems: dict[str, list[str]] = {}
    for problem in result.score.problems if result.score else result.attempts.problems:
        problems.setdefault(problem.task_id, []).append(problem.text)
    data = []
    for task_id in ids:
        task = tasks.get(task_id)
        size = _size(result, task, task_id)
        data.append(
            {
                "id": task_id,
                "train": [[_text(p.input), _text(p.output)] for p in task.train] if task else [],
                "test": [_text(pair.input) for pair in task.test] if task else [],
                "out": [_output(result, (task_id, test)) for test in range(size)],
                "bad": problems.get(task_id, []),
            }
        )
    return data


def _size(result: Result, task: Task | None, task_id: str) -> int:
    if task:
        return len(task.test)
    return len(result.expected.get(task_id) or result.attempts.grids.get(task_id, ()))


def _sources(outputs: Sequence[dict]) -> str:
    """Where the attempts that count came from: the right one, else the first."""
    found: dict[str, None] = {}
    for output in outputs:
        right = (attempt for attempt in output["a"] if attempt["g"] and attempt["g"] == output.get("e"))
        source = next(right, output["a"][0]).get("s")
        if source:
            found[source] = None
    return " + ".join(found)


def _wrong_cells(score: TaskScore) -> int | None:
    """Cells wrong in each output's better attempt; None where one has no attempt of the right shape."""
    best = [[n for n in output.wrong_cells if n is not None] for output in score.outputs]
    return sum(map(min, best)) if all(best) else None


def build_row(result: Result, data: dict, score: TaskScore | None) -> Row:
    """The table's line for a task from its page data."""
    task_id, outputs = data["id"], data["out"]
    ended = result.contents.finished(task_id) if result.contents else None
    status = score.status if score else (ANSWERED if task_id in result.attempts.grids else MISSING)
    votes = [output["a"][0].get("v", 0) for output in outputs]
    candidates = sum(output.get("n", 0) for output in outputs)
    texts = [*data["test"], *(text for pair in data["train"] for text in pair)]
    texts += [output["e"] for output in outputs if "e" in output]
    return Row(
        id=task_id,
        status=status,
        css=status.replace(" ", "-"),
        right=score.solved if score else None,
        outputs=len(outputs),
        wrong_cells=_wrong_cells(score) if score else None,
        votes=sum(votes) if candidates else None,
        candidates=candidates,
        source=_sources(outputs),
        cells=max((len(text) - text.count("/") for text in texts), default=0),
        seconds=result.contents.seconds(task_id) if ended else None,
        reproduced=ended.reproduced if ended and ended.demonstrations else None,
        demonstrations=ended.demonstrations if ended and ended.demonstrations else None,
        label=result.labels.get(task_id, ""),
    )
