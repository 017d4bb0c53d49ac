"""The account at the end of a kernel's log: what a journal and the notes of its run tell of the score."""

import json
from pathlib import Path

import pytest
from made_run import grid

from solver.arc.journal import Journal, read_journal
from solver.arc.record import Candidates, Chosen, Finished, Header, View
from solver.arc.vote import GUESS, Answer, Candidate
from solver.kaggle.account import Account, Notes, main, time_used

RIGHT, NEAR, FAR = grid("12/34"), grid("12/33"), grid("0")


def answer(cells, votes: int, source: str = "network") -> Answer:
    return Answer(cells, votes, 0.5, source)


def views(*cells) -> tuple[View, ...]:
    return tuple(View(Candidate(item)) for item in cells)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Four tasks: one right, one that the vote lost, one never found, one that the network never saw."""
    path = tmp_path / "run.journal"
    with Journal.create(path, Header()) as opened:
        for task in "abcd":
            opened.append(Chosen(task, 0, answer(FAR, 1, GUESS), answer(NEAR, 0, GUESS), GUESS))
        opened.append(Candidates("a", 0, views(FAR, FAR, FAR, FAR), "quick"))
        for task, made, first, second in (
            ("a", (RIGHT, RIGHT, NEAR), answer(RIGHT, 2), answer(NEAR, 1)),
            ("b", (NEAR, FAR, RIGHT), answer(NEAR, 1), answer(FAR, 1)),
            ("c", (NEAR, NEAR), answer(FAR, 0, GUESS), answer(NEAR, 2)),
        ):
            opened.append(Candidates(task, 0, views(*made), "tune"))
            opened.append(Chosen(task, 0, first, second, "tune"))
        opened.append(Finished("a", 1.0, 4, 4, phase="tune", held_out=1.0))
        opened.append(Finished("b", 1.0, 2, 4, phase="tune", held_out=0.0))
        opened.append(Finished("c", 1.0, 1, 4, phase="tune"))
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
        "Attempt 1 by the network for 2 of 4 outputs, by guesses for 2 (1 of them fit every demonstration, "
        "1 stand where the network answered and was not trusted).",
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
