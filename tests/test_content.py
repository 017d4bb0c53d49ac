"""Pairs that are the same by content, data sets that leak, and numbers beyond a data set's own tables."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_tasks import make_grid, write_subset
from training import no_progress, small_words, sudoku_data

from build_dataset import main as build_main
from solver.arc.content import Barred, exact_keys, turned_keys
from solver.arc.task import Pair, Task, as_grid
from train.__main__ import main as train_main
from train.dataset.arc import build_arc
from train.dataset.build import COMPACT, ROWS, Options, build_arc_dataset
from train.dataset.inspection import find_leaks
from train.dataset.sources import Subset

MOVES = (
    *(lambda g, n=n: np.rot90(g, n) for n in range(4)),
    np.fliplr,
    np.flipud,
    np.transpose,
    lambda g: np.rot90(g, 2).T,
)
SHOWN = Pair(as_grid([[1, 0], [0, 0]]), as_grid([[0, 1], [0, 0]]))
TURNED = Pair(as_grid([[0, 0], [0, 7]]), as_grid([[0, 0], [7, 0]]))  # SHOWN by 180 degrees, 1 -> 7
OTHER = Pair(as_grid([[5, 5]]), as_grid([[5, 5]]))


def renamed_by_hand(pair: Pair) -> tuple:
    """The naive twin of ``turned_keys``: the least of the eight moved pairs, colours numbered in order."""
    forms = []
    for move in MOVES:
        grids = [move(grid) for grid in (pair.input, pair.output)]
        names = {0: 0}
        for colour in np.concatenate([grid.ravel() for grid in grids]).tolist():
            names.setdefault(colour, len(names))
        forms.append(tuple((g.shape, tuple(names[c] for c in g.ravel().tolist())) for g in grids))
    return min(forms)


def test_keys_are_equal_where_pairs_are() -> None:
    generator = np.random.default_rng(0)
    pairs = [Pair(*(make_grid(generator, 3, 2) for _ in range(2))) for _ in range(150)]
    pairs += [Pair(pair.input.copy(), pair.output.copy()) for pair in pairs[:20]]
    exact, turned = exact_keys(pairs), turned_keys(pairs)
    forms = [renamed_by_hand(pair) for pair in pairs]
    twice = 0
    for n, one in enumerate(pairs):
        for m in range(n):
            same = all(np.array_equal(*two) for two in zip(one_grids(one), one_grids(pairs[m]), strict=True))
            assert (exact[n] == exact[m]) == same, (n, m)
            assert (turned[n] == turned[m]) == (forms[n] == forms[m]), (n, m)
            twice += turned[n] == turned[m] and not same
    assert twice > 10, "some pairs must be the same only when turned"
    assert turned_keys([SHOWN]) == turned_keys([TURNED]) and exact_keys([SHOWN]) != exact_keys([TURNED])
    moved = Pair(as_grid([[7, 7], [7, 0]]), TURNED.output)  # 0 is no colour that changes
    assert turned_keys([moved]) != turned_keys([TURNED])


def one_grids(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    return pair.input, pair.output


def subsets(task_id: str = "t1") -> list[Subset]:
    """A training task that shows the evaluation task's test pair, turned and recoloured."""
    shows = Task(task_id, (SHOWN, OTHER), (Pair(as_grid([[1, 1]]), as_grid([[1, 1]])),))
    return [Subset("training", (shows,)), Subset("evaluation", (Task("e1", (OTHER,), (TURNED,)),))]


def test_a_turned_and_recoloured_test_pair_is_a_leak() -> None:
    found = build_arc(subsets(), ["evaluation"], {}, 8, 0)
    assert list(map(str, find_leaks(found.splits["train"], found.splits["test"]))) == [
        "e1 test 0 (in t1, turned or recoloured)"
    ]
    clean = build_arc(subsets(), ["evaluation"], {}, 8, 0, drop_leaks=True)
    assert clean.dropped == 1 and find_leaks(clean.splits["train"], clean.splits["test"]) == []
    left = [pair.input.tolist() for pair in shown_pairs(clean.splits["train"])]
    assert SHOWN.input.tolist() not in left and OTHER.input.tolist() in left


def shown_pairs(split) -> list[Pair]:
    originals = split.originals()
    return [Pair(*originals.grids(n)) for n in range(len(originals.groups))]


def test_a_task_may_show_its_own_test_pair_turned() -> None:
    own = [Subset("evaluation", (Task("e1", (SHOWN, OTHER), (TURNED,)),))]
    found = build_arc(own, ["evaluation"], {}, 8, 0)
    assert find_leaks(found.splits["train"], found.splits["test"]) == []
    barred = Barred([("e1", TURNED)])
    assert barred.kept("e1", [SHOWN, TURNED, OTHER]) == [SHOWN, OTHER], "cell for cell it is barred"
    assert barred.kept("t1", [SHOWN, TURNED, OTHER]) == [OTHER]


def test_a_task_in_two_subsets_counts_once() -> None:
    common = Task("c", (SHOWN, OTHER), (TURNED,))
    more = Task("c", (OTHER, Pair(as_grid([[3]]), as_grid([[4]]))), (TURNED,))
    found = build_arc([Subset("a", (common,)), Subset("b", (more,))], [], {}, 3, 0)
    train = found.splits["train"]
    assert train.names == ["c"] and train.pairs.tolist() == [4] and found.shared == ["c"]


@pytest.mark.parametrize("layout", [COMPACT, ROWS])
def test_a_run_refuses_a_set_that_leaks_unless_told(tmp_path: Path, layout: str) -> None:
    for subset in subsets():
        write_subset(tmp_path / "in", subset.name, list(subset.tasks))
    options = Options(tmp_path / "data", layout, 3, 0, False)
    names = ["training", "evaluation"]
    lines = build_arc_dataset(options, str(tmp_path / "in"), names, names[1:], [], None, False, no_progress)
    assert any(line.startswith("LEAK: 1 test pair among") for line in lines)
    words = small_words(tmp_path / "data", tmp_path / "run", "epochs=3", "global_batch_size=4")
    result = CliRunner().invoke(train_main, [*words, "--quiet"])
    assert result.exit_code == 2
    assert "1 test pair among the training pairs: e1 test 0 (in t1, turned or recoloured)" in result.output
    assert not (tmp_path / "run").exists()
    result = CliRunner().invoke(train_main, [*words, "allow_leaks=True", "--quiet"])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(build_main, ["inspect", str(tmp_path / "data")])
    assert result.exit_code == 1 and "turned or recoloured) is among" in result.output


def test_numbers_beyond_the_tables_are_refused_before_the_first_step(tmp_path: Path) -> None:
    data = sudoku_data(tmp_path)
    for part in ("train", "test"):
        path = data / part / "dataset.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"vocab_size": 3}))
    result = CliRunner().invoke(train_main, [*small_words(data, tmp_path / "run"), "--quiet"])
    assert result.exit_code == 2 and "train: largest token 5, vocab_size 3" in result.output
    result = CliRunner().invoke(build_main, ["inspect", str(data)])
    assert result.exit_code == 1 and "test: largest token 5, vocab_size 3" in result.output
    for part in ("train", "test"):
        path = data / part / "dataset.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"vocab_size": 6}))
    np.save(data / "train" / "all__puzzle_identifiers.npy", np.full(120, 4, np.int32))
    result = CliRunner().invoke(train_main, [*small_words(data, tmp_path / "run"), "--quiet"])
    assert result.exit_code == 2 and "largest identifier 4, num_puzzle_identifiers 1" in result.output
