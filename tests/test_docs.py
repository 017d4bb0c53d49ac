"""The documents against the tree: named files exist, every page is linked, LOG.md has a complete index."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
NAMES = [page.name for page in PAGES]
FOLDERS = ("solver", "train", "tests", "benchmarks", "docs", "runs", "weights", "examples")
# A path below one of the folders, with * as in a shell; and the name of a source file without its folder.
PATH = re.compile(rf"(?<![\w/.-])((?:{'|'.join(FOLDERS)})/[\w*./-]*[\w*/])")
FILE = re.compile(r"(?<![\w*])((?:\w+/)*\w+\.(?:py|sh|j2))(?![\w*])")
# Files of the reader's own that an example names, of other projects, and of the Kaggle bundle.
OWN = {"my_network.py", "my_released.py", "my_evaluator.py", "pretrain.py", "kernel/kaggle_kernel.py"}
# Folders that a command of a document writes, and the name of a logged number.
MADE = re.compile(r"runs/(?!\w+\.sh)|weights/(?!urm-nano(?:-public|-kaggle)?/)|train/exact_accuracy")
CELL = 240  # two lines of 120 columns


def text_of(page: Path) -> str:
    """The page; of the log, whose entries name the files of their day, what stands before the first entry."""
    text = page.read_text(encoding="utf-8")
    return text.split("\n## ")[0] if page.name == "LOG.md" else text


@cache
def tree() -> frozenset[str]:
    """Every file of the project's folders and of its top, from the root on."""
    found = {path.name for path in ROOT.iterdir() if path.is_file()}
    for folder in FOLDERS:
        found |= {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()}
    return frozenset(found)


def named(text: str) -> set[str]:
    """Paths from the root on that a page names."""
    found = {path.rstrip(".") for path in PATH.findall(text)}
    return {path for path in found if path.rstrip("/") not in FOLDERS and not MADE.match(path)}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    missing = [path for path in sorted(named(text_of(page))) if not list(ROOT.glob(path.rstrip("/")))]
    assert not missing, f"{page.name} names {', '.join(missing)}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_source_file_that_a_page_names_exists_somewhere(page: Path) -> None:
    names = set(FILE.findall(text_of(page))) - OWN
    missing = [name for name in sorted(names) if not any(f"/{path}".endswith(f"/{name}") for path in tree())]
    assert not missing, f"{page.name} names {', '.join(missing)}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text_of(page))
    missing = [t for t in targets if not t.startswith("http") and not (page.parent / t).exists()]
    assert not missing, f"{page.name} links to {', '.join(missing)}"


def test_every_page_is_linked_from_another_page() -> None:
    for page in PAGES[1:]:
        others = [text_of(other) for other in PAGES if other != page]
        assert any(re.search(rf"\]\((?:docs/)?{page.name}[)#]", text) for text in others), page.name


def test_the_logs_index_has_a_line_for_every_entry() -> None:
    top, *entries = re.split(
        r"^## ", (ROOT / "docs" / "LOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    headings = [entry.splitlines()[0] for entry in entries]
    assert headings and all(re.match(r"\d{4}-\d\d-\d\d \S", heading) for heading in headings)
    index = re.findall(r"^- \[(.+)\]\(#([\w-]+)\): \S", top, re.MULTILINE)
    assert index == [(heading, anchor_of(heading)) for heading in headings]


def anchor_of(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_readmes_table_cells_have_two_lines_at_most() -> None:
    rows = [line for line in text_of(PAGES[0]).splitlines() if line.startswith("|")]
    cells = [cell.strip() for row in rows for cell in re.split(r"(?<!\\)\|", row)]
    assert max(map(len, cells)) <= CELL


def test_a_file_that_is_not_there_would_be_found() -> None:
    text = "`solver/run/nothing.py`, tests/none*.py, `nowhere.py`, runs/urm-arc1/x; solver/ alone is fine."
    assert named(text) == {"solver/run/nothing.py", "tests/none*.py"}
    assert FILE.findall("`nowhere.py`, `table_*.py`") == ["nowhere.py"]
