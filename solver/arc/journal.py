"""The journal of a run: an append-only file of every event, from which a run resumes and is ranked again.

The first line is the header, every other one an event: what one source proposed for one task in one phase. A
line is ``{"crc32":"8 hex digits","record":{...}}``: JSON, with the checksum of the record's bytes as they
stand in the line. A last line without its line break was torn by a kill and is ignored; anything else that is
wrong is a ValueError that names file and line. An event is one line, so a kill leaves all of it or nothing.
"""

import fcntl
import json
import math
import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from solver.arc.candidate import Candidate, Program, View, grid_key
from solver.arc.task import MAX_SIDE, Grid, as_grid, name_of, without_collector
from solver.choices import DEFAULT_RULE, NETWORK, PHASES, START, TUNE, VOTE_RULES, VoteRule

SCHEMA = 2
SEEN_LABEL = "demonstrations seen in training"
TESTS_SEEN_LABEL = f"{SEEN_LABEL}, test pairs too"
LINE_START = b'{"crc32":"'
_MIDDLE = b'","record":'

Candidates = tuple[tuple[Candidate, ...], ...]  # of each test input, in the order in which they came


@dataclass(frozen=True)
class Header:
    """What must be the same for a run to resume. ``options``: JSON values by name.

    ``seen``: ``checksum.task_checksum`` of every task that the weights were trained on.
    """

    options: dict[str, object] = field(default_factory=dict)
    weights: str = ""
    seen: tuple[str, ...] = ()
    seed: int = 0
    version: int = SCHEMA


@dataclass(frozen=True, eq=False)
class Proposed:
    """One event: what a source proposed for a task in a phase. A later event of the same source and phase
    replaces it.

    ``candidates[test]``: its candidates for each test input.
    ``seconds``, ``steps``: what the work took.
    ``reproduced`` of ``demonstrations``: those that the tuned network predicts exactly.
    ``held_out``: share of views under which a demonstration held back from tuning is predicted, 0..1; None
    where none was held back.
    ``label``: what a reader of the score must know: ``SEEN_LABEL``, ``TESTS_SEEN_LABEL`` or nothing.
    ``note``: why there are no candidates, or an empty string.
    """

    task_id: str
    candidates: Candidates
    source: str = NETWORK
    phase: str = TUNE
    seconds: float = 0.0
    steps: int = 0
    reproduced: int = 0
    demonstrations: int = 0
    held_out: float | None = None
    label: str = ""
    note: str = ""


def grid_text(grid: np.ndarray) -> str:
    """A grid as rows of digits with "/" between them."""
    return "/".join("".join(map(str, row)) for row in grid.tolist())


def parse_grid_text(text: str) -> Grid:
    """The grid that ``grid_text`` wrote; ValueError for anything else."""
    rows = text.split("/")
    width = len(rows[0])
    if not (len(rows) <= MAX_SIDE and 0 < width <= MAX_SIDE and all(len(row) == width for row in rows)):
        raise ValueError(f"a grid of sides 1 to {MAX_SIDE} wanted, found {text[:40]!r}")
    cells = np.frombuffer("".join(rows).encode(), np.uint8)
    if cells.size != width * len(rows) or cells.min() < 48 or cells.max() > 57:
        raise ValueError(f"a grid of digits wanted, found {text[:40]!r}")
    return as_grid((cells - 48).reshape(len(rows), width))


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{name}: wanted a finite number, found {value}")
    return float(value)


def _encode_test(candidates: tuple[Candidate, ...]) -> list[dict[str, object]]:
    """The candidates of one test input; equal grids are written once, since 128 views mostly agree."""
    groups: dict[tuple[bytes, str], dict] = {}
    for order, candidate in enumerate(candidates):
        key = grid_key(candidate.grid), candidate.source
        group = groups.get(key)
        if group is None:
            group = groups[key] = {"grid": grid_text(candidate.grid), "source": candidate.source}
        known = candidate.known
        if isinstance(known, View):
            confidence, log_prob = (
                _finite(known.confidence, "confidence"),
                _finite(known.log_prob, "log_prob"),
            )
            palette = "".join(map(str, known.palette))
            row = [order, confidence, log_prob, int(known.symmetry), palette, known.pooled]
            group.setdefault("views", []).append(row)
        else:
            row = [order, candidate.explanation, *(getattr(known, name) for name in _PROGRAM)]
            group.setdefault("programs", []).append(row)
    return list(groups.values())


def _decode_test(groups: list[dict]) -> tuple[Candidate, ...]:
    ordered: dict[int, Candidate] = {}
    palettes: dict[str, tuple[int, ...]] = {}
    for group in groups:
        _check_types(group)
        grid, source = parse_grid_text(group["grid"]), group["source"]
        for order, confidence, log_prob, symmetry, text, pooled in group.get("views", ()):
            palette = palettes.get(text)
            if palette is None:
                palette = palettes[text] = tuple(map(int, text))
            _finite(confidence + log_prob, "confidence and log_prob")
            ordered[order] = Candidate(grid, source, View(confidence, log_prob, symmetry, palette, pooled))
        for order, explanation, *known in group.get("programs", ()):
            # An earlier version's rows are shorter: the fields that it did not know keep their defaults.
            if len(known) > len(_PROGRAM):
                raise ValueError(f"a program: wanted at most {len(_PROGRAM)} fields, found {len(known)}")
            program = Program(**dict(zip(_PROGRAM, known, strict=False)))
            _check_types({"explanation": explanation} | asdict(program))
            ordered[order] = Candidate(grid, source, program, explanation)
    return tuple(ordered[order] for order in range(len(ordered)))


_PROGRAM = tuple(item.name for item in fields(Program))
_TYPES = {
    "task_id": str,
    "source": str,
    "phase": str,
    "label": str,
    "note": str,
    "weights": str,
    "options": dict,
    "seen": list,
    "seed": int,
    "seconds": int | float,
    "steps": int,
    "reproduced": int,
    "demonstrations": int,
    "held_out": int | float | None,
    "explanation": str,
    "cost": int | float,
    "probability": int | float | None,
    "text": str,
}


def _check_types(fields: Mapping[str, object]) -> None:
    """A record may come from anybody: what is not of its type is named before it is used."""
    for name, wanted in _TYPES.items():
        if name in fields and not isinstance(fields[name], wanted):
            raise ValueError(f"{name}: wanted {wanted}, found {str(fields[name])[:40]!r}")


def _encode(record: Header | Proposed) -> dict[str, object]:
    if isinstance(record, Header):
        return {"kind": "header", **asdict(record)}
    plain = {item.name: getattr(record, item.name) for item in fields(record)}
    return {"kind": "proposed", **plain, "candidates": [_encode_test(test) for test in record.candidates]}


def _decode(value: dict) -> Header | Proposed:
    fields = dict(value)
    kind = fields.pop("kind")
    _check_types(fields)
    if kind == "header":
        if fields["version"] != SCHEMA:
            raise ValueError(f"schema version {SCHEMA} wanted, found {fields['version']}")
        return Header(**{**fields, "seen": tuple(fields["seen"])})
    if kind != "proposed":
        raise ValueError(f"an unknown kind of record, {kind!r}")
    if fields["phase"] not in PHASES:
        raise ValueError(f"phase: wanted one of {', '.join(PHASES)}, found {fields['phase'][:40]!r}")
    return Proposed(**{**fields, "candidates": tuple(map(_decode_test, fields["candidates"]))})


def encode_line(record: Header | Proposed) -> bytes:
    """A whole line, line break included. ValueError for a number that is not finite."""
    payload = json.dumps(_encode(record), separators=(",", ":"), allow_nan=False).encode()
    return LINE_START + b"%08x" % zlib.crc32(payload) + _MIDDLE + payload + b"}\n"


def parse_line(line: bytes, where: str) -> Header | Proposed:
    head = len(LINE_START) + 8
    payload = line[head + len(_MIDDLE) : -1]
    if not (line.startswith(LINE_START) and line[head:].startswith(_MIDDLE) and line.endswith(b"}")):
        raise ValueError(f"{where}: wanted a journal record with its checksum, found {line[:40]!r}")
    found = b"%08x" % zlib.crc32(payload)
    if found != line[len(LINE_START) : head]:
        said = line[len(LINE_START) : head].decode("ascii", "replace")
        raise ValueError(f"{where}: the checksum says {said}, the record gives {found.decode()}")
    try:
        return _decode(json.loads(payload))
    except KeyError as error:
        raise ValueError(f"{where}: the record has no {error}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{where}: not a record of a journal ({error})") from error


@dataclass(frozen=True, eq=False)
class Contents:
    """A journal as read. ``size``: bytes up to and including the last whole line."""

    header: Header
    records: tuple[Proposed, ...]
    size: int

    @property
    def vote(self) -> VoteRule:
        """The rule that the run ranked views by; the default where its header names none."""
        return self.header.options.get("vote", DEFAULT_RULE)

    @property
    def sources(self) -> tuple[str, ...]:
        """The run's sources in the order in which they were named; empty where its header names none."""
        named = self.header.options.get("sources", "")
        return tuple(named.split(",")) if named else ()

    @cached_property
    def events(self) -> dict[str, tuple[Proposed, ...]]:
        """The events of each task, in the order in which they came."""
        found: dict[str, list[Proposed]] = {}
        for record in self.records:
            found.setdefault(record.task_id, []).append(record)
        return {task_id: tuple(events) for task_id, events in found.items()}

    @cached_property
    def tests(self) -> dict[str, int]:
        """How many test inputs each task has; 0 where no event has candidates for it."""
        return {name: max(len(event.candidates) for event in events) for name, events in self.events.items()}

    def finished(self, task_id: str) -> Proposed | None:
        """The latest event of tuning, None where there was none."""
        return next((e for e in reversed(self.events.get(task_id, ())) if e.phase != START), None)

    def seconds(self, task_id: str) -> float:
        """What all sources and phases took for the task; what a source says twice counts once."""
        events = (event for event in self.events.get(task_id, ()) if not event.note)
        return sum({(event.source, event.phase): event.seconds for event in events}.values())


def is_journal(path: Path) -> bool:
    """True when the file starts as a journal does (a submission starts otherwise)."""
    try:
        with path.open("rb") as file:
            return file.read(len(LINE_START)) == LINE_START
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error


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
    with without_collector():
        records = [parse_line(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    for number, record in enumerate(records, 1):
        if isinstance(record, Header) != (number == 1):
            found = "another header" if number > 1 else "a record without a header before it"
            raise ValueError(f"{path}, line {number}: {found}")
    contents = Contents(records[0], tuple(records[1:]), size)
    if contents.vote not in VOTE_RULES:
        wanted = ", ".join(VOTE_RULES)
        raise ValueError(f"{path}, line 1: the option vote is {contents.vote!r}, wanted one of {wanted}")
    for number, event in enumerate(contents.records, 2):
        wanted, found = contents.tests[event.task_id], len(event.candidates)
        if found != wanted and not event.note:
            task = f"task {name_of(event.task_id)}"
            raise ValueError(f"{path}, line {number}, {task}: wanted {wanted} test inputs, found {found}")
    return contents


_NAMES = {"tasks": "the tasks", "known": "--tune-known", "seen": "--weights", "version": "the version"}


def _differences(wanted: Header, found: Header) -> list[str]:
    """The fields and options that differ, as JSON keeps them, each as a user has said it."""
    sides = []
    for header in (wanted, found):
        fields = json.loads(json.dumps(asdict(header)))
        options = fields.pop("options")
        sides.append(fields | options)
    missing = object()
    differing = [
        name
        for name in sorted(sides[0].keys() | sides[1].keys())
        if sides[0].get(name, missing) != sides[1].get(name, missing)
    ]
    if "tasks" in differing or "weights" in differing:  # what follows from these is not said beside them
        differing = [name for name in differing if name not in ("known", "seen")]
    return [_NAMES.get(name, f"--{name.replace('_', '-')}") for name in differing]


def _lock(file: int) -> bool:
    """Lock an open file until it is closed or its process ends. False where another process has done so;
    True also where the system has no locks, as some network file systems."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _same_file(file: int, path: Path) -> bool:
    """Whether the open file is still the one at ``path``: another run may have moved it away meanwhile."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except OSError:
        return False


class Journal:
    """A journal open for writing. One process writes it: a second one is refused for as long as the first
    lives. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Open the file, which is made where there is none, and lock it. ValueError where another run writes
        it, OSError where it cannot be opened."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = os.fstat(self._file).st_size
        if not (_lock(self._file) and _same_file(self._file, path)):
            self.close()
            raise ValueError(f"{path}: another run is writing this journal and its submission")

    @classmethod
    def create(cls, path: str | Path, header: Header) -> Self:
        """A new journal; ValueError where a file lies already, since a journal is never overwritten. OSError
        where it cannot be written; what there is of it then is empty."""
        journal = cls(Path(path))
        try:
            if journal._size:
                raise ValueError(f"{path}: expected no file here yet, got the journal of an earlier run")
            journal._write(encode_line(header))
        except (ValueError, OSError):
            journal.close()
            raise
        return journal

    @classmethod
    def resume(cls, path: str | Path, header: Header) -> tuple[Self, Contents]:
        """The journal ready to go on, and what it holds; a new one where none was begun.

        ValueError naming what differs when the journal was begun with another header.
        """
        path = Path(path)
        journal = cls(path)
        try:
            begun = path.read_bytes()
            if b"\n" not in begun and LINE_START.startswith(begun[: len(LINE_START)]):
                journal._cut(0)  # nothing, or a header torn by a kill
                journal._write(encode_line(header))
                return journal, Contents(header, (), journal._size)
            contents = read_journal(path)
            if differing := _differences(header, contents.header):
                what = ", ".join(differing)
                raise ValueError(f"{path}: begun with other settings ({what}); cannot resume it with these")
            journal._cut(contents.size)
        except (ValueError, OSError):
            journal.close()
            raise
        return journal, contents

    def _cut(self, size: int) -> None:
        os.ftruncate(self._file, size)
        self._size = size

    def append(self, record: Proposed) -> None:
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
