"""The journal: nothing lost, nothing invented, every damage named."""

import resource
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_run import grid, make_run, program, view

from solver.arc.candidate import Candidate, Program, View
from solver.arc.checksum import task_checksum
from solver.arc.journal import Header, Journal, Proposed, encode_line, is_journal, parse_line, read_journal
from solver.arc.task import Pair, Task, as_grid
from solver.choices import PHASES, REFINE, START

HEADER = Header({"steps": 40, "tune": "full"}, "urm-nano", ("ab", "cd"), 7)


EVENT, OTHER = Proposed("a", (), seconds=1.0), Proposed("b", (), seconds=2.0)


def parts(candidate: Candidate) -> tuple:
    return candidate.grid.tolist(), candidate.source, candidate.known, candidate.explanation


GRIDS = st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(0, 10**6)).map(
    lambda size: as_grid(np.random.default_rng(size[2]).integers(0, 10, size[:2]))
)
PALETTES = st.permutations(range(1, 10)).map(lambda rest: (0, *rest))
SEEN = st.builds(View, st.floats(0, 1), st.floats(-1e6, 0), st.integers(0, 7), PALETTES, st.booleans())
MADE = st.builds(
    Program,
    st.floats(0, 1e6),
    st.integers(0, 3),
    st.just(3),
    st.none() | st.floats(0, 1),
    st.text(max_size=5),
)
ANY = GRIDS | st.just(grid("1"))
NAMES = st.sampled_from(["network", "toy"])
CANDIDATES = st.lists(
    st.builds(Candidate, ANY, NAMES, SEEN) | st.builds(Candidate, ANY, NAMES, MADE, st.text(max_size=5)),
    max_size=8,
).map(tuple)


@settings(max_examples=60, deadline=None)
@given(st.lists(CANDIDATES, max_size=3).map(tuple), st.text(), st.sampled_from(PHASES))
def test_every_candidate_comes_back_in_order(tests, task_id: str, phase: str) -> None:
    line = encode_line(Proposed(task_id, tests, "toy", phase, 0.5, 3, 1, 2, None, "label", "note"))
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    back = parse_line(line[:-1], "here")
    assert (back.task_id, back.source, back.phase) == (task_id, "toy", phase)
    assert (back.seconds, back.steps, back.reproduced, back.demonstrations) == (0.5, 3, 1, 2)
    assert (back.held_out, back.label, back.note) == (None, "label", "note")
    assert [[parts(c) for c in test] for test in back.candidates] == [
        [parts(c) for c in test] for test in tests
    ]


def sealed(line: bytes, old: bytes, new: bytes) -> bytes:
    """A line with something else in its record, and the checksum that belongs to it."""
    payload = line[line.index(b'"record":') + 9 : -2]
    assert payload.count(old) == 1
    payload = payload.replace(old, new)
    return b'{"crc32":"%08x","record":%s}' % (zlib.crc32(payload), payload)


def test_programs_of_an_earlier_version_are_read_without_their_text():
    line = encode_line(Proposed("a", ((Candidate(grid("1"), "toy", Program(0.0, 2, 2), "why"),),)))
    written = b'[0,"why",0.0,2,2,null,""]'
    (candidate,) = parse_line(sealed(line, written, b'[0,"why",0.0,2,2,0.5]'), "x").candidates[0]
    assert candidate.known == Program(0.0, 2, 2, probability=0.5) and candidate.explanation == "why"
    for wrong in (
        b'[0,"why",0.0]',
        b'[0,"why",0.0,2,2,0.5,"",1]',
        b'[0,"why",0.0,2,2,0.5,7]',
    ):
        with pytest.raises(ValueError, match="x: not a record of a journal"):
            parse_line(sealed(line, written, wrong), "x")


def test_a_run_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "j"
    views = (view(grid("12/34"), 0.1, -0.25), view(grid("0")))
    with Journal.create(path, HEADER) as journal:
        journal.append(Proposed("a", ((program(grid("0"), "r"),),), "search", START))
        journal.append(Proposed("a", (views,), seconds=1.25, reproduced=2, demonstrations=3))
        journal.append(Proposed("a", (views[:1],), phase=REFINE, seconds=2.0, reproduced=3, demonstrations=3))
    contents = read_journal(path)
    assert contents.header == HEADER and contents.tests == {"a": 1}
    assert [(e.source, e.phase) for e in contents.events["a"]] == [
        ("search", "start"), ("network", "tune"), ("network", "refine"),
    ]  # fmt: skip
    assert contents.finished("a").reproduced == 3 and contents.seconds("a") == 3.25
    assert contents.finished("b") is None


def test_events_of_one_task_have_one_number_of_test_inputs(tmp_path):
    path = tmp_path / "j"
    with Journal.create(path, HEADER) as journal:
        journal.append(Proposed("a", ((view(grid("1")),), ())))
        journal.append(Proposed("a", (), note="no memory"))
        journal.append(Proposed("a", ((view(grid("1")),),), phase=REFINE))
    with pytest.raises(ValueError, match=rf"{path}, line 4, task a: wanted 2 test inputs, found 1"):
        read_journal(path)


def test_a_torn_last_line_is_ignored_wherever_it_tore(tmp_path):
    path = make_run(tmp_path, ["a", "b"]).journal
    data = path.read_bytes()
    last = data.rfind(b"\n", 0, -1) + 1
    whole = read_journal(path)
    for cut in range(last, len(data)):
        path.write_bytes(data[:cut])
        contents = read_journal(path)
        assert len(contents.records) == len(whole.records) - 1 and contents.size == last


def test_every_other_damage_is_named_with_its_line(tmp_path):
    path = make_run(tmp_path, ["a"]).journal
    data = bytearray(path.read_bytes())
    generator = np.random.default_rng(3)
    for place in generator.choice(len(data) - 1, 300, replace=False):
        damaged = data.copy()
        damaged[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        line = data[:place].count(b"\n") + 1
        with pytest.raises(ValueError, match=rf"{path}, line {line}\b"):
            read_journal(path)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "no whole line"),
        ([EVENT], "without a header"),
        ([HEADER, HEADER], "line 2: another header"),
        ([Header(version=99)], "schema version 2 wanted, found 99"),
        ([HEADER, Proposed(["a"], ())], "task_id: wanted"),
        (
            [HEADER, Proposed("a", (), phase="later")],
            "phase: wanted one of start, quick, joint, tune, refine",
        ),
    ],
)
def test_lines_that_do_not_make_a_journal(tmp_path, lines, said):
    path = tmp_path / "j"
    path.write_bytes(b"".join(map(encode_line, lines)))
    with pytest.raises(ValueError, match=said):
        read_journal(path)


def test_resuming_drops_the_torn_line_and_goes_on(tmp_path):
    path = tmp_path / "j"
    with Journal.create(path, HEADER) as journal:
        journal.append(EVENT)
    path.write_bytes(path.read_bytes() + b'{"crc32":"0000')
    journal, contents = Journal.resume(path, HEADER)
    assert [e.task_id for e in contents.records] == ["a"]
    with journal:
        journal.append(OTHER)
    assert [e.task_id for e in read_journal(path).records] == ["a", "b"]


@pytest.mark.parametrize("torn", [None, b"", b'{"cr', encode_line(HEADER)[:-1]])
def test_resuming_what_never_began_begins(tmp_path, torn):
    path = tmp_path / "j"
    if torn is not None:
        path.write_bytes(torn)
    journal, contents = Journal.resume(path, HEADER)
    with journal:
        journal.append(EVENT)
    assert contents.records == () and read_journal(path).header == HEADER


def test_resuming_refuses_other_settings_and_other_files(tmp_path):
    path = tmp_path / "j"
    Journal.create(path, HEADER).close()
    other = Header({"steps": 41, "tune": "full", "new": 1}, "urm-nano", ("ab", "cd"), 8)
    with pytest.raises(ValueError, match=r"\(--new, --seed, --steps\)"):
        Journal.resume(path, other)
    with pytest.raises(ValueError, match="expected no file here yet"):
        Journal.create(path, HEADER)
    path.write_text('{"a": 1}')
    with pytest.raises(ValueError, match="no whole line"):
        Journal.resume(path, HEADER)
    assert path.read_text() == '{"a": 1}' and not is_journal(path)


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    with Journal.create(tmp_path / "j", HEADER) as journal:
        for number in (float("nan"), float("inf")):
            with pytest.raises(ValueError, match="finite"):
                journal.append(Proposed("a", ((view(grid("1"), number),),)))
    assert read_journal(tmp_path / "j").records == ()


def test_a_full_disk_leaves_no_half_line(tmp_path):
    path = tmp_path / "j"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal.create(path, HEADER) as journal:
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))  # a write of 20 bytes, then an error
        try:
            with pytest.raises(OSError, match="too large"):
                journal.append(EVENT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.stat().st_size == size
        journal.append(OTHER)
    assert [e.task_id for e in read_journal(path).records] == ["b"]


def test_128_votes_stay_small(tmp_path):
    generator = np.random.default_rng(0)
    pool = [as_grid(generator.integers(0, 10, (20, 20))) for _ in range(20)]
    views = tuple(
        view(pool[n % 20], generator.random(), -generator.random(), symmetry=n % 8) for n in range(128)
    )
    assert len(encode_line(Proposed("0123abcd", (views,)))) < 20_000


def test_a_checksum_knows_a_task_by_its_demonstrations():
    pairs = (Pair(grid("12"), grid("21")), Pair(grid("1/2"), grid("2/1")))
    task = Task("a", pairs, (Pair(grid("3")),))
    assert task_checksum(task) == task_checksum(Task("b", pairs[::-1], (Pair(grid("4"), grid("5")),)))
    assert task_checksum(task) != task_checksum(
        Task("a", (pairs[0], Pair(grid("12"), grid("2/1"))), task.test)
    )
