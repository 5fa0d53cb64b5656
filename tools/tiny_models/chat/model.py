"""tiny-chat's network: a decoder of llama's shape (RMSNorm, rotary positions, SwiGLU), input and output tied.

Attention is written out, because that is faster here than PyTorch's fused CPU kernel for rows of a few hundred tokens,
and it takes a mask that keeps the examples of a row apart. There is no cache: this class trains, it does not serve.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The sizes of the network; 1.9 million weights, 3.8 MB as F16."""

    vocabulary: int = 1024
    width: int = 160
    layers: int = 6
    heads: int = 5
    feed_forward: int = 384
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """Components per attention head."""
        return self.width // self.heads


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions on halves: component i turns with component i + head_width / 2."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), -1)


class Attention(nn.Module):
    """Causal self-attention with an additive mask."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.query = nn.Linear(shape.width, shape.width, bias=False)
        self.key = nn.Linear(shape.width, shape.width, bias=False)
        self.value = nn.Linear(shape.width, shape.width, bias=False)
        self.output = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor) -> Tensor:
        """x: (rows, length, width); mask: (rows, 1, length, length), 0 or minus infinity."""
        rows, length, width = x.shape
        heads = (rows, length, self.shape.heads, self.shape.head_width)
        query = rotate(self.query(x).view(heads).transpose(1, 2), cosine, sine)
        key = rotate(self.key(x).view(heads).transpose(1, 2), cosine, sine)
        value = self.value(x).view(heads).transpose(1, 2)
        scores = (query @ key.transpose(-1, -2)) * self.shape.head_width**-0.5 + mask
        mixed = scores.softmax(-1).to(value.dtype) @ value
        y: Tensor = self.output(mixed.transpose(1, 2).reshape(rows, length, width))
        return y


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x: (rows, length, width)."""
        y: Tensor = self.down(functional.silu(self.gate(x)) * self.up(x))
        return y


class Block(nn.Module):
    """One layer: attention, then feed-forward, each behind a norm and added to its input."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.attention = Attention(shape)
        self.feed_forward_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.feed_forward = FeedForward(shape)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor) -> Tensor:
        """x: (rows, length, width)."""
        x = x + self.attention(self.attention_norm(x), cosine, sine, mask)
        y: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return y


class Decoder(nn.Module):
    """The whole network."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.apply(self._start)

    def _start(self, module: nn.Module) -> None:
        """Small normal weights, smaller still where a branch is added to the residual stream."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, Attention):
            nn.init.normal_(module.output.weight, std=0.02 / (2 * self.shape.layers) ** 0.5)
        if isinstance(module, FeedForward):
            nn.init.normal_(module.down.weight, std=0.02 / (2 * self.shape.layers) ** 0.5)

    def layers(self) -> list[Block]:
        """The blocks, with their type."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def forward(self, tokens: Tensor, documents: Tensor) -> Tensor:
        """Logits (rows, length, vocabulary) for token ids and the number of the example each belongs to."""
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
        cosine, sine = (table.to(dtype) for table in self.rotations(tokens.shape[1]))
        mask = allowed(documents).to(dtype)
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, cosine, sine, mask)
        return functional.linear(self.norm(x), self.embedding.weight)

    def rotations(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine (length, head_width / 2) of every position's angle."""
        half = torch.arange(0, self.shape.head_width, 2, dtype=torch.float32)
        angles = torch.outer(torch.arange(length), self.shape.rope_base ** (-half / self.shape.head_width))
        return angles.cos(), angles.sin()


def allowed(documents: Tensor) -> Tensor:
    """The additive mask: a token sees itself and earlier tokens of its own example."""
    length = documents.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool).tril()
    same = documents[:, :, None] == documents[:, None, :]
    return torch.zeros(()).where((earlier & same)[:, None], float("-inf"))
