"""The report in a real browser: Debian's Chromium, driven through its driver, without a network."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from browser import (
    choose,
    colour,
    contrast,
    expand_all,
    open_page,
    page_seconds,
    requests,
    run_js,
    shown_ids,
    start_browser,
    view,
)
from made_run import entry, make_run
from test_explain import MIRROR, mirrored, searched, write_run
from test_report import IDS

from solver.arc.task import as_grid
from solver.report.page import write_report
from solver.report.palette import PALETTES

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Debian's chromium and chromium-driver are not installed"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = start_browser(CHROMIUM, DRIVER, tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


def make_page(folder: Path, ids: list[str]) -> Path:
    run = make_run(folder, ids, rule=IDS[1])
    path = folder / "report.html"
    hostile = folder / "<img src=x onerror=window.hacked=1>.json"
    value = json.loads(run.submission.read_text())
    for entries in value.values():
        entries[0]["attempt_3"] = []  # a problem, so that its text with the task's id is shown
    hostile.write_text(json.dumps(value))
    write_report(path, hostile, tasks=run.tasks, solutions=run.solutions, journal=run.journal)
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    return make_page(tmp_path_factory.mktemp("report"), IDS)


@pytest.fixture
def opened(browser, page):
    view(browser, 1280, "light")
    open_page(browser, page)
    return browser


def test_it_renders_without_a_message_or_a_request(opened):
    assert shown_ids(opened) == IDS
    expand_all(opened)
    assert len(opened.find_elements("css selector", "tr.detail")) == len(IDS)
    assert len(opened.find_elements("css selector", "tr.detail .bad li")) == len(IDS)
    assert opened.get_log("browser") == []
    assert requests(opened) == []
    assert run_js(opened, "return performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize("policy", [True, False])
def test_no_script_of_a_hostile_name_runs(opened, page, policy, tmp_path):
    """With the content security policy, and by the escaping alone."""
    if not policy:
        text = page.read_text("utf-8")
        assert text.count("Content-Security-Policy") == 1
        bare = tmp_path / "report.html"
        bare.write_text(text.replace("Content-Security-Policy", "nothing"), "utf-8")
        open_page(opened, bare)
    expand_all(opened)
    choose(opened, "find", IDS[1])
    opened.find_element("css selector", "h1").click()
    assert run_js(opened, "return typeof window.hacked") == "undefined"
    assert opened.find_elements("css selector", "img, iframe, object") == []
    assert len(opened.find_elements("css selector", "script")) == 2
    assert shown_ids(opened) == [IDS[1]]
    assert "<img src=x" in opened.find_element("css selector", "h1").text


def test_filters(opened):
    choose(opened, "find", "PLAIN")
    assert shown_ids(opened) == ["plain"]
    assert opened.find_element("id", "shown").text == f"1 of {len(IDS)} tasks"
    choose(opened, "find", "")
    choose(opened, "status", "partly")
    assert len(shown_ids(opened)) == 4  # every second task has one of its two outputs right
    choose(opened, "source", "search")
    by_source = shown_ids(opened)
    assert 0 < len(by_source) < len(IDS)
    choose(opened, "status", "")
    choose(opened, "source", "")
    choose(opened, "label", "=demonstrations seen in training")
    assert shown_ids(opened) == ["last"]
    choose(opened, "label", "-")
    assert len(shown_ids(opened)) == len(IDS) - 1


def test_sorting_by_every_column(opened):
    heads = run_js(
        opened, "return [...document.querySelectorAll('thead th[data-key]')].map(h => h.dataset.key)"
    )
    assert heads[0] == "id" and "seconds" in heads
    opened.find_element("css selector", "tbody[data-id=plain] button").click()
    for key in heads[2:]:
        button = opened.find_element("css selector", f"th[data-key={key}] button")
        orders = []
        for _ in range(2):
            button.click()
            orders.append(
                run_js(
                    opened,
                    f"return [...document.querySelectorAll('tbody[data-id]')].map(b => b.dataset.{key})",
                )
            )
        if key == "source":
            assert orders[0] == sorted(orders[0]) and orders[1] == sorted(orders[1], reverse=True)
        else:
            numbers = [[float(value) for value in order if value] for order in orders]
            assert numbers[0] == sorted(numbers[0], reverse=True) and numbers[1] == sorted(numbers[1])
            assert all("" not in order[: len(known)] for order, known in zip(orders, numbers, strict=True))
    assert (
        run_js(opened, "return document.querySelector('[aria-sort]').getAttribute('aria-sort')")
        == "ascending"
    )
    assert run_js(opened, "return document.querySelector('tbody[data-id=plain]').rows.length") == 2
    choose(opened, "sort", "")
    assert shown_ids(opened)[0] == "plain"


def cell_colours(browser, rows: int, columns: int) -> list[list[str]]:
    """Colours at the cells' lower left corners in the first drawn grid, away from digits and rings."""
    return run_js(
        browser,
        """const canvas = document.querySelector('tr.detail canvas'), [rows, columns] = arguments;
        const side = (canvas.width - 1) / columns, context = canvas.getContext('2d');
        return [...Array(rows).keys()].map(r => [...Array(columns).keys()].map(c => {
          const [red, green, blue] = context.getImageData(c * side + 2, (r + 1) * side - 2, 1, 1).data;
          return '#' + [red, green, blue].map(v => v.toString(16).padStart(2, '0')).join('');
        }))""",
        rows,
        columns,
    )


def test_a_drawn_grid_has_the_colours_of_its_cells_in_either_palette(opened):
    opened.find_element("css selector", "tbody[data-id=plain] button").click()
    text = run_js(
        opened, "return JSON.parse(document.getElementById('data').textContent).tasks[0].train[0][0]"
    )
    cells = [[int(cell) for cell in row] for row in text.split("/")]
    pictures = []
    for name in ("arc", "safe"):
        choose(opened, "palette", name)
        wanted = [[PALETTES[name][cell] for cell in row] for row in cells]
        assert cell_colours(opened, len(cells), len(cells[0])) == wanted
        pictures.append(run_js(opened, "return document.querySelector('tr.detail canvas').toDataURL()"))
    opened.find_element("id", "digits").click()
    pictures.append(run_js(opened, "return document.querySelector('tr.detail canvas').toDataURL()"))
    assert len(set(pictures)) == 3


def test_what_an_opened_task_says(opened):
    opened.find_element("css selector", "tbody[data-id=plain] button").click()
    detail = opened.find_element("css selector", "tr.detail").text
    for text in ("Demonstrations", "Input 0", "Output 1", "Test 0", "Attempt 1", "Attempt 2", "Expected"):
        assert text in detail
    assert "2 of 4 votes · network · confidence 0.75" in detail
    assert "candidate 1 of 3, 2 votes" in detail and "right" in detail and "wrong" in detail
    opened.find_element("css selector", "tbody[data-id=plain] button").click()
    assert opened.find_elements("css selector", "tr.detail") == []


def test_wrong_cells_are_marked(browser, tmp_path):
    """One attempt differs from the expected grid in one cell: rings there, and nowhere else."""
    files = {
        "tasks": {"t": {"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[1]]}]}},
        "solutions": {"t": [[[0, 0], [0, 0]]]},
        "submission": {"t": [{"attempt_1": [[0, 0], [0, 5]], "attempt_2": [[0, 0, 0]]}]},
    }
    paths = {name: tmp_path / f"{name}.json" for name in files}
    for name, value in files.items():
        paths[name].write_text(json.dumps(value))
    path = tmp_path / "report.html"
    write_report(path, paths.pop("submission"), **paths)
    open_page(browser, path)
    expand_all(browser)
    whites = run_js(
        browser,
        """const canvas = document.querySelectorAll('.answers canvas')[1];
        const half = Math.floor(canvas.width / 2);
        const white = (x, y) => {
          const { data } = canvas.getContext('2d').getImageData(x, y, half, half);
          let count = 0;
          for (let i = 0; i < data.length; i += 4) count += data[i] + data[i + 1] + data[i + 2] === 765;
          return count;
        };
        return [white(0, 0), white(half, 0), white(0, half), white(half, half)]""",
    )
    assert whites[:3] == [0, 0, 0] and whites[3] > 20
    assert "1 cell wrong" in browser.find_element("css selector", "tr.detail").text


def test_it_works_by_keyboard_alone(opened):
    from selenium.webdriver.common.keys import Keys

    def active() -> str:
        return run_js(opened, "return document.activeElement.textContent || document.activeElement.id")

    def press(key: str) -> None:
        opened.switch_to.active_element.send_keys(key)

    for _ in range(40):
        press(Keys.TAB)
        if active() == "plain":
            break
    assert active() == "plain"
    press(Keys.ENTER)
    assert len(opened.find_elements("css selector", "tr.detail")) == 1
    press(Keys.ARROW_DOWN)
    assert active() == IDS[1]
    press(Keys.ARROW_UP)
    press(Keys.SPACE)
    assert opened.find_elements("css selector", "tr.detail") == []
    press("/")
    press("last")
    assert shown_ids(opened) == ["last"]


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_wide_and_narrow_light_and_dark(browser, page, width, scheme):
    view(browser, width, scheme)
    open_page(browser, page)
    expand_all(browser)
    assert run_js(browser, "return document.documentElement.scrollWidth") <= width
    paper = colour(browser, "body", "backgroundColor")
    assert (sum(paper) < 3 * 128) == (scheme == "dark")
    for selector in ("body", ".faint", "#tasks tbody th button", "#tasks thead button"):
        assert contrast(colour(browser, selector, "color"), paper) >= 4.5, selector
    card = colour(browser, ".detail .box", "backgroundColor")
    for selector in (".grids figcaption", ".grids figcaption b", ".good", ".poor"):
        assert contrast(colour(browser, f".detail {selector}", "color"), card) >= 4.0, selector
    sorter = browser.find_element("id", "sort").is_displayed()
    seconds = browser.find_element("css selector", "th[data-key=seconds]").is_displayed()
    assert sorter == (width == 400) and seconds == (width == 1280)


def test_the_address_names_the_task_that_was_opened_last(opened):
    opened.find_element("css selector", "tbody[data-id=last] button").click()
    assert opened.current_url.endswith("report.html#last")
    opened.refresh()
    assert run_js(opened, "return document.querySelector('tr.detail').parentNode.dataset.id") == "last"
    expand_all(opened)  # hostile ids have an address too
    assert len(opened.find_elements("css selector", "tr.detail")) == len(IDS)


def test_a_chosen_theme_wins_over_the_system(opened):
    choose(opened, "theme", "dark")
    assert sum(colour(opened, "body", "backgroundColor")) < 3 * 128
    choose(opened, "theme", "light")
    assert sum(colour(opened, "body", "backgroundColor")) > 3 * 128


def test_400_tasks_open_in_under_two_seconds(browser, tmp_path):
    page = make_page(tmp_path, [f"{n:08x}" for n in range(400)])
    browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    seconds = []
    for _ in range(3):
        open_page(browser, page)
        assert len(shown_ids(browser)) == 400
        run_js(browser, "return document.getElementById('tasks').offsetHeight")  # the layout counts too
        seconds.append(page_seconds(browser))
    assert min(seconds) > 0.01 and max(seconds) < 2


@pytest.fixture(scope="module")
def explained(tmp_path_factory) -> Path:
    """A page with an answer whose program runs again, and one whose program is another version's."""
    folder = tmp_path_factory.mktemp("explained")
    task = mirrored()
    right = as_grid(np.fliplr(task.test[0].input))
    tasks, journal = write_run(
        folder,
        task,
        [searched(right, MIRROR), searched(task.test[0].input, "0 program | turn_4", "<b>old</b>", 2)],
    )
    submission = folder / "submission.json"
    submission.write_text(json.dumps({task.id: [entry(right, task.test[0].input)]}))
    write_report(folder / "report.html", submission, tasks=tasks, journal=journal)
    return folder / "report.html"


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_steps_are_folded_under_their_answer(browser, explained, width, scheme):
    view(browser, width, scheme)
    open_page(browser, explained)
    expand_all(browser)
    programs = browser.find_element("css selector", ".programs")
    assert programs.text.splitlines() == [
        "Attempt 1: mirror left-right",
        "Attempt 2: <b>old</b> (its program does not run again: "
        "a program of version 1 was expected, got '0')",
    ]
    assert programs.find_elements("css selector", "canvas, b b") == []
    programs.find_element("css selector", "summary").click()
    assert [item.text for item in programs.find_elements("css selector", "h4")] == [
        "demonstration 0",
        "test 0",
    ]
    captions = [item.text for item in programs.find_elements("css selector", "figcaption")]
    assert captions == ["0. the input (3 \u00d7 3)", "1. mirror left-right (3 \u00d7 3)"] * 2
    labels = [item.get_attribute("aria-label") for item in programs.find_elements("css selector", "canvas")]
    assert labels[3] == "1. mirror left-right, 3 \u00d7 3: 009, 010, 220"
    assert "= the demonstration's output" in programs.text and "= the answer" in programs.text
    assert run_js(browser, "return document.documentElement.scrollWidth") <= width
    card = colour(browser, ".detail .box", "backgroundColor")
    for selector in (".programs summary", ".programs .faint", ".steps figcaption"):
        assert contrast(colour(browser, selector, "color"), card) >= 4.5, selector
    assert browser.get_log("browser") == []
