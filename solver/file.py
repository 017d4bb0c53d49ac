"""Files that are there whole or not at all, and logs that lose at most the line that a kill tore."""

import json
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any


def real_file(path: str | Path) -> Path:
    """The place of the regular file that ``path`` names, whether there is one or not: links are followed.
    ValueError where something else stands there: a folder, a device, a pipe, a loop of links."""
    if not str(path) or str(path) == "-":
        raise ValueError(f"expected the name of a file, got {str(path)!r}")
    try:
        real = Path(os.path.realpath(path))
        mode = real.stat().st_mode
    except FileNotFoundError:
        return real
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device, pipe or socket"
        raise ValueError(f"{path}: expected a file or a new name, got {kind}")
    return real


def replace_file(path: str | Path, data: bytes) -> None:
    """The file's bytes, all or none: a temporary file beside it, flushed to disk, then renamed. Missing
    folders are made, and a link keeps pointing to its file, which is what is replaced.

    ValueError where the place or the disk does not allow it; a file that stood there is untouched.
    """
    real = real_file(path)
    temporary = real.parent / f".{real.name[:200]}.{os.getpid()}.tmp"
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, real)
        finally:  # also when interrupted; after the rename nothing is left to remove
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from error


def refuse_inputs(outputs: Iterable[str | Path], inputs: Iterable[Path]) -> None:
    """ValueError where writing one of ``outputs`` would replace one of the command's ``inputs``, whatever
    either is called by, or another of the outputs.

    An input may be a folder that is read whole: no JSON file may be written into it, unless its name ends
    with ``submission``, by which the reader of tasks (``solver.arc.task``) passes it over.
    """
    taken: dict[Path, str] = {Path(os.path.realpath(path)): "one of the inputs" for path in inputs}
    for output in outputs:
        real = real_file(output)
        same = [path for path in taken if path == real or (real.exists() and _is(path, real))]
        if same:
            raise ValueError(f"{output}: expected a file that nothing else is in, got {taken[same[0]]}")
        read_as_task = real.suffix == ".json" and not real.stem.endswith("submission")
        if read_as_task and real.parent in taken and real.parent.is_dir():
            raise ValueError(f"{output}: expected a file outside of {real.parent}, whose files are all read")
        taken[real] = "another output of the same command"


def refuse_other_kind(output: str | Path, start: bytes, kind: str) -> None:
    """ValueError where a file stands at ``output`` that does not begin as files of this kind do: it was not
    written by an earlier call, and nobody has said that it may go."""
    real = real_file(output)
    if not real.exists() or not real.stat().st_size:
        return
    with real.open("rb") as file:
        found = file.read(len(start))
    if found.lower() != start.lower():
        raise ValueError(f"{output}: expected {kind} or a new name, got a file of another kind")


def _is(path: Path, real: Path) -> bool:
    return path.exists() and path.samefile(real)


def make_folder(path: Path) -> None:
    """Make the folder that the file is to lie in, where it is missing. ValueError where that cannot be, or
    nothing may be written there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{path.parent}: the folder cannot be made ({error.strerror})") from error
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"{path}: cannot be written (no permission in its folder)")


def backup_of(path: Path) -> Path:
    """Where what stands at ``path`` is kept: its name with ``.bak``, or ``.bak2`` and so on."""
    names = (f"{path.name}.bak{number if number > 1 else ''}" for number in count(1))
    return next(path.with_name(name) for name in names if not os.path.lexists(path.with_name(name)))


def keep_copy(path: Path) -> Path | None:
    """Keep what stands at ``path`` under ``backup_of``; the file itself stays until it is replaced. Where the
    copy is; None where nothing or an empty file stands there. ValueError where it cannot be kept."""
    real = real_file(path)
    if not real.exists() or not real.stat().st_size:
        return None
    kept = backup_of(real)
    try:
        try:
            os.link(real, kept)  # the file is replaced by a rename, never written into
        except OSError:
            shutil.copy2(real, kept)
    except OSError as error:
        with suppress(OSError):
            kept.unlink()
        raise ValueError(f"{path}: no copy of it can be kept as {kept.name} ({error.strerror})") from error
    return kept


def move_aside(path: Path) -> Path | None:
    """Rename what stands at ``path`` to ``backup_of``; where it is then, None where nothing stood there.
    ValueError where the folder does not allow it."""
    if not path.exists():
        return None
    kept = backup_of(path)
    try:
        path.rename(kept)
    except OSError as error:
        raise ValueError(f"{path}: cannot be kept as {kept.name} ({error.strerror})") from error
    return kept


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """One line of JSON behind the others, on disk at once."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def cut_torn_line(path: Path) -> bytes:
    """What a kill left of a last line is cut off, so that the next one does not follow half of it. The lines
    that stand, none where there is no file."""
    data = path.read_bytes() if path.exists() else b""
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return data[:whole]


def whole_records(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines, a torn last one cut off. ValueError naming the line that is no
    object."""
    found = []
    for number, line in enumerate(cut_torn_line(path).splitlines(), 1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise ValueError(f"{path}, line {number}: wanted a JSON object, found {line[:40]!r}")
        found.append(record)
    return found


def read_object(path: Path) -> dict[str, Any]:
    """A file of one JSON object; ValueError where it is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path}: wanted an object, found {type(value).__name__}")
    return value
