"""Why a score is what it is, in a few sentences at the end of a log: where answers came from, what tuning
reached, how far the votes agree; and, where solutions are known, whether the right answer was found at all.

The watching process has it made by a process of its own: nothing that fails here can cost a submission.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, median

from solver.arc.journal import Contents, read_journal
from solver.arc.pool import whole_pool
from solver.arc.record import Candidates
from solver.arc.task import Grid, load_tasks
from solver.arc.vote import NETWORK, Candidate, same_grid
from solver.words import counted

NOTES = "notes.jsonl"  # in the scratch folder: what a journal does not keep
LISTED = 8  # tasks that are named in one sentence
VOTERS = (("tune", "refine"), ("joint",), ("quick",))  # views that vote together, as the ledger takes them
PHASES = ("quick", "joint", "tune", "refine")

Place = tuple[str, int]  # task id, test index


class Notes:
    """What a run tells beside its journal, one JSON object a line, for as long as the file takes it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NOTES

    def add(self, **note: object) -> None:
        """``phase``, ``task`` and ``steps`` of a result; or ``lost``: "again" or "left", what becomes of the
        job of a worker that is lost. What cannot be written is missing from the account only."""
        with suppress(OSError), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")

    def read(self) -> list[dict]:
        """Every whole note; none where there is no file."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        except OSError:
            return []
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]


@dataclass(frozen=True, eq=False)
class Account:
    """What a journal and the notes of its run tell of it."""

    contents: Contents
    notes: Sequence[Mapping]

    @cached_property
    def voters(self) -> dict[Place, int]:
        """Views that vote for each output; 0 where the network gave none."""
        views: dict[tuple[str, str, int], int] = {}
        for record in self.contents.records:
            if isinstance(record, Candidates):
                views[record.phase, record.task_id, record.test] = len(record.views)
        totals = {}
        for place in self.contents.chosen:
            sums = (sum(views.get((phase, *place), 0) for phase in phases) for phases in VOTERS)
            totals[place] = next(filter(None, sums), 0)
        return totals

    def sentences(self) -> Iterator[str]:
        """The account, the most telling sentence first."""
        yield self._sources()
        yield from self._tuning()
        yield from self._steps()
        yield from self._agreement()
        yield from self._losses()

    def _sources(self) -> str:
        chosen = self.contents.chosen
        guessed = {place: found.first for place, found in chosen.items() if found.first.source != NETWORK}
        outputs = f"{len(chosen) - len(guessed)} of {counted(len(chosen), 'output')}"
        text = f"Attempt 1 by the network for {outputs}"
        if not guessed:
            return f"{text}."
        fitting = sum(answer.votes > 0 for answer in guessed.values())
        overruled = sum(self.voters[place] > 0 for place in guessed)
        return (
            f"{text}, by guesses for {len(guessed)} ({fitting} of them fit every demonstration, "
            f"{overruled} stand where the network answered and was not trusted)."
        )

    def _tuning(self) -> Iterator[str]:
        every = {task_id for task_id, _ in self.contents.chosen}
        ended = [item for item in self.contents.finished.values() if item.demonstrations]
        missing = len(every - {item.task_id for item in ended})
        if missing:
            yield f"The network finished no phase of {missing} of {counted(len(every), 'task')}."
        if not ended:
            return
        shares = [item.reproduced / item.demonstrations for item in ended]
        whole = sum(share >= 1 for share in shares)
        tasks = counted(len(ended), "task")
        yield f"All demonstrations reproduced in {whole} of {tasks} (median share {median(shares):.0%})."
        held = [item.held_out for item in ended if item.held_out is not None]
        if held:
            tasks = counted(len(held), "task")
            yield f"A demonstration held back from tuning came out in {fmean(held):.0%} (mean of {tasks})."

    def _steps(self) -> Iterator[str]:
        """The most of each task and phase: a run that is resumed tells results again, without steps."""
        steps: dict[tuple[str, str], int] = {}
        for note in self.notes:
            if "steps" in note:
                key = note["phase"], note["task"]
                steps[key] = max(steps.get(key, 0), note["steps"])
        parts = []
        for phase in PHASES:
            made = [count for (name, _), count in steps.items() if name == phase]
            if made:
                tasks = counted(len(made), "task")
                parts.append(f"{phase} median {median(made):.0f}, least {min(made)}, of {tasks}")
        if parts:
            yield f"Tuning steps: {'; '.join(parts)}."

    def _agreement(self) -> Iterator[str]:
        chosen, asked = self.contents.chosen, sum(total > 0 for total in self.voters.values())
        if not asked:
            return
        agree = sum(
            found.first.source == NETWORK and 2 * found.first.votes >= self.voters[place] > 0
            for place, found in chosen.items()
        )
        outputs = f"{agree} of {counted(asked, 'output')}"
        yield f"Votes agree (half or more for the first answer) in {outputs} that the network answered."

    def _losses(self) -> Iterator[str]:
        lost = [note["lost"] for note in self.notes if "lost" in note]
        if lost:
            left = counted(lost.count("left"), "group")
            yield f"{counted(len(lost), 'worker')} failed and replaced, {left} left to guesses."

    def verdicts(self, solutions: Mapping[str, Sequence[Grid | None]]) -> Iterator[str]:
        """By name: the tasks that came out; of those that did not, where the right answer was found."""
        right, found, unknown = [], [], []
        for task_id in dict.fromkeys(task_id for task_id, _ in self.contents.chosen):
            grids = [(n, grid) for n, grid in enumerate(solutions.get(task_id, ())) if grid is not None]
            if not grids:
                continue
            wrong = [(n, grid) for n, grid in grids if not self._chose((task_id, n), grid)]
            if not wrong:
                right.append(task_id)
            else:
                pooled = all(self._has((task_id, n), grid) for n, grid in wrong)
                (found if pooled else unknown).append(task_id)
        if right or found or unknown:
            yield f"Right: {listed(right)}."
            yield f"Wrong, though the right answer was a candidate (the vote chose wrongly): {listed(found)}."
            yield f"Wrong, and the right answer never a candidate: {listed(unknown)}."

    @cached_property
    def whole(self) -> Mapping[Place, Sequence[Candidate]]:
        """All candidates, guesses too."""
        return whole_pool(self.contents)

    def _chose(self, place: Place, grid: Grid) -> bool:
        made = self.contents.chosen.get(place)
        return made is not None and any(same_grid(answer.grid, grid) for answer in (made.first, made.second))

    def _has(self, place: Place, grid: Grid) -> bool:
        return any(same_grid(made.grid, grid) for made in self.whole.get(place, ()))


def listed(names: Sequence[str]) -> str:
    """Their number and the first few names."""
    more = ", …" if len(names) > LISTED else ""
    return f"{len(names)} ({', '.join(names[:LISTED])}{more})" if names else "none"


def time_used(settings: Mapping) -> str:
    """When a run ended, counted from its process's start, and what it left of its time; both in hours."""
    used = settings["ended"] - settings["deadline"] + settings["seconds"]
    left = settings["deadline"] - settings["ended"]
    return f"Ended after {used / 3600:.2f} h, " + (
        f"{left / 3600:.2f} h unused." if left >= 0 else f"{-left / 3600:.2f} h beyond its deadline."
    )


def main(text: str) -> None:
    """``text``: the kernel's settings as JSON, with ``journal`` and ``ended`` (seconds of the clock that
    ``deadline`` is of). Prints a sentence a line; what cannot be read is said as one."""
    settings = json.loads(text)
    journal = Path(settings["journal"])
    if not settings["dry"]:
        print(time_used(settings))
    if not journal.exists():
        print("No journal: where the answers came from is not known.")
        return
    try:
        account = Account(read_journal(journal), Notes(Path(settings["scratch"])).read())
        print("\n".join(account.sentences()))
        if settings["dry"]:
            known = load_tasks(settings["evaluation"] or settings["tasks"])
            solutions = {task.id: [pair.output for pair in task.test] for task in known}
            print("\n".join(account.verdicts(solutions)))
    except ValueError as error:
        print(f"No account of the answers: {error}")
