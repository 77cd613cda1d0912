"""The three terms of the objective, each as a sum.

    L = sum_i BT_i / N + lambda * sum_t LM_t / M + mu * sum_i MAG_i / N

over the N pairs and M labelled tokens of a whole optimizer step. Sums, not means, so that the objective does not
depend on how the pairs fall into micro-steps and ranks; the trainer divides once (facts/training.md section 4).
"""

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

MagnitudeForm = Literal["centre", "absolute"]


def bradley_terry_sum(chosen: Tensor, rejected: Tensor, margin: Tensor | float = 0.0) -> Tensor:
    """Sum of -log sigmoid(chosen - rejected - margin): how surprised the model is by the preferences.

    Args:
        chosen, rejected: (P,) float32 rewards.
        margin: () or (P,), by how much chosen is to exceed rejected; 0 is the model of Bradley and Terry.
    """
    return -logsigmoid(chosen - rejected - margin).sum()


def magnitude_sum(chosen: Tensor, rejected: Tensor, form: MagnitudeForm) -> Tensor:
    """Sum of the penalty on large rewards.

    Args:
        form: `centre` is (chosen + rejected)^2 of the paper, which leaves the margin free; `absolute` is
            (|chosen| + |rejected|)^2 of the published script, which does not.
    """
    size = chosen + rejected if form == "centre" else chosen.abs() + rejected.abs()
    return size.square().sum()


def linear_cross_entropy_sum(
    hidden: Tensor, weight: Tensor, labels: Tensor, chunk_rows: int = 2048
) -> Tensor:
    """Sum of the cross-entropy of `hidden @ weight.T` against `labels`, never holding all logits at once.

    Args:
        hidden: (L, h), rows that have a label and no others.
        weight: (V, h), the output embedding.
        labels: (L,) int64.
        chunk_rows: rows whose V logits exist at the same time.

    Returns:
        () in at least float32. The gradient of `weight` is accumulated in at least float32, whatever its dtype.
    """
    with_gradient = torch.is_grad_enabled() and (hidden.requires_grad or weight.requires_grad)
    total: Tensor = _LinearCrossEntropySum.apply(hidden, weight, labels, chunk_rows, with_gradient)  # type: ignore[no-untyped-call]
    return total


class _LinearCrossEntropySum(torch.autograd.Function):
    """Computes its gradients in the forward pass: the logits of a chunk are then needed once and never stored."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor, chunk_rows: int, with_gradient: bool
    ) -> Tensor:
        wide = torch.promote_types(hidden.dtype, torch.float32)
        total = hidden.new_zeros((), dtype=wide)
        grad_hidden = torch.empty_like(hidden) if with_gradient else None
        grad_weight = torch.zeros_like(weight, dtype=wide) if with_gradient else None
        for start in range(0, len(hidden), chunk_rows):
            rows = slice(start, start + chunk_rows)
            logits = (hidden[rows] @ weight.T).to(wide)  # (chunk, V)
            log_normaliser = logits.logsumexp(dim=-1, keepdim=True)
            chosen = logits.gather(1, labels[rows, None])
            total += (log_normaliser - chosen).sum()
            if grad_hidden is not None and grad_weight is not None:
                grad_logits = logits.sub_(log_normaliser).exp_()
                grad_logits.scatter_add_(1, labels[rows, None], torch.full_like(chosen, -1.0))
                narrow = grad_logits.to(weight.dtype)
                grad_hidden[rows] = narrow @ weight
                grad_weight += narrow.T @ hidden[rows]
        if grad_hidden is not None and grad_weight is not None:
            ctx.save_for_backward(grad_hidden, grad_weight.to(weight.dtype))
        return total

    @staticmethod
    def backward(ctx: Any, grad_total: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        scale = grad_total.to(grad_hidden.dtype)
        return grad_hidden * scale, grad_weight * scale, None, None, None
