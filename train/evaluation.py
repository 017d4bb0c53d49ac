"""Evaluating a network on a data set's splits, as training does and as the command does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from solver.model.loss import act_loss
from train.act import Loop
from train.checkpoint import write_tensors
from train.dataset import Dataset, Samples
from train.evaluators import make_evaluators
from train.feed import as_batch
from train.trainer import Trainer

_SUMS = ("count", "accuracy", "exact_accuracy", "q_halt_accuracy", "steps", "lm_loss")


@dataclass(eq=False)
class _Count:
    """What one split under one number of loops has given so far. ``sums`` float64 [6]; ``kept``: outputs
    to save."""

    prefix: str
    sums: Tensor
    evaluators: list[Any]
    kept: dict[str, list[Tensor]]


class Evaluation:
    """Measures, evaluators and saved outputs of one data set, for each split and number of loops.

    The training split, where it is asked for, is measured alone. Votes and measures add up over calls of ``run`` until ``finish``: one call is one checkpoint.
    """

    def __init__(self, trainer: Trainer, dataset: Dataset, data_path: str) -> None:
        self.trainer, self.dataset = trainer, dataset
        run, base = trainer.config.run, trainer.act.rule.loops
        self.counts: dict[str, dict[int, _Count]] = {}
        for split in asked_splits(run.eval_splits, dataset):
            counts = self.counts[split] = {}
            for delta in run.loop_deltas:
                if base + delta < 1:
                    raise ValueError(f"loop_deltas: {delta} leaves {base + delta} loops, wanted at least 1")
                evaluators = make_evaluators(run.evaluators, dataset, data_path) if split == "test" else []
                for evaluator in evaluators:
                    evaluator.begin_eval()
                sums = torch.zeros(len(_SUMS), dtype=torch.float64, device=trainer.device)
                prefix = "train/" if split == "train" else ""
                prefix += f"loops{base + delta}/" if delta else ""
                counts[base + delta] = _Count(prefix, sums, evaluators, {})

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
        for split, counts in self.counts.items():
            if split == "train":
                batches = self.dataset.shown_batches(**shares, canvas=trainer.config.arch.network["canvas"])
            else:
                batches = self.dataset.test_batches(**shares)
            for samples in tqdm(batches, split, disable=quiet or not world.first, unit="batch", leave=False):
                batch = as_batch(samples, only_row=trainer.only_row).to(trainer.device)
                loops = trainer.act.evaluate(batch, sorted(counts))
                for steps, loop in loops.items():
                    self._take(counts[steps], loop, samples)

    def _take(self, count: _Count, loop: Loop, samples: Samples) -> None:
        run, arch = self.trainer.config.run, self.trainer.config.arch
        valid = samples.valid
        terms = act_loss(
            loop.logits[:valid],
            loop.q_halt[:valid],
            loop.q_continue[:valid],
            loop.labels[:valid],
            loss_type=arch.loss_type,
        )
        says = loop.q_halt > loop.q_continue if self.trainer.act.rule.use_continue else loop.q_halt > 0
        known = terms.labelled
        columns = (
            known,
            terms.cell_accuracy,
            terms.correct,
            says[:valid] == terms.correct,
            loop.steps[:valid],
        )
        count.sums[:-1] += torch.stack([torch.where(known, column, 0).double().sum() for column in columns])
        count.sums[-1] += terms.lm.double()
        if not (count.evaluators or run.eval_save_outputs):
            return
        batch, preds = _named(loop, samples)
        for evaluator in count.evaluators:
            wanted = {name: preds[name] for name in evaluator.required_outputs if name in preds}
            evaluator.update_batch(batch, wanted)
        for name in run.eval_save_outputs:
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
                found |= {count.prefix + name: value / number for name, value in values.items()}
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


def _named(loop: Loop, samples: Samples) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The batch and the predictions on the CPU under the released names, padding left out."""
    valid = samples.valid
    names = ("questions", "symmetries", "palettes", "heights", "widths")
    batch = {name: torch.from_numpy(getattr(samples, name)[:valid]) for name in names}
    batch["inputs"] = torch.from_numpy(samples.inputs[:valid]).long()
    batch["labels"] = loop.labels[:valid].cpu()
    batch["puzzle_identifiers"] = torch.from_numpy(samples.identifiers[:valid]).long()
    preds = {
        "logits": loop.logits[:valid].float().cpu(),
        "preds": loop.logits[:valid].argmax(-1).cpu(),
        "q_halt_logits": loop.q_halt[:valid].cpu(),
        "q_continue_logits": loop.q_continue[:valid].cpu(),
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


def evaluate(trainer: Trainer, dataset: Dataset, folder: Path | None, *, quiet: bool) -> dict[str, float]:
    """The numbers of the trainer's network as it stands, averaged weights if there are any."""
    evaluation = Evaluation(trainer, dataset, trainer.config.run.data_test)
    with averaged(trainer):
        evaluation.run(quiet=quiet)
    return evaluation.finish(folder, trainer.step)
