"""Merging: always valid, always distinct, in the order or by the votes that were asked for."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_run import challenges, entry, grid, make_run, random_grid, random_task, view

from solver.arc.candidate import same_grid
from solver.arc.journal import Header, Journal, Proposed, read_journal
from solver.arc.merge import Ruling, Source, merge_sources, read_source, rule_of
from solver.arc.pool import rank_journal
from solver.arc.submission import parse_attempts, read_submission, validate_submission
from solver.arc.task import load_tasks
from solver.choices import VOTE_RULES
from solver.cli import main

ONE, TWO, THREE, FOUR = grid("1"), grid("2"), grid("3"), grid("4")
BAD = [[1, 2], [3]]


def source(value: dict, name: str = "s") -> Source:
    return Source(name, attempts=parse_attempts(value, name))


def merged(*values: dict, by: str = "order") -> list[list[int]]:
    """The two attempts of task a, test 0, as their only cells."""
    pair = merge_sources([source(value, f"s{n}") for n, value in enumerate(values)], by=by).answers["a"][0]
    return [int(answer[0, 0]) for answer in pair]


@pytest.mark.parametrize(
    ("by", "values", "wanted"),
    [
        ("order", [entry(ONE, TWO), entry(THREE, FOUR)], [1, 3]),
        ("order", [entry(ONE, TWO), entry(ONE, FOUR)], [1, 2]),
        ("order", [entry(ONE, ONE), entry(ONE, FOUR)], [1, 4]),
        ("order", [entry(BAD, TWO), entry(THREE, FOUR)], [2, 3]),
        ("order", [entry(ONE, TWO), entry(ONE, TWO), entry(THREE, TWO)], [1, 3]),
        ("votes", [entry(ONE, TWO), entry(THREE, FOUR)], [1, 3]),
        ("votes", [entry(ONE, TWO), entry(THREE, TWO)], [2, 1]),
        ("votes", [entry(ONE, TWO), entry(THREE, FOUR), entry(FOUR, THREE)], [3, 4]),
    ],
)
def test_which_attempts_win(by, values, wanted):
    assert merged(*({"a": [value]} for value in values), by=by) == wanted


def test_what_nobody_has_is_filled_and_counted():
    result = merge_sources([source({"a": [entry(ONE, BAD)]}), source({"a": [entry(BAD, ONE)]})])
    first, second = result.answers["a"][0]
    assert first.tolist() == [[1]] and not same_grid(first, second)
    assert (result.filled, result.invalid) == (1, 2)
    with pytest.raises(ValueError, match="task a, test 0: no file has a valid attempt; name the tasks file"):
        merge_sources([source({"a": [entry(BAD, BAD)]}), source({"a": [entry(BAD, BAD)]})])


def test_with_the_tasks_everything_is_filled_by_guesses_and_nothing_else_stays():
    task = random_task("a", np.random.default_rng(1), 2)
    result = merge_sources([source({}), source({"z": [entry(ONE, TWO)]})], [task])
    assert list(result.answers) == ["a"] and len(result.answers["a"]) == 2
    assert all(not same_grid(first, second) for first, second in result.answers["a"])
    assert result.filled == 4 and result.dropped == ("z",)


def test_submissions_that_disagree_about_a_task_are_refused():
    one, two = {"a": [entry(ONE, TWO)]}, {"a": [entry(ONE, TWO)] * 2}
    with pytest.raises(ValueError, match="s2, task a: wanted 1 entries as in s1, found 2; name the tasks"):
        merge_sources([source(one, "s1"), source(two, "s2")])


def test_a_journal_merged_with_itself_is_what_its_run_submitted(tmp_path):
    run = make_run(tmp_path, ["a", "b", "c", "d"])
    submitted, journal = read_submission(run.submission), read_source(run.journal)
    for how in ("votes", "order"):
        for sources in ([journal, journal], [journal, source({})]):
            answers = merge_sources(sources, by=how).answers
            for task_id, pairs in answers.items():
                for pair, ours in zip(pairs, submitted[task_id], strict=True):
                    assert all(same_grid(a, b) for a, b in zip(pair, ours, strict=True)), (how, task_id)
    for (task_id, test), ranked in rank_journal(read_journal(run.journal)).items():
        for answer, ours in zip(ranked, submitted[task_id][test], strict=False):
            assert same_grid(answer.grid, ours)


def voted(folder: Path, name: str, vote: str) -> Source:
    """A journal whose run voted by a rule: grid 1 has the votes, 2 the confidence, 3 the probability."""
    views = (view(ONE, 0.1, -5.0), view(ONE, 0.1, -5.0), view(TWO, 0.9, -5.0), view(TWO, 0.9, -5.0))
    with Journal.create(folder / name, Header({"vote": vote} if vote else {})) as journal:
        journal.append(Proposed("a", ((*views, view(THREE)),)))
    return read_source(folder / name)


def first_of(sources: list[Source], **how: str) -> int:
    return int(merge_sources(sources, **how).answers["a"][0][0][0, 0])


@pytest.mark.parametrize(("vote", "best"), [("consensus", 2), ("confidence", 2), ("probability", 3), ("", 2)])
def test_journals_are_ranked_by_the_rule_of_their_runs(vote, best, tmp_path):
    sources = [voted(tmp_path, "one", vote), voted(tmp_path, "two", vote)]
    assert first_of(sources, by="votes") == first_of(sources, by="order") == best
    assert rule_of(sources) == Ruling(vote or "consensus")
    assert first_of(sources, by="votes", vote="probability") == 3


def test_different_rules_are_ranked_by_confidence_and_this_is_said(tmp_path):
    one, two = voted(tmp_path, "one", "consensus"), voted(tmp_path, "two", "probability")
    ruling = rule_of([one, two])
    assert ruling.rule == "confidence" and first_of([one, two], by="votes") == 2
    assert f"different rules: {one.name} by consensus, {two.name} by probability" in ruling.reason
    # By order, each journal has its own.
    assert (first_of([one, two], by="order"), first_of([two, one], by="order")) == (2, 3)
    # A submission's attempts have no probability, which would be taken for certainty.
    plain = source({"a": [entry(FOUR, BAD)]}, "plain")
    assert rule_of([two, plain]).rule == "confidence" and "attempts of plain" in rule_of([two, plain]).reason
    assert rule_of([one, plain]).rule == "confidence" and rule_of([one, one]) == Ruling("consensus")
    three = voted(tmp_path, "three", "confidence")
    assert rule_of([three, plain]) == rule_of([plain]) == Ruling("confidence")
    with pytest.raises(ValueError, match="plain: attempts of a submission have no probability"):
        rule_of([two, plain], "probability")


def random_file(tasks, generator) -> dict:
    """A submission with holes, repeats, invalid attempts and foreign ids."""
    value = {"foreign": [entry(ONE, TWO)]}
    for task in tasks:
        if generator.random() < 0.8:
            few = [random_grid(generator, 2) for _ in range(2)] + [BAD]
            value[task.id] = [
                entry(few[generator.integers(3)], few[generator.integers(3)]) for _ in task.test
            ]
    return value


def test_a_merge_is_valid_and_distinct_whatever_goes_in():
    generator = np.random.default_rng(4)
    tasks = [random_task(f"t{n}", generator, 1 + n % 3) for n in range(4)]
    for number in range(40):
        files = [source(random_file(tasks, generator)) for _ in range(2 + number % 2)]
        answers = merge_sources(files, tasks, by=["order", "votes"][number % 2]).answers
        assert all(not same_grid(*pair) for pairs in answers.values() for pair in pairs)
        value = {
            task_id: [entry(first, second) for first, second in pairs] for task_id, pairs in answers.items()
        }
        validate_submission(value, tasks)


def test_the_command(tmp_path):
    run = make_run(tmp_path, ["a", "b"])
    other = tmp_path / "llm.json"
    other.write_text(json.dumps({"a": [entry(FOUR, BAD)], "x": [entry(ONE, TWO)]}))
    output = tmp_path / "out.json"
    arguments = ["merge", other, run.submission, run.journal, "-o", output, "--tasks", run.tasks]
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    assert "2 tasks, 3 outputs by order" in result.output and "1 invalid attempt left out" in result.output
    assert "1 id left out" in result.output
    answers = read_submission(output)
    ours = read_submission(run.submission)
    assert answers["a"][0][0].tolist() == [[4]] and same_grid(answers["a"][0][1], ours["a"][0][0])
    assert list(answers) == [task.id for task in load_tasks(run.tasks)]


def test_the_command_without_tasks_and_its_errors(tmp_path):
    run = make_run(tmp_path, ["a", "b"])
    output = tmp_path / "out.json"
    arguments = [str(run.submission), str(run.journal), "-o", str(output), "--by", "votes"]
    assert CliRunner().invoke(main, ["merge", *arguments]).exit_code == 0
    assert set(read_submission(output)) == {"a", "b"}
    for name, rule in (("one", "consensus"), ("two", "probability")):
        voted(tmp_path, name, rule)
    both = [str(tmp_path / "one"), str(tmp_path / "two"), "-o", str(tmp_path / "both.json")]
    said = CliRunner().invoke(main, ["merge", *both, "--by", "votes"]).output
    assert "ranked by confidence: the runs voted by different rules" in said
    assert CliRunner().invoke(main, ["merge", *both]).exit_code == 2  # what is there stays
    both.append("--overwrite")
    said = CliRunner().invoke(main, ["merge", *both, "--by", "votes", "--vote", "probability"]).output
    assert "1 task, 1 output by votes, ranked by probability\n" in said
    refused = CliRunner().invoke(main, ["merge", *both, "--vote", "probability"])
    assert refused.exit_code == 2 and "wanted --by votes" in refused.output
    option = next(p for p in main.get_command(None, "merge").params if p.name == "vote")
    assert tuple(option.type.choices) == VOTE_RULES
    before = output.read_bytes()
    result = CliRunner().invoke(main, ["merge", str(run.submission), "-o", str(output)])
    assert result.exit_code == 2 and "wanted two or more files" in result.output
    run.submission.write_text("[]")
    result = CliRunner().invoke(main, ["merge", *arguments, "--overwrite"])
    assert result.exit_code == 2 and "wanted a submission" in result.output
    assert output.read_bytes() == before


def test_a_task_without_entries_needs_the_tasks(tmp_path):
    task = random_task("a", np.random.default_rng(2))
    with pytest.raises(ValueError, match="task a: no entry in any file; name the tasks file"):
        merge_sources([source({"a": []}), source({"a": []})])
    assert len(merge_sources([source({"a": []}), source({})], [task]).answers["a"]) == 1
    assert list(challenges([task])) == ["a"]
