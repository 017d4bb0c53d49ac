"""A task as a picture file: SVG written directly, PNG through the standard library's zlib.

Nothing but flat rectangles is drawn, so no drawing library is needed, and ``solve show`` works
wherever ``solve`` does.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from solver.arc.task import Grid, Task
from solver.report.palette import PALETTES

CELL = 16  # pixels
_MARGIN = 16
_LINE = "#555555"
_PAPER = "#ffffff"
_DIVIDER = "#888888"


@dataclass(frozen=True, eq=False)
class Placed:
    """A grid with its top-left corner in pixels."""

    x: int
    y: int
    grid: Grid


def lay_out(task: Task) -> tuple[list[Placed], list[int], int, int]:
    """Pairs as columns, inputs above outputs: placed grids, x of the rule before the tests, width, height."""
    pairs = [*task.train, *task.test]
    lower = _MARGIN * 2 + CELL * max(pair.input.shape[0] for pair in pairs)
    x, placed, rules = _MARGIN, [], []
    for number, pair in enumerate(pairs):
        if number == len(task.train):
            rules.append(x)
            x += _MARGIN
        placed.append(Placed(x, _MARGIN, pair.input))
        widths = [pair.input.shape[1]]
        if pair.output is not None:
            placed.append(Placed(x, lower, pair.output))
            widths.append(pair.output.shape[1])
        x += CELL * max(widths) + _MARGIN
    bottom = max(item.y + CELL * item.grid.shape[0] for item in placed)
    return placed, rules, x, bottom + _MARGIN


def _cells(item: Placed) -> Iterator[tuple[int, int, int]]:
    """x, y and colour of each cell; its square is one pixel smaller, which leaves the lines."""
    for (row, column), cell in np.ndenumerate(item.grid):
        yield item.x + CELL * column, item.y + CELL * row, int(cell)


def task_svg(task: Task, palette: str = "arc") -> str:
    """The task as an SVG document; its id is the title."""
    placed, rules, width, height = lay_out(task)
    colours = PALETTES[palette]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" shape-rendering="crispEdges">',
        f"<title>{escape(_xml_text(task.id))}</title>",
        f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>',
    ]
    parts += [f'<path d="M{x} {_MARGIN}V{height - _MARGIN}" stroke="{_DIVIDER}"/>' for x in rules]
    for item in placed:
        rows, columns = item.grid.shape
        frame = f'width="{columns * CELL + 1}" height="{rows * CELL + 1}"'
        parts.append(f'<rect x="{item.x - 1}" y="{item.y - 1}" {frame} fill="{_LINE}"/>')
        paths: dict[int, list[str]] = {}
        for x, y, cell in _cells(item):
            paths.setdefault(cell, []).append(f"M{x} {y}h{CELL - 1}v{CELL - 1}h-{CELL - 1}z")
        parts += [f'<path fill="{colours[cell]}" d="{"".join(d)}"/>' for cell, d in paths.items()]
    return "\n".join([*parts, "</svg>", ""])


def _xml_text(text: str) -> str:
    """The text without the characters that XML forbids even when escaped."""
    return "".join(
        c if c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and ord(c) < 0xFFFE else "?" for c in text
    )


def task_pixels(task: Task, palette: str = "arc") -> np.ndarray:
    """The same picture as RGB pixels, uint8 [height, width, 3]."""

    def rgb(name: str) -> tuple[int, ...]:
        return tuple(bytes.fromhex(name[1:]))

    placed, rules, width, height = lay_out(task)
    colours = np.array([rgb(name) for name in PALETTES[palette]], np.uint8)
    pixels = np.full((height, width, 3), rgb(_PAPER), np.uint8)
    for x in rules:
        pixels[_MARGIN : height - _MARGIN, x] = rgb(_DIVIDER)
    for item in placed:
        rows, columns = item.grid.shape
        bottom, right = item.y + rows * CELL, item.x + columns * CELL
        pixels[item.y - 1 : bottom, item.x - 1 : right] = rgb(_LINE)
        for x, y, cell in _cells(item):
            pixels[y : y + CELL - 1, x : x + CELL - 1] = colours[cell]
    return pixels


def png_bytes(pixels: np.ndarray) -> bytes:
    """A PNG file of RGB pixels, uint8 [height, width, 3] (W3C PNG, colour type 2, no filter)."""
    height, width, _ = pixels.shape
    lines = np.zeros((height, 1 + 3 * width), np.uint8)  # each line starts with its filter's number, 0
    lines[:, 1:] = pixels.reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
