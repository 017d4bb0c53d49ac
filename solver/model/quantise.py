"""Tensors in fewer bytes on disk: matrices as 8-bit rows with a scale each, the rest in float32.

Symmetric and for each row: w ~ scale * q with q in -127..127 and scale = max |w| / 127, so no weight
is off by more than half a step of its own row.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

SCALE = ":scale"  # behind a matrix's name: no module's state has a name with a colon
LEAST_COLUMNS = 16  # a matrix with shorter rows would spend too much on scales
_STEPS = 127


def quantise(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(int8 [N, D], float32 [N]) of ``rows`` [N, D]; ValueError for a number that is not finite."""
    rows = rows.detach().to("cpu", torch.float32)
    if not bool(torch.isfinite(rows).all()):
        raise ValueError("wanted finite weights to store in 8 bits, found a number that is not")
    scales = rows.abs().amax(1) / _STEPS
    steps = rows / scales.where(scales > 0, 1.0).unsqueeze(1)
    return steps.round().clamp(-_STEPS, _STEPS).to(torch.int8), scales


def dequantise(values: Tensor, scales: Tensor) -> Tensor:
    """float32 [N, D] of ``quantise``'s pair."""
    return values.float() * scales.float().unsqueeze(1)


def pack_tensors(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """What goes to disk: all in ``dtype``, or with int8 the matrices in 8 bits beside their scales."""
    packed = {}
    for name, tensor in tensors.items():
        kept = tensor.detach().to("cpu", torch.float32 if dtype == torch.int8 else dtype).contiguous()
        if dtype == torch.int8 and kept.dim() == 2 and kept.shape[1] >= LEAST_COLUMNS:
            packed[name], packed[name + SCALE] = quantise(kept)
        else:
            packed[name] = kept
    return packed


def unpack_tensors(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """float32 of what ``pack_tensors`` made; ValueError where 8-bit rows and scales do not match."""
    found = {}
    for name, tensor in tensors.items():
        if name.endswith(SCALE):
            if name.removesuffix(SCALE) not in tensors:
                raise ValueError(f"{path}, tensor {name}: scales of a matrix that is not there")
            continue
        scales = tensors.get(name + SCALE)
        if (tensor.dtype == torch.int8) != (scales is not None):
            raise ValueError(
                f"{path}, tensor {name}: {tensor.dtype} {'with' if scales is not None else 'without'} scales"
            )
        if scales is None:
            found[name] = tensor.float()
            continue
        if tensor.dim() != 2 or scales.shape != tensor.shape[:1]:
            shapes = f"{list(tensor.shape)} with {list(scales.shape)} scales"
            raise ValueError(f"{path}, tensor {name}: {shapes}, wanted one scale for each row")
        found[name] = dequantise(tensor, scales)
    return found
