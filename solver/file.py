"""Files that are there whole or not at all, and logs that lose at most the line that a kill tore."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def replace_file(path: str | Path, data: bytes) -> None:
    """The file's bytes, all or none: a temporary file beside it, flushed to disk, then renamed.

    ValueError where the folder or the disk does not allow it; a file that stood there is untouched.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:  # also when interrupted; after the rename nothing is left to remove
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from error


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
