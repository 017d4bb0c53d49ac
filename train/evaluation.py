"""Evaluating a network on a data set's splits, as training does and as the command does."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from solver.arc.task import MAX_SIDE
from solver.arc.tokens import crop_shape
from solver.model.loss import act_loss
from train.act import Loop
from train.checkpoint import write_tensors
from train.dataset import CROPPED, Dataset, Samples, Views, predicted_canvases
from train.evaluators import make_evaluators
from train.progress import Progress
from train.trainer import Trainer

_SUMS = ("count", "accuracy", "exact_accuracy", "q_halt_accuracy", "steps", "lm_loss")


@dataclass(eq=False)
class _Count:
    """What one split under one number of loops, or one way to stop, has given so far. ``sums`` float64 [6];
    ``kept``: outputs to save."""

    prefix: str
    sums: Tensor
    evaluators: list[Any]
    kept: dict[str, list[Tensor]]


class Evaluation:
    """Measures, evaluators and saved outputs of one data set, for each split and number of loops.

    The training split, where it is asked for, is measured alone. Votes and measures add up over calls
    of ``run`` until ``finish``: one call is one checkpoint.
    """

    def __init__(self, trainer: Trainer, dataset: Dataset, data_path: str) -> None:
        self.trainer, self.dataset = trainer, dataset
        questions = dataset.questions() if "test" in dataset.splits else []
        self.answered = np.array([q.output is not None for q in questions] or [False])
        self.canvases = None  # int64 [Q, 2] where the network takes canvases of any size
        if trainer.config.arch.network["canvas"] == CROPPED and not trainer.feed.only_row:
            self.canvases = predicted_canvases(questions, dataset.demonstrations())
        run, base = trainer.config.run, trainer.act.rule.loops
        for delta in run.loop_deltas:
            if base + delta < 1:
                raise ValueError(f"loop_deltas: {delta} leaves {base + delta} loops, wanted at least 1")
        self.loops = sorted(base + delta for delta in run.loop_deltas)
        self.counts: dict[str, dict[int | str, _Count]] = {}
        for split in asked_splits(run.eval_splits, dataset):
            counts = self.counts[split] = {}
            for key in (*self.loops, *run.eval_stops):
                evaluators = make_evaluators(run.evaluators, dataset, data_path) if split == "test" else []
                for evaluator in evaluators:
                    evaluator.begin_eval()
                sums = torch.zeros(len(_SUMS), dtype=torch.float64, device=trainer.device)
                prefix = "train/" if split == "train" else ""
                if key != base:
                    prefix += f"loops{key}/" if isinstance(key, int) else f"{key}/"
                counts[key] = _Count(prefix, sums, evaluators, {})

    @torch.inference_mode()
    def run(self, *, quiet: bool) -> None:
        """Every question of the splits under every augmentation, all loops, the weights as they are."""
        trainer, run = self.trainer, self.trainer.config.run
        world = trainer.world
        size = run.eval_batch_size or run.global_batch_size
        size = -(-size // world.size) * world.size
        shares = {"batch_size": size, "rank": world.rank, "world_size": world.size}
        shares["augmentations"] = run.eval_augmentations or None
        trainer.model.eval()
        show = world.first and not quiet
        for split, counts in self.counts.items():
            total = -(-self.dataset.samples(split, shares["augmentations"]) // size)
            with Progress(total, f"batch of {split}", show=show) as progress:
                self._split(split, counts, shares, progress)

    def _split(
        self, split: str, counts: dict[int | str, _Count], shares: dict[str, Any], progress: Progress
    ) -> None:
        """One split: what was shown as it is, questions until an answer fits its canvas."""
        if split == "train":
            canvas = self.trainer.config.arch.network["canvas"]
            for samples in progress.over(self.dataset.shown_batches(**shares, canvas=canvas)):
                for key, loop in self._loops(samples).items():
                    self._take(counts[key], loop, samples, np.arange(samples.valid))
            return
        size = shares["batch_size"] // shares["world_size"]
        for views in progress.over(self.dataset.test_views(**shares, canvases=self.canvases)):
            self._ask(views, size, counts)

    def _loops(self, samples: Samples) -> dict[int | str, Loop]:
        batch = self.trainer.feed.batch(samples).to(self.trainer.device)
        return self.trainer.act.evaluate(batch, self.loops, self.trainer.config.run.eval_stops)

    def _ask(self, views: Views, size: int, counts: dict[int | str, _Count]) -> None:
        """Predictions of some views. Those that reach the edge of their canvas are not taken: their
        views are asked again on a larger one, as ``solver.tune.predict`` does."""
        wanted = {steps: np.ones(len(views), bool) for steps in counts}
        while len(views):
            samples = self.dataset.draw_views(views, size)
            for steps, loop in self._loops(samples).items():
                reaching = wanted[steps] & self._at_edge(loop, samples)
                self._take(counts[steps], loop, samples, np.flatnonzero(wanted[steps] & ~reaching))
                wanted[steps] = reaching
            again = np.logical_or.reduce(list(wanted.values()))
            wanted = {steps: which[again] for steps, which in wanted.items()}
            views = views.select(again).larger()
            size = len(views)

    def _at_edge(self, loop: Loop, samples: Samples) -> np.ndarray:
        """bool [valid]: predictions that fill their canvas up to an edge with room behind it."""
        found = np.zeros(samples.valid, bool)
        if self.canvases is not None:
            tokens = loop.logits[: samples.valid].argmax(-1).to("cpu", torch.uint8).numpy()
            for n, cells in enumerate(tokens):
                sides = int(samples.heights[n]), int(samples.widths[n])
                crop = crop_shape(cells[: sides[0] * sides[1]].reshape(sides))
                found[n] = any(c == side < MAX_SIDE for c, side in zip(crop, sides, strict=True))
        return found

    def _take(self, count: _Count, loop: Loop, samples: Samples, rows: np.ndarray) -> None:
        """Count the sequences at ``rows`` [n] of a batch. One whose answer is known, but has no room on
        its last canvas, is wrong in every cell."""
        if not len(rows):
            return
        at = torch.from_numpy(rows).to(loop.logits.device)
        q_halt, q_continue = loop.q_halt[at], loop.q_continue[at]
        terms = act_loss(
            loop.logits[at],
            q_halt,
            q_continue,
            loop.labels[at],
            loss_type=self.trainer.config.arch.loss_type,
        )
        says = q_halt > q_continue if self.trainer.act.rule.use_continue else q_halt > 0
        known = terms.labelled | self._answered(samples.questions[rows]).to(at.device)
        right = terms.correct & terms.labelled
        columns = (known, terms.cell_accuracy, right, says == right, loop.steps[at])
        count.sums[:-1] += torch.stack([torch.where(known, column, 0).double().sum() for column in columns])
        count.sums[-1] += terms.lm.double()
        self._hand_on(count, loop, samples, rows)

    def _answered(self, questions: np.ndarray) -> Tensor:
        """bool [n]: whether the answer is known; False for what is no question."""
        return torch.from_numpy(self.answered[questions] & (questions >= 0))

    def _hand_on(self, count: _Count, loop: Loop, samples: Samples, rows: np.ndarray) -> None:
        """The same sequences to the evaluators, and what is to be saved of them."""
        wanted = self.trainer.config.run.eval_save_outputs
        if not (count.evaluators or wanted):
            return
        batch, preds = _named(loop, samples, rows)
        for evaluator in count.evaluators:
            asked = {name: preds[name] for name in evaluator.required_outputs if name in preds}
            evaluator.update_batch(batch, asked)
        for name in wanted:
            if name not in batch and name not in preds:
                raise ValueError(f"eval_save_outputs: no output {name}, wanted {', '.join([*batch, *preds])}")
            count.kept.setdefault(name, []).append(batch[name] if name in batch else preds[name])

    def finish(self, folder: Path | None, step: int) -> dict[str, float]:
        """All numbers, the same on every process's first; submission and outputs go to ``folder``."""
        world = self.trainer.world
        found: dict[str, float] = {}
        for count in (count for counts in self.counts.values() for count in counts.values()):
            values = dict(zip(_SUMS, world.sum(count.sums.clone()).tolist(), strict=True))
            number = values.pop("count")
            if number:
                means = {name: value / number for name, value in values.items()}
                # What always saying the commoner of right and wrong would have of q_halt_accuracy.
                means["q_halt_base_rate"] = max(means["exact_accuracy"], 1 - means["exact_accuracy"])
                found |= {count.prefix + name: value for name, value in means.items()}
            place = None if folder is None else folder / count.prefix.rstrip("/")
            for evaluator in count.evaluators:
                path = None if place is None else str(place)
                found |= {
                    count.prefix + name: value
                    for name, value in (evaluator.result(path, world.rank, world.size) or {}).items()
                }
            if count.kept and place is not None:
                place.mkdir(parents=True, exist_ok=True)
                outputs = {name: torch.cat(_same_length(parts)) for name, parts in count.kept.items()}
                write_tensors(place / f"step_{step}_outputs_{world.rank}.pt", outputs)
        return found


def asked_splits(wanted: Sequence[str], dataset: Dataset) -> list[str]:
    """Those of the wanted splits that the data set has."""
    return [split for split in wanted if split in dataset.splits]


def _named(loop: Loop, samples: Samples, rows: np.ndarray) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The batch and the predictions at ``rows`` on the CPU under the released names."""
    at = torch.from_numpy(rows)
    names = ("questions", "symmetries", "palettes", "heights", "widths")
    batch = {name: torch.from_numpy(getattr(samples, name)[rows]) for name in names}
    batch["inputs"] = torch.from_numpy(samples.inputs[rows]).long()
    batch["labels"] = loop.labels.cpu()[at]
    batch["puzzle_identifiers"] = torch.from_numpy(samples.identifiers[rows]).long()
    logits = loop.logits.float().cpu()[at]
    preds = {
        "logits": logits,
        "preds": logits.argmax(-1),
        "q_halt_logits": loop.q_halt.cpu()[at],
        "q_continue_logits": loop.q_continue.cpu()[at],
    }
    return batch, preds


def _same_length(parts: list[Tensor]) -> list[Tensor]:
    """Batches of canvases of unlike lengths, padded with zeros to the longest."""
    if parts[0].dim() < 2:
        return parts
    longest = max(part.shape[1] for part in parts)
    padded = []
    for part in parts:
        room = part.new_zeros(part.shape[0], longest - part.shape[1], *part.shape[2:])
        padded.append(torch.cat((part, room), 1))
    return padded


@contextmanager
def averaged(trainer: Trainer) -> Iterator[None]:
    """The moving average in the weights' place, where there is one."""
    if trainer.average is None:
        yield
        return
    trainer.average.swap()
    try:
        yield
    finally:
        trainer.average.swap()


def evaluate(
    trainer: Trainer,
    dataset: Dataset,
    folder: Path | None,
    *,
    quiet: bool,
    interruptible: AbstractContextManager[None] | None = None,
) -> dict[str, float]:
    """The numbers of the trainer's network as it stands, averaged weights if there are any.
    ``interruptible`` surrounds what may end by an exception without a trace."""
    evaluation = Evaluation(trainer, dataset, trainer.config.run.data_test)
    with averaged(trainer), interruptible or nullcontext():
        evaluation.run(quiet=quiet)
    return evaluation.finish(folder, trainer.at.step)
