"""The journal: nothing lost, nothing invented, every damage named."""

import resource

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_run import grid, make_run

from solver.arc.checksum import task_checksum
from solver.arc.journal import Journal, is_journal, read_journal
from solver.arc.record import Candidates, Chosen, Finished, Header, View, encode_line, parse_line
from solver.arc.task import Pair, Task, as_grid
from solver.arc.vote import Answer, Candidate, same_grid

HEADER = Header({"steps": 40, "tune": "full"}, "urm-nano", ("ab", "cd"), 7)


def view_parts(view: View) -> tuple:
    c = view.candidate
    return c.grid.tolist(), c.confidence, c.log_prob, c.source, c.rule, view.symmetry, view.palette


GRIDS = st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(0, 10**6)).map(
    lambda size: as_grid(np.random.default_rng(size[2]).integers(0, 10, size[:2]))
)
VIEWS = st.builds(
    View,
    st.builds(
        Candidate,
        st.one_of(GRIDS, st.just(grid("1"))),
        st.floats(0, 1),
        st.floats(-1e6, 0),
        st.sampled_from(["network", "guess"]),
        st.text(max_size=5),
    ),
    st.integers(0, 7),
    st.permutations(range(1, 10)).map(lambda rest: (0, *rest)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(VIEWS, max_size=8), st.text(), st.integers(0, 3), st.text(max_size=3))
def test_every_candidate_comes_back_in_order(views: list[View], task_id: str, test: int, phase: str) -> None:
    line = encode_line(Candidates(task_id, test, tuple(views), phase))
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    back = parse_line(line[:-1], "here")
    assert (back.task_id, back.test, back.phase) == (task_id, test, phase)
    assert [view_parts(view) for view in back.views] == [view_parts(view) for view in views]


def test_a_run_is_read_as_it_was_written(tmp_path):
    first, second = Answer(grid("12/34"), 5, 0.5, "network"), Answer(grid("0"), 0, 0.0, "guess", "one colour")
    views = (View(Candidate(grid("12/34"), 0.1, -0.25)), View(Candidate(grid("0"), 0.0, 0.0, "guess", "r")))
    path = tmp_path / "j"
    with Journal.create(path, HEADER) as journal:
        journal.append(Candidates("a", 0, views, "cheap"))
        journal.append(Candidates("a", 0, views[:1], "fine"))
        journal.append(Chosen("a", 0, first, second))
        journal.append(Finished("a", 1.25, 2, 3, "", "cheap"))
        journal.append(Finished("a", 2.0, 3, 3, "seen", "fine"))
    contents = read_journal(path)
    assert contents.header == HEADER
    assert [c.source for c in contents.pool["a", 0]] == ["network", "guess", "network"]
    chosen = contents.chosen["a", 0]
    assert same_grid(chosen.first.grid, first.grid) and chosen.second.rule == "one colour"
    assert contents.finished["a"] == Finished("a", 3.25, 3, 3, "seen", "fine")


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
        ([Finished("a", 1.0)], "without a header"),
        ([HEADER, HEADER], "line 2: another header"),
        ([Header(version=99)], "schema version 1 wanted, found 99"),
        ([HEADER, Finished(["a"], 1.0)], "task_id: wanted"),
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
        journal.append(Finished("a", 1.0))
    path.write_bytes(path.read_bytes() + b'{"crc32":"0000')
    journal, contents = Journal.resume(path, HEADER)
    assert contents.records == (Finished("a", 1.0),)
    with journal:
        journal.append(Finished("b", 2.0))
    assert read_journal(path).records == (Finished("a", 1.0), Finished("b", 2.0))


@pytest.mark.parametrize("torn", [None, b"", b'{"cr', encode_line(HEADER)[:-1]])
def test_resuming_what_never_began_begins(tmp_path, torn):
    path = tmp_path / "j"
    if torn is not None:
        path.write_bytes(torn)
    journal, contents = Journal.resume(path, HEADER)
    with journal:
        journal.append(Finished("a", 1.0))
    assert contents.records == () and read_journal(path).header == HEADER


def test_resuming_refuses_other_settings_and_other_files(tmp_path):
    path = tmp_path / "j"
    Journal.create(path, HEADER).close()
    other = Header({"steps": 41, "tune": "full", "new": 1}, "urm-nano", ("ab", "cd"), 8)
    with pytest.raises(ValueError, match=r"\(option new, option steps, seed\)"):
        Journal.resume(path, other)
    with pytest.raises(ValueError, match="lies here already"):
        Journal.create(path, HEADER)
    path.write_text('{"a": 1}')
    with pytest.raises(ValueError, match="no whole line"):
        Journal.resume(path, HEADER)
    assert path.read_text() == '{"a": 1}' and not is_journal(path)


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    with Journal.create(tmp_path / "j", HEADER) as journal:
        for number in (float("nan"), float("inf")):
            with pytest.raises(ValueError, match="finite"):
                journal.append(Candidates("a", 0, (View(Candidate(grid("1"), number)),)))
    assert read_journal(tmp_path / "j").records == ()


def test_a_full_disk_leaves_no_half_line(tmp_path):
    path = tmp_path / "j"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal.create(path, HEADER) as journal:
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))  # a write of 20 bytes, then an error
        try:
            with pytest.raises(OSError, match="too large"):
                journal.append(Finished("a", 1.0))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.stat().st_size == size
        journal.append(Finished("b", 1.0))
    assert read_journal(path).records == (Finished("b", 1.0),)


def test_128_votes_stay_small(tmp_path):
    generator = np.random.default_rng(0)
    pool = [as_grid(generator.integers(0, 10, (20, 20))) for _ in range(20)]
    views = tuple(
        View(Candidate(pool[n % 20], generator.random(), -generator.random()), n % 8) for n in range(128)
    )
    assert len(encode_line(Candidates("0123abcd", 0, views, "first"))) < 20_000


def test_a_checksum_knows_a_task_by_its_demonstrations():
    pairs = (Pair(grid("12"), grid("21")), Pair(grid("1/2"), grid("2/1")))
    task = Task("a", pairs, (Pair(grid("3")),))
    assert task_checksum(task) == task_checksum(Task("b", pairs[::-1], (Pair(grid("4"), grid("5")),)))
    assert task_checksum(task) != task_checksum(
        Task("a", (pairs[0], Pair(grid("12"), grid("2/1"))), task.test)
    )
