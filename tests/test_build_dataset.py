"""The command line: flags, file names, the released layout byte for byte, and what goes wrong."""

import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from build_dataset import main
from solver.arc.task import Task
from tests.made_tasks import make_task, write_subset
from train.dataset import Dataset
from train.dataset.folder import check_room, leftovers, replacing

# Uncompiled (NUMBA_DISABLE_JIT=1), numpy warns of the wrap-around that random bits are made of.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")

ROOT = Path(__file__).parent.parent
TRAINED = [make_task(f"train{n}", n, train=2) for n in range(4)]
TESTED = [make_task(f"eval{n}", 20 + n, train=2) for n in range(2)]


@pytest.fixture
def tasks(tmp_path) -> Path:
    write_subset(tmp_path / "in", "training", TRAINED)
    write_subset(tmp_path / "in", "evaluation", TESTED)
    return tmp_path / "in"


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.output


def build(source: Path, out: Path, *more: object, code: int = 0) -> str:
    flags = ("--subsets", "training", "evaluation", "--test-set", "evaluation", "--num-aug", 9, "--quiet")
    return run("arc", "--input", source, *flags, "--output-dir", out, *more, code=code)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_summary_counts_tasks_pairs_identifiers_bytes_and_seconds(tasks, tmp_path):
    out = build(tasks, tmp_path / "out")
    size = sum(map(len, contents(tmp_path / "out").values()))
    for words in ("6 tasks", "16 training pairs", "2 test pairs", "61 identifiers", f"{size:,} bytes", " s"):
        assert words in out


def test_released_flags_repeated_flags_and_both_file_styles_mean_the_same(tasks, tmp_path):
    build(tasks, tmp_path / "a")
    write_subset(tmp_path / "urm", "training", TRAINED, join="-")
    write_subset(tmp_path / "urm", "evaluation", TESTED, join="-")
    flags = ["--subsets=training", "--subsets", "evaluation", "--test-set-name", "evaluation"]
    flags += ["--num-aug", "9"]
    for name, prefix in (("b", tasks / "arc-agi"), ("c", tmp_path / "urm" / "arc-agi")):
        run("arc", "--input-file-prefix", prefix, *flags, "--output-dir", tmp_path / name)
        assert contents(tmp_path / name) == contents(tmp_path / "a")


def test_a_task_is_the_same_in_any_order_of_subsets(tasks, tmp_path):
    build(tasks, tmp_path / "a")
    order = ("--subsets", "evaluation", "training", "--test-set", "evaluation", "--num-aug", 9)
    run("arc", "--input", tasks, *order, "--output-dir", tmp_path / "b")
    first, second = (Dataset.open(tmp_path / name).identifiers for name in "ab")
    assert first.ids != second.ids
    for number, task_id in enumerate(first.ids, 1):
        mine = first.tasks == number
        theirs = second.tasks == second.ids.index(task_id) + 1
        assert np.array_equal(first.palettes[mine], second.palettes[theirs])
        assert np.array_equal(first.symmetries[mine], second.symmetries[theirs])


def test_rows_are_the_released_layout(tasks, tmp_path):
    build(tasks, tmp_path / "out", "--layout", "rows")
    arrays = {
        split: {
            path.stem.removeprefix("all__"): np.load(path)
            for path in (tmp_path / "out" / split).glob("*.npy")
        }
        for split in ("train", "test")
    }
    names = json.loads((tmp_path / "out" / "identifiers.json").read_text())
    assert names[:2] == ["<blank>", "train0"] and len(names) == 61
    assert names[2].startswith("train0|||t") and len(names[2]) == len("train0|||t0|||0123456789")
    for split, groups, pairs in (("train", 6, 16), ("test", 2, 2)):
        meta = json.loads((tmp_path / "out" / split / "dataset.json").read_text())
        found = arrays[split]
        assert meta == {
            "seq_len": 900,
            "vocab_size": 12,
            "num_puzzle_identifiers": 61,
            "total_groups": groups,
            "mean_puzzle_examples": pairs / groups,
            "total_puzzles": 10 * groups,
            "sets": ["all"],
            "pad_id": 0,
            "ignore_label_id": 0,
            "blank_identifier_id": 0,
        }
        assert {name: str(values.dtype) for name, values in found.items()} == {
            "inputs": "uint8",
            "labels": "uint8",
            "puzzle_identifiers": "int32",
            "puzzle_indices": "int32",
            "group_indices": "int32",
        }
        assert found["inputs"].shape == found["labels"].shape == (10 * pairs, 900)
        assert found["group_indices"].tolist() == list(range(0, 10 * groups + 1, 10))
        assert found["puzzle_indices"][-1] == 10 * pairs
        first = 1 if split == "train" else 41
        assert found["puzzle_identifiers"].tolist() == list(range(first, first + 10 * groups))
    test = arrays["test"]["inputs"].reshape(-1, 30, 30)
    assert (test[:, 0, 0] >= 2).all()  # no translation
    puzzles = json.loads((tmp_path / "out" / "test_puzzles.json").read_text())
    assert puzzles["eval0"]["test"][0]["output"] == TESTED[0].test[0].output.tolist()


def test_extra_demonstrations_in_three_forms(tasks, tmp_path):
    pairs = [
        {"input": p.input.tolist(), "output": p.output.tolist()} for p in make_task("x", 77, train=5).train
    ]
    line = json.dumps({"id": "train1", "pairs": pairs})
    (tmp_path / "re_arc").mkdir()
    (tmp_path / "re_arc" / "train1.json").write_text(json.dumps(pairs))
    (tmp_path / "lines.jsonl").write_text(line + "\n\n" + json.dumps({"id": "other", "pairs": pairs}))
    (tmp_path / "lines.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    plain = Dataset.open(tmp_path / "a") if build(tasks, tmp_path / "a") else None
    for name in ("re_arc", "lines.jsonl", "lines.jsonl.gz"):
        out = build(tasks, tmp_path / "out", "--extra", tmp_path / name, "--overwrite")
        assert "21 training pairs" in out and ("other" in out) == (name == "lines.jsonl")
        more = Dataset.open(tmp_path / "out")
        assert np.array_equal(plain.identifiers.palettes, more.identifiers.palettes)
    out = build(
        tasks, tmp_path / "out", "--extra", tmp_path / "re_arc", tmp_path / "lines.jsonl", "--overwrite"
    )
    assert "26 training pairs" in out
    limit = ("--extra", tmp_path / "re_arc", "--extra-pairs", 2, "--overwrite")
    assert "18 training pairs" in build(tasks, tmp_path / "out", *limit)


def test_files_of_arc_gen_are_known_by_their_demonstrations(tasks, tmp_path):
    def as_json(pairs):
        return [{"input": p.input.tolist(), "output": p.output.tolist()} for p in pairs]

    made = as_json(make_task("x", 77, train=5).train)
    parts = {"train": as_json(TRAINED[1].train), "test": as_json(TRAINED[1].test), "arc-gen": made}
    (tmp_path / "gen").mkdir()
    (tmp_path / "gen" / "task042.json").write_text(json.dumps(parts))
    out = build(tasks, tmp_path / "out", "--extra", tmp_path / "gen")
    assert "21 training pairs" in out and "in no subset" not in out
    assert len(Dataset.open(tmp_path / "out").demonstrations()[TRAINED[1].id]) == 5 + len(
        TRAINED[1].train + TRAINED[1].test
    )
    parts["train"] = parts["train"][:1]
    (tmp_path / "gen" / "task043.json").write_text(json.dumps(parts))
    out = build(tasks, tmp_path / "out", "--extra", tmp_path / "gen", "--overwrite")
    assert "1 tasks of --extra are in no subset: task043" in out
    (tmp_path / "gen" / "task044.json").write_text(json.dumps({**parts, "arc-gen": [{}]}))
    out = build(tasks, tmp_path / "out", "--extra", tmp_path / "gen", "--overwrite", code=2)
    assert 'task044.json, arc-gen, pair 0: wanted an object with "input" and "output"' in out


def test_folders_of_task_files_and_names_that_end_in_2(tmp_path):
    for n, task in enumerate(TRAINED):
        path = tmp_path / "data" / ("training" if n < 2 else "training2") / f"{task.id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        pairs = [
            [{"input": p.input.tolist(), "output": p.output.tolist()} for p in part]
            for part in (task.train, task.test)
        ]
        path.write_text(json.dumps({"train": pairs[0], "test": pairs[1]}))
    out = run(
        "arc", "--input", tmp_path, "--subsets", "training", "--num-aug", 3, "--output-dir", tmp_path / "a"
    )
    assert "2 tasks" in out and "6 training pairs, no test set" in out
    out = run(
        "arc", "--input", tmp_path / "data" / "training2", "--num-aug", 3, "--output-dir", tmp_path / "b"
    )
    assert "2 tasks" in out


def test_a_folder_as_kaggle_mounts_it(tasks, tmp_path):
    write_subset(tasks, "test", TESTED, solved=False)
    (tasks / "sample_submission.json").write_text(json.dumps({"eval0": [{"attempt_1": [[0, 0], [0, 0]]}]}))
    flags = ("--subsets", "training", "test", "--num-aug", 5, "--output-dir", tmp_path / "out", "--overwrite")
    assert "2 test pairs" in run("arc", "--input", tasks, *flags, "--test-set", "test")
    questions = Dataset.open(tmp_path / "out").questions()
    assert [(q.task_id, q.output) for q in questions] == [("eval0", None), ("eval1", None)]
    out = run("arc", "--input", tasks, *flags)
    assert (
        "16 training pairs, no test set" in out and "2 test pairs without an output are not trained on" in out
    )


def test_inspect_shows_counts_a_sample_and_no_leak(tasks, tmp_path):
    for layout in ("compact", "rows"):
        build(tasks, tmp_path / layout, "--layout", layout)
        out = run("inspect", tmp_path / layout, "--sample", 3, "--colour")
        assert "train: 6 groups, 16 pairs, 60 puzzles, 160 samples of 900 tokens, 61 identifiers" in out
        assert "no test pair is among the training pairs" in out and "\x1b[48;5;" in out
        assert "\x1b" not in run("inspect", tmp_path / layout)
        assert "wanted 0 to 159" in run("inspect", tmp_path / layout, "--sample", 160, code=2)


def test_a_leak_is_found_named_and_left_out_on_demand(tmp_path):
    copied = Task("copy", (*TRAINED[0].train, TESTED[0].test[0]), TRAINED[0].test)
    write_subset(tmp_path / "in", "training", [copied, TESTED[1]])
    write_subset(tmp_path / "in", "evaluation", TESTED)
    for layout in ("compact", "rows"):
        assert "LEAK: 2 test pairs" in build(tmp_path / "in", tmp_path / layout, "--layout", layout)
        out = run("inspect", tmp_path / layout, code=1)
        assert "leakage: eval0 test 0 (in copy) is among the training pairs" in out
        assert "leakage: eval1 test 0 (in eval1) is among the training pairs" in out
        assert "shared: 1 tasks are in training and in evaluation" in out
    out = build(tmp_path / "in", tmp_path / "clean", "--drop-leaks")
    assert "2 training pairs that are test pairs were left out" in out and "LEAK" not in out
    run("inspect", tmp_path / "clean")


def test_an_existing_set_is_replaced_only_on_demand(tasks, tmp_path):
    build(tasks, tmp_path / "out")
    before = contents(tmp_path / "out")
    assert "pass --overwrite" in build(tasks, tmp_path / "out", "--seed", 1, code=2)
    assert contents(tmp_path / "out") == before
    build(tasks, tmp_path / "out", "--seed", 1, "--overwrite")
    assert contents(tmp_path / "out") != before
    assert "not one" in build(tasks, tasks, "--overwrite", code=2)


def test_an_interrupted_build_leaves_what_was_there(tmp_path):
    target = tmp_path / "set"
    with replacing(target, False) as folder:
        (folder / "build.json").write_text("first")
    with pytest.raises(KeyboardInterrupt), replacing(target, True) as folder:
        (folder / "build.json").write_text("second")
        raise KeyboardInterrupt
    assert contents(target) == {"build.json": b"first"} and list(tmp_path.iterdir()) == [target]


def test_a_killed_build_leaves_what_was_there_and_is_mentioned(tmp_path):
    script = (
        "import os, signal; from pathlib import Path; from train.dataset.folder import replacing\n"
        f"with replacing(Path({str(tmp_path / 'set')!r}), False) as folder:\n"
        "    (folder / 'build.json').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL and not (tmp_path / "set").exists()
    assert len(leftovers(tmp_path / "set")) == 1


def test_a_full_disk_says_so(tasks, tmp_path):
    arguments = ["arc", "--input", str(tasks), "--layout", "rows", "--quiet", "--num-aug"]
    script = (
        "import resource; from build_dataset import main\n"
        f"main([*{arguments}, '2', '--output-dir', {str(tmp_path / 'small')!r}], standalone_mode=False)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        f"main([*{arguments}, '200', '--output-dir', {str(tmp_path / 'large')!r}])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "the disk is full" in done.stderr, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "small"]
    with pytest.raises(ValueError, match="GB free, wanted"):
        check_room(tmp_path / "not" / "there", 1 << 60)


def test_an_unwritable_target_says_so(tasks, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in build(tasks, tmp_path / "file" / "out", code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--subsets", "trainin"], "no subset trainin found; there are: evaluation, training"),
        (
            ["--subsets", "training", "--test-set", "test"],
            "test set test: wanted one of the subsets training",
        ),
        (["--subsets", "training", "training"], "wanted each name once"),
        (["--subsets", "training", "--extra", "nowhere"], "nowhere: no such file or folder"),
        (["--subsets", "training", "--num-aug", "-1"], "-1 is not in the range"),
    ],
)
def test_what_is_wrong_is_said(tasks, tmp_path, arguments, message):
    assert message in run("arc", "--input", tasks, "--output-dir", tmp_path / "out", *arguments, code=2)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not JSON"),
        ("{}", 'line 1: wanted an object with "id" and "pairs"'),
        ('{"id": "a", "pairs": []}', 'task a: wanted a list of {"input", "output"}'),
        ('{"id": "a", "pairs": [{"input": [[1]]}]}', 'pair 0: wanted an object with "input" and "output"'),
        ('{"id": "a", "pairs": [{"input": [[1]], "output": [[11]]}]}', "pair 0, output, row 0, column 0"),
    ],
)
def test_bad_extra_lines_are_named(tasks, tmp_path, line, message):
    (tmp_path / "bad.jsonl").write_text(line)
    assert message in build(tasks, tmp_path / "out", "--extra", tmp_path / "bad.jsonl", code=2)


def test_damaged_sets_are_refused(tasks, tmp_path):
    build(tasks, tmp_path / "rows", "--layout", "rows")
    build(tasks, tmp_path / "compact")
    path = tmp_path / "rows" / "train" / "all__inputs.npy"
    path.write_bytes(path.read_bytes()[:-900])
    assert "all__inputs.npy: cannot be read" in run("inspect", tmp_path / "rows", code=2)
    (tmp_path / "compact" / "cells.npy").unlink()
    assert "cells.npy: cannot be read" in run("inspect", tmp_path / "compact", code=2)
