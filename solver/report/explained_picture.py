"""An explained answer as a picture: each step's words above its grids, from left to right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from solver.report.explained import Explained, Shown, numbered
from solver.report.palette import PALETTES

WIDTH = 1200  # pixels
MOST_IMAGES = 16  # of a list that are drawn
_MARGIN, _GAP = 20, 22
_SIDE = 230  # pixels that a grid's longer side may take
_NARROWEST = 170  # of a step's words
_SIZE, _LINE = 15, 20  # of letters, and from line to line
_PAPER, _INK, _FAINT, _BETWEEN = "#ffffff", "#1c1e21", "#5f656d", "#555555"


@dataclass(frozen=True, eq=False)
class _Block:
    """``lines`` of words, and below them rows of grids with the pixels of a cell's side."""

    width: int
    lines: list[str]
    rows: list[list[tuple[np.ndarray, int]]]


def explained_png(explained: Explained, palette: str = "arc") -> bytes:
    """The PNG file. ValueError where Pillow is not installed."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise ValueError('pictures of steps need Pillow: pip install "arc-urm-solver[report]"') from error
    font = ImageFont.load_default(_SIZE)
    height = _draw(_Nowhere(), font, explained, palette)
    canvas = Image.new("RGB", (WIDTH, height), _PAPER)
    _draw(ImageDraw.Draw(canvas), font, explained, palette)
    file = BytesIO()
    canvas.save(file, "PNG", optimize=True)
    return file.getvalue()


class _Nowhere:
    """Takes what is drawn and keeps nothing: where it ends is all that is wanted."""

    def text(self, *_: object) -> None:
        """Nothing."""

    def rectangle(self, *_: object) -> None:
        """Nothing."""


def _draw(draw: Any, font: Any, explained: Explained, palette: str) -> int:
    """Draw all of it; the height that it takes."""

    def split(text: str, width: int) -> list[str]:
        return _split(text, width, font.getlength)

    answer, inner = explained.answer, WIDTH - 2 * _MARGIN
    head = f"test {explained.test}, attempt {explained.number} ({answer.found_by})"
    y = _write(draw, font, split(head, inner), _MARGIN, _MARGIN, _FAINT)
    y = _write(draw, font, split(answer.what, inner), _MARGIN, y, _INK) + 8
    if explained.problem:
        y = _write(draw, font, split(explained.problem, inner), _MARGIN, y, _FAINT) + 8
        y = _place(draw, font, [_block("", [answer.grid], split)], y, palette)
    for shown in explained.shown:
        y = _write(draw, font, [shown.pair], _MARGIN, y + 8, _FAINT) + 4
        y = _place(draw, font, _blocks(shown, split), y, palette)
        y = _write(draw, font, split(f"= {shown.verdict}", inner), _MARGIN, y, _INK) + 8
    return y + _MARGIN


def _blocks(shown: Shown, split: Callable[[str, int], list[str]]) -> list[_Block]:
    blocks = [
        _block(caption, [grid for grid, _, _ in step.images], split)
        for caption, step in numbered(shown.steps)
    ]
    if shown.differs:
        blocks.append(_block("wanted", [shown.wanted], split))
    return blocks


def _block(caption: str, grids: Sequence[np.ndarray], split: Callable[[str, int], list[str]]) -> _Block:
    drawn = grids[:MOST_IMAGES]
    longest = max(max(grid.shape) for grid in drawn)
    cell = max(6, min(20, _SIDE // longest))
    limit = WIDTH - 2 * _MARGIN if len(drawn) > 1 else _SIDE
    rows: list[list[tuple[np.ndarray, int]]] = [[]]
    for grid in drawn:
        if rows[-1] and _wide([*rows[-1], (grid, cell)]) > limit:
            rows.append([])
        rows[-1].append((grid, cell))
    width = max(_NARROWEST, *map(_wide, rows))
    more = f" ({len(grids)} images, {len(drawn)} shown)" if len(grids) > len(drawn) else ""
    return _Block(width, split(caption + more, width), rows)


def _wide(row: Sequence[tuple[np.ndarray, int]]) -> int:
    return sum(grid.shape[1] * cell + 1 for grid, cell in row) + 10 * (len(row) - 1)


def _split(text: str, width: int, length: Callable[[str], float]) -> list[str]:
    """Lines of words that are at most ``width`` pixels long; a word that is longer stands alone."""
    lines: list[str] = []
    for word in text.split():
        if lines and length(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _write(draw: Any, font: Any, lines: Sequence[str], x: int, y: int, colour: str) -> int:
    """Where the next line begins."""
    for line in lines:
        draw.text((x, y), line, colour, font)
        y += _LINE
    return y


def _place(draw: Any, font: Any, blocks: Sequence[_Block], y: int, palette: str) -> int:
    """Draw the blocks from left to right, in as many rows as they need; where the last row ends."""
    x, bottom = _MARGIN, y
    words = 0
    for number, block in enumerate(blocks):
        if x > _MARGIN and x + block.width > WIDTH - _MARGIN:
            x, y = _MARGIN, bottom + 12
        if x == _MARGIN:
            words = _words_of_row(blocks[number:])
        _write(draw, font, block.lines, x, y, _INK)
        top = y + words * _LINE + 6
        for row in block.rows:
            left = x
            for grid, cell in row:
                _grid(draw, grid, left, top, cell, PALETTES[palette])
                left += grid.shape[1] * cell + 11
            top += max(grid.shape[0] * cell + 1 for grid, cell in row) + 8
        bottom = max(bottom, top)
        x += block.width + _GAP
    return bottom


def _words_of_row(blocks: Sequence[_Block]) -> int:
    """The most lines of words of the blocks that stand in the row of the first one."""
    x, most = _MARGIN, 0
    for block in blocks:
        if x > _MARGIN and x + block.width > WIDTH - _MARGIN:
            break
        most = max(most, len(block.lines))
        x += block.width + _GAP
    return most


def _grid(draw: Any, grid: np.ndarray, x: int, y: int, cell: int, palette: Sequence[str]) -> None:
    rows, columns = grid.shape
    draw.rectangle((x, y, x + columns * cell, y + rows * cell), _BETWEEN)
    for (row, column), colour in np.ndenumerate(grid):
        left, top = x + column * cell + 1, y + row * cell + 1
        draw.rectangle((left, top, left + cell - 2, top + cell - 2), palette[colour])
