"""The records of a journal, and one record as one line of it.

A line is ``{"crc32":"8 hex digits","record":{...}}``: JSON, with the checksum of the record's bytes
as they stand in the line.
"""

import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import numpy as np

from solver.arc.task import MAX_SIDE, Grid, as_grid
from solver.arc.vote import Answer, Candidate, grid_key

SCHEMA = 1
PLAIN_PALETTE = tuple(range(10))
SEEN_LABEL = "demonstrations seen in training"
TESTS_SEEN_LABEL = f"{SEEN_LABEL}, test pairs too"
LINE_START = b'{"crc32":"'
_MIDDLE = b'","record":'


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


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """A candidate and the augmentation (``symmetry`` 0..7, ``palette`` [10]) that it was asked under."""

    candidate: Candidate
    symmetry: int = 0
    palette: tuple[int, ...] = PLAIN_PALETTE


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidates of one test input, in the order in which they came; ``test`` counts from 0."""

    task_id: str
    test: int
    views: tuple[View, ...]
    phase: str = ""


@dataclass(frozen=True)
class Finished:
    """A task is done for this phase: ``reproduced`` of ``demonstrations`` after ``seconds`` of work.

    ``label``: what a reader of the score must know: ``SEEN_LABEL``, ``TESTS_SEEN_LABEL`` or nothing.
    ``held_out``: how often a demonstration held back from tuning came out, 0..1; None where none was.
    """

    task_id: str
    seconds: float
    reproduced: int = 0
    demonstrations: int = 0
    label: str = ""
    phase: str = ""
    held_out: float | None = None


@dataclass(frozen=True, eq=False)
class Chosen:
    """The two answers that the vote chose for one test input."""

    task_id: str
    test: int
    first: Answer
    second: Answer
    phase: str = ""


Record = Candidates | Finished | Chosen


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


def _encode_views(views: Iterable[View]) -> list[dict[str, object]]:
    """Equal grids written once: a run at 128 votes mostly repeats itself."""
    groups: dict[tuple[bytes, str, str], dict] = {}
    for order, view in enumerate(views):
        candidate = view.candidate
        key = (grid_key(candidate.grid), candidate.source, candidate.rule)
        group = groups.get(key)
        if group is None:
            group = {"grid": grid_text(candidate.grid), "source": candidate.source, "rule": candidate.rule}
            group["views"] = []
            groups[key] = group
        confidence = _finite(candidate.confidence, "confidence")
        log_prob = _finite(candidate.log_prob, "log_prob")
        palette = "".join(map(str, view.palette))
        group["views"].append([order, confidence, log_prob, int(view.symmetry), palette])
    return list(groups.values())


_TYPES = {
    "task_id": str,
    "test": int,
    "phase": str,
    "label": str,
    "weights": str,
    "options": dict,
    "seen": list,
    "seed": int,
    "seconds": int | float,
    "reproduced": int,
    "demonstrations": int,
    "held_out": int | float | None,
    "votes": int,
    "confidence": int | float,
    "source": str,
    "rule": str,
}


def _check_types(fields: dict) -> None:
    """A record may come from anybody: what is not of its type is named before it is used."""
    for name, wanted in _TYPES.items():
        if name in fields and not isinstance(fields[name], wanted):
            raise ValueError(f"{name}: wanted {wanted}, found {str(fields[name])[:40]!r}")


def _decode_views(groups: list[dict]) -> tuple[View, ...]:
    ordered: dict[int, View] = {}
    palettes: dict[str, tuple[int, ...]] = {}
    for group in groups:
        _check_types(group)
        grid, source, rule = parse_grid_text(group["grid"]), group["source"], group["rule"]
        for order, confidence, log_prob, symmetry, text in group["views"]:
            palette = palettes.get(text)
            if palette is None:
                palette = palettes[text] = tuple(map(int, text))
            _finite(confidence + log_prob, "confidence and log_prob")
            candidate = Candidate(grid, confidence, log_prob, source, rule)
            ordered[order] = View(candidate, symmetry, palette)
    return tuple(ordered[order] for order in range(len(ordered)))


def _encode_answer(answer: Answer) -> dict[str, object]:
    fields = {"votes": int(answer.votes), "confidence": _finite(answer.confidence, "confidence")}
    return {"grid": grid_text(answer.grid), **fields, "source": answer.source, "rule": answer.rule}


def _decode_answer(value: dict) -> Answer:
    _check_types(value)
    return Answer(**{**value, "grid": parse_grid_text(value["grid"])})


def _encode(record: Header | Record) -> dict[str, object]:
    if isinstance(record, Header):
        return {"kind": "header", **asdict(record)}
    if isinstance(record, Finished):
        return {"kind": "finished", **asdict(record)}
    place = {"task_id": record.task_id, "test": int(record.test), "phase": record.phase}
    if isinstance(record, Chosen):
        first, second = _encode_answer(record.first), _encode_answer(record.second)
        return {"kind": "chosen", **place, "first": first, "second": second}
    return {"kind": "candidates", **place, "groups": _encode_views(record.views)}


def _decode(value: dict) -> Header | Record:
    fields = dict(value)
    kind = fields.pop("kind")
    _check_types(fields)
    if kind == "header":
        if fields["version"] != SCHEMA:
            raise ValueError(f"schema version {SCHEMA} wanted, found {fields['version']}")
        return Header(**{**fields, "seen": tuple(fields["seen"])})
    if kind == "finished":
        return Finished(**fields)
    if kind == "chosen":
        first, second = _decode_answer(fields.pop("first")), _decode_answer(fields.pop("second"))
        return Chosen(first=first, second=second, **fields)
    if kind == "candidates":
        return Candidates(views=_decode_views(fields.pop("groups")), **fields)
    raise ValueError(f"an unknown kind of record, {kind!r}")


def encode_line(record: Header | Record) -> bytes:
    """A whole line, line break included. ValueError for a number that is not finite."""
    payload = json.dumps(_encode(record), separators=(",", ":"), allow_nan=False).encode()
    return LINE_START + b"%08x" % zlib.crc32(payload) + _MIDDLE + payload + b"}\n"


def parse_line(line: bytes, where: str) -> Header | Record:
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
