"""Small data sets and settings for the tests of training: a run of them takes about a second."""

import json
import multiprocessing
import socket
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from solver.arc.seed import derive_generator
from solver.model.device import place
from train.config import resolve
from train.dataset import Dataset
from train.dataset.build import COMPACT, Options, build_arc_dataset
from train.distributed import World
from train.feed import SampleFeed
from train.puzzles import Taken, make_split, sudokus, write_rows
from train.settings import TrainConfig
from train.trainer import Trainer

# The smallest networks of each kind, on top of any recipe or released command.
SMALL = (
    "arch.hidden_size=32",
    "arch.num_heads=2",
    "arch.expansion=1.0",
    "arch.loops=3",
    "global_batch_size=12",
    "epochs=6",
    "eval_interval=3",
    "lr_warmup_steps=3",
    "device=cpu",
    "eval_augmentations=2",
)
LAYERS = {
    "urm": ("arch.num_layers=1", "arch.H_cycles=2", "arch.L_cycles=2"),
    "trm": ("arch.L_layers=1", "arch.H_cycles=2", "arch.L_cycles=2", "arch.puzzle_emb_len=1"),
    "hrm": ("arch.H_layers=1", "arch.L_layers=1", "arch.H_cycles=2", "arch.L_cycles=2"),
}


def arc_data(folder: Path, tasks: int = 5, seed: int = 0) -> Path:
    """A data set of tasks with grids of 2 to 4 cells a side: recolour the input, three demonstrations."""
    generator = derive_generator(0, "toy tasks")
    challenges, solutions = {}, {}
    for n in range(tasks):
        table = np.concatenate([[0], 1 + generator.permutation(9)])
        grids = [generator.integers(0, 10, generator.integers(2, 5, 2)) for _ in range(4)]
        pairs = [{"input": grid.tolist(), "output": table[grid].tolist()} for grid in grids]
        challenges[f"toy{n}"] = {"train": pairs[:3], "test": [{"input": pairs[3]["input"]}]}
        solutions[f"toy{n}"] = [pairs[3]["output"]]
    return build_arc(folder, challenges, solutions, seed)


def build_arc(folder: Path, challenges: dict[str, Any], solutions: dict[str, Any], seed: int = 0) -> Path:
    """A data set of such tasks, each with three augmentations."""
    source = folder / "source"
    source.mkdir(parents=True)
    (source / "toy_evaluation_challenges.json").write_text(json.dumps(challenges))
    (source / "toy_evaluation_solutions.json").write_text(json.dumps(solutions))
    options = Options(folder / "arc", COMPACT, 3, seed, False)
    prefix = str(source / "toy")
    build_arc_dataset(options, prefix, ["evaluation"], ["evaluation"], [], None, False, no_progress)
    return options.output


def sudoku_data(folder: Path, train: int = 120, test: int = 40, blanks: int = 8) -> Path:
    """4x4 Sudoku, test puzzles apart from training puzzles by their solutions."""
    generator, taken = derive_generator(0, "toy sudoku"), Taken()
    draw = partial(sudokus, 4, blanks, generator)
    parts = {n: make_split(c, 4, draw, taken) for n, c in (("test", test), ("train", train))}
    (folder / "sudoku").mkdir(parents=True)
    write_rows(folder / "sudoku", parts)
    return folder / "sudoku"


def no_progress(samples: int, size: int) -> Any:
    """A progress bar that shows nothing."""
    return lambda count: None


def small_words(data: Path, folder: Path, *words: str, arch: str = "urm") -> list[str]:
    """What the command is told for a run of seconds: the smallest network, ``words`` last."""
    return [f"arch={arch}", f"data_path={data}", f"checkpoint_path={folder}", *SMALL, *LAYERS[arch], *words]


def small(data: Path, folder: Path, *words: str, arch: str = "urm") -> TrainConfig:
    """A run of seconds: the smallest network of an architecture, ``words`` last."""
    return resolve(small_words(data, folder, *words, arch=arch))


def trainer_of(config: TrainConfig, world: World | None = None) -> Trainer:
    """A trainer by samples before its first step; its data set is ``trainer.feed.dataset``."""
    world = world or World()
    feed = SampleFeed(config, Dataset.open(config.run.data), world)
    return Trainer(config, feed, world, place("cpu"))


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processes() -> multiprocessing.context.ForkServerContext:
    """Processes that start with everything imported, but with none of this one's state."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["train.loop"])
    return context
