"""Numbers with their nouns and nearest known names, as messages say them."""

import difflib


def counted(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def closest(name: str, known: list[str]) -> str:
    """`` (did you mean X?)`` for a misspelt name, or nothing when none is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" (did you mean {near[0]}?)" if near else ""
