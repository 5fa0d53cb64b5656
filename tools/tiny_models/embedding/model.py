"""text-embedding-tiny's network: an encoder of BERT's shape, mean over all tokens, length one."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The sizes of the network; widths are multiples of 32 so that rows quantise to Q8_0."""

    vocabulary: int
    width: int = 128
    layers: int = 3
    heads: int = 4
    feed_forward: int = 512
    context: int = 512
    epsilon: float = 1e-12


class Block(nn.Module):
    """One layer: attention and feed-forward, each added to its input and normed after that."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.width, shape.width)
        self.key = nn.Linear(shape.width, shape.width)
        self.value = nn.Linear(shape.width, shape.width)
        self.output = nn.Linear(shape.width, shape.width)
        self.attention_norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.up = nn.Linear(shape.width, shape.feed_forward)
        self.down = nn.Linear(shape.feed_forward, shape.width)
        self.output_norm = nn.LayerNorm(shape.width, eps=shape.epsilon)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """x: (texts, length, width); present: (texts, length), False for padding."""
        texts, length, width = x.shape
        query, key, value = (
            part(x).view(texts, length, self.heads, -1).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=present[:, None, None])
        x = self.attention_norm(x + self.output(mixed.transpose(1, 2).reshape(texts, length, width)))
        y: Tensor = self.output_norm(x + self.down(functional.gelu(self.up(x), approximate="tanh")))
        return y


class Encoder(nn.Module):
    """The whole network."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.types = nn.Embedding(2, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        for table in (self.tokens, self.positions, self.types):
            nn.init.normal_(table.weight, std=0.02)

    def layers(self) -> list[Block]:
        """The blocks, with their type."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Unit vectors (texts, width) of token ids (texts, length)."""
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]] + self.types.weight[0]
        x = self.norm(x)
        for block in self.blocks:
            x = block(x, present)
        weights = present[:, :, None].to(x.dtype)
        return functional.normalize((x * weights).sum(1) / weights.sum(1), dim=-1)
