"""A look at a data set on disk: what is in it, one sample in colour, and whether the test set leaks."""

from pathlib import Path

import numpy as np

from solver.arc.tokens import BORDER, FIRST_COLOUR
from train.dataset.compact import read_build
from train.dataset.loader import open_splits
from train.dataset.samples import Picks, Samples
from train.dataset.tables import Split

# xterm's 256 colours nearest to those in which ARC tasks are usually shown.
_TERMINAL = (16, 27, 160, 34, 220, 244, 200, 208, 45, 88)
_PAD, _BORDER = "· ", "░░"


def find_leaks(train: Split, test: Split) -> list[str]:
    """``TASK test N (in TASK)`` for each test pair that is, cell for cell, a training pair of a task."""
    owners = train.names
    seen = {
        key: owners[group] for key, group in zip(_pair_keys(train), train.originals().groups, strict=True)
    }
    names, numbers = test.names, test.originals().groups
    found = []
    firsts = np.cumsum(test.pairs) - test.pairs
    for n, key in enumerate(_pair_keys(test)):
        if key is not None and key in seen:
            found.append(f"{names[numbers[n]]} test {n - firsts[numbers[n]]} (in {seen[key]})")
    return found


def _pair_keys(split: Split) -> list[bytes | None]:
    """Bytes equal for equal pairs only; None where the output is not known."""
    originals = split.originals()
    keys: list[bytes | None] = []
    for n, row in enumerate(originals.pairs):
        first, second = originals.grids(n)
        keys.append(
            None if second is None else bytes(row[[1, 2, 4, 5]].tolist()) + first.tobytes() + second.tobytes()
        )
    return keys


def describe(folder: Path) -> tuple[list[str], list[str]]:
    """(lines about a data set, errors found in it: a test pair among the training pairs)."""
    layout, splits = open_splits(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    lines = [f"{folder}: {layout}, {size:,} bytes"]
    for name, split in splits.items():
        meta = split.metadata
        samples = int((split.augmentations * split.pairs).sum())
        lines.append(
            f"{name}: {meta.total_groups:,} groups, {int(split.pairs.sum()):,} pairs, "
            f"{meta.total_puzzles:,} puzzles, {samples:,} samples of {meta.seq_len} tokens, "
            f"{meta.num_puzzle_identifiers:,} identifiers, {meta.mean_puzzle_examples:.3f} pairs a puzzle"
        )
    train = splits["train"]
    counts, groups = np.unique(train.augmentations, return_counts=True)
    spread = ", ".join(f"{count:,} x {n:,}" for count, n in zip(groups, counts, strict=True))
    lines.append(f"augmentations (groups x versions of each): {spread}")
    lines += _shared(read_build(folder))
    if "test" not in splits:
        return lines, []
    leaks = find_leaks(train, splits["test"])
    if not leaks:
        lines.append("leakage: no test pair is among the training pairs")
    return lines, [f"leakage: {leak} is among the training pairs" for leak in leaks]


def _shared(build: dict) -> list[str]:
    """For each two subsets with tasks in common, how many."""
    subsets = [(name, set(ids)) for name, ids in build.get("subsets", {}).items()]
    lines = [f"subset {name}: {len(ids)} tasks" for name, ids in subsets]
    for n, (name, ids) in enumerate(subsets):
        for other, others in subsets[:n]:
            if ids & others:
                lines.append(f"shared: {len(ids & others)} tasks are in {other} and in {name}")
    return lines


def show_sample(folder: Path, number: int, colour: bool = True) -> list[str]:
    """Sample ``number`` of the training split as terminal lines, input and output side by side."""
    split = open_splits(folder)[1]["train"]
    total = int((split.augmentations * split.pairs).sum())
    if not 0 <= number < total:
        raise ValueError(f"{folder}: sample {number}: wanted 0 to {total - 1}")
    ends = np.cumsum(split.augmentations * split.pairs)
    group = int(np.searchsorted(ends, number, side="right"))
    within = number - int(ends[group] - split.augmentations[group] * split.pairs[group])
    augmentation, pair = divmod(within, int(split.pairs[group]))
    picks = Picks(*(np.array([value]) for value in (group, augmentation, pair)))
    samples = split.draw(picks, None, 1)
    title = (
        f"sample {number}: {split.names[group]}, pair {pair}, augmentation {augmentation} "
        f"(symmetry {samples.symmetries[0]}, palette {''.join(map(str, samples.palettes[0]))}), "
        f"identifier {samples.identifiers[0]}"
    )
    return [title, *_canvas_lines(samples, split.metadata.vocab_size, colour)]


def _canvas_lines(samples: Samples, vocabulary: int, colour: bool) -> list[str]:
    height, width = int(samples.heights[0]), int(samples.widths[0])
    canvases = [tokens[0].reshape(height, width) for tokens in (samples.inputs, samples.labels)]
    drawn = np.flatnonzero(np.any([canvas.any(1) for canvas in canvases], 0))
    last = int(drawn[-1]) + 1 if len(drawn) else 1
    sudoku = vocabulary != FIRST_COLOUR + len(_TERMINAL)
    cell = _sudoku_cell if sudoku else _arc_cell
    return [
        "  ".join("".join(cell(int(t), colour) for t in canvas[r]) for canvas in canvases)
        for r in range(last)
    ]


def _arc_cell(token: int, colour: bool) -> str:
    if token < FIRST_COLOUR:
        return _BORDER if token == BORDER else _PAD
    value = token - FIRST_COLOUR
    return f"\x1b[48;5;{_TERMINAL[value]}m  \x1b[0m" if colour else f"{value} "


def _sudoku_cell(token: int, colour: bool) -> str:
    digit = token - 1
    if digit == 0:
        return ". "
    return f"\x1b[38;5;{_TERMINAL[digit] if digit != 9 else 250}m{digit}\x1b[0m " if colour else f"{digit} "
