"""The compact layout on disk, read and written: every grid once, and a table of augmentations.

``build.json`` (how it was made, the task ids); ``cells.npy`` uint8; ``seeds.npy`` int64 [N];
``augmentation_starts.npy`` int64 [N + 1], ``symmetries.npy`` uint8 [A], ``palettes.npy`` uint8 [A, 9]
(what colours 1..9 become); for each split ``SPLIT_owners.npy`` int64 [G], ``SPLIT_starts.npy``
int64 [G + 1] and ``SPLIT_pairs.npy`` int64 [P, 6]. Sudoku and mazes: ``SPLIT_questions.npy`` and
``SPLIT_answers.npy`` uint8 [N, cells], ``SPLIT_seeds.npy`` int64 [N].
"""

import json
from pathlib import Path

import numpy as np

from solver.arc.sampling import AugmentationTable
from solver.arc.task import COLOURS, read_json
from train.dataset.puzzle import PuzzleSplit
from train.dataset.tables import ArcSplit, ArcTasks

BUILD_FILE = "build.json"
VERSION = 1


def write_build(folder: Path, layout: str, build: dict[str, object]) -> None:
    """``build.json``: what the data set is made of, and with which options."""
    value = {"layout": layout, "version": VERSION, **build}
    (folder / BUILD_FILE).write_text(json.dumps(value, indent=1) + "\n")


def read_build(folder: Path) -> dict[str, object]:
    """``build.json``, or an empty object where there is none (data sets of the released builder)."""
    path = folder / BUILD_FILE
    if not path.exists():
        return {}
    value = read_json(path)
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise ValueError(f'{path}: wanted an object with "version": {VERSION}')
    return value


def write_arc(folder: Path, tasks: ArcTasks, splits: dict[str, ArcSplit]) -> None:
    """The arrays of an ARC data set; the task ids go to ``build.json``."""
    table = tasks.table
    arrays = {
        "cells": tasks.cells,
        "seeds": tasks.seeds,
        "augmentation_starts": table.starts,
        "symmetries": table.symmetries,
        "palettes": table.palettes[:, 1:],
    }
    for name, split in splits.items():
        arrays |= {f"{name}_owners": split.owners, f"{name}_starts": split.starts}
        arrays[f"{name}_pairs"] = split.pair_rows
    _save(folder, arrays)


def read_arc(folder: Path, build: dict[str, object]) -> dict[str, ArcSplit]:
    """The inverse of ``write_arc``."""
    moved = _load(folder, "palettes")
    palettes = np.zeros((len(moved), COLOURS), np.uint8)
    palettes[:, 1:] = moved
    table = AugmentationTable(_load(folder, "augmentation_starts"), _load(folder, "symmetries"), palettes)
    tasks = ArcTasks(build["tasks"], _load(folder, "seeds"), _load(folder, "cells"), table)
    if not len(tasks.ids) == len(tasks.seeds) == len(table.starts) - 1:
        raise ValueError(f"{folder}: {BUILD_FILE} names {len(tasks.ids)} tasks, the arrays hold others")
    splits = {}
    for name in build["splits"]:
        arrays = [_load(folder, f"{name}_{part}") for part in ("owners", "pairs", "starts")]
        splits[name] = ArcSplit(tasks, *arrays, moved=name == "train")
    return splits


def write_puzzles(folder: Path, splits: dict[str, PuzzleSplit]) -> None:
    """The arrays of a data set of puzzles."""
    for name, split in splits.items():
        parts = {"questions": split.questions, "answers": split.answers, "seeds": split.seeds}
        _save(folder, {f"{name}_{part}": values for part, values in parts.items()})


def read_puzzles(folder: Path, build: dict[str, object]) -> dict[str, PuzzleSplit]:
    """The inverse of ``write_puzzles``."""
    splits = {}
    for name in build["splits"]:
        arrays = [_load(folder, f"{name}_{part}") for part in ("questions", "answers", "seeds")]
        copies = 1 + (build["num_aug"] if name == "train" else 0)
        splits[name] = PuzzleSplit(build["kind"], *arrays, copies=copies)
    return splits


def _save(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)


def _load(folder: Path, name: str) -> np.ndarray:
    path = folder / f"{name}.npy"
    try:
        return np.load(path)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
