"""Sudoku: valid puzzles in, valid puzzles out, in both layouts."""

import numpy as np
import pytest
from click.testing import CliRunner

from build_dataset import main
from tests.made_tasks import make_sudoku, write_sudoku
from train.dataset import Dataset
from train.dataset.puzzle import subsample
from train.dataset.sudoku import valid_solutions

# Uncompiled (NUMBA_DISABLE_JIT=1), numpy warns of the wrap-around that random bits are made of.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["sudoku", "--quiet", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sudoku")
    write_sudoku(folder, 12, 3)
    for layout in ("compact", "rows"):
        flags = ("--subsample-size", 5, "--num-aug", 30, "--layout", layout)
        run("--input", folder, "--output-dir", folder / layout, *flags)
    return folder


def is_solution(board: np.ndarray) -> bool:
    wanted = set(range(1, 10))
    boxes = [board[r : r + 3, c : c + 3].ravel() for r in (0, 3, 6) for c in (0, 3, 6)]
    return all(set(line.tolist()) == wanted for line in [*board, *board.T, *boxes])


def test_rows_are_the_released_format(folder):
    for split, groups, copies in (("train", 5, 31), ("test", 3, 1)):
        arrays = {p.stem[5:]: np.load(p) for p in (folder / "rows" / split).glob("*.npy")}
        total = groups * copies
        assert arrays["inputs"].shape == (total, 81) and arrays["inputs"].dtype == np.uint8
        assert arrays["puzzle_indices"].tolist() == list(range(total + 1))
        assert arrays["group_indices"].tolist() == list(range(0, total + 1, copies))
        assert not arrays["puzzle_identifiers"].any()
        inputs, labels = arrays["inputs"], arrays["labels"]
        assert all(is_solution(row.reshape(9, 9).astype(int) - 1) for row in labels)
        assert ((inputs == labels) | (inputs == 1)).all() and ((inputs == 1).sum(1) == 40).all()
        assert len({row.tobytes() for row in inputs}) == total
    meta = Dataset.open(folder / "rows").metadata
    assert (meta.vocab_size, meta.seq_len, meta.num_puzzle_identifiers) == (11, 81, 1)
    assert (meta.total_groups, meta.mean_puzzle_examples, meta.total_puzzles) == (5, 1.0, 155)


def test_the_first_of_each_group_is_a_published_puzzle(folder):
    published = {make_sudoku(n, 40) for n in range(12)}
    inputs, labels = (
        np.load(folder / "rows" / "train" / f"all__{p}.npy")[::31] for p in ("inputs", "labels")
    )
    for question, answer in zip(inputs, labels, strict=True):
        digits = "".join(map(str, question - 1)).replace("0", "."), "".join(map(str, answer - 1))
        assert digits in published


def test_both_layouts_give_the_same_batches(folder):
    options = {"seed": 2, "epoch": 0, "epochs": 4, "batch_size": 3}
    compact, rows = (Dataset.open(folder / layout) for layout in ("compact", "rows"))
    assert compact.metadata == rows.metadata
    for canvas in ("full", "cropped"):
        pairs = list(
            zip(
                compact.train_batches(**options, canvas=canvas),
                rows.train_batches(**options, canvas=canvas),
                strict=True,
            )
        )
        assert len(pairs) == 7
        for a, b in pairs:
            assert np.array_equal(a.inputs, b.inputs) and np.array_equal(a.labels, b.labels)
            assert (a.heights[: a.valid] == 9).all() and (b.heights[: b.valid] == 9).all()
    assert [q.output.tolist() for q in compact.questions()] == [q.output.tolist() for q in rows.questions()]


def test_difficulty_and_subsample(tmp_path):
    write_sudoku(tmp_path, 8, 8)
    out = run("--input", tmp_path, "--output-dir", tmp_path / "a", "--num-aug", 2, "--min-difficulty", 5)
    assert "3 in train, 3 in test" in out and "12 samples" in out
    rows = [(str(n), "") for n in range(1000)]
    kept = [int(row[0]) for row in subsample(iter(rows), 100, 4)]
    assert len(kept) == 100 and kept == sorted(set(kept))
    assert abs(np.mean(kept) - 499.5) < 4 * 288.7 / 10 and kept != list(range(100))
    assert subsample(iter(rows), 100, 4) == subsample(iter(rows), 100, 4) != subsample(iter(rows), 100, 5)


def test_valid_solutions_against_the_rules():
    boards = np.array([[int(c) for c in make_sudoku(n, 0)[1]] for n in range(20)])
    generator = np.random.default_rng(0)
    for board in boards[10:]:
        a, b = generator.choice(81, 2, replace=False)
        board[[a, b]] = board[[b, a]]
    assert valid_solutions(boards).tolist() == [is_solution(board.reshape(9, 9)) for board in boards]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("made,1,2,3,4", "line 2: wanted source, q, a and a whole number"),
        ("made,12,34,5", "line 2: wanted q and a of 81 characters"),
        (f"made,{'x' * 81},{'1' * 81},5", "wanted digits and dots"),
        (f"made,{'.' * 81},{'1' * 81},5", "is not its solution"),
    ],
)
def test_bad_lines_are_named(tmp_path, line, message):
    write_sudoku(tmp_path, 2, 2)
    (tmp_path / "train.csv").write_text(f"source,q,a,rating\n{line}\n")
    assert message in run("--input", tmp_path, "--output-dir", tmp_path / "out", code=2)


def test_missing_files_and_wrong_columns(tmp_path):
    assert "train.csv: cannot be read" in run("--input", tmp_path, "--output-dir", tmp_path / "out", code=2)
    (tmp_path / "train.csv").write_text("a,b\n")
    assert "wanted the columns source,q,a,rating" in run(
        "--input", tmp_path, "--output-dir", tmp_path / "out", code=2
    )
    assert "expected one of --input FOLDER and --download" in run("--output-dir", tmp_path / "out", code=2)


def test_download_says_what_is_missing(tmp_path, monkeypatch):
    for name in ("HF_HUB_CACHE", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # the library's own switch: no network is touched
    out = run("--download", "--output-dir", tmp_path / "out", code=2)
    assert "cannot be downloaded; is there a network?" in out or "needs huggingface_hub" in out
