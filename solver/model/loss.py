"""Losses of the released recipe (arXiv 2512.14693 and the code released with it)."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from solver.model.batch import IGNORE

LossType = Literal["stablemax_cross_entropy", "softmax_cross_entropy"]


def log_stablemax(logits: Tensor) -> Tensor:
    """log(s(x) / sum s(x)), s(x) = x + 1 for x >= 0 and 1 / (1 - x) below (arXiv 2501.04697).

    Computed in float64 over the last axis.
    """
    wide = logits.double()
    # Both branches of `where` are differentiated: keep the unused one away from its pole.
    scores = torch.where(wide < 0, 1 / (1 - wide.clamp_max(0)), wide + 1)
    return torch.log(scores / scores.sum(-1, keepdim=True))


def log_probabilities(logits: Tensor, loss_type: LossType) -> Tensor:
    """Log-probabilities over the last axis in the sense of the loss that trained the network."""
    if loss_type == "stablemax_cross_entropy":
        return log_stablemax(logits)
    return F.log_softmax(logits.float(), -1)


@dataclass(frozen=True, eq=False)
class LossTerms:
    """Sums over the batch. ``total`` = lm + (q_halt + q_continue) / 2, float64 or float32 scalar.
    ``correct`` [B] bool: every labelled cell of the sequence is right. ``labelled`` [B] bool: it has
    any. ``cell_accuracy`` [B] float32: share of labelled cells that are right."""

    total: Tensor
    lm: Tensor
    q_halt: Tensor
    q_continue: Tensor
    correct: Tensor
    labelled: Tensor
    cell_accuracy: Tensor


def act_loss(
    logits: Tensor,
    q_halt: Tensor,
    q_continue: Tensor,
    labels: Tensor,
    *,
    loss_type: LossType = "stablemax_cross_entropy",
    target_q_continue: Tensor | None = None,
) -> LossTerms:
    """Cross-entropy of each sequence's labelled cells, divided by their number, summed over the
    batch; binary cross-entropy of q_halt against "the whole sequence is right", and of q_continue
    against its target where one is given. A sequence without labels only fills a batch and counts in
    none of them (in the released code it counts as right). ``logits`` [B, T, V], ``labels`` [B, T], q [B]."""
    counted = labels != IGNORE
    cells = counted.sum(-1)
    index = labels.clamp_min(0).unsqueeze(-1)
    log_p = log_probabilities(logits, loss_type).gather(-1, index).squeeze(-1)
    per_sequence = -torch.where(counted, log_p, 0).sum(-1) / cells.clamp_min(1)
    with torch.no_grad():
        right = (logits.argmax(-1) == labels) & counted
        hits = right.sum(-1)
        correct = hits == cells
    lm = per_sequence.sum()
    labelled = cells > 0

    def judged(logits: Tensor, target: Tensor) -> Tensor:
        losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return torch.where(labelled, losses, 0).sum()

    halt = judged(q_halt, correct.to(q_halt.dtype))
    follow = torch.zeros_like(halt)
    if target_q_continue is not None:
        follow = judged(q_continue, target_q_continue)
    return LossTerms(
        total=lm + 0.5 * (halt + follow),
        lm=lm,
        q_halt=halt,
        q_continue=follow,
        correct=correct,
        labelled=labelled,
        cell_accuracy=hits / cells.clamp_min(1),
    )
