"""Losses against their definitions, one number at a time."""

import math

import pytest
import torch

from solver.model.batch import IGNORE
from solver.model.loss import act_loss, log_probabilities, log_stablemax


def plain_stablemax(logits: list[float]) -> list[float]:
    scores = [x + 1 if x >= 0 else 1 / (1 - x) for x in logits]
    return [math.log(score / sum(scores)) for score in scores]


def test_log_stablemax_is_its_definition() -> None:
    rows = torch.cat((torch.randn(20, 7, generator=torch.Generator().manual_seed(1)) * 30, torch.zeros(1, 7)))
    for row, found in zip(rows, log_stablemax(rows), strict=True):
        wanted = torch.tensor(plain_stablemax(row.double().tolist()), dtype=torch.float64)
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_log_stablemax_has_a_gradient_everywhere() -> None:
    logits = torch.tensor([[1.0, 0.0, -1.0, 5.0, -1e4, 1e4]], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(log_stablemax(logits)[0, 0], logits)
    assert bool(gradient.isfinite().all())
    inside = torch.tensor([[0.7, -0.4, -3.0, 2.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(log_stablemax, (inside,))


def test_softmax_loss_type() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)]])
    found = log_probabilities(logits, "softmax_cross_entropy").exp()
    torch.testing.assert_close(found, torch.tensor([[0.25, 0.75]]))


def plain_bce(logit: float, target: float) -> float:
    p = 1 / (1 + math.exp(-logit))
    return -(target * math.log(p) + (1 - target) * math.log(1 - p))


@pytest.mark.parametrize("with_target", [False, True])
def test_act_loss_of_three_sequences(with_target: bool) -> None:
    """One all right, one with a wrong cell, one without labels, which fills the batch and counts nowhere."""
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(3, 4, 5, generator=generator)
    best = logits.argmax(-1)
    labels = torch.stack((best[0], best[1].clone(), torch.full((4,), IGNORE)))
    labels[0, 3] = IGNORE
    labels[1, 2] = (labels[1, 2] + 1) % 5
    halt, follow = torch.tensor([0.3, -2.0, 1.0]), torch.tensor([-1.0, 0.5, 0.2])
    target = torch.tensor([0.9, 0.1, 0.5]) if with_target else None
    terms = act_loss(logits, halt, follow, labels, target_q_continue=target)
    wanted = 0.0
    for n in range(2):
        cells = [t for t in range(4) if labels[n, t] != IGNORE]
        logs = [plain_stablemax(logits[n, t].tolist())[int(labels[n, t])] for t in cells]
        wanted -= sum(logs) / len(cells)
    assert float(terms.lm) == pytest.approx(wanted, rel=1e-6)
    halts = plain_bce(0.3, 1.0) + plain_bce(-2.0, 0.0)
    assert float(terms.q_halt) == pytest.approx(halts, rel=1e-5)
    follows = plain_bce(-1.0, 0.9) + plain_bce(0.5, 0.1) if with_target else 0.0
    assert float(terms.q_continue) == pytest.approx(follows, rel=1e-5)
    assert float(terms.total) == pytest.approx(wanted + 0.5 * (halts + follows), rel=1e-6)
    assert terms.correct.tolist() == [True, False, True]
    assert terms.labelled.tolist() == [True, True, False]
    assert terms.cell_accuracy.tolist() == [1.0, 0.75, 0.0]


def test_cells_without_a_label_get_no_gradient() -> None:
    logits = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(3)).requires_grad_()
    labels = torch.tensor([[2, IGNORE, 1]])
    act_loss(logits, torch.zeros(1), torch.zeros(1), labels).total.backward()
    assert logits.grad[0, 1].abs().max() == 0 and logits.grad[0, 0].abs().max() > 0
