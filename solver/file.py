"""Files that are there whole or not at all."""

import os
from pathlib import Path


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
