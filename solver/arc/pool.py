"""A journal's candidates against the solutions: what the policy could choose from, and what it chose.

pass@k: the share of outputs whose right grid is among the k best-ranked different grids, averaged over tasks
as the score is; pass@2 is the score of the journal's own submission. Coverage is pass@k for all k: what a
perfect choice would score.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from solver.arc.candidate import same_grid
from solver.arc.checksum import task_checksum
from solver.arc.journal import SEEN_LABEL, Contents
from solver.arc.policy import Answer, Policy
from solver.arc.score import Score
from solver.arc.submission import Submission
from solver.arc.task import Grid, Task

PASS_AT = (1, 2, 5, 10, 100, 1000)
UNKNOWN = "unknown"  # the source of a grid that the journal does not have

Place = tuple[str, int]  # task id, test index
Ranking = Mapping[Place, Sequence[Answer]]  # every different grid, the best first


@dataclass(frozen=True)
class OutputPool:
    """The candidates of one output. ``position``: 1 for the right grid ranked first; None where it is absent.

    ``votes``: of the right grid, by views. ``sources``: those that proposed the right grid.
    """

    candidates: int
    different: int
    position: int | None
    votes: int
    sources: tuple[str, ...]


@dataclass(frozen=True)
class PoolScore:
    """``outputs``: only those that the journal has candidates for; all others count as not covered.

    ``sizes``: how many outputs each task has that is scored.
    ``sources``: all sources of the journal.
    ``right_by_source``: right outputs of the submission by who is credited with the right attempt.
    ``not_chosen``: where the right grid is among the candidates and neither attempt has it.
    """

    outputs: Mapping[Place, OutputPool]
    sizes: Mapping[str, int]
    sources: tuple[str, ...]
    right_by_source: Mapping[str, int]
    not_chosen: tuple[Place, ...]

    def _mean(self, found: Iterable[Place]) -> float:
        counts = Counter(task_id for task_id, _ in found)
        shares = [counts[task_id] / size for task_id, size in self.sizes.items()]
        return sum(shares) / len(shares) if shares else 0.0

    def pass_at(self, k: int) -> float:
        """Per-task pass@k, 0..1."""
        return self._mean(place for place, o in self.outputs.items() if o.position and o.position <= k)

    def coverage(self, source: str = "") -> float:
        """Per-task share of outputs with the right grid among the candidates of one source, or of any."""
        return self._mean(
            place for place, o in self.outputs.items() if (source in o.sources if source else o.position)
        )


def rank_journal(contents: Contents) -> dict[Place, list[Answer]]:
    """Every output's answers, as the run itself ranked them at its end."""
    policy = Policy.of(contents)
    return {
        (task_id, test): policy.rank(events, test)
        for task_id, events in contents.events.items()
        for test in range(contents.tests[task_id])
    }


def measure_output(expected: Grid, candidates: int, ranked: Sequence[Answer]) -> OutputPool:
    """Where the right grid stands among an output's ranked answers, and who proposed it."""
    for position, answer in enumerate(ranked, 1):
        if same_grid(answer.grid, expected):
            return OutputPool(candidates, len(ranked), position, answer.votes, answer.sources)
    return OutputPool(candidates, len(ranked), None, 0, ())


def find_answer(grid: Grid | None, ranked: Sequence[Answer]) -> Answer | None:
    """The answer with this grid; None where there is none."""
    if grid is None:
        return None
    return next((answer for answer in ranked if same_grid(answer.grid, grid)), None)


def measure_pool(
    expected: Mapping[str, Sequence[Grid]],
    contents: Contents,
    submission: Submission,
    score: Score,
    ranking: Ranking,
) -> PoolScore:
    """The journal's candidates, and where the submission's right attempts came from."""
    policy, outputs = Policy.of(contents), {}
    for (task_id, test), ranked in ranking.items():
        if test < len(expected.get(task_id, ())):
            voters = policy.voters(contents.events[task_id], test)
            outputs[task_id, test] = measure_output(expected[task_id][test], len(voters), ranked)
    names = dict.fromkeys(event.source for event in contents.records)
    right = dict.fromkeys([*names, UNKNOWN], 0)
    not_chosen = []
    for task in score.tasks:
        for output in task.outputs:
            place = (task.id, output.test)
            if output.solved:
                grid = submission.of(*place)[output.right.index(True)]
                answer = find_answer(grid, ranking.get(place, ()))
                right[answer.source if answer else UNKNOWN] += 1
            elif place in outputs and outputs[place].position:
                not_chosen.append(place)
    sizes = {task_id: len(grids) for task_id, grids in expected.items()}
    return PoolScore(outputs, sizes, tuple(names), right, tuple(not_chosen))


def seen_labels(contents: Contents | None, tasks: Sequence[Task]) -> dict[str, str]:
    """Labels by task id: what the journal says of a task, and the tasks its weights were trained on."""
    if contents is None:
        return {}
    seen = set(contents.header.seen)
    labels = {task.id: SEEN_LABEL for task in tasks if seen and task_checksum(task) in seen}
    said = {event.task_id: event.label for event in contents.records if event.label}
    return labels | said
