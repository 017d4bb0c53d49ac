"""What every test shares: the repository's root, the example tasks, and repeatable random inputs."""

from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# The same examples in every run, and no clock: a slow machine must not fail a property.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def example_tasks() -> Path:
    """Twenty tasks in Kaggle's layout, with the solutions file beside them."""
    return ROOT / "examples" / "arc1_eval_20.json"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of every module that imports slow twins: they compare compiled kernels with slow twins.

    ``make test`` runs them once more without compilation, where an index out of bounds is an error.
    """
    for item in items:
        values = vars(item.module).values() if isinstance(item, pytest.Function) else ()
        homes = {v.__name__ if isinstance(v, ModuleType) else getattr(v, "__module__", None) for v in values}
        if "benchmarks.twins" in homes or any("naive" in str(home) for home in homes):
            item.add_marker("kernel")


@pytest.fixture(scope="session")
def ray_nodes():
    """A Ray cluster on this machine; ``fill`` it with as many nodes as a test wants."""
    pytest.importorskip("ray", reason="Ray is not installed")
    from benchmarks.ray_nodes import RayNodes

    with closing(RayNodes()) as nodes:
        yield nodes
