"""A minute of the fault campaign; ``python -m benchmarks.faults --runs 200`` is the whole one."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.faults import campaign, main, read_log, table
from benchmarks.faulty_run import Outcome
from benchmarks.promises import SCENARIOS

SECONDS = 60.0  # no further run is begun after these


@pytest.mark.skipif(not Path("/proc/self/environ").is_file(), reason="finds orphans in /proc")
def test_every_promise_holds() -> None:
    outcomes = [outcome for _, outcome in campaign(len(SCENARIOS), seed=1, seconds=SECONDS)]
    assert outcomes
    assert [(outcome.scenario, outcome.problem) for outcome in outcomes if outcome.problem] == []


def test_the_table_counts_what_held(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = [("die", 2.0, ""), ("die", 4.0, "2 processes are left"), ("nan", 3.0, "")]
    fields = ("scenario", "seconds", "problem")
    log.write_text(
        "".join(
            json.dumps({"number": n, **dict(zip(fields, line, strict=True))}) + "\n"
            for n, line in enumerate(lines)
        )
    )
    found = read_log(log)
    assert found[1] == Outcome(*lines[1])
    assert list(table(list(found.values())))[2:] == [
        "| die | 2 | 1 | 3.0 | 4.0 |",
        "| nan | 1 | 1 | 3.0 | 3.0 |",
        "| all | 3 | 2 | 3.0 | 4.0 |",
    ]
    told = CliRunner().invoke(main, ["--executor", "ray", "--log", str(log)])
    assert told.exit_code == 2 and "wanted runs on ray, found others" in told.output
    log.write_text('{"number": 1}\n')
    with pytest.raises(ValueError, match="line 1: wanted an outcome"):
        read_log(log)
