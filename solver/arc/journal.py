"""The journal of a run: an append-only file of every candidate, from which a run resumes.

The first line is the header, every other one a record (``solver.arc.record``). A last line without
its line break was torn by a kill and is ignored; anything else that is wrong is a ValueError naming
file and line.
"""

import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from solver.arc.record import (
    LINE_START,
    Candidates,
    Chosen,
    Finished,
    Header,
    Record,
    encode_line,
    parse_line,
)
from solver.arc.vote import GUESS, Candidate, grid_key
from solver.choices import DEFAULT_RULE, VOTE_RULES, VoteRule


@dataclass(frozen=True, eq=False)
class Contents:
    """A journal as read. ``size``: bytes up to and including the last whole line."""

    header: Header
    records: tuple[Record, ...]
    size: int

    @property
    def vote(self) -> VoteRule:
        """The rule that the run ranked its answers by; the default where its header names none."""
        return self.header.options.get("vote", DEFAULT_RULE)

    @cached_property
    def pool(self) -> dict[tuple[str, int], list[Candidate]]:
        """Every candidate of the network by (task id, test index), in the order in which they came."""
        pool: dict[tuple[str, int], list[Candidate]] = {}
        for record in self.records:
            if isinstance(record, Candidates):
                views = pool.setdefault((record.task_id, record.test), [])
                views.extend(view.candidate for view in record.views)
        return pool

    @cached_property
    def guesses(self) -> dict[tuple[str, int], list[Candidate]]:
        """The guesses by (task id, test index): a journal keeps those that were an answer at any time."""
        found: dict[tuple[str, int], dict[bytes, Candidate]] = {}
        for record in self.records:
            if isinstance(record, Chosen):
                made = found.setdefault((record.task_id, record.test), {})
                for answer in (record.first, record.second):
                    if answer.source == GUESS:
                        guess = Candidate(answer.grid, answer.confidence, 0.0, GUESS, answer.rule)
                        made.setdefault(grid_key(answer.grid), guess)
        return {place: list(made.values()) for place, made in found.items()}

    @cached_property
    def chosen(self) -> dict[tuple[str, int], Chosen]:
        """The latest choice for each (task id, test index)."""
        return {(r.task_id, r.test): r for r in self.records if isinstance(r, Chosen)}

    @cached_property
    def finished(self) -> dict[str, Finished]:
        """The latest ending of each task, with the seconds of all its phases."""
        latest: dict[str, Finished] = {}
        for record in self.records:
            if isinstance(record, Finished):
                before = latest[record.task_id].seconds if record.task_id in latest else 0.0
                fields = {**asdict(record), "seconds": record.seconds + before}
                latest[record.task_id] = Finished(**fields)
        return latest


def is_journal(path: Path) -> bool:
    """True when the file starts as a journal does (a submission starts otherwise)."""
    try:
        with path.open("rb") as file:
            return file.read(len(LINE_START)) == LINE_START
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the search for cycles: it takes 40 % of the reading, and records have none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_journal(path: str | Path) -> Contents:
    """Header and records. A torn last line is left out; anything else wrong is a ValueError."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    size = data.rfind(b"\n") + 1
    if not size:
        raise ValueError(f"{path}, line 1: wanted a journal's header, found no whole line")
    lines = data[: size - 1].split(b"\n")
    with _without_collector():
        records = [parse_line(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    for number, record in enumerate(records, 1):
        if isinstance(record, Header) != (number == 1):
            found = "another header" if number > 1 else "a record without a header before it"
            raise ValueError(f"{path}, line {number}: {found}")
    contents = Contents(records[0], tuple(records[1:]), size)
    if contents.vote not in VOTE_RULES:
        wanted = ", ".join(VOTE_RULES)
        raise ValueError(f"{path}, line 1: the option vote is {contents.vote!r}, wanted one of {wanted}")
    return contents


def _differences(wanted: Header, found: Header) -> list[str]:
    """Names of the fields and options that differ, as JSON keeps them."""
    sides = []
    for header in (wanted, found):
        fields = json.loads(json.dumps(asdict(header)))
        options = fields.pop("options")
        sides.append(fields | {f"option {name}": value for name, value in options.items()})
    missing = object()
    names = sorted(sides[0].keys() | sides[1].keys())
    return [name for name in names if sides[0].get(name, missing) != sides[1].get(name, missing)]


class Journal:
    """A journal open for writing; one process writes it. Use it as a context manager."""

    def __init__(self, path: Path, size: int) -> None:
        """Continue the file at ``size`` bytes; what lies behind (a torn line) is cut off."""
        self.path = path
        self._size = size
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.ftruncate(self._file, size)
        except OSError as error:
            raise ValueError(f"{path}: the journal cannot be written ({error.strerror})") from error

    @classmethod
    def create(cls, path: str | Path, header: Header) -> Self:
        """A new journal; ValueError where a file lies already, since a journal is never overwritten."""
        path = Path(path)
        if path.exists() and path.stat().st_size:
            raise ValueError(f"{path}: a journal lies here already; resume it or name another file")
        journal = cls(path, 0)
        journal._write(encode_line(header))
        return journal

    @classmethod
    def resume(cls, path: str | Path, header: Header) -> tuple[Self, Contents]:
        """The journal ready to go on, and what it holds; a new one where none was begun.

        ValueError naming what differs when the journal was begun with another header.
        """
        path = Path(path)
        begun = path.read_bytes() if path.exists() else b""
        if b"\n" not in begun and LINE_START.startswith(begun[: len(LINE_START)]):
            journal = cls(path, 0)  # nothing, or a header torn by a kill
            journal._write(encode_line(header))
            return journal, Contents(header, (), journal._size)
        contents = read_journal(path)
        differing = _differences(header, contents.header)
        if differing:
            raise ValueError(f"{path}: begun with other settings ({', '.join(differing)}); cannot resume")
        return cls(path, contents.size), contents

    def append(self, record: Record) -> None:
        """Write one record as a whole line. OSError when the disk takes no more; no half line stays."""
        self._write(encode_line(record))

    def _write(self, line: bytes) -> None:
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, self._size)  # a later line must not follow half of this one
            raise
        self._size += len(line)

    def close(self) -> None:
        """Close the file; every record is in it already."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
