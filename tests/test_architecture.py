"""The rooms of docs/ARCHITECTURE.md: who may import whom, and how long a file and a function may be."""

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("solver", "train", "weights", "benchmarks")

# Small modules without a room, for all of solver/.
SHARED = {f"solver.{name}" for name in ("file", "words", "choices", "budget", "processors", "weights_card")}
# What the process with torch knows of the one that supervises it: what they say to each other.
SPOKEN = {f"solver.run.{name}" for name in ("message", "schedule", "settings", "sources", "worker")}
# Rooms that are small enough to be read: at most so many modules on so many floors, without a circle.
FLAT = ("solver.run", "solver.tune")
MAX_MODULES, MAX_FLOORS = 16, 6

# Room -> the modules of this project that it may import, each with everything below it.
ROOMS = {
    **{name: SHARED for name in SHARED},
    "solver.arc": {*SHARED, "solver.arc"},
    "solver.search": {*SHARED, "solver.search", "solver.arc"},
    "solver.model": {*SHARED, "solver.model"},
    "solver.tune": {*SHARED, *SPOKEN, "solver.tune", "solver.arc", "solver.model"},
    "solver.run": {*SHARED, "solver.run", "solver.arc", "solver.search"},
    "solver.report": {*SHARED, "solver.report", "solver.arc", "solver.search"},
    "solver.bundle": {*SHARED, "solver.bundle", "solver.arc"},
    "solver.kaggle": {*SHARED, "solver.kaggle", "solver.arc", "solver.run", "solver.report"},
    "solver.cli": {"solver"},
    "solver": {"solver"},
    "train": {"train", "solver"},
    "weights": set(),
    "benchmarks": {"benchmarks", "solver", "train"},
    "build_dataset": {"solver", "train.dataset"},
    "kaggle_kernel": {"solver"},
}
WITHOUT_TORCH = (
    "solver.arc",
    "solver.search",
    "solver.report",
    "solver.run",
    "solver.kaggle",
    "solver.bundle",
    *sorted(SHARED),
)
TORCH_FAMILY = {"torch", "safetensors", "flash_attn"}
# What solver/ may import without a fallback: Kaggle's image has these.
ON_KAGGLE = {"torch", "numpy", "numba", "tqdm", "click"}
# Taken where a machine happens to have it, never installed by us; yaml comes with omegaconf.
NEVER_DECLARED = {"flash_attn", "yaml"}
PACKAGES = {"PIL": "pillow"}  # modules whose package has another name
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60


def module_name(path: Path) -> str:
    """``solver/arc/task.py`` -> ``solver.arc.task``; a package's ``__init__`` is the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def source_files() -> list[Path]:
    """Everything that is not a test."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return sorted(inside + [path for path in ROOT.glob("*.py")])


def room_of(module: str) -> str:
    """The longest room that holds the module."""
    rooms = [room for room in ROOMS if within(module, {room})]
    assert rooms, f"{module} stands in no room of the table"
    return max(rooms, key=len)


def within(module: str, allowed: set[str]) -> bool:
    """Whether the module is one of ``allowed`` or below it."""
    return any(module == name or module.startswith(name + ".") for name in allowed)


def imports(tree: ast.Module, module: str, is_package: bool) -> Iterator[tuple[ast.stmt, str]]:
    """Every import statement anywhere in the file, with the full names that it may bring in."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            # ``from solver import run`` is an import of solver.run, so names are told apart by files.
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node, full if is_module(full) else base


def is_module(name: str) -> bool:
    """Whether this project has a module of that name."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def parse(path: Path) -> tuple[ast.Module, str, bool]:
    """The file's syntax tree, its module name, and whether it is a package."""
    return ast.parse(path.read_text("utf-8")), module_name(path), path.name == "__init__.py"


def is_ours(name: str) -> bool:
    """Whether an imported name belongs to this project."""
    return within(name, set(ROOMS))


def forbidden_imports(tree: ast.Module, module: str, is_package: bool = False) -> list[str]:
    """Imports that the table of rooms does not allow."""
    room = room_of(module)
    found = []
    for node, name in imports(tree, module, is_package):
        top = name.split(".")[0]
        # solver/__init__.py imports nothing, so its version may be read from everywhere.
        if is_ours(name) and name != "solver" and not within(name, ROOMS[room]):
            found.append(f"{module}:{node.lineno} imports {name}; {room} may import {sorted(ROOMS[room])}")
        if within(module, set(WITHOUT_TORCH)) and top in TORCH_FAMILY:
            found.append(f"{module}:{node.lineno} imports {name}; {room} works without torch")
    return found


def needs_at_import(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Modules without which importing the file fails: outside functions, ``try`` and TYPE_CHECKING."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module or ""
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Try)):
            continue
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend(node.orelse)
        else:
            pending.extend(ast.iter_child_nodes(node))


def third_party(name: str) -> str | None:
    """The top-level package of an import that neither Python nor this project provides."""
    top = name.split(".")[0]
    return None if top in sys.stdlib_module_names or is_ours(name) else PACKAGES.get(top, top)


def blanket_excepts(tree: ast.Module) -> list[int]:
    """Lines of handlers that catch everything."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {name.id for name in caught if isinstance(name, ast.Name)}
            if node.type is None or names & {"Exception", "BaseException"}:
                lines.append(node.lineno)
    return lines


def long_functions(tree: ast.Module) -> list[str]:
    """Functions over the limit, decorators and docstring counted."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                found.append(f"{node.name}: {lines} lines")
    return found


def arrows(room: str) -> dict[str, set[str]]:
    """Each module of the room with those of the room that it imports, whenever it does."""
    found = {}
    for path in sorted((ROOT / Path(*room.split("."))).glob("*.py")):
        tree, module, is_package = parse(path)
        if not is_package:
            names = {name for _, name in imports(tree, module, is_package)}
            found[module] = {name for name in names if within(name, {room})} - {module, room}
    return found


def floors(graph: dict[str, set[str]]) -> dict[str, int]:
    """The floor of each module: one above the highest that it imports, from 1. ValueError for a circle."""
    heights: dict[str, int] = {}
    while left := [module for module in graph if module not in heights]:
        ready = [module for module in left if graph[module] <= heights.keys()]
        if not ready:
            raise ValueError(f"a circle of imports among {', '.join(left)}")
        for module in ready:
            heights[module] = 1 + max((heights[name] for name in graph[module]), default=0)
    return heights


files = pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(ROOT)))


@files
def test_imports_keep_to_the_table_of_rooms(path: Path) -> None:
    assert forbidden_imports(*parse(path)) == []


@files
def test_file_and_function_lengths(path: Path) -> None:
    tree, _, _ = parse(path)
    assert path.read_text("utf-8").count("\n") <= MAX_FILE_LINES
    assert long_functions(tree) == []


@files
def test_no_handler_catches_everything(path: Path) -> None:
    tree, _, _ = parse(path)
    assert blanket_excepts(tree) == []


@files
def test_solver_imports_on_a_machine_like_kaggles(path: Path) -> None:
    tree, module, _ = parse(path)
    if not within(module, {"solver", "kaggle_kernel"}):
        return
    needed = {(line, third_party(name)) for line, name in needs_at_import(tree)}
    assert {(line, top) for line, top in needed if top and top not in ON_KAGGLE} == set()


@pytest.mark.parametrize("room", FLAT)
def test_a_room_has_few_floors_and_no_circle(room: str) -> None:
    graph = arrows(room)
    heights = floors(graph)
    assert len(graph) <= MAX_MODULES, sorted(graph)
    assert max(heights.values()) <= MAX_FLOORS, sorted(heights.items(), key=lambda item: item[1])


def test_floors_are_counted_and_circles_found() -> None:
    assert floors({"a": set(), "b": {"a"}, "c": {"a", "b"}, "d": set()}) == {"a": 1, "b": 2, "c": 3, "d": 1}
    with pytest.raises(ValueError, match="a circle of imports among a, b"):
        floors({"a": {"b"}, "b": {"a"}, "c": set()})


def test_the_command_line_starts_without_torch_and_numba() -> None:
    for path in (ROOT / "solver" / "cli").glob("*.py"):
        tree, module, _ = parse(path)
        if module != "solver.cli.progress":  # loaded by the commands, once there is work to show
            heavy = {name.split(".")[0] for _, name in needs_at_import(tree)} & (
                TORCH_FAMILY | {"numba", "numpy"}
            )
            assert heavy == set(), f"{module} imports {heavy} at its top"


def test_every_library_is_declared_in_setup_cfg() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = config["options"]["install_requires"] + "\n".join(config["options.extras_require"].values())
    names = {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0] for line in wanted.split("\n") if line.strip()}
    declared = {name.lower().replace("-", "_") for name in names}
    for path in source_files():
        tree, module, is_package = parse(path)
        used = {third_party(name) for _, name in imports(tree, module, is_package)} - {None} - NEVER_DECLARED
        assert used <= declared, f"{module} imports {sorted(used - declared)}, which setup.cfg does not name"


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import torch", "solver.arc.task"),
        ("def f():\n    from torch import nn", "solver.report.page"),
        ("from solver.run import pipeline", "solver.arc.task"),
        ("from solver import arc", "solver.model.urm"),
        ("from ..arc.task import Task", "solver.model.urm"),
        ("import solver.cli.solve", "solver.run.pipeline"),
        ("from train import loop", "solver.tune.adapt"),
        ("from train.loop import train", "build_dataset"),
    ],
)
def test_a_wrong_import_is_found(source: str, module: str) -> None:
    assert len(forbidden_imports(ast.parse(source), module)) == 1


def test_the_other_checks_find_what_they_look_for() -> None:
    assert blanket_excepts(ast.parse("try:\n    f()\nexcept (OSError, Exception):\n    pass")) == [3]
    assert blanket_excepts(ast.parse("try:\n    f()\nexcept:\n    pass")) == [3]
    assert blanket_excepts(ast.parse("try:\n    f()\nexcept OSError:\n    pass")) == []
    assert long_functions(ast.parse("def f():\n" + "    pass\n" * MAX_FUNCTION_LINES)) == ["f: 61 lines"]
    source = (
        "import jinja2\ntry:\n    import orjson\nexcept ImportError:\n    pass\ndef f():\n    import scipy"
    )
    assert [name for _, name in needs_at_import(ast.parse(source))] == ["jinja2"]
