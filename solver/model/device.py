"""Where the network runs and in which precision: decided once, with the reason."""

import os
from dataclasses import dataclass

import torch

from solver.processors import available_cpus, counted_threads, multiplies_bfloat16

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Placement:
    """``device``; ``dtype`` of activations (weights stay float32); ``reason``: one line for people.
    float16 activations want their loss scaled (solver.model.scaling). ``packs``: batches of unlike canvases
    are worked on without padding, as a GPU's variable-length attention can."""

    device: torch.device
    dtype: torch.dtype
    reason: str
    packs: bool = False

    @property
    def unscaled_dtype(self) -> torch.dtype:
        """``dtype`` for training that does not scale its loss."""
        return torch.float32 if self.dtype == torch.float16 else self.dtype


def use_threads(count: int | None = None) -> int:
    """Let torch and the compiled kernels use ``count`` threads of this process, without one as many as torch
    would, but no more than there are processors; returns how many.

    numba starts its pool at its first parallel kernel and then sets the count that torch's OpenMP reads to
    the number of the machine's processors: processes that share these would slow each other down many
    times over. So its pool is started here, first.
    """
    import numba

    count = min(torch.get_num_threads(), available_cpus()) if count is None else count
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    torch.set_num_threads(count)
    return count


def cuda_failure(index: int) -> str:
    """Why a kernel does not run on the CUDA device, or an empty string when it does."""
    try:
        probe = torch.ones(8, device=f"cuda:{index}")
        return "" if float((probe * 2).sum()) == 16.0 else "wrong result of a first kernel"
    except RuntimeError as error:
        return str(error).splitlines()[0]


def place(name: str = "auto", *, quick: bool = False) -> Placement:
    """The placement for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    ValueError when the device that was asked for does not work here; ``auto`` takes the first that
    does. On a GPU ``cuda_precision`` decides, on a CPU ``cpu_precision`` where ``quick`` allows it (solving
    does) and else float32; the environment variable URM_PRECISION (float32, bfloat16 or float16) overrules
    both.
    """
    if name == "auto":
        if torch.cuda.is_available() and not cuda_failure(0):
            return place("cuda:0")
        return place("mps" if torch.backends.mps.is_available() else "cpu", quick=quick)
    if name == "cpu":
        dtype, why = cpu_precision() if quick else (torch.float32, "float32")
        return Placement(torch.device("cpu"), dtype, f"CPU, {counted_threads()}, {why}")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise ValueError("device mps: not available on this machine, wanted cpu or auto")
        return Placement(torch.device("mps"), torch.float32, "Apple GPU, float32")
    if name.split(":")[0] != "cuda":
        raise ValueError(f"device {name}: unknown, wanted auto, cpu, cuda, cuda:N or mps")
    if not torch.cuda.is_available():
        raise ValueError(f"device {name}: no CUDA GPU that torch can use here, wanted cpu or auto")
    index = int(name.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise ValueError(f"device {name}: there are {torch.cuda.device_count()} CUDA GPUs here")
    failure = cuda_failure(index)
    if failure:
        raise ValueError(f"device {name}: a first kernel failed ({failure})")
    return _cuda_placement(index)


def _cuda_placement(index: int) -> Placement:
    dtype, why = cuda_precision(torch.cuda.get_device_capability(index), os.environ.get("URM_PRECISION", ""))
    title = torch.cuda.get_device_name(index)
    return Placement(torch.device("cuda", index), dtype, f"{title}, {why}", packs=True)


def cpu_precision(named: str | None = None, multiplies: bool | None = None) -> tuple[torch.dtype, str]:
    """(dtype of activations, its name) on this machine's processors: bfloat16 where they multiply it
    (docs/PERFORMANCE.md, "Precision of a CPU"). ``multiplies``: None looks. ``named``, None for what
    URM_PRECISION says, overrules; ValueError where it is no precision."""
    named = os.environ.get("URM_PRECISION", "") if named is None else named
    if named:
        return _named_precision(named), f"{named} (URM_PRECISION)"
    if multiplies_bfloat16() if multiplies is None else multiplies:
        return torch.bfloat16, "bfloat16"
    return torch.float32, "float32"


def _named_precision(named: str) -> torch.dtype:
    if named not in PRECISIONS:
        raise ValueError(f"URM_PRECISION: {named!r}, wanted one of {', '.join(PRECISIONS)}")
    return PRECISIONS[named]


def cuda_precision(capability: tuple[int, int], named: str = "") -> tuple[torch.dtype, str]:
    """(dtype of activations, why) for a GPU of this compute capability.

    bfloat16 where the card has units for it (8.0: A100, L4, H100); float16 with a scaled loss where its
    matrix units know float16 only (7.0 to 7.5: V100, T4); float32 where it has none (6.0: P100). torch
    answers that bfloat16 is supported on older cards too, but emulates it. ``named`` overrules;
    ValueError where it is no precision.
    """
    if named:
        return _named_precision(named), f"{named} activations (URM_PRECISION), float32 weights"
    if capability >= (8, 0):
        return torch.bfloat16, "bfloat16 activations, float32 weights"
    if capability >= (7, 0):
        return torch.float16, "float16 activations and a scaled loss, float32 weights (no bfloat16 units)"
    return torch.float32, "float32 (no matrix units)"
