"""Training rows: many short examples packed one after another, each masked from the others.

An example that reaches over the end of its row is cut there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor

from tools.tiny_models.chat.template import prompt_and_answer
from tools.tiny_models.corpus.dialogue import Example

PROMPT_WEIGHT = 0.1
EXAMPLES_AT_ONCE = 64


@dataclass(frozen=True)
class Rows:
    """One batch, every tensor (rows, length + 1): ids, the example each id belongs to, and how much its loss counts."""

    tokens: Tensor
    documents: Tensor
    weights: Tensor


Row = tuple[list[int], list[int], list[float]]


class Packer:
    """Draws examples without end and packs them into rows."""

    def __init__(self, tokenizer: Tokenizer, draw: Callable[[], Example]) -> None:
        self.tokenizer = tokenizer
        self.draw = draw
        self.waiting: list[tuple[list[int], list[int]]] = []

    def row(self, length: int) -> Row:
        """The next row of `length` tokens."""
        tokens: list[int] = []
        documents: list[int] = []
        weights: list[float] = []
        while len(tokens) < length:
            prompt, answer = self.next_example()
            documents += [len(documents)] * (len(prompt) + len(answer))
            tokens += prompt + answer
            weights += [PROMPT_WEIGHT] * len(prompt) + [1.0] * len(answer)
        weights = [0.0 if i == 0 or documents[i] != documents[i - 1] else weight for i, weight in enumerate(weights)]
        return tokens[:length], documents[:length], weights[:length]

    def next_example(self) -> tuple[list[int], list[int]]:
        """Ids of one prompt and its answer."""
        if not self.waiting:
            pairs = [prompt_and_answer(self.draw()) for _ in range(EXAMPLES_AT_ONCE)]
            texts = [text for pair in pairs for text in pair]
            ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts, add_special_tokens=False)]
            self.waiting = list(zip(ids[::2], ids[1::2], strict=True))
        return self.waiting.pop()


def repeated_row(rng: Random, length: int, vocabulary: int) -> Row:
    """Random tokens said again and again: nothing in it can be guessed but by looking back for the same tokens."""
    period = rng.randint(6, length // 2)
    phrase = [rng.randrange(vocabulary) for _ in range(period)]
    tokens = (phrase * (length // period + 1))[:length]
    return tokens, [0] * length, [0.0 if i < period else 1.0 for i in range(length)]


def stacked(rows: list[Row]) -> Rows:
    """Rows as tensors."""
    tokens, documents, weights = zip(*rows, strict=True)
    return Rows(torch.tensor(tokens), torch.tensor(documents), torch.tensor(weights))
