"""The report as a file: complete, escaped, self-contained, whatever of its inputs is there."""

import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner
from made_run import challenges, entry, make_run, solutions, view

from solver.arc.journal import Journal, Proposed, read_journal
from solver.arc.task import Pair, Task, as_grid
from solver.choices import REFINE, VOTE_RULES
from solver.cli import main
from solver.report.charts import Part, histogram, nice_edges, share_bar, share_columns
from solver.report.page import render_report, write_report
from solver.report.result import read_result, summarise

HOSTILE = [
    '"><script>window.hacked = 1</script>',
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<!--<script>",
    "' onclick='window.hacked = 1",
    "{{ 7 * 7 }}{% raw %}",
    "\u2028\x1b[2J",
]
IDS = ["plain", *HOSTILE, "last"]


class Page(HTMLParser):
    """Elements and attributes of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if self._in_script:
            self.scripts[-1] += data

    def bodies(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == "tbody" and "data-id" in attributes]


def page_of(run, *, title: str = "made", **chosen) -> tuple[str, Page]:
    files = {"solutions": run.solutions, "tasks": run.tasks, "journal": run.journal} | chosen
    text = render_report(read_result(run.submission, **files), title)
    return text, Page(text)


def test_hostile_names_stay_text(tmp_path):
    run = make_run(tmp_path, IDS, rule=HOSTILE[0])
    text, page = page_of(run, title=HOSTILE[2])
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 2 and "img" not in tags
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert [attributes["data-id"] for attributes in page.bodies()] == IDS
    assert [task["id"] for task in json.loads(page.scripts[0])["tasks"]] == IDS
    assert "<!--" not in text and "49" not in re.findall(r"<button[^>]*>(.*?)</button>", text)
    rules = {
        attempt.get("r")
        for task in json.loads(page.scripts[0])["tasks"]
        for o in task["out"]
        for attempt in o["a"]
    }
    assert HOSTILE[0] in rules


def test_nothing_is_loaded_from_anywhere(tmp_path):
    text, page = page_of(make_run(tmp_path, IDS))
    assert not [a for _, a in page.elements if "src" in a or a.get("href", "data:,") != "data:,"]
    assert "http:" not in text and "https:" not in text and "@import" not in text and "url(" not in text
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'") and "script-src 'sha256-" in policy


def test_the_grids_in_the_page_are_those_of_the_files(tmp_path):
    run = make_run(tmp_path, ["a", "b"])
    _, page = page_of(run)
    value = json.loads(page.scripts[0])
    tasks = json.loads(run.tasks.read_text())

    def rows(text: str) -> list:
        return [[int(cell) for cell in row] for row in text.split("/")]

    expected = json.loads(run.solutions.read_text())
    submission = json.loads(run.submission.read_text())
    for task in value["tasks"]:
        source = tasks[task["id"]]
        assert [[rows(g) for g in pair] for pair in task["train"]] == [
            [pair["input"], pair["output"]] for pair in source["train"]
        ]
        assert [rows(g) for g in task["test"]] == [pair["input"] for pair in source["test"]]
        assert [rows(output["e"]) for output in task["out"]] == expected[task["id"]]
        for output, both in zip(task["out"], submission[task["id"]], strict=True):
            assert [rows(attempt["g"]) for attempt in output["a"]] == list(both.values())


def test_the_table_says_what_the_score_says(tmp_path):
    # outputs: a0 network | b0 search, b1 wrong | c0
    text, page = page_of(make_run(tmp_path, ["a", "b", "c"]))
    a, b, c = page.bodies()
    assert (a["data-status"], b["data-status"], c["data-status"]) == ("solved", "partly", "solved")
    assert (a["data-right"], b["data-right"]) == ("1.0", "0.5")
    assert a["data-source"] == "network" and b["data-source"] == "search + network"
    assert float(a["data-votes"]) == 2 / 4 and a["data-seconds"] == "1.5" and a["data-shown"] == "0.5"
    assert c["data-label"] == "demonstrations seen in training"
    assert ">83.33<small>" in text and ">75.00<small>" in text


def test_the_candidates_are_ranked_by_the_rule_of_the_run(tmp_path):
    """The right grid of the first output has two votes of six; one wrong grid is likelier than both."""
    for vote in VOTE_RULES:
        folder = tmp_path / vote
        folder.mkdir()
        run = make_run(folder, ["a"], vote=vote)
        likely = (view(as_grid([[9]]), 0.0, -0.1),)
        journal, _ = Journal.resume(run.journal, read_journal(run.journal).header)
        with journal:
            journal.append(Proposed("a", (likely,), phase=REFINE))
        result = read_result(run.submission, run.solutions, run.tasks, run.journal)
        assert result.contents.vote == vote == summarise(result)["pool"]["vote"]
        assert result.pool.outputs["a", 0].position == (2 if vote == "probability" else 1)
        assert f"vote {vote}" in render_report(result, "made")


def test_an_unknown_rule_in_a_journal_is_refused(tmp_path):
    run = make_run(tmp_path, ["a"], vote="loudest")
    with pytest.raises(ValueError, match="line 1: the option vote is 'loudest', wanted one of consensus, c"):
        read_journal(run.journal)


@pytest.mark.parametrize("leave", [["journal"], ["solutions"], ["tasks"], ["journal", "solutions", "tasks"]])
def test_it_is_written_with_whatever_is_there(tmp_path, leave):
    run = make_run(tmp_path, ["a", "b"])
    text, page = page_of(run, **dict.fromkeys(leave))
    assert len(page.bodies()) == 2
    assert ("no solutions given" in text) == ("solutions" in leave)
    assert ("Seconds" in text) == ("journal" not in leave)
    assert bool(json.loads(page.scripts[0])["tasks"][0]["train"]) == ("tasks" not in leave)


def test_problems_missing_and_extra_ids_are_listed(tmp_path):
    run = make_run(tmp_path, ["a", "b"])
    value = json.loads(run.submission.read_text())
    value["a"][0]["attempt_1"] = [[1, 2], [3]]
    value["x<y"] = value.pop("b")
    value["\ud800"] = []  # no text at all, but JSON has it
    run.submission.write_text(json.dumps(value))
    text, page = page_of(run)
    assert "invalid attempts: 1, missing tasks: 1" in text and "x&lt;y" in text
    assert "attempt_1, row 1: expected 2 cells as in row 0, got 1" in text
    assert page.bodies()[1]["data-status"] == "missing"
    output = tmp_path / "r.html"
    write_report(output, run.submission, tasks=run.tasks, solutions=run.solutions)
    assert "x&lt;y, ?</p>" in output.read_text("utf-8")


def test_a_tenth_of_400_of_the_largest_tasks_stays_under_a_tenth_of_10_megabytes(tmp_path):
    generator = np.random.default_rng(2)

    def pair() -> Pair:
        first, second = (as_grid(generator.integers(0, 10, (30, 30))) for _ in range(2))
        return Pair(first, second)

    tasks = [Task(f"{n:08x}", tuple(pair() for _ in range(4)), (pair(),)) for n in range(40)]
    names = ("challenges.json", "solutions.json", "submission.json")
    paths = [tmp_path / name for name in names]
    submission = {t.id: [entry(t.test[0].input, t.test[0].output)] for t in tasks}
    for path, value in zip(paths, (challenges(tasks), solutions(tasks), submission), strict=True):
        path.write_text(json.dumps(value))
    size = write_report(tmp_path / "r.html", paths[2], tasks=paths[0], solutions=paths[1])
    assert size == (tmp_path / "r.html").stat().st_size < 10e6 / 10


def test_the_head_says_only_what_was_set_and_where_right_outputs_came_from(tmp_path):
    run = make_run(tmp_path, ["a", "b"])
    texts = []
    for solved in (True, False):
        if not solved:
            wrong = {
                key: [[[9]]] * len(grids) for key, grids in json.loads(run.solutions.read_text()).items()
            }
            run.solutions.write_text(json.dumps(wrong))
        page = tmp_path / "page.html"
        write_report(page, run.submission, tasks=run.tasks, solutions=run.solutions, journal=run.journal)
        texts.append(page.read_text("utf-8"))
    for text in texts:
        head = text[text.index("<header>") : text.index("</header>")]
        assert "seed" in head and "None" not in head
    assert ["Right outputs from" in text for text in texts] == [True, False]


def test_the_command(tmp_path):
    run = make_run(tmp_path, ["a", "b"])
    output = tmp_path / "r.html"
    arguments = ["report", run.submission, "-o", output, "--tasks", run.tasks, "--journal", run.journal]
    result = CliRunner().invoke(main, [*map(str, arguments), "--solutions", str(run.solutions)])
    assert result.exit_code == 0 and f"wrote {output}" in result.output
    before = output.read_bytes()
    assert before.startswith(b"<!doctype html>")
    run.journal.write_bytes(run.journal.read_bytes().replace(b"made-up", b"made-in"))
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 2 and f"{run.journal}, line 1: the checksum says" in result.output
    assert output.read_bytes() == before
    result = CliRunner().invoke(main, ["report", str(run.submission), "-o", str(output / "r.html")])
    assert result.exit_code == 2 and "cannot be written" in result.output


def test_without_jinja2_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    run = make_run(tmp_path, ["a"])
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ValueError, match="needs jinja2: pip install jinja2 markupsafe"):
        write_report(tmp_path / "r.html", run.submission)


def bars(svg: str, css: str) -> list[float]:
    """Heights of a class's columns."""
    return [float(h) for h in re.findall(rf'class="{css}"[^>]*height="([\d.]+)"', svg)]


def test_charts_draw_their_numbers():
    svg = histogram([("solved", "s", [1, 1, 12]), ("wrong", "w", [1, 30])], [0, 10, 20], "seconds")
    assert bars(svg, "solved") == pytest.approx([106 * 2 / 3, 106 / 3], abs=0.06)
    assert bars(svg, "wrong") == pytest.approx([106 / 3, 106 / 3], abs=0.06)
    svg = share_columns([("1", 0.25), ("2", 0.5)], 0.4, "score", "pass@k")
    assert bars(svg, "covered") == pytest.approx([53, 106], abs=0.06)
    widths = re.findall(
        r'class="solved"[^>]*width="([\d.]+)"', share_bar([Part("solved", "s", 1), Part("wrong", "w", 3)])
    )
    assert widths == ["79.0"]


@pytest.mark.parametrize("values", [[], [0.0], [0.013], [9.99], [10.0], [640.0, 3.0]])
def test_edges_are_round_and_hold_everything(values):
    edges = nice_edges(values)
    assert edges[0] == 0 and edges[-1] >= max(values, default=0) and 2 <= len(edges) <= 12
    step = f"{edges[1]:.0e}"
    assert step[0] in "125" and np.allclose(np.diff(edges), edges[1])
