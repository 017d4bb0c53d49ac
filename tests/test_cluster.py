"""Solving on a Ray cluster of a head and two workers: the answers of a local run, whatever is lost."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from test_supervisor import four_tasks, options, weights  # noqa: F401 (a fixture)

from solver.arc.journal import read_journal
from solver.cli import main
from solver.run.cluster import Resources, divide
from solver.run.options import Listener, TaskResult
from solver.run.pipeline import solve

NODE = {"CPU": 4.0}
GPU_NODE = {"CPU": 32.0, "GPU": 8.0}


@pytest.mark.parametrize(
    ("nodes", "device", "workers", "found"),
    [
        ([NODE, NODE], "auto", None, Resources(0, 4, 2)),
        ([NODE, NODE], "auto", 3, Resources(0, 2, 3)),
        ([NODE, {"CPU": 2.0}], "cpu", 2, Resources(0, 2, 2)),
        ([{}, NODE], "auto", 1, Resources(0, 4, 1)),
        ([NODE, GPU_NODE, GPU_NODE], "auto", None, Resources(1, 4, 16)),
        ([NODE, GPU_NODE], "cuda", 3, Resources(1, 4, 3)),
        ([NODE, GPU_NODE], "cpu", None, Resources(0, 4, 2)),
    ],
)
def test_each_worker_has_a_gpu_or_an_equal_share(nodes, device, workers, found) -> None:
    assert divide(nodes, device, workers) == found


@pytest.mark.parametrize(
    ("nodes", "device", "workers", "text"),
    [
        ([NODE, NODE], "auto", 9, "has 8 processors, wanted 9 workers"),
        ([NODE, NODE], "cuda", None, "no node of the cluster has a GPU"),
        ([GPU_NODE], "auto", 9, "has 8 GPUs, wanted 9 workers"),
        ([], "auto", None, "has 0 processors, wanted 1 worker"),
    ],
)
def test_what_does_not_fit_is_refused(nodes, device, workers, text) -> None:
    with pytest.raises(ValueError, match=text):
        divide(nodes, device, workers)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--cluster", "10.0.0.1:6379"], "wanted auto or ray://HOST:PORT, found '10.0.0.1:6379'"),
        (["--cluster", "auto", "--workers", "0"], "wanted 1 or more with --cluster"),
    ],
)
def test_wrong_words_are_refused(words: list[str], text: str, example_tasks: Path) -> None:
    result = CliRunner().invoke(main, [str(example_tasks), *words])
    assert result.exit_code == 2 and text in result.output


def test_without_ray_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example_tasks: Path
) -> None:
    monkeypatch.setattr("solver.run.cluster.find_spec", lambda name: None)
    words = [str(example_tasks), "-o", str(tmp_path / "s.json"), "--cluster", "auto"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2 and 'pip install "arc-urm-solver[ray]"' in result.output
    assert not (tmp_path / "s.json").exists()


def test_the_driver_imports_neither_torch_nor_ray() -> None:
    code = "import sys, solver.run.cluster; sys.exit(bool({'torch', 'ray'} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# On the cluster
