"""Evaluation of a network of cropped canvases: predicted, grown where needed, never cut to the answer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from training import build_arc, small, trainer_of

from solver.arc.augment import Augmentation
from solver.arc.candidate import same_grid
from solver.arc.submission import read_submission
from solver.arc.tokens import VOCABULARY, encode
from solver.model.batch import Batch
from train.act import Loop
from train.dataset import Dataset
from train.evaluation import Evaluation
from train.trainer import Trainer

CROPPED = ("arch.canvas=cropped", "global_batch_size=6", "eval_augmentations=4")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Three tasks whose outputs' sizes follow no relation: the last two are larger than any shown."""
    generator = np.random.default_rng(0)
    challenges, solutions = {}, {}
    for n, largest in enumerate(((3, 4), (17, 5), (30, 22))):
        grids = [generator.integers(0, 10, sides) for sides in ((2, 3), (3, 4), (4, 2), largest)]
        pairs = [{"input": [[n, 1 + n], [2, 3]], "output": grid.tolist()} for grid in grids]
        challenges[f"size{n}"] = {"train": pairs[:3], "test": [{"input": [[5, n]]}]}
        solutions[f"size{n}"] = [pairs[3]["output"]]
    return build_arc(tmp_path_factory.mktemp("data"), challenges, solutions)


class Knowing:
    """In the place of the network: says as much of the right answer as its canvas has room for."""

    def __init__(self, trainer: Trainer, dataset: Dataset) -> None:
        self.rule = trainer.act.rule
        self.answers = {q.task_id: q.output for q in dataset.questions()}
        self.names = trainer.feed.task_names
        self.asked: list[tuple[str, int, int]] = []

    def evaluate(self, batch: Batch, counts: list[int], stops: list[str]) -> dict[int, Loop]:
        logits = torch.zeros(*batch.tokens.shape, VOCABULARY)
        for n in range(len(batch)):
            keys = batch.keys.select(torch.tensor([n]))
            if not int(keys.tasks[0]):
                continue  # padding
            name = self.names[int(keys.tasks[0]) - 1]
            palette = tuple(keys.palettes[0].tolist())
            grid = Augmentation(int(keys.symmetries[0]), palette).apply(self.answers[name])
            height, width = int(batch.heights[n]), int(batch.widths[n])
            tokens = encode(grid[:height, :width], (height, width)).astype(np.int64).ravel()
            logits[n, np.arange(height * width), tokens] = 1.0
            self.asked.append((name, height, width))
        size = len(batch)
        nothing = torch.zeros(size)
        loop = Loop(None, logits, nothing, nothing, batch.labels, nothing.long(), nothing.bool(),
                    batch.keys.tasks, None, ())  # fmt: skip
        return dict.fromkeys(counts, loop)


def evaluation(data: Path, folder: Path, *words: str) -> tuple[Evaluation, Knowing]:
    dataset = Dataset.open(data)
    trainer = trainer_of(small(data, folder, *CROPPED, *words))
    trainer.act = Knowing(trainer, dataset)
    return Evaluation(trainer, dataset, str(data)), trainer.act


@pytest.mark.parametrize("words", [(), ("loop_deltas=[0,1]",)])
def test_a_prediction_at_the_edge_is_asked_again_on_a_larger_canvas(
    data: Path, tmp_path: Path, words
) -> None:
    evaluated, network = evaluation(data, tmp_path, *words)
    evaluated.run(quiet=True)
    numbers = evaluated.finish(tmp_path / "results", 0)
    submitted = read_submission(tmp_path / "results" / "submission.json")
    assert all(same_grid(submitted[name][0][0], grid) for name, grid in network.answers.items())
    for prefix in ("", "loops4/") if words else ("",):
        assert numbers[f"{prefix}exact_accuracy"] == numbers[f"{prefix}accuracy"] == 1.0
        assert numbers[f"{prefix}ARC/pass@1"] == 1.0
        counts = evaluated.counts["test"]
        assert all(int(count.sums[0]) == 3 * 4 for count in counts.values())  # each view counted once
    sides = {
        name: [max(h, w) for n, h, w in network.asked if n == name] for name in ("size0", "size1", "size2")
    }
    assert set(sides["size0"]) == {4 + 5}  # the largest shown and a margin, for all that it needs 5
    assert max(sides["size1"]) >= 18 and min(sides["size1"]) == 9
    assert max(sides["size2"]) == 30 and len(sides["size2"]) > len(sides["size0"])


def test_an_answer_without_room_is_counted_and_wrong(data: Path, tmp_path: Path) -> None:
    evaluated, network = evaluation(data, tmp_path, "evaluators=[]")
    answers = network.answers
    network.answers = {name: grid[:2, :2] for name, grid in answers.items()}  # too small, and sure of it
    evaluated.run(quiet=True)
    numbers = evaluated.finish(None, 0)
    assert int(evaluated.counts["test"][3].sums[0]) == 3 * 4 and numbers["exact_accuracy"] == 0.0
    assert {(h, w) for _, h, w in network.asked} <= {(9, 9), (9, 8), (8, 9), (8, 8)}


def test_the_training_split_is_measured_where_asked(data: Path, tmp_path: Path) -> None:
    config = small(data, tmp_path, *CROPPED, "eval_splits=[train,test]")
    evaluated = Evaluation(trainer_of(config), Dataset.open(data), str(data))
    evaluated.run(quiet=True)
    numbers = evaluated.finish(None, 0)
    assert int(evaluated.counts["train"][3].sums[0]) == 9 * 4
    assert {"train/exact_accuracy", "exact_accuracy", "ARC/pass@2"} <= numbers.keys()
    assert "train/ARC/pass@2" not in numbers and numbers["train/lm_loss"] > 0
