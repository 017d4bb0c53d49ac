"""How kernels are compiled: inner functions without wrappers, since only compiled code calls them.

The optimiser's first level is taken where NUMBA_OPT says nothing: compiling takes half the time.
"""

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, njit

if "NUMBA_OPT" not in os.environ:
    os.environ["NUMBA_OPT"] = "1"
    config.reload_config()
if config.DISABLE_JIT:  # hashes wrap around, which numpy's own numbers warn of
    np.seterr(over="ignore")
inner = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")
_HERE = Path(__file__).parent


def _inner_sources() -> int:
    """A checksum of the files that inner functions come from."""
    value = 0
    for path in (_HERE / "arena.py", *sorted((_HERE / "kernels").glob("*.py"))):
        value = zlib.crc32(path.read_bytes(), value)
    return value


_STAMP = _inner_sources()


def outer(function: Callable) -> Callable:
    """Compile a function that Python calls when it is first called, and keep the machine code.

    Numba takes machine code from disk where the function's own file is unchanged, but inner functions of
    other files are part of it: their checksum is made part of what is compared.
    """
    dispatcher = njit(cache=True, error_model="numpy")(function)
    if hasattr(dispatcher, "_cache"):
        file = dispatcher._cache._cache_file
        file._source_stamp = (file._source_stamp, _STAMP)
    return dispatcher


def compiled(dispatcher: Callable, signature: Any) -> Callable:
    """The function compiled for one signature, and for no other one that a call might suggest."""
    if hasattr(dispatcher, "compile") and not dispatcher.signatures:
        dispatcher.compile(signature)
        dispatcher.disable_compile()
    return dispatcher


def is_kept(dispatcher: Callable) -> bool:
    """Whether machine code of the function is kept on disk; True where nothing is compiled."""
    return not hasattr(dispatcher, "_cache") or bool(dispatcher._cache._cache_file._load_index())
