"""What a program does, in one line of plain words."""

from collections.abc import Sequence

from solver.search.assemble import COVER, MAP, RULES, TABLE, Found
from solver.search.table import NUMBER, TRANSFORMS

MOST_LAYERS = 5  # that are named


def describe(found: Found, steps: Sequence[Sequence[str]], renamed: str = "") -> str:
    """The answer's programs and how they were assembled. ``renamed``: the view it was found in, '' for
    none."""
    parts = [program_text(names) for names in steps]
    if found.kind == MAP:
        changed = ", ".join(f"{code}->{colour}" for code, colour in found.detail if code != colour)
        text = f"{parts[0]}, recolour by the map {changed}" if changed else parts[0]
    elif found.kind == TABLE:
        text = "decide each cell by its colours in: " + "; ".join(parts)
    elif found.kind == COVER:
        shown = parts[:MOST_LAYERS]
        more = f"; and {len(parts) - len(shown)} more" if len(parts) > len(shown) else ""
        text = "draw one over the other, first on top: " + "; ".join(shown) + more
    elif found.kind == RULES:
        text = _rules_text(found, parts)
    else:
        text = parts[0]
    return f"{text} (colours numbered by frequency)" if renamed else text


def program_text(names: Sequence[str]) -> str:
    """A program's transforms, one after another."""
    return ", ".join(TRANSFORMS[NUMBER[name]].text for name in names) or "take the input"


def _rules_text(found: Found, parts: list[str]) -> str:
    """A base and rules. ``parts``: the base, the pieces that conditions look at, then the pieces taken."""
    taken = iter(parts[1 + len(found.detail) :])
    clauses = []
    for condition, (colour, colour_taken) in zip(parts[1:], found.detail, strict=False):
        instead = f"colour {colour_taken}" if colour_taken is not None else f"({next(taken)})"
        clauses.append(f"where ({condition}) is {colour}, {instead}")
    return f"{parts[0]}; but " + "; else ".join(clauses)
