"""What tuning is worth: programs, no tuning, embeddings, everything, jointly; and with which task memory:
``cose``, ``table``, or ``free``: cose whose views have free residuals while everything moves.

    python -m benchmarks.ablation TASKS --log FILE --seconds 10,30 [--weights NAME] [--half both]

Every arm has the same seconds for each task (of joint tuning three quarters together, the rest for its
finish) and the same votes, in one process on one device: nothing else should run there. The seconds and
steps that are shown are of both: the finish and the task's share of the joint part. Solutions must be
known; they are read only to count. Odd and even halves (crc32 of the id) are tuned, counted and shown
apart. The log has a line for each task, arm, memory and time: an ablation that was ended goes on where it
was, and ``--show`` prints the table of what is there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from zlib import crc32

import click
from tqdm import tqdm

from benchmarks.arm import ARMS, Together, finish_alone, judge, run_alone, tune_together, with_memory
from benchmarks.figure import draw, table
from solver.arc.task import Task, load_tasks
from solver.file import append_record, whole_records
from solver.model.checkpoint import load_weights
from solver.model.device import place
from solver.run.message import Answered
from solver.run.settings import Settings, SolveOptions
from solver.tune.engine import Engine

HALVES = {"even": 0, "odd": 1}
PROGRAMS = "programs"
MEMORIES = ("cose", "table", "free")
_UNTUNED_SECONDS = 60.0  # no more than a limit: without tuning a job takes what its predictions take
_STAGE = "joint, together"  # the line that says that a group's joint part is done


@dataclass(frozen=True)
class Cell:
    """One arm of the table. ``seconds``: for each task."""

    half: str
    seconds: float
    memory: str
    arm: str

    def key(self, task_id: str) -> tuple:
        """What a line of the log is known by."""
        return self.half, self.seconds, self.memory, self.arm, task_id


def half_of(task_id: str) -> str:
    """The half that a task belongs to, by the crc32 of its id."""
    return next(half for half, rest in HALVES.items() if crc32(task_id.encode()) % 2 == rest)


def chosen(tasks: Sequence[Task], half: str, side: int, limit: int = 0) -> list[Task]:
    """Tasks of one half by crc32, in the order of their ids, whose grids, test outputs included, fit
    ``side`` x ``side``."""
    found = []
    for task in sorted(tasks, key=lambda task: task.id):
        grids = task.demonstration_grids() + [pair.output for pair in task.test if pair.output is not None]
        fits = max(max(grid.shape) for grid in grids) <= side
        if half_of(task.id) == half and task.solved_publicly and fits:
            found.append(task)
    return found[: limit or None]


class Log:
    """JSON lines, one for each task and cell; what is there is not done again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = whole_records(path)  # a torn last line is done again
        self.known = {tuple(row["key"]) for row in self.rows}

    def add(self, cell: Cell, task_id: str, **more: object) -> None:
        """One line, on disk at once."""
        row = {"key": cell.key(task_id), **asdict(cell), "task": task_id, **more}
        append_record(self.path, row)
        self.rows.append(row)
        self.known.add(cell.key(task_id))

    def together(self, cell: Cell) -> Together | None:
        """What the cell's joint part took, the latest where there were several."""
        found = [row for row in self.rows if tuple(row["key"]) == cell.key(_STAGE)]
        return Together(*(found[-1][field.name] for field in fields(Together))) if found else None


def work(cell: Cell, tasks: Sequence[Task], engine: Engine, log: Log) -> None:
    """The tasks of one cell that the log does not have yet."""
    left = [task for task in tasks if cell.key(task.id) not in log.known]
    path = log.path.with_suffix(f".{cell.half}-{cell.seconds:g}-{cell.memory}.npz")
    if cell.arm == "joint" and left and (log.together(cell) is None or not path.exists()):
        path.unlink(missing_ok=True)  # a joint part that was ended starts anew, for equal seconds
        log.add(cell, _STAGE, **asdict(tune_together(engine, tasks, cell.seconds, path)))
    name = f"{cell.half} {cell.seconds:g} s {cell.memory} {cell.arm}"
    for task in tqdm(left, desc=name, leave=False, disable=None):
        answered, spent = _solve(cell, task, engine, path)
        log.add(cell, task.id, **_outcome(task, answered, spent, log.together(cell)))
    if cell.arm == "joint":
        path.unlink(missing_ok=True)


def _solve(cell: Cell, task: Task, engine: Engine, path: Path) -> tuple[Answered | None, float]:
    if cell.arm == PROGRAMS:
        return None, 0.0
    if cell.arm == "joint":
        return finish_alone(engine, task, cell.seconds, path)
    return run_alone(engine, cell.arm, task, cell.seconds or _UNTUNED_SECONDS)


def _outcome(
    task: Task, answered: Answered | None, spent: float, together: Together | None
) -> dict[str, object]:
    """A line's numbers. Seconds and steps of a joint arm: its finish and the task's share of the rest."""
    outcome = asdict(judge(task, answered))
    joint_spent, joint_steps = (
        (together.spent / together.tasks, together.steps / together.tasks) if together else (0.0, 0.0)
    )
    outcome["spent"] = spent + joint_spent
    if answered is not None:
        outcome["demonstrations"] = answered.reproduced / len(task.train)
        outcome |= {"steps": answered.steps + joint_steps, "held_out": answered.held_out}
    return outcome


def cells(halves: Sequence[str], seconds: Sequence[float], memories: Sequence[str], arms: Sequence[str]):
    """Every arm; those that no time or memory changes only once for each half, and those that have no free
    rows only as cose."""
    for half in halves:
        yield Cell(half, 0.0, "-", PROGRAMS)
        for memory in memories:
            if "none" in arms and memory != "free":
                yield Cell(half, 0.0, memory, "none")
        for time in seconds:
            for memory in memories:
                tuned = ("full", "joint") if memory == "free" else ("embedding", "full", "joint")
                yield from (Cell(half, time, memory, arm) for arm in arms if arm in tuned)


def _list(text: str, kind: type = str) -> Iterator:
    return (kind(part) for part in text.split(",") if part)


@click.command()
@click.argument("tasks")
@click.option("--log", "path", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--weights", default="urm-nano", show_default=True)
@click.option("--seconds", default="10", show_default=True, help="For each task; several with commas.")
@click.option("--half", type=click.Choice(["even", "odd", "both"]), default="even", show_default=True)
@click.option("--side", default=12, show_default=True, help="Only tasks whose grids fit.")
@click.option("--limit", default=0, help="Only the first so many tasks of a half by id; 0 for all.")
@click.option("--augmentations", default=16, show_default=True)
@click.option("--arms", default=",".join(ARMS), show_default=True)
@click.option("--votes", default=0, help="Views that vote at most; 0 for those that are tuned on.")
@click.option("--memories", default=",".join(MEMORIES), show_default=True)
@click.option("--replay", default="", help="Public tasks beside those of joint tuning.")
@click.option("--hold", type=float, help="Share of tuning for which a demonstration is held; else by time.")
@click.option("--device", default="auto", show_default=True)
@click.option("--show", is_flag=True, help="Only print what the log holds.")
@click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), help="Scores by seconds.")
def main(tasks: str, path: Path, show: bool, figure: Path | None, **options: str) -> None:
    """Compare the arms on TASKS."""
    log = Log(path)
    if not show:
        _work_all(load_tasks(tasks), log, options)
    rows = [row for row in log.rows if row["task"] != _STAGE]
    for line in table(rows):
        click.echo(line)
    if figure is not None:
        draw(rows, figure)


def _work_all(known: Sequence[Task], log: Log, options: dict) -> None:
    halves = list(HALVES) if options["half"] == "both" else [options["half"]]
    memories, arms = list(_list(options["memories"])), list(_list(options["arms"]))
    unknown = [arm for arm in arms if arm not in ARMS] + [m for m in memories if m not in MEMORIES]
    if unknown:
        wanted = f"arms {', '.join(ARMS)}, memories {', '.join(MEMORIES)}"
        raise click.UsageError(f"{unknown[0]!r}: wanted {wanted}")
    loaded, placement = load_weights(options["weights"]), place(options["device"], quick=True)
    click.echo(f"{loaded.name} on {placement.reason}")
    for cell in cells(halves, list(_list(options["seconds"], float)), memories, arms):
        selected = chosen(known, cell.half, options["side"], options["limit"])
        weights = with_memory(loaded, "table" if cell.memory == "table" else "cose")
        settings = Settings(
            SolveOptions(augmentations=options["augmentations"], votes=options["votes"] or None, tune="full"),
            weights=options["weights"],
            device=options["device"],
            replay=options["replay"],
            hold_share=options["hold"],
            free_rows=cell.memory == "free",
        )
        work(cell, selected, Engine(weights, placement, settings), log)


if __name__ == "__main__":
    main()
