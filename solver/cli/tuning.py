"""The options of ``solve`` that say how tasks are tuned and how their votes are counted."""

from collections.abc import Callable

import click

from solver.choices import DEFAULT_RULE, TUNES, VOTE_RULES

_OPTIONS = (
    click.option(
        "--augmentations",
        type=click.IntRange(min=1),
        metavar="N",
        help="Views of each task (turned, flipped, recoloured) that are tuned on; without it 16 to 64 on a "
        "CPU and 128 to 256 on a GPU, by the time for each task, or 16 with --steps.",
    ),
    click.option(
        "--tune",
        type=click.Choice(TUNES),
        default="auto",
        show_default=True,
        help="What is fitted to a task's demonstrations: its puzzle embeddings; these, then a copy of the "
        "whole network (full); the same for all tasks at once, then for each (joint); or nothing. auto: "
        "full, or joint on a GPU that has an hour or more.",
    ),
    click.option(
        "--replay",
        type=click.Path(exists=True),
        metavar="FILE",
        help="Public tasks that joint tuning repeats beside those of TASKS.",
    ),
    click.option(
        "--votes",
        type=click.IntRange(min=1),
        metavar="N",
        help="Views of each test input at most; without it those that are tuned on.",
    ),
    click.option(
        "--vote",
        type=click.Choice(VOTE_RULES),
        default=DEFAULT_RULE,
        show_default=True,
        help="What ranks answers: what all views give together, cell by cell, then votes; or "
        "votes, then confidence; or the sum of their probabilities.",
    ),
)


def tuning_options(command: Callable) -> Callable:
    """The command with all of them, in the order above."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
