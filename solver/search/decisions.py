"""A table over the colours of several pictures, said as a short list of cases."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

Key = tuple[int, ...]  # the colours of the pictures at a cell
Condition = tuple[Any, tuple[int, ...], bool]


@dataclass(frozen=True)
class Case:
    """``conditions``: (picture, colours, whether it is one of these), all of which must hold. ``then``: what
    the cell becomes, a colour or a picture's colour. What stands for a picture is the caller's."""

    conditions: tuple[Condition, ...]
    then: Any


def decisions(table: Mapping[Key, int]) -> tuple[list[Case], int | tuple[int]]:
    """Cases of which the first that applies says the colour, and what holds where none does.

    A picture is its place in a key; ``then`` is a colour, or ``(place,)`` for the colour of that picture. The
    cases give the table's colour for each of its keys. Of the possible bases the one with the fewest
    conditions, then the fewest cases, is taken. The cases of a base are found greedily: fewest conditions
    first, then most keys.
    """
    width = len(next(iter(table)))
    bases: list[int | tuple[int]] = [*((place,) for place in range(width)), *sorted(set(table.values()))]
    made = [(_cases(table, base, width), base) for base in bases]
    return min(made, key=lambda item: (sum(len(case.conditions) for case in item[0]), len(item[0])))


def evaluate(cases: list[Case], otherwise: int | tuple[int], key: Key) -> int:
    """The colour that the cases give for a key."""
    for case in cases:
        if _applies(case.conditions, key):
            return _value(case.then, key)
    return _value(otherwise, key)


def _value(then: int | tuple[int], key: Key) -> int:
    return then if isinstance(then, int) else key[then[0]]


def _applies(conditions: tuple[Condition, ...], key: Key) -> bool:
    return all((key[place] in colours) == is_it for place, colours, is_it in conditions)


def _cases(table: Mapping[Key, int], base: int | tuple[int], width: int) -> list[Case]:
    open_ = dict(table)
    cases = []
    while any(_value(base, key) != colour for key, colour in open_.items()):
        case = _best(open_, base, width)
        cases.append(case)
        open_ = {key: colour for key, colour in open_.items() if not _applies(case.conditions, key)}
    return cases


def _best(open_: Mapping[Key, int], base: int | tuple[int], width: int) -> Case:
    """The case that mends most of what the base has wrong. Conditions on all pictures always make one."""
    for conditions in range(1, width + 1):
        best, most = None, 0
        for tried in _conditions(open_, conditions, width):
            here = {key: colour for key, colour in open_.items() if _applies(tried, key)}
            mended = sum(_value(base, key) != colour for key, colour in here.items())
            then = _then(here, width) if mended > most else None
            if then is not None:
                best, most = Case(tried, then), mended
        if best is not None:
            return best
    raise AssertionError("a case on every picture's colour exists")


def _then(here: Mapping[Key, int], width: int) -> int | tuple[int] | None:
    """What all of the keys become: one colour, or the colour of one picture; None where neither."""
    colours = set(here.values())
    if len(colours) == 1:
        return colours.pop()
    return next(
        ((place,) for place in range(width) if all(key[place] == colour for key, colour in here.items())),
        None,
    )


def _conditions(open_: Mapping[Key, int], count: int, width: int) -> Iterator[tuple[Condition, ...]]:
    """All conditions on ``count`` pictures: first those that all are of some colours, then the others."""
    for signs in product((True, False), repeat=count):
        for places in combinations(range(width), count):
            for values in sorted({tuple((key[place],) for place in places) for key in open_}):
                yield tuple(zip(places, values, signs, strict=True))
