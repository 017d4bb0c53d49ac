"""What every test shares: the repository's root, the example tasks, and repeatable random inputs."""

from pathlib import Path

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
