"""Whether a run fits into memory, asked before it takes any."""

from contextlib import nullcontext

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.parallel import DistributedDataParallel

from solver.model.batch import Batch
from solver.model.loss import act_loss
from solver.processors import available_memory
from train.feed import Feed
from train.settings import TrainConfig
from train.trainer import Trainer

PROBED = 2  # sequences that are run to measure


def check_table(config: TrainConfig, feed: Feed, device: torch.device) -> None:
    """ValueError where the rows of the task memory alone do not fit, before they are made."""
    network, free = feed.network, free_bytes(device)
    width = network.puzzle_emb_ndim if network.memory == "table" else network.memory_rank
    wanted = 4 * (
        feed.rows * width + (feed.tasks * network.puzzle_emb_ndim if network.memory == "cose" else 0)
    )
    if free is not None and wanted > free:
        raise ValueError(
            f"arch.memory: got {feed.rows:,} rows of {width} numbers, {wanted / 1e9:.2g} GB, expected "
            f"at most the {free / 1e9:.2g} GB that are free (fewer augmentations, or arch.memory=cose)"
        )


def check_memory(trainer: Trainer) -> str:
    """A line on what a step takes: ``16 x 900 cells a micro-batch, about 1.2 GB of 8.0 GB free``.

    What a forward pass keeps for the backward one is counted on a few sequences of a batch and scaled by
    their tokens. ValueError where that cannot fit.
    """
    run, found = trainer.config.run, trainer.feed.probe(trainer.at)
    if found is None:
        return "no full batch before the first evaluation"
    batch = found.batch
    few = batch.select(torch.arange(min(PROBED, len(batch))))
    wanted = kept_bytes(trainer, few) * _tokens(trainer, batch) / _tokens(trainer, few)
    # Gradients, and two moments of the optimiser, are not there yet.
    wanted += 3 * sum(p.numel() * p.element_size() for p in trainer.model.parameters() if p.requires_grad)
    said = f"{len(batch)} x {batch.tokens.shape[1]} cells a micro-batch, about {wanted / 1e9:.2g} GB"
    free = free_bytes(trainer.device)
    if free is None:
        return said
    if wanted > free:
        if trainer.kept:
            asked, advice = f"mixture.tokens: got {run.mixture.tokens}", "fewer mixture.tokens"
        else:
            asked = f"global_batch_size: got {run.global_batch_size}"
            advice = "smaller global_batch_size or larger grad_accum_steps"
        raise ValueError(
            f"{asked}, {said}, expected at most the {free / 1e9:.2g} GB that are free: about "
            f"{int(len(batch) * free / wanted)} sequences a micro-batch ({advice})"
        )
    return f"{said} of {free / 1e9:.2g} GB free"


def _tokens(trainer: Trainer, batch: Batch) -> int:
    """Tokens that the network works on: padding counts where a kept batch is not packed."""
    prefix_len = trainer.feed.network.prefix_len
    if trainer.kept and batch.packing is None:
        return len(batch) * (batch.tokens.shape[1] + prefix_len)
    return int((batch.lengths + prefix_len).sum())


def free_bytes(device: torch.device) -> int | None:
    """Bytes that may still be taken on the device; None where the system does not say."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_memory()


def kept_bytes(trainer: Trainer, batch: Batch) -> int:
    """Bytes that the graph of one loop on the batch holds, each storage once; the trainer is untouched."""
    own = {p.untyped_storage().data_ptr() for p in trainer.model.parameters()}
    kept: dict[int, Tensor] = {}  # held, or a later storage might stand where an earlier one stood

    def keep(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    act, device = trainer.act, trainer.device
    alone = isinstance(act.wrapped, DistributedDataParallel)
    batch = batch.to(device)
    with (
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        torch.compiler.set_stance("force_eager"),
        act.wrapped.no_sync() if alone else nullcontext(),
        saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        loop = act.loop(act.refill(act.start(batch), batch), None, with_target=False)
        loss_type = trainer.config.arch.loss_type
        act_loss(loop.logits, loop.q_halt, loop.q_continue, loop.labels, loss_type=loss_type)
    return sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in own)
