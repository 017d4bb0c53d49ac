"""Lines for the terminal: one that cannot be written is dropped, whatever is being worked on goes on."""

import os
import shutil
import sys
from typing import TextIO

import click

WIDTH = 80  # columns of what is no terminal
NARROWEST, WIDEST = 40, 160


def tell(text: str, *, err: bool = False) -> None:
    """Print a line or more. Where nobody can read it (a closed pipe, a full disk), that stream is silent from
    then on."""
    try:
        click.echo(text, err=err, color=colours())
    except OSError:
        silence(sys.stderr if err else sys.stdout)


def colours() -> bool | None:
    """False where NO_COLOR forbids them; None leaves it to whether the stream is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def silence(stream: TextIO) -> None:
    """Let the stream write nowhere, what it still holds included: at the exit Python would fail on it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def open_streams() -> None:
    """Open the standard streams that the caller has closed. Else the next file that is opened takes the
    number of one, and the lines for people go into it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def columns() -> int:
    """How wide a line may be."""
    if sys.stdout is None or not sys.stdout.isatty():
        return WIDTH
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDTH, 24)).columns))
