"""Small networks and batches that the tests of solver/model share."""

import torch

from solver.model.batch import IGNORE, Batch, Keys
from solver.model.config import NetworkConfig
from solver.model.registry import config_class

ARCHES = ["urm", "trm", "hrm"]


def small_config(arch: str, **changes: object) -> NetworkConfig:
    """A few thousand parameters, one prefix token, canvases up to 6x6."""
    values = {"hidden_size": 32, "num_heads": 2, "puzzle_emb_ndim": 32, "canvas_side": 6, "loops": 4}
    return config_class(arch).from_dict({**values, "L_cycles": 2, **changes})


def make_keys(rows: list[int], tasks: list[int] | None = None) -> Keys:
    """Keys with these rows and tasks, no symmetry, no recolouring."""
    size = len(rows)
    index = torch.tensor(rows)
    plain = torch.arange(10).expand(size, 10)
    return Keys(index, index if tasks is None else torch.tensor(tasks), torch.zeros(size).long(), plain)


def make_batch(config: NetworkConfig, shapes: list[tuple[int, int]], seed: int = 0) -> Batch:
    """Random cells on canvases of these shapes, padded to the largest; rows and tasks 1, 2, ..."""
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.tensor(shapes)
    length = int(sizes.prod(1).max())
    outside = torch.arange(length) >= sizes.prod(1, keepdim=True)
    draws = torch.randint(2, config.vocab_size, (2, len(shapes), length), generator=generator)
    return Batch(
        tokens=draws[0].masked_fill(outside, 0),
        labels=draws[1].masked_fill(outside, IGNORE),
        heights=sizes[:, 0],
        widths=sizes[:, 1],
        keys=make_keys(list(range(1, len(shapes) + 1))),
        uniform=len(set(shapes)) == 1,
    )
