"""A look at a data set on disk: what is in it, one sample in colour, and whether the test set leaks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from solver.arc.content import content_keys
from solver.arc.tokens import BORDER, FIRST_COLOUR
from solver.words import counted
from train.dataset.compact import read_build
from train.dataset.loader import open_splits
from train.dataset.maze import CHARACTERS
from train.dataset.samples import Picks, Samples
from train.dataset.tables import Split

# xterm's 256 colours nearest to those in which ARC tasks are usually shown.
_TERMINAL = (16, 27, 160, 34, 220, 244, 200, 208, 45, 88)
_PAD, _BORDER = "· ", "░░"
_SHOWN = 20  # leaks that are named one by one


@dataclass(frozen=True)
class Leak:
    """A test pair that stands among the training pairs. ``task``, ``test``: whose, and which of its test
    pairs; ``source``: the task that shows it; ``exact``: cell for cell, not turned or recoloured."""

    task: str
    test: int
    source: str
    exact: bool

    def __str__(self) -> str:
        how = "" if self.exact else ", turned or recoloured"
        return f"{self.task} test {self.test} (in {self.source}{how})"


def find_leaks(train: Split, test: Split) -> list[Leak]:
    """Test pairs that are training pairs, cell for cell or up to a symmetry and renamed colours.

    A task's own demonstration that is its test pair, turned or recoloured, is no leak: every solver of the
    task is given it.
    """
    shown: dict[int, dict[str, None]] = {}  # the tasks in their order
    exact: dict[int, str] = {}
    sources = train.names
    for key, group in zip(_keys(train), train.originals().groups.tolist(), strict=True):
        exact[key[0]] = sources[group]
        shown.setdefault(key[1], {})[sources[group]] = None
    named = bool(train.known.ids)  # puzzles without tasks have numbers, which mean nothing in the other split
    firsts = np.cumsum(test.pairs) - test.pairs
    names, originals, found = test.names, test.originals(), []
    for n, (key, group) in enumerate(zip(_keys(test), originals.groups.tolist(), strict=True)):
        if originals.pairs[n, 4] == 0:
            continue  # an output that is not known
        task, number = names[group], n - int(firsts[group])
        others = [name for name in shown.get(key[1], ()) if not (named and name == task)]
        if key[0] in exact:
            found.append(Leak(task, number, exact[key[0]], True))
        elif others:
            found.append(Leak(task, number, others[0], False))
    return found


def _keys(split: Split) -> list[list[int]]:
    originals = split.originals()
    return content_keys(originals.cells, originals.pairs).tolist()


def check_data(train: dict[str, Split], test: dict[str, Split], where: str, *, leaks: bool) -> None:
    """ValueError for a data set that cannot be trained on: a token or an identifier beyond its own
    tables, or, unless ``leaks`` are allowed, a test pair among the training pairs."""
    errors = [error for splits in (train, test) for error in wrong_numbers(splits, where)]
    if errors:
        raise ValueError(errors[0])
    if leaks or "test" not in test:
        return
    found = find_leaks(train["train"], test["test"])
    if found:
        shown = ", ".join(map(str, found[:3])) + (", ..." if len(found) > 3 else "")
        raise ValueError(
            f"{where}: {counted(len(found), 'test pair')} among the training pairs: {shown}; expected none "
            f"(build_dataset.py arc --drop-leaks leaves them out, allow_leaks=True trains on them)"
        )


def wrong_numbers(splits: dict[str, Split], where: str) -> list[str]:
    """Lines on tokens and identifiers that are too large for the split's own tables."""
    lines = []
    for name, split in splits.items():
        token, row, meta = split.largest_token(), split.largest_identifier(), split.metadata
        if token >= meta.vocab_size:
            lines.append(f"{where}/{name}: largest token {token}, vocab_size {meta.vocab_size}")
        if row >= meta.num_puzzle_identifiers:
            rows = meta.num_puzzle_identifiers
            lines.append(f"{where}/{name}: largest identifier {row}, num_puzzle_identifiers {rows}")
    return lines


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
    errors = wrong_numbers(splits, str(folder))
    if "test" not in splits:
        return lines, errors
    leaks = find_leaks(train, splits["test"])
    if not leaks:
        lines.append("leakage: no test pair is among the training pairs, turned or recoloured either")
    errors += [f"leakage: {leak} is among the training pairs" for leak in leaks[:_SHOWN]]
    if len(leaks) > _SHOWN:
        errors.append(f"leakage: {len(leaks)} test pairs in all")
    return lines, errors


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
    kind = str(read_build(folder).get("kind", "arc" if split.known.ids else "sudoku"))
    return [title, *_canvas_lines(samples, CELLS[kind], colour)]


def _canvas_lines(samples: Samples, cell: Callable[[int, bool], str], colour: bool) -> list[str]:
    height, width = int(samples.heights[0]), int(samples.widths[0])
    canvases = [tokens[0].reshape(height, width) for tokens in (samples.inputs, samples.labels)]
    drawn = np.flatnonzero(np.any([canvas.any(1) for canvas in canvases], 0))
    last = int(drawn[-1]) + 1 if len(drawn) else 1
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


def _maze_cell(token: int, colour: bool) -> str:
    return 2 * CHARACTERS[token - 1] if token else "  "


CELLS = {"arc": _arc_cell, "sudoku": _sudoku_cell, "maze": _maze_cell}
