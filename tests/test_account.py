"""The account at the end of a kernel's log: what a journal and the notes of its run tell of the score."""

import json
from pathlib import Path

import pytest
from made_run import grid, program, view

from solver.arc.candidate import Candidate, Program
from solver.arc.journal import Header, Journal, Proposed, read_journal
from solver.choices import QUICK, START
from solver.kaggle.account import Account, Notes, main, time_used

RIGHT, NEAR, FAR = grid("12/34"), grid("12/33"), grid("0")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Four tasks: one right, one that the vote lost, one never found, one that the network never saw."""
    path = tmp_path / "run.journal"
    spare = Candidate(NEAR, "fallback", Program(0, 0, 4), "solid")
    with Journal.create(path, Header()) as opened:
        for task in "abcd":
            opened.append(Proposed(task, ((spare,),), "fallback", START))
            opened.append(Proposed(task, ((program(FAR),),), "search", START))
        opened.append(Proposed("a", ((view(FAR),) * 4,), phase=QUICK))
        unsure = view(NEAR, log_prob=-40.0)
        for task, made, reproduced, held_out in (
            ("a", (view(RIGHT), view(RIGHT), view(NEAR)), 4, 1.0),
            ("b", (view(NEAR), view(FAR), view(RIGHT)), 2, 0.0),
            ("c", (unsure, unsure), 1, None),
        ):
            known = {"seconds": 1.0, "reproduced": reproduced, "demonstrations": 4, "held_out": held_out}
            opened.append(Proposed(task, (made,), **known))
    return path


def test_what_a_journal_and_notes_tell(journal: Path, tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    for task, steps in (("a", 9), ("b", 4), ("c", 7), ("a", 0)):  # told again after a new start
        notes.add(phase="tune", task=task, steps=steps)
    notes.add(lost="again")
    notes.add(lost="left")
    with notes.path.open("a") as file:
        file.write('{"phase": "tu')  # what a kill in the middle of a note leaves
    account = Account(read_journal(journal), notes.read())
    assert list(account.sentences()) == [
        "Attempt 1 of 4 outputs: 3 by search, 1 by network; 4 more than a fallback, "
        "1 where the network answered otherwise.",
        "The network finished no phase of 1 of 4 tasks.",
        "All demonstrations reproduced in 1 of 3 tasks (median share 50%).",
        "A demonstration held back from tuning came out in 50% (mean of 2 tasks).",
        "Tuning steps: tune median 7, least 4, of 3 tasks.",
        "Votes agree (half or more for the first answer) in 1 of 3 outputs that the network answered.",
        "2 workers failed and replaced, 1 group left to guesses.",
    ]
    solutions = {task: [RIGHT] for task in "abcd"}
    assert list(account.verdicts(solutions)) == [
        "Right: 1 (a).",
        "Wrong, though the right answer was a candidate (the vote chose wrongly): 1 (b).",
        "Wrong, and the right answer never a candidate: 2 (c, d).",
    ]
    assert list(account.verdicts({"a": [None], "other": [RIGHT]})) == []


def test_hours_used_and_left() -> None:
    settings = {"deadline": 7200.0, "seconds": 3600.0, "ended": 6300.0}
    assert time_used(settings) == "Ended after 0.75 h, 0.25 h unused."
    assert time_used({**settings, "ended": 7560.0}) == "Ended after 1.10 h, 0.10 h beyond its deadline."


def test_a_torn_or_missing_journal_is_said(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = {"deadline": 2.0, "seconds": 2.0, "ended": 1.0}
    settings = {"dry": False, "scratch": str(tmp_path), "journal": str(tmp_path / "none"), **times}
    main(json.dumps(settings))
    assert capsys.readouterr().out.splitlines()[1].startswith("No journal")
    journal.write_bytes(journal.read_bytes().replace(b"tune", b"TUNE", 1))
    main(json.dumps({**settings, "journal": str(journal)}))
    assert f"No account of the answers: {journal}, line " in capsys.readouterr().out
