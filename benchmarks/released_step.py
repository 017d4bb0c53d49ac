"""A training and an inference step in the plain style of the released code, as the "before" picture.

Full 30 x 30 canvases, the identifiers checked on every forward, rotary halves by concatenation, the
convolution as a Conv1d with its transposes, optimisers parameter by parameter. It computes what our
network computes on full canvases (``tests/test_benchmark_step.py`` compares the two).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from solver.model.batch import IGNORE, Batch
from solver.model.config import URMConfig
from solver.model.urm import URM


def turn_half(x: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return torch.cat((-x[..., half:], x[..., :half]), dim=-1)


def norm(x: Tensor, eps: float) -> Tensor:
    x = x.to(torch.float32)
    variance = x.square().mean(-1, keepdim=True)
    return x * torch.rsqrt(variance + eps)


class ReleasedStep:
    """Works on the parameters of ``network`` (full canvas, 1-D rotary positions) and a table."""

    def __init__(self, network: URM, table: Tensor) -> None:
        self.network, self.table = network, table
        self.config: URMConfig = network.config
        config = self.config
        place = torch.arange(config.prefix_len + config.seq_len, dtype=torch.float32)
        exponent = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
        angles = torch.outer(place, 1.0 / config.rope_theta**exponent)
        angles = torch.cat((angles, angles), -1)[:, None, :]
        self.cos, self.sin = angles.cos(), angles.sin()
        self.state = {p: (torch.zeros_like(p), torch.zeros_like(p)) for p in network.parameters()}
        self.steps = 0

    def attention(self, layer: torch.nn.Module, hidden: Tensor) -> Tensor:
        size, length, width = hidden.shape
        heads, each = self.config.num_heads, self.config.head_dim
        qkv = F.linear(hidden, layer.self_attn.qkv_proj.weight).view(size, length, 3 * heads, each)
        query, key, value = qkv[:, :, :heads], qkv[:, :, heads : 2 * heads], qkv[:, :, 2 * heads :]
        query = query * self.cos + turn_half(query) * self.sin
        key = key * self.cos + turn_half(key) * self.sin
        query, key, value = (x.transpose(1, 2) for x in (query, key, value))
        out = F.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        return F.linear(out.reshape(size, length, width), layer.self_attn.o_proj.weight)

    def mlp(self, layer: torch.nn.Module, hidden: Tensor) -> Tensor:
        gate, up = F.linear(hidden, layer.mlp.gate_up_proj.weight).chunk(2, dim=-1)
        inner = (F.silu(gate) * up).transpose(1, 2)
        conv = layer.mlp.dwconv
        inner = F.conv1d(inner, conv.weight, conv.bias, padding=1, groups=inner.shape[1])
        inner = inner[..., : hidden.shape[1]].transpose(1, 2)
        return F.linear(F.silu(inner), layer.mlp.down_proj.weight)

    def stack(self, hidden: Tensor, given: Tensor) -> Tensor:
        hidden = hidden + given
        for layer in self.network.layers:
            hidden = norm(hidden + self.attention(layer, hidden), self.config.rms_norm_eps)
            hidden = norm(hidden + self.mlp(layer, hidden), self.config.rms_norm_eps)
        return hidden

    def loop(self, hidden: Tensor, batch: Batch, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(hidden, logits, q logits) after one loop."""
        config, network = self.config, self.network
        if torch.any(batch.keys.rows < 0) or torch.any(batch.keys.rows >= len(self.table)):
            raise ValueError("identifier out of range")
        tokens = F.embedding(batch.tokens, network.embed.embed_tokens.weight)
        prefix = rows.view(len(batch), config.prefix_len, config.hidden_size)
        given = config.hidden_size**0.5 * torch.cat((prefix, tokens), dim=1)
        with torch.no_grad():
            for _ in range((config.H_cycles - 1) * config.L_cycles):
                hidden = self.stack(hidden, given)
        for _ in range(config.L_cycles):
            hidden = self.stack(hidden, given)
        logits = F.linear(hidden, network.heads.lm_head.weight)[:, config.prefix_len :]
        q_head = network.heads.q_head
        return hidden, logits, F.linear(hidden[:, 0], q_head.weight, q_head.bias)

    def start(self, batch: Batch) -> Tensor:
        length = self.config.prefix_len + batch.tokens.shape[1]
        return self.network.init_hidden.expand(len(batch), length, -1).clone()

    def loss(self, logits: Tensor, q_logits: Tensor, labels: Tensor) -> Tensor:
        x = logits.to(torch.float64)
        scores = torch.where(x < 0, 1 / (1 - x + 1e-30), x + 1)
        log_p = torch.log(scores / scores.sum(-1, keepdim=True))
        counted = labels != IGNORE
        picked = log_p.gather(-1, torch.where(counted, labels, 0).unsqueeze(-1)).squeeze(-1)
        each = -torch.where(counted, picked, 0)
        lm = (each / counted.sum(-1).clamp_min(1).unsqueeze(-1)).sum()
        right = ((logits.argmax(-1) == labels) & counted).sum(-1) == counted.sum(-1)
        return lm + 0.5 * F.binary_cross_entropy_with_logits(q_logits[:, 0], right.float(), reduction="sum")

    def train(self, batch: Batch, lr: float = 1e-4, row_lr: float = 1e-2, decay: float = 0.1) -> Tensor:
        """One step from a fresh start; returns the loss."""
        rows = self.table[batch.keys.rows].clone().requires_grad_()
        _, logits, q_logits = self.loop(self.start(batch), batch, rows)
        loss = self.loss(logits, q_logits, batch.labels)
        (loss / len(batch)).backward()
        self.steps += 1
        with torch.no_grad():
            for p, (first, second) in self.state.items():
                first.mul_(0.9).add_(p.grad, alpha=0.1)
                second.mul_(0.95).addcmul_(p.grad, p.grad, value=0.05)
                p.mul_(1 - lr * decay)
                root = (second / (1 - 0.95**self.steps)).sqrt()
                p.sub_(lr / (1 - 0.9**self.steps) * torch.atan2(first, root))
                p.grad = None
            ids, inverse = batch.keys.rows.unique(return_inverse=True)
            summed = torch.zeros(len(ids), self.table.shape[1]).index_add_(0, inverse, rows.grad)
            self.table[ids] = self.table[ids] * (1 - row_lr * decay) - row_lr * summed.sign()
        return loss.detach()

    @torch.no_grad()
    def infer(self, batch: Batch, loops: int) -> Tensor:
        """Logits after ``loops`` loops."""
        hidden = self.start(batch)
        for _ in range(loops):
            hidden, logits, _ = self.loop(hidden, batch, self.table[batch.keys.rows])
        return logits
