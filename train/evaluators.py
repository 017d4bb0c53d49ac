"""What is made of an evaluation's predictions: ARC's votes, or an evaluator of one's own.

The contract is the released one: ``Class(data_path=..., eval_metadata=..., **settings)``, with
``required_outputs`` (names that ``preds`` shall hold), ``begin_eval()``, ``update_batch(batch, preds)`` and
``result(save_path, rank, world_size, group=None)``, which gives a dict of numbers on rank 0 and None
elsewhere. ``batch`` and ``preds`` hold tensors on the CPU by name, padding left out: ``inputs``,
``labels`` (-100: not labelled), ``puzzle_identifiers``, ``questions``, ``symmetries``, ``palettes``,
``heights``, ``widths`` in the one, ``logits``, ``preds``, ``q_halt_logits``, ``q_continue_logits`` in the
other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from solver.arc.augment import transform
from solver.arc.candidate import grid_key, same_grid
from solver.arc.fallback import fallbacks
from solver.arc.policy import Answer, believe_views, join, rank_programs
from solver.arc.submission import write_submission
from solver.arc.symmetry import INVERSE_SYMMETRY
from solver.arc.task import Pair, Task
from solver.arc.tokens import crop
from solver.choices import NETWORK
from solver.model.registry import find_class
from train.dataset import Dataset, Metadata
from train.distributed import World

PASS_KS = (1, 2, 5, 10, 100, 1000)
ARC_NAMES = ("arc", "arc@ARC")
PREDICTIONS = frozenset(("logits", "preds", "q_halt_logits", "q_continue_logits"))


class Ballot:
    """Votes on the questions of a data set: equal grids of a question count together. A prediction without a
    crop does not vote. The rank is that of ``solver.arc.policy.rank_views`` by confidence: votes, mean
    confidence, first come."""

    def __init__(self, questions: int) -> None:
        # Of each question, by a grid's key: the grid, its votes, the sum of their confidences.
        self.found: list[dict[bytes, tuple[np.ndarray, int, float]]] = [{} for _ in range(questions)]

    def add(
        self,
        tokens: np.ndarray,
        heights: np.ndarray,
        widths: np.ndarray,
        symmetries: np.ndarray,
        palettes: np.ndarray,
        questions: np.ndarray,
        confidences: np.ndarray,
    ) -> None:
        """Predictions of a batch. Those with a negative question (padding) are left out.

        ``tokens`` uint8 [B, T], canvases row-major; ``heights``, ``widths`` [B]; ``symmetries`` [B] and
        ``palettes`` uint8 [B, 10]: the augmentations to undo; ``questions`` [B]; ``confidences`` [B].
        """
        for n in np.flatnonzero(np.asarray(questions) >= 0).tolist():
            height, width = int(heights[n]), int(widths[n])
            grid = crop(tokens[n, : height * width].reshape(height, width))
            if grid is not None:
                colours = np.argsort(palettes[n]).astype(np.uint8)
                grid = transform(grid, INVERSE_SYMMETRY[int(symmetries[n])], colours)
                self._count(int(questions[n]), grid, 1, float(confidences[n]))

    def _count(self, question: int, grid: np.ndarray, votes: int, confidence: float) -> None:
        first, before, total = self.found[question].get(grid_key(grid), (grid, 0, 0.0))
        self.found[question][grid_key(grid)] = (first, before + votes, total + confidence)

    def merge(self, other: "Ballot") -> None:
        """Add what another ballot on the same questions collected, e.g. that of another rank."""
        for question, found in enumerate(other.found):
            for grid, votes, confidence in found.values():
                self._count(question, grid, votes, confidence)

    def answers(self, question: int, limit: int | None = None) -> list[Answer]:
        """The best ``limit`` answers of a question, best first."""
        answers = [
            Answer(grid, (NETWORK,), votes, confidence=total / votes)
            for grid, votes, total in self.found[question].values()
        ]
        return sorted(answers, key=lambda answer: (-answer.votes, -answer.confidence))[:limit]


class ARC:
    """Votes over all augmentations of each test input: pass@k and ``submission.json``.

    ``submission_K``, ``pass_Ks`` as released; a submission has two attempts.
    """

    required_outputs = frozenset(("preds", "q_halt_logits"))

    def __init__(
        self,
        data_path: str,
        eval_metadata: Metadata,
        *,
        pass_Ks: Sequence[int] = PASS_KS,
        submission_K: int = 2,
    ) -> None:
        if submission_K != 2:
            raise ValueError(f"evaluator ARC: submission_K {submission_K}, wanted 2 attempts")
        dataset = Dataset.open(data_path)
        self.questions = dataset.questions()
        self.tasks = asked_tasks(dataset)
        self.pass_ks = tuple(pass_Ks)
        self.begin_eval()

    def begin_eval(self) -> None:
        """Forget all votes: they are of one checkpoint unless somebody asks for more."""
        self.ballot = Ballot(len(self.questions))

    def update_batch(self, batch: Mapping[str, Tensor], preds: Mapping[str, Tensor]) -> None:
        """Count the predictions of a batch as votes."""
        self.ballot.add(
            preds["preds"].to(torch.uint8).numpy(),
            batch["heights"].numpy(),
            batch["widths"].numpy(),
            batch["symmetries"].numpy(),
            batch["palettes"].to(torch.uint8).numpy(),
            batch["questions"].numpy(),
            preds["q_halt_logits"].double().sigmoid().numpy(),
        )

    def result(
        self, save_path: str | None, rank: int, world_size: int, group: Any = None
    ) -> dict[str, float] | None:
        """``ARC/pass@k``: mean over tasks of the share of their test inputs that are right within the
        first k answers. Test inputs of unknown output count nowhere."""
        ballots = World(rank, world_size).gather(self.ballot)
        if rank != 0:
            return None
        whole = ballots[0]
        for other in ballots[1:]:
            whole.merge(other)
        most = max(self.pass_ks)
        answers = [whole.answers(n, most) for n in range(len(self.questions))]
        if save_path is not None:
            self.write(Path(save_path) / "submission.json", answers)
        return self.scores(answers)

    def scores(self, answers: Sequence[Sequence[Answer]]) -> dict[str, float]:
        """pass@k of ranked answers, a list for each question."""
        ranks: dict[str, list[int]] = defaultdict(list)  # place of the right answer, by task
        for question, found in zip(self.questions, answers, strict=True):
            if question.output is not None:
                places = (n for n, a in enumerate(found) if same_grid(a.grid, question.output))
                ranks[question.task_id].append(next(places, max(self.pass_ks)))
        shares = {
            k: [sum(place < k for place in places) / len(places) for places in ranks.values()]
            for k in self.pass_ks
        }
        return {f"ARC/pass@{k}": sum(values) / len(values) for k, values in shares.items() if values}

    def write(self, path: Path, answers: Sequence[Sequence[Answer]]) -> None:
        """Two different attempts at every test input; what the votes leave open are fallbacks."""
        at: dict[tuple[str, int], Sequence[Answer]] = {
            (q.task_id, q.number): found for q, found in zip(self.questions, answers, strict=True)
        }
        attempts = {}
        for task in self.tasks:
            pairs = []
            for number, made in enumerate(fallbacks(task)):
                voted = believe_views(at[task.id, number], trusted=True)
                first, second, *_ = join([voted, rank_programs(made)])
                pairs.append((first.grid, second.grid))
            attempts[task.id] = pairs
        path.parent.mkdir(parents=True, exist_ok=True)
        write_submission(path, attempts, self.tasks)


def asked_tasks(dataset: Dataset) -> list[Task]:
    """The tasks of the test split; their demonstrations are what the training split has of them."""
    shown = dataset.demonstrations()
    tests: dict[str, list[Pair]] = defaultdict(list)
    for question in dataset.questions():
        tests[question.task_id].append(Pair(question.input))
    return [Task(name, tuple(shown.get(name, ())), tuple(pairs)) for name, pairs in tests.items()]


def make_evaluators(wanted: Any, dataset: Dataset, data_path: str) -> list[Any]:
    """The evaluators of the configuration: None is ARC's where the data set asks ARC's questions.

    Each is a name, or an object with ``name`` and settings. ValueError for what is neither.
    """
    meta = dataset.splits["test"].metadata
    if wanted is None:
        wanted = ["arc@ARC"] if dataset.metadata.num_puzzle_identifiers > 1 else []
    if not isinstance(wanted, list):
        raise ValueError(f"evaluators: found {wanted!r}, wanted a list")
    made = []
    for entry in wanted:
        settings = dict(entry) if isinstance(entry, Mapping) else {"name": entry}
        name = settings.pop("name", None)
        if not isinstance(name, str) or (name not in ARC_NAMES and "@" not in name):
            raise ValueError(f"evaluators: found {entry!r}, wanted arc@ARC or module@Class")
        cls = ARC if name in ARC_NAMES else find_class(name)
        try:
            evaluator = cls(data_path=data_path, eval_metadata=meta, **settings)
        except TypeError as error:
            raise ValueError(f"evaluator {name}: {error}") from error
        unknown = set(evaluator.required_outputs) - PREDICTIONS - {"inputs", "labels", "puzzle_identifiers"}
        if unknown:
            raise ValueError(
                f"evaluator {name}: no output {sorted(unknown)[0]} (there are {sorted(PREDICTIONS)})"
            )
        made.append(evaluator)
    return made
