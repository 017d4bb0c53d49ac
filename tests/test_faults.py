"""Two minutes of the fault campaign; ``python -m benchmarks.faults --runs 200`` is the whole one."""

from pathlib import Path

import pytest

from benchmarks.faults import SCENARIOS, campaign

SECONDS = 90.0  # no further run is begun after these


@pytest.mark.skipif(not Path("/proc/self/environ").is_file(), reason="finds orphans in /proc")
def test_every_promise_holds() -> None:
    outcomes = list(campaign(len(SCENARIOS), seed=1, seconds=SECONDS))
    assert outcomes
    assert [(outcome.scenario, outcome.problem) for outcome in outcomes if outcome.problem] == []
