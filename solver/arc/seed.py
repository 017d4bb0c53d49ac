"""Seeds from a stable checksum, so that a run is the same on every machine and in every process.

Python's own ``hash`` of a string changes from process to process; two runs with it differ.
"""

import hashlib

import numpy as np


def derive_seed(seed: int, *parts: str | int) -> int:
    """A 63-bit seed that depends on ``seed`` and every part, in order, and on nothing else."""
    text = "\x1f".join([str(int(seed)), *(str(part) for part in parts)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def derive_generator(seed: int, *parts: str | int) -> np.random.Generator:
    """A numpy generator of its own for (seed, parts)."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, *parts)))
