"""A worker that is ready compiles nothing more."""

import importlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from numba import config

MODULES = ("sampling", "symmetry", "tokens")
CODE = """
    import importlib
    from test_run import CPU, tiny_task, tiny_weights
    from solver.tune.adapt import adapt
    from solver.budget import Budget
    from solver.tune.engine import compile_kernels
    from solver.tune.predict import predict_views
    from solver.tune.settings import PredictSettings, TuneSettings

    def compiled():
        found = {}
        for name in MODULES:
            for key, value in vars(importlib.import_module(f"solver.arc.{name}")).items():
                if hasattr(value, "signatures"):
                    found[name, key] = len(value.signatures)
        return found

    compile_kernels()
    before = compiled()
    weights, task = tiny_weights(memory="cose"), tiny_task("one")
    settings = TuneSettings(augmentations=4, votes=8, hold_share=0.5)
    tuned = adapt(weights, [task], settings=settings, budget=Budget(steps=4), placement=CPU, seed=0)
    views = tuned.in_order(0)
    settings = PredictSettings(512, 2)
    made = predict_views(tuned, 0, 0, views, config=weights.config, settings=settings, placement=CPU)
    assert list(made)
    print({name: (before[name], count) for name, count in compiled().items() if before[name] != count})
"""


@pytest.mark.skipif(config.DISABLE_JIT, reason="kernels run as plain Python")
def test_a_job_compiles_nothing_after_the_workers_start() -> None:
    """In a process of its own: here other tests may have compiled them."""
    code = f"MODULES = {MODULES!r}\n{textwrap.dedent(CODE)}"
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(here), str(here.parent)))}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300
    )
    assert found.stdout.strip() == "{}", found.stdout + found.stderr
    module = importlib.import_module("solver.arc.sampling")
    assert any(hasattr(value, "signatures") for value in vars(module).values()), "there are kernels to count"
