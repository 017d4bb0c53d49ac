"""Where the network runs and in which precision: decided once, with the reason."""

from dataclasses import dataclass

import torch

from solver.model.processors import available_cpus


@dataclass(frozen=True)
class Placement:
    """``device``; ``dtype`` of activations (weights stay float32); ``reason``: one line for people."""

    device: torch.device
    dtype: torch.dtype
    reason: str


def cuda_failure(index: int) -> str:
    """Why a kernel does not run on the CUDA device, or an empty string when it does."""
    try:
        probe = torch.ones(8, device=f"cuda:{index}")
        return "" if float((probe * 2).sum()) == 16.0 else "wrong result of a first kernel"
    except RuntimeError as error:
        return str(error).splitlines()[0]


def place(name: str = "auto") -> Placement:
    """The placement for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    ValueError when the device that was asked for does not work here; ``auto`` takes the first that
    does. bfloat16 where the GPU computes in it, float32 elsewhere.
    """
    if name == "auto":
        if torch.cuda.is_available() and not cuda_failure(0):
            return place("cuda:0")
        return place("mps" if torch.backends.mps.is_available() else "cpu")
    if name == "cpu":
        return Placement(torch.device("cpu"), torch.float32, f"CPU, {available_cpus()} threads, float32")
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
    title = torch.cuda.get_device_name(index)
    device = torch.device("cuda", index)
    if torch.cuda.get_device_capability(index) >= (8, 0):
        return Placement(device, torch.bfloat16, f"{title}, bfloat16 activations, float32 weights")
    return Placement(device, torch.float32, f"{title}, float32 (this GPU has no bfloat16 units)")
