"""``solve show``: what is drawn is the task, whatever reads it back."""

import json
import re
import struct
import xml.etree.ElementTree as ElementTree
import zlib

import numpy as np
import pytest
from click.testing import CliRunner
from made_run import challenges, make_run, random_task

from solver.cli import main
from solver.report.palette import PALETTES
from solver.report.picture import CELL, lay_out, png_bytes, task_pixels, task_svg
from solver.report.terminal import beside, grid_lines, printable

TASK = random_task("a<b>&\"'", np.random.default_rng(9), 2)


def colour_of(line: str) -> list[str]:
    """The background colours of a terminal line, a cell each, as #rrggbb."""
    found = re.findall(r"\x1b\[48;2;(\d+);(\d+);(\d+)m  ", line)
    return ["#{:02x}{:02x}{:02x}".format(*map(int, rgb)) for rgb in found]


@pytest.mark.parametrize("name", ["arc", "safe"])
def test_terminal_blocks_have_the_colours_of_the_cells(name):
    for pair in TASK.train:
        lines = grid_lines(pair.input, True, name)
        assert [colour_of(line) for line in lines] == [[PALETTES[name][c] for c in row] for row in pair.input]


def test_grids_stand_beside_each_other_without_colour():
    first, second = np.array([[1, 2]], np.uint8), np.array([[3], [4]], np.uint8)
    assert beside([first, second], False) == ["1 2    3", "       4"]


def test_names_cannot_command_the_terminal():
    assert printable("plain é") == "plain é"
    assert printable("a\x1b[2J\n\u202e\ud800") == "a\\x1b[2J\\n\\u202e\\ud800"


def read_png(data: bytes) -> np.ndarray:
    """Pixels of an unfiltered RGB PNG, checksums checked."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, chunks = 8, {}
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + size]
        assert struct.unpack(">I", data[place + 8 + size : place + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        place += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 2)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, 3)


@pytest.mark.parametrize("name", ["arc", "safe"])
def test_every_cell_is_in_the_picture(name):
    pixels = read_png(png_bytes(task_pixels(TASK, name)))
    placed, _, width, height = lay_out(TASK)
    assert pixels.shape == (height, width, 3) and len(placed) == 8
    for item in placed:
        for (row, column), cell in np.ndenumerate(item.grid):
            middle = pixels[item.y + row * CELL + CELL // 2, item.x + column * CELL + CELL // 2]
            assert "#" + bytes(middle).hex() == PALETTES[name][cell]


def test_a_second_reader_agrees_about_the_png():
    image = pytest.importorskip("matplotlib.image", reason="matplotlib is not installed")
    from io import BytesIO

    pixels = task_pixels(TASK)
    read = image.imread(BytesIO(png_bytes(pixels)), format="png")
    assert np.array_equal(np.rint(read[..., :3] * 255).astype(np.uint8), pixels)


def test_the_svg_is_xml_with_one_square_for_each_cell():
    root = ElementTree.fromstring(task_svg(TASK))
    assert root.findtext("{http://www.w3.org/2000/svg}title") == TASK.id
    squares: dict[str, int] = {}
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        if "fill" in path.attrib:
            squares[path.get("fill")] = squares.get(path.get("fill"), 0) + path.get("d").count("z")
    cells = np.concatenate([item.grid.ravel() for item in lay_out(TASK)[0]])
    assert squares == {PALETTES["arc"][c]: int((cells == c).sum()) for c in np.unique(cells)}
    hostile = random_task("\x00\ud800<script>", np.random.default_rng(1))
    ElementTree.fromstring(task_svg(hostile).encode())


def invoke(*arguments: object):
    return CliRunner().invoke(main, ["show", *map(str, arguments)])


def test_the_command_prints_digits_where_there_is_no_terminal(tmp_path):
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(challenges([TASK])))
    result = invoke(path, TASK.id)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output and "demonstration 1:" in result.output
    for line in grid_lines(TASK.test[1].input, False):
        assert line.rstrip() in result.output


def test_the_command_writes_pictures(tmp_path):
    run = make_run(tmp_path, ["abc", "abd"])
    png, svg = tmp_path / "t.png", tmp_path / "t.svg"
    result = invoke(run.tasks, "abd", "--png", png, "--svg", svg, "--colours", "safe")
    assert result.exit_code == 0 and f"wrote {png}" in result.output
    assert read_png(png.read_bytes()).any()
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")


def test_errors_are_one_sentence(tmp_path):
    run = make_run(tmp_path, ["abc", "xyz"])
    result = invoke(run.tasks, "abd")
    assert result.exit_code == 2 and "no task abd; did you mean abc?" in result.output
    result = invoke(run.tasks, "abc", "--png", run.tasks / "t.png")
    assert result.exit_code == 2 and "tasks.json" in result.output


def test_the_only_task_needs_no_id(tmp_path):
    tasks = {task_id: random_task(task_id, np.random.default_rng(3), 1) for task_id in ("one", "two")}
    run = CliRunner().invoke
    (tmp_path / "1.json").write_text(json.dumps(challenges([tasks["one"]])))
    (tmp_path / "2.json").write_text(json.dumps(challenges(list(tasks.values()))))
    shown = run(main, ["show", str(tmp_path / "1.json")])
    assert shown.exit_code == 0 and shown.output.startswith("task one\n")
    refused = run(main, ["show", str(tmp_path / "2.json")])
    assert refused.exit_code == 2
    assert "2.json: wanted the ID of one of its 2 tasks, such as one, two" in refused.stderr
