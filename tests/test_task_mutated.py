"""Task JSON changed at random: tasks or one sentence, whatever the file holds."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from solver.arc.task import Task, load_tasks
from tests.made_tasks import ONE, SET

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**30), 1.0, float("nan"), float("inf"), -0.0, 1e308]),
    st.text(max_size=3),
    st.just("\ud800"),
    st.lists(st.integers(0, 9), max_size=3),
    st.just([[0]] * 31),
    st.just([[0] * 31]),
    st.just({}),
    st.just(ONE),
    st.integers(50, 2000).map(lambda depth: json.loads("[" * depth + "]" * depth) if depth < 500 else depth),
)


def places(value, path=()):
    """Every path of keys in the value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@st.composite
def mutated_structures(draw):
    """A valid set with one to three values replaced, taken out, doubled or put under a new key."""
    value = copy.deepcopy(draw(st.sampled_from([ONE, SET])))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(value))))
        if not path:
            continue
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        action = draw(st.sampled_from(["replace", "remove", "double", "rename"]))
        if action == "remove":
            del holder[path[-1]]
        elif action == "double" and isinstance(holder, list):
            holder.extend([copy.deepcopy(holder[path[-1]])] * draw(st.integers(1, 40)))
        elif action == "rename" and isinstance(holder, dict):
            holder[draw(st.one_of(st.text(max_size=4), st.just("\udfff")))] = holder.pop(path[-1])
        else:
            holder[path[-1]] = copy.deepcopy(draw(ODD))
    return json.dumps(value).encode()


PIECES = [
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b'"',
    b"9" * 5000,
    b"NaN",
    b"-",
    b"1.0",
    b"1e999",
    b"true",
    b"\xff",
]
PIECES += [
    b"\x00",
    b"\xef\xbb\xbf",
    b"[" * 3000,
    b'"train":[],',
    b'"\\ud800"',
    b'"aa":{},',
    b"\xed\xa0\x80",
    b" ",
]


@st.composite
def mutated_bytes(draw):
    """A valid file with one to four stretches of bytes cut out, copied or replaced."""
    data = json.dumps(draw(st.sampled_from([ONE, SET]))).encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4), st.just(data[start:end] * 2)))
        data = data[:start] + piece + data[end:]
    return data


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("mutated") / "task.json"


SEEN = {"tasks": 0, "refused": 0}


@settings(
    max_examples=2400, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.one_of(mutated_structures(), mutated_bytes()))
def test_any_mutated_file_gives_tasks_or_one_sentence(scratch: Path, data):
    scratch.write_bytes(data)
    try:
        tasks = load_tasks(scratch)
    except ValueError as error:
        SEEN["refused"] += 1
        assert str(error).startswith(str(scratch)) and "\n" not in str(error)
        assert type(error) is ValueError and len(str(error)) < 600
        return
    SEEN["tasks"] += 1
    assert tasks and all(isinstance(task, Task) and task.train and task.test for task in tasks)
    for task in tasks:
        task.id.encode()
        for grid in [*task.demonstration_grids(), *(p.output for p in task.test if p.output is not None)]:
            assert grid.dtype == np.uint8 and grid.ndim == 2 and grid.max() < 10
            assert all(1 <= side <= 30 for side in grid.shape)


def test_the_mutations_were_many_and_of_both_kinds():
    assert sum(SEEN.values()) >= 2000, SEEN
    assert SEEN["tasks"] > 100 and SEEN["refused"] > 1000, SEEN
