"""Explained answers for a terminal: grids as coloured blocks under the words of each step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np

from solver.report.explained import Explained, Shown, numbered
from solver.report.palette import PALETTES
from solver.report.terminal import grid_lines, printable

MOST_IMAGES = 12  # of a list that are drawn
WORDS = 24  # columns that a step's words get at least, where two steps have room side by side
_GAP = "  "
_RESET = "\x1b[0m"


@dataclass(frozen=True)
class Block:
    """``columns`` wide: words, and below them the lines of grids."""

    columns: int
    words: list[str]
    lines: list[str]


def explained_lines(explained: Explained, width: int, colour: bool, palette: str = "arc") -> list[str]:
    """One answer, in lines of at most ``width`` columns."""
    answer = explained.answer
    head = f"test {explained.test}, attempt {explained.number}"
    lines = wrap(f"{head} ({printable(answer.found_by)})", width)
    lines += wrap(printable(answer.what), width, initial_indent="  ", subsequent_indent="  ")
    if explained.problem:
        lines += ["", *wrap(f"({printable(explained.problem)})", width)]
        return lines + _rows([_grid_block(answer.grid, width, colour, palette)], width)
    for shown in explained.shown:
        lines += ["", f"{shown.pair}:", *_steps_lines(shown, width, colour, palette)]
    return lines


def _steps_lines(shown: Shown, width: int, colour: bool, palette: str) -> list[str]:
    blocks = []
    for caption, step in numbered(shown.steps):
        grids = [grid for grid, _, _ in step.images]
        size = f"{len(grids)} images" if len(grids) > 1 else f"{grids[0].shape[0]}x{grids[0].shape[1]}"
        blocks.append(_captioned(f"{caption} ({size})", grids, width, colour, palette))
    if shown.differs:
        blocks.append(_captioned("wanted:", [shown.wanted], width, colour, palette))
    return [*_rows(blocks, width), *wrap(f"= {shown.verdict}", width)]


def _captioned(caption: str, grids: Sequence[np.ndarray], width: int, colour: bool, palette: str) -> Block:
    """The words above the grids."""
    drawn = [_grid_block(grid, width, colour, palette) for grid in grids[:MOST_IMAGES]]
    lines = _rows(drawn, width)
    columns = min(width, max(min(WORDS, (width - len(_GAP)) // 2), _wide(drawn)))
    if len(grids) > len(drawn):
        lines.append(f"and {len(grids) - len(drawn)} more")
    return Block(columns, wrap(printable(caption), columns), lines)


def _wide(blocks: Sequence[Block]) -> int:
    return sum(block.columns for block in blocks) + len(_GAP) * (len(blocks) - 1)


def _grid_block(grid: np.ndarray, width: int, colour: bool, palette: str) -> Block:
    """A grid two columns a cell; one column a cell, and in colour half a line, where that is too wide."""
    cells = grid.shape[1]
    if 2 * cells <= width:
        return Block(2 * cells, [], grid_lines(grid, colour, palette))
    if not colour:
        return Block(cells, [], ["".join(map(str, row)) for row in grid.tolist()])
    return Block(cells, [], list(_half_lines(grid, PALETTES[palette])))


def _half_lines(grid: np.ndarray, palette: Sequence[str]) -> Iterator[str]:
    """Two rows a line: the upper half of a cell in the foreground's colour, the lower one in the ground's."""
    rows = grid.tolist()
    for top in range(0, len(rows), 2):
        pairs = zip(rows[top], rows[top + 1] if top + 1 < len(rows) else [None] * len(rows[top]), strict=True)
        yield "".join(_half(palette[upper], lower, palette) for upper, lower in pairs) + _RESET


def _half(upper: str, lower: int | None, palette: Sequence[str]) -> str:
    ground = "\x1b[49m" if lower is None else f"\x1b[48;2;{_rgb(palette[lower])}m"
    return f"\x1b[38;2;{_rgb(upper)}m{ground}▀"


def _rgb(name: str) -> str:
    return ";".join(str(int(name[place : place + 2], 16)) for place in (1, 3, 5))


def _rows(blocks: Sequence[Block], width: int) -> list[str]:
    """Blocks from left to right, a new row of them where one has no room; see ``_row``."""
    lines: list[str] = []
    row: list[Block] = []
    for block in blocks:
        if row and _wide([*row, block]) > width:
            lines += [*_row(row), ""]
            row = []
        row.append(block)
    return lines + _row(row)


def _row(blocks: Sequence[Block]) -> list[str]:
    """Blocks side by side, their grids at one height."""
    words = max(len(block.words) for block in blocks)
    height = max(len(block.lines) for block in blocks)
    columns = []
    for block in blocks:
        lines = [*block.words, *[""] * (words - len(block.words)), *block.lines]
        lines += [""] * (words + height - len(lines))
        columns.append([_padded(line, block.columns) for line in lines])
    return [_GAP.join(parts).rstrip(" ") for parts in zip(*columns, strict=True)]


def _padded(line: str, columns: int) -> str:
    return line + " " * max(0, columns - visible(line))


def visible(line: str) -> int:
    """How many columns a line takes; colours take none."""
    count, inside = 0, False
    for letter in line:
        if letter == "\x1b":
            inside = True
        elif inside:
            inside = letter != "m"
        else:
            count += 1
    return count
