"""Who the rows of a puzzle-embedding table are: without that, the trained rows are worth nothing."""

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np

from solver.file import replace_file
from train.dataset import Dataset

FILE = "identifiers.npz"


def checksum(dataset: Dataset) -> str:
    """32 hex digits over every identifier's task, symmetry and palette, in the order of the rows."""
    known = dataset.identifiers
    digest = hashlib.blake2b("\x1f".join(known.ids).encode(), digest_size=16)
    for part in (known.tasks, known.symmetries, known.palettes):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def write(folder: Path, dataset: Dataset) -> None:
    """``identifiers.npz`` beside the checkpoints: ``tasks`` [I] (from 1, 0 for the blank), ``symmetries``
    [I], ``palettes`` [I, 10], and ``ids``, that of task t at t - 1."""
    known = dataset.identifiers
    data = BytesIO()
    np.savez_compressed(
        data,
        tasks=known.tasks,
        symmetries=known.symmetries,
        palettes=known.palettes,
        ids=np.array(known.ids, dtype=np.str_),
    )
    replace_file(folder / FILE, data.getvalue())


def check(stored: str, own: str, where: str) -> None:
    """ValueError where a checkpoint's rows are of other tasks or augmentations than the data set's."""
    if stored != own:
        raise ValueError(
            f"{where}: the rows of its puzzle-embedding table are of other tasks or augmentations than this "
            f"data set's (checksum {stored[:8]} there, {own[:8]} here); wanted the data set it was trained on"
        )
