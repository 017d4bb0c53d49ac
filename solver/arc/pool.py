"""The candidate pool of a journal against the solutions: what the vote had, and what it chose.

pass@k: the share of outputs whose right grid is among the k best-ranked different grids of the pool,
averaged over tasks as the score is. Coverage is pass@k for all k: what a perfect choice would score.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solver.arc.attempts import Attempts
from solver.arc.checksum import task_checksum
from solver.arc.journal import Contents
from solver.arc.record import SEEN_LABEL
from solver.arc.score import Score
from solver.arc.task import Grid, Task
from solver.arc.vote import GUESS, NETWORK, Answer, Candidate, rank, same_grid

PASS_AT = (1, 2, 5, 10, 100, 1000)
UNKNOWN = "unknown"
SOURCES = (NETWORK, GUESS, UNKNOWN)

Place = tuple[str, int]  # task id, test index


@dataclass(frozen=True)
class OutputPool:
    """The pool of one output. ``position``: 1 for the right grid ranked first; None where it is absent.

    ``network``, ``guess``: whether a candidate of that source is right. ``votes``: of the right grid.
    """

    candidates: int
    different: int
    position: int | None
    votes: int
    network: bool
    guess: bool


@dataclass(frozen=True)
class PoolScore:
    """``outputs``: only those that the journal has candidates for; all others count as not covered."""

    outputs: Mapping[Place, OutputPool]
    sizes: Mapping[str, int]  # outputs of every task that is scored
    right_by_source: Mapping[str, int]  # right outputs of the submission by the right attempt's source
    not_chosen: tuple[Place, ...]  # the right grid was in the pool, neither attempt has it

    def _mean(self, counts: Counter[str]) -> float:
        shares = [counts[task_id] / size for task_id, size in self.sizes.items()]
        return sum(shares) / len(shares) if shares else 0.0

    def pass_at(self, k: int) -> float:
        """Per-task pass@k, 0..1."""
        found = (place[0] for place, o in self.outputs.items() if o.position and o.position <= k)
        return self._mean(Counter(found))

    def coverage(self, source: str = "") -> float:
        """Per-task share of outputs with the right grid in the pool, from any source or from one."""
        if source:
            found = (place[0] for place, output in self.outputs.items() if getattr(output, source))
        else:
            found = (place[0] for place, output in self.outputs.items() if output.position)
        return self._mean(Counter(found))


def measure_output(expected: Grid, contents_pool: Sequence, ranked: Sequence[Answer]) -> OutputPool:
    """Where the right grid stands among an output's ranked candidates, and who proposed it."""
    position = next((n for n, a in enumerate(ranked, 1) if same_grid(a.grid, expected)), None)
    sources = {c.source for c in contents_pool if position and same_grid(c.grid, expected)}
    votes = ranked[position - 1].votes if position else 0
    return OutputPool(len(contents_pool), len(ranked), position, votes, NETWORK in sources, GUESS in sources)


def whole_pool(contents: Contents) -> dict[Place, list[Candidate]]:
    """Every output's candidates, guesses behind those of the network."""
    places = dict.fromkeys([*contents.pool, *contents.guesses])
    return {place: contents.pool.get(place, []) + contents.guesses.get(place, []) for place in places}


def rank_pool(contents: Contents) -> dict[Place, list[Answer]]:
    """Every output's candidates, grouped and ranked by the rule of the run."""
    return {place: rank(candidates, contents.vote) for place, candidates in whole_pool(contents).items()}


def find_answer(
    grid: Grid | None, place: Place, ranked: Mapping[Place, list[Answer]], contents: Contents
) -> Answer | None:
    """The journal's answer with this grid: from the pool, else from what the vote chose."""
    if grid is None:
        return None
    chosen = contents.chosen.get(place)
    others = [chosen.first, chosen.second] if chosen else []
    return next((a for a in [*ranked.get(place, ()), *others] if same_grid(a.grid, grid)), None)


def measure_pool(
    expected: Mapping[str, Sequence[Grid]],
    contents: Contents,
    attempts: Attempts,
    score: Score,
    ranked: Mapping[Place, list[Answer]],
) -> PoolScore:
    """The journal's pool, and where the submission's right attempts came from."""
    outputs = {}
    for (task_id, test), candidates in whole_pool(contents).items():
        if test < len(expected.get(task_id, ())):
            place = (task_id, test)
            outputs[place] = measure_output(expected[task_id][test], candidates, ranked[place])
    sources: Counter[str] = Counter()
    not_chosen = []
    for task in score.tasks:
        for output in task.outputs:
            place = (task.id, output.test)
            if output.solved:
                grid = attempts.of(*place)[output.right.index(True)]
                answer = find_answer(grid, place, ranked, contents)
                sources[answer.source if answer and answer.source in SOURCES else UNKNOWN] += 1
            elif place in outputs and outputs[place].position:
                not_chosen.append(place)
    sizes = {task_id: len(grids) for task_id, grids in expected.items()}
    return PoolScore(outputs, sizes, {name: sources[name] for name in SOURCES}, tuple(not_chosen))


def seen_labels(contents: Contents | None, tasks: Sequence[Task]) -> dict[str, str]:
    """Labels by task id: what the journal says of a task, and the tasks its weights were trained on."""
    if contents is None:
        return {}
    seen = set(contents.header.seen)
    labels = {task.id: SEEN_LABEL for task in tasks if seen and task_checksum(task) in seen}
    said = {task_id: ended.label for task_id, ended in contents.finished.items() if ended.label}
    return labels | said
