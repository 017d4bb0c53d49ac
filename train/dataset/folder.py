"""A folder that appears whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_target(target: Path, overwrite: bool) -> None:
    """ValueError when ``target`` is there and may not be replaced, or is no data set of ours."""
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise ValueError(f"{target}: is there already; pass --overwrite to replace it")
    known = target.is_dir() and ((target / "build.json").exists() or (target / "identifiers.json").exists())
    if not known and not (target.is_dir() and not any(target.iterdir())):
        raise ValueError(f"{target}: --overwrite replaces only a data set, and this is not one")


def check_room(folder: Path, wanted: int) -> None:
    """ValueError when the disk of ``folder`` (or of its nearest parent) has not ``wanted`` bytes."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if wanted > free:
        raise ValueError(f"{folder}: the disk has {free / 1e9:.1f} GB free, wanted {wanted / 1e9:.1f} GB")


@contextmanager
def replacing(target: Path, overwrite: bool) -> Iterator[Path]:
    """A new folder beside ``target`` to write into, renamed to ``target`` when the block is through.

    An error or an interruption removes it and leaves ``target`` as it was. A full disk or a place
    that cannot be written is a ValueError that says so.
    """
    check_target(target, overwrite)
    partial = target.with_name(f".{target.name}.building-{os.getpid()}")
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            yield partial
            _sync(partial)
            _swap(partial, target)
        except OSError as error:
            raise ValueError(_explain(target, error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def leftovers(target: Path) -> list[Path]:
    """Folders that killed builds of ``target`` could not remove."""
    return sorted(target.parent.glob(f".{target.name}.building-*")) if target.parent.is_dir() else []


def _explain(target: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return f"{target}: the disk is full ({error.strerror}); nothing was left behind"
    if error.errno is None:  # numpy's, of a write that stopped short
        return f"{target}: could not be written whole, is the disk full? ({error}); nothing was left behind"
    return f"{target}: cannot be written ({error.strerror or error})"


def _sync(folder: Path) -> None:
    """Everything below ``folder`` on the disk before the rename makes it visible."""
    for path in [*sorted(folder.rglob("*")), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _swap(partial: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
    if target.exists():
        os.rename(target, old)
    try:
        os.rename(partial, target)
    except OSError:
        if old.exists():
            os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)
