"""A tiny recipe on the example tasks, and runs of it that end early, for the tests of short training."""

from pathlib import Path

from solver.model.device import place
from train.short.recipe import read_run
from train.short.run import Call, pool_of
from train.short.trainer import ShortTrainer

EXAMPLES = Path(__file__).parents[1] / "examples"
FILE = "arc1_eval_20.json"
CPU = place("cpu")
RECIPE = {
    "name": "tiny",
    "network": {
        "hidden_size": 16,
        "num_heads": 2,
        "num_layers": 1,
        "H_cycles": 2,
        "L_cycles": 1,
        "loops": 2,
        "puzzle_emb_ndim": 16,
        "pos_encodings": "rope2d",
        "canvas": "cropped",
        "memory": "cose",
    },
    "sources": [{"file": FILE, "tests": False}],
    "flop": 1e9,
    "max_cells": 100,
    "stages": [[0.0, 1, 1, 1], [0.5, 2]],
    "mixture": {"tokens": 1200},
    "rates": {"weights": 1e-3},
}


class Steps(Call):
    """A call that ends after so many looks at its clock."""

    def __init__(self, looks: int, **values) -> None:
        super().__init__(quiet=True, **values)
        self.looks = looks

    def left(self) -> float:
        self.looks -= 1
        return 0.0 if self.looks < 0 else float("inf")


def trainer_of(recipe: Path, *changes: str) -> ShortTrainer:
    run = read_run(recipe, changes)
    return ShortTrainer(run, pool_of(run, EXAMPLES), CPU)
