"""The page of all transforms: ``python -m benchmarks.catalogue docs/TRANSFORMS.md``.

Beside the page it writes a sheet of pictures for each family, search_FAMILY.svg. A picture shows what the
transform makes of a sample: the one on which the families' other transforms agree least with it.
"""

import sys
from pathlib import Path

import numpy as np

from solver.report.palette import PALETTES
from solver.search.replay import Image, replay
from solver.search.table import IMAGE_TO_IMAGE, IMAGE_TO_LIST, TRANSFORMS, Transform

CELL, GAP, LABEL, ACROSS, WIDE, HIGH = 6, 14, 12, 5, 190, 104  # pixels of a sheet
SAMPLES = (
    "0000000000 0220000030 0212000000 0022000000 0000000440 0000050440 0300055000 0000000000",
    "330 303 033",
    "10020 00000 00300 04000 00001",
    "0000000 0111110 0100010 0100310 0111110 0000000 0002200",
    "00000000 04440000 04240000 04440020 00000000 02000000 00000044 00300004",
    "1212 2121 1212 2101",
    "1000 0200 0030 0004",
    "0005000 0105010 0005000 5555555 0105000 0025000 0005030",
    "00000000 01230000 00000000 00010000 00000000 00000100 00000000 00000000",
    "20000000 00011000 00011000 00000000 00000003 00000000 04000000 00000000",
    "0010000 0010000 0010000 0222000 0000003 0300000 0000000",
    "11100 10100 11100 00000 02200 00200",
    "12 34",
    "40000000 02000000 00000000 00033300 00030300 00033300 00000010 00000001",
    "22111 21111 11131 33333",
    "0000000 2000003 0010000 0010040 0000040 5000000 0000005",
    "0200020 0000000 0010100 0011100 0010100 0000000 0200020",
    "6040 0400 6004 0000 0110 0010",
    "010010010 111111111 010010010 010010000 111111000 010010000",
    "1200000 0000000 0030000 0001000 0000010 0110000 0120000",
)  # fmt: skip
SOURCES = ("objects_1", "parts_12", "colours_0", "between_lines", "symmetries_3")


def samples() -> list[np.ndarray]:
    """The grids that pictures are made of."""
    return [np.array([list(map(int, row)) for row in text.split()], np.uint8) for text in SAMPLES]


def _same(one: list[Image], two: list[Image]) -> bool:
    """Whether two states look the same."""
    return len(one) == len(two) and all(
        a[1:] == b[1:] and np.array_equal(a[0], b[0]) for a, b in zip(one, two, strict=True)
    )


def _shown(transform: Transform) -> list[tuple[list[Image], list[Image]]]:
    """What the transform makes of each sample, before and after, where it makes something else of it."""
    takes_image = transform.kind in (IMAGE_TO_IMAGE, IMAGE_TO_LIST)
    pairs = []
    for grid in samples() if takes_image else samples()[:8]:
        size = (2 * grid.shape[0], 2 * grid.shape[1]) if takes_image else (0, 0)
        size = (3, 3) if transform.kind == IMAGE_TO_LIST else size
        for steps in ((),) if takes_image else ((source,) for source in SOURCES):
            states = replay((*steps, transform.name), grid, size)
            if len(states) == 2 + len(steps) and not _same(states[-1], states[-2]):
                pairs.append((states[-2], states[-1]))
    return pairs


def _key(images: list[Image]) -> tuple:
    return tuple((grid.shape, grid.tobytes(), y, x) for grid, y, x in images)


def choose(shown: dict[str, list]) -> dict[str, tuple[list[Image], list[Image]]]:
    """For each transform the pair that fewest others of the family share, then one of several colours, then
    the first."""
    made: dict[tuple, int] = {}
    for pairs in shown.values():
        for before, after in pairs:
            key = _key(before), _key(after)
            made[key] = made.get(key, 0) + 1

    def telling(pair: tuple[list[Image], list[Image]]) -> tuple:
        before, after = pair
        drawn = np.concatenate([grid.ravel() for grid, _, _ in after])
        fits = sum(grid.shape[1] + 1 for grid, _, _ in (*before, *after)) <= 27
        return (not fits, made[_key(before), _key(after)], not drawn.any(), drawn.size < 3)

    return {name: min(pairs, key=telling) for name, pairs in shown.items() if pairs}


def _paths(grid: np.ndarray, left: int, top: int) -> list[str]:
    """The cells of a grid as one path for each colour."""
    parts = []
    for colour in np.unique(grid):
        runs = []
        for r, row in enumerate(grid):
            c = 0
            while c < len(row):
                end = c
                while end < len(row) and row[end] == colour:
                    end += 1
                if end > c:
                    runs.append(
                        f"M{left + c * CELL} {top + r * CELL}h{(end - c) * CELL}v{CELL}h-{(end - c) * CELL}z"
                    )
                c = max(end, c + 1)
        parts.append(f'<path class="c{colour}" d="{"".join(runs)}"/>')
    return parts


def _drawn(images: list[Image], left: int, top: int) -> tuple[list[str], int]:
    """Images side by side as far as they have room, and where they end."""
    parts = []
    for grid, _, _ in images:
        if left + grid.shape[1] * CELL > WIDE - 4 and parts:
            parts.append(f'<text x="{left}" y="{top + 8}">...</text>')
            break
        parts += _paths(grid[:14], left, top)
        left += grid.shape[1] * CELL + CELL
    return parts, left


def sheet(transforms: list[Transform], pairs: dict[str, tuple[list[Image], list[Image]]]) -> str:
    """The SVG with the pictures of a family, in the table's order."""
    palette = PALETTES["arc"]
    style = "".join(f".c{colour}{{fill:{value}}}" for colour, value in enumerate(palette))
    rows = -(-len(transforms) // ACROSS)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{ACROSS * WIDE}" height="{rows * HIGH}">',
        f"<style>text{{font:10px sans-serif}}{style}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for place, transform in enumerate(transforms):
        left, top = place % ACROSS * WIDE + 4, place // ACROSS * HIGH + LABEL
        group = [f'<g transform="translate({left} {top})">', f'<text y="-2">{transform.name}</text>']
        if transform.name in pairs:
            before, after = pairs[transform.name]
            parts, end = _drawn(before, 0, 2)
            group += parts
            group.append(f'<text x="{end - 3}" y="{2 + CELL * 2}">&#8594;</text>')
            group += _drawn(after, end + GAP - CELL, 2)[0]
        lines.append("".join([*group, "</g>"]))
    return "\n".join([*lines, "</svg>\n"])


def page() -> dict[str, str]:
    """The text of every file, by name: TRANSFORMS.md and the sheets."""
    files = {}
    text = [
        "# The transforms of the program search\n",
        f"{len(TRANSFORMS)} transforms. Made by `python -m benchmarks.catalogue docs/TRANSFORMS.md`.",
        "Each row of a family's table has its picture, in the same order, on the family's sheet: before, an",
        "arrow, after. Images of a list stand side by side. Black is 0, empty.\n",
    ]
    for family in dict.fromkeys(t.family for t in TRANSFORMS):
        members = [t for t in TRANSFORMS if t.family == family]
        pairs = choose({t.name: _shown(t) for t in members})
        files[f"search_{family}.svg"] = sheet(members, pairs)
        text += [f"## {family} ({len(members)})\n", f"![the transforms of {family}](search_{family}.svg)\n"]
        text += ["| name | what it does |", "|---|---|"]
        text += [f"| `{t.name}` | {t.text} |" for t in members]
        text.append("")
    files["TRANSFORMS.md"] = "\n".join(text)
    return files


def main() -> None:
    """Write the page and its sheets."""
    target = Path(sys.argv[1])
    for name, text in page().items():
        (target.parent / name if name != "TRANSFORMS.md" else target).write_text(text)


if __name__ == "__main__":
    main()
