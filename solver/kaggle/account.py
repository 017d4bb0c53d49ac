"""Why a score is what it is, in a few sentences at the end of a log: where answers came from, what tuning
reached, how far the votes agree; and, where solutions are known, whether the right answer was found at all.

The watching process has it made by a process of its own: nothing that fails here can cost a submission.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, median

from solver.arc.candidate import same_grid
from solver.arc.journal import Contents, read_journal
from solver.arc.policy import NO_FIT, Answer, Policy
from solver.arc.pool import Place, rank_journal
from solver.arc.task import Grid, load_tasks
from solver.choices import PHASES, START
from solver.words import counted

NOTES = "notes.jsonl"  # in the scratch folder: what a journal does not keep
LISTED = 8  # tasks that are named in one sentence


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
    def ranking(self) -> Mapping[Place, Sequence[Answer]]:
        """The answers of each output, as the run ranked them."""
        return rank_journal(self.contents)

    @cached_property
    def votes(self) -> Mapping[Place, int]:
        """How many views vote on each output; 0 where the network gave none."""
        policy, events = Policy.of(self.contents), self.contents.events
        return {(task_id, test): policy.votes(events[task_id], test) for task_id, test in self.ranking}

    def sentences(self) -> Iterator[str]:
        """The account, the most telling sentence first."""
        yield self._sources()
        yield from self._tuning()
        yield from self._steps()
        yield from self._agreement()
        yield from self._losses()

    def _sources(self) -> str:
        first = {place: ranked[0] for place, ranked in self.ranking.items()}
        credited = Counter(answer.source for answer in first.values())
        parts = ", ".join(f"{count} by {source}" for source, count in credited.most_common())
        fitting = sum(answer.belief > NO_FIT for answer in first.values())
        passed_over = sum(self.votes[place] > 0 == answer.votes for place, answer in first.items())
        return (
            f"Attempt 1 of {counted(len(first), 'output')}: {parts}; {fitting} more than a fallback, "
            f"{passed_over} where the network answered otherwise."
        )

    def _tuning(self) -> Iterator[str]:
        every = self.contents.events
        found = map(self.contents.finished, every)
        ended = [event for event in found if event and event.demonstrations]
        missing = len(every) - len(ended)
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
            if "steps" in note and note["phase"] != START:
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
        asked = [place for place, votes in self.votes.items() if votes]
        if not asked:
            return
        agree = sum(2 * self.ranking[place][0].votes >= self.votes[place] for place in asked)
        outputs = f"{agree} of {counted(len(asked), 'output')}"
        yield f"Votes agree (half or more for the first answer) in {outputs} that the network answered."

    def _losses(self) -> Iterator[str]:
        lost = [note["lost"] for note in self.notes if "lost" in note]
        if lost:
            left = counted(lost.count("left"), "group")
            yield f"{counted(len(lost), 'worker')} failed and replaced, {left} left to guesses."

    def verdicts(self, solutions: Mapping[str, Sequence[Grid | None]]) -> Iterator[str]:
        """By name: the tasks that are right; of the others, whether the right answer was found."""
        right, found, unknown = [], [], []
        for task_id in self.contents.events:
            grids = [(n, grid) for n, grid in enumerate(solutions.get(task_id, ())) if grid is not None]
            if not grids:
                continue
            ranks = [self._rank((task_id, n), grid) for n, grid in grids]
            if all(rank is not None and rank < 2 for rank in ranks):
                right.append(task_id)
            else:
                (unknown if None in ranks else found).append(task_id)
        if right or found or unknown:
            yield f"Right: {listed(right)}."
            yield f"Wrong, though the right answer was a candidate (the vote chose wrongly): {listed(found)}."
            yield f"Wrong, and the right answer never a candidate: {listed(unknown)}."

    def _rank(self, place: Place, grid: Grid) -> int | None:
        """From 0; None where no candidate has this grid."""
        ranked = self.ranking.get(place, ())
        return next((n for n, answer in enumerate(ranked) if same_grid(answer.grid, grid)), None)


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
