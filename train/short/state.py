"""Where a run stands, as files small enough to be carried anywhere: parts of a fixed size and a manifest.

The manifest is replaced last, so a folder always holds one whole state. A ``small`` state has the
weights, their average and the task vectors as 16-bit numbers and no optimiser's moments.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from solver.file import replace_file

FORMAT = 1
MANIFEST = "state.json"
PART = 15 * 2**20  # bytes of a part at most
TINY = 4096  # tensors of fewer numbers keep their precision: they weigh nothing


def small(state: dict[str, Any]) -> dict[str, Any]:
    """The same without moments, large float32 tensors as float16: relative rounding 2^-11, an eighth of
    bfloat16's, over a range that trained weights stay in."""
    return {**_halved(state), "optimizers": None}


def _halved(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _halved(item) for key, item in value.items() if key != "optimizers"}
    if isinstance(value, list):
        return [_halved(item) for item in value]
    if isinstance(value, Tensor) and value.dtype == torch.float32 and value.numel() >= TINY:
        return value.half()
    return value


def write_state(folder: Path, state: dict[str, Any], *, part: int = PART) -> list[Path]:
    """Replace the state in ``folder``; returns its files, the manifest first."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    checksum = hashlib.blake2b(data, digest_size=16).hexdigest()
    names = [f"{checksum[:8]}.{n}.part" for n in range(-(-len(data) // part))]
    for n, name in enumerate(names):
        replace_file(folder / name, data[n * part : (n + 1) * part])
    manifest = {"format": FORMAT, "bytes": len(data), "checksum": checksum, "parts": names}
    replace_file(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    for old in folder.glob("*.part"):
        if old.name not in names:
            old.unlink()
    return [folder / MANIFEST, *(folder / name for name in names)]


def read_state(folder: Path, device: torch.device) -> dict[str, Any]:
    """The state in ``folder``; ValueError where a part is missing or is not what was written."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        names, checksum = [Path(name).name for name in manifest["parts"]], manifest["checksum"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the manifest of a run's state ({error})") from error
    data = b""
    for name in names:
        try:
            data += (folder / name).read_bytes()
        except OSError as error:
            raise ValueError(f"{folder / name}: cannot be read ({error.strerror})") from error
    if hashlib.blake2b(data, digest_size=16).hexdigest() != checksum:
        raise ValueError(f"{folder}: the parts are not those that {MANIFEST} names (checksum differs)")
    return torch.load(io.BytesIO(data), map_location=device, weights_only=True)


def has_state(folder: Path) -> bool:
    """Whether there is a state to go on from."""
    return (folder / MANIFEST).exists()
