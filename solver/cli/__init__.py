"""The command ``solve``: a click group whose default sub-command solves a tasks file.

``solve TASKS`` is ``solve solve TASKS``; ``solve NAME ...`` runs another sub-command. A sub-command's
name wins over a file of that name: ``solve ./score`` reaches the file. To add one, write a module that
imports nothing but click at its top, and name its command in COMMANDS.
"""

import sys
import time
from collections.abc import Sequence
from importlib import import_module

import click

DEFAULT = "solve"
COMMANDS = {  # name -> module:attribute, loaded when asked for; the order is that of the help
    "solve": "solver.cli.solve:solve",
    "score": "solver.cli.score:score",
    "compare": "solver.cli.compare:compare",
    "report": "solver.cli.report:report",
    "merge": "solver.cli.merge:merge",
    "show": "solver.cli.show:show",
    "explain": "solver.cli.explain:explain",
    "bundle": "solver.cli.bundle:bundle",
    "doctor": "solver.cli.doctor:doctor",
    "import-checkpoint": "solver.cli.import_checkpoint:import_checkpoint",
    "pack": "solver.cli.pack:pack",
}


class BadInput(click.ClickException):
    """What a user can put right: one sentence on stderr, exit code 2."""

    exit_code = 2


class Commands(click.Group):
    """A group that loads its commands by name and takes a first word it does not know as TASKS."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Every name, in the table's order."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name, imported now; None for a name that is not in the table."""
        return self.load(name) if name in COMMANDS else None

    def load(self, name: str) -> click.Command:
        """The command that the table has under ``name``."""
        module, attribute = COMMANDS[name].split(":")
        return getattr(import_module(module), attribute)

    def main(self, args: Sequence[str] | None = None, *more: object, **extra: object) -> object:
        """Run it. As the program of a process it counts its seconds from that process's start, called by
        other code from this call; ``obj`` of its contexts is that moment of the monotonic clock."""
        began = time.monotonic()
        if args is None:
            from solver.cli.output import open_streams
            from solver.kaggle.mounts import process_age

            began -= process_age()
            open_streams()
        return super().main(args, *more, **{"obj": began, **extra})

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """The group's own context, or that of the default command, which then is called ``solve`` too."""
        if args and args[0] in COMMANDS and args[0] != DEFAULT:
            return super().make_context(info_name, args, parent, **extra)
        _refuse_misspelt(args)
        rest = args[1:] if args and args[0] == DEFAULT else args
        return self.load(DEFAULT).make_context(info_name, rest, parent, **extra)

    def invoke(self, context: click.Context) -> object:
        """Run what ``make_context`` chose. A ValueError from inside becomes one sentence, and so does a file
        or stream that fails."""
        if sys.platform == "win32":
            raise BadInput("this program needs Linux or macOS; on Windows it runs inside WSL 2")
        try:
            if context.command is not self:
                return context.command.invoke(context)
            return super().invoke(context)
        except ValueError as error:
            raise BadInput(str(error)) from error
        except BrokenPipeError:  # click ends quietly where nobody reads on
            raise
        except OSError as error:
            if error.filename is None:
                from solver.cli.output import silence

                silence(sys.stdout)
            raise BadInput(f"{error.filename or 'standard output'}: {error.strerror}") from error


def _refuse_misspelt(args: list[str]) -> None:
    """A usage error for a first word that is nearly a command's name, and no file or folder."""
    from difflib import get_close_matches
    from pathlib import Path

    word = args[0] if args else ""
    close = get_close_matches(word, COMMANDS, 1, cutoff=0.7)
    if close and word not in COMMANDS and not Path(word).exists():
        raise BadInput(f"{word}: no such command, file or folder; did you mean solve {close[0]}?")


main = Commands("solve", context_settings={"help_option_names": ["-h", "--help"]})
