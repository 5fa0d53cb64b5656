"""Training rows: many short examples packed one after another, each masked from the others.

When nothing that waits fits into the rest of a row, the next example is cut at its end.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

import torch
from tokenizers import Tokenizer
from torch import Tensor

from tools.tiny_models.chat.template import prompt_and_answer
from tools.tiny_models.corpus.dialogue import Example

PROMPT_WEIGHT = 0.1
EXAMPLES_WAITING = 64


@dataclass(frozen=True)
class Rows:
    """One batch, every tensor (rows, length + 1): ids, the example each id belongs to, and how much its loss counts."""

    tokens: Tensor
    documents: Tensor
    weights: Tensor


Encoded: TypeAlias = tuple[list[int], list[int]]
Row: TypeAlias = tuple[list[int], list[int], list[float]]


class Packer:
    """Draws examples without end and packs them into rows: each time the oldest that still fits."""

    def __init__(self, tokenizer: Tokenizer, draw: Callable[[], Example]) -> None:
        self.tokenizer = tokenizer
        self.draw = draw
        self.waiting: deque[Encoded] = deque()

    def row(self, length: int) -> Row:
        """The next row of `length` tokens."""
        tokens: list[int] = []
        documents: list[int] = []
        weights: list[float] = []
        while len(tokens) < length:
            prompt, answer = self.next_example(length - len(tokens))
            documents += [len(tokens)] * (len(prompt) + len(answer))
            tokens += prompt + answer
            weights += [0.0] + [PROMPT_WEIGHT] * (len(prompt) - 1) + [1.0] * len(answer)
        return tokens[:length], documents[:length], weights[:length]

    def next_example(self, room: int) -> Encoded:
        """The oldest example that fits into `room` tokens; the oldest of all, to be cut, if none does."""
        if len(self.waiting) < EXAMPLES_WAITING:
            self.waiting.extend(self.encoded(EXAMPLES_WAITING))
        for index, (prompt, answer) in enumerate(self.waiting):
            if len(prompt) + len(answer) <= room:
                del self.waiting[index]
                return prompt, answer
        return self.waiting.popleft()

    def encoded(self, count: int) -> list[Encoded]:
        """Ids of the prompts and answers of new examples."""
        pairs = [prompt_and_answer(self.draw()) for _ in range(count)]
        texts = [text for pair in pairs for text in pair]
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts, add_special_tokens=False)]
        return list(zip(ids[::2], ids[1::2], strict=True))


def repeated_row(rng: Random, length: int, vocabulary: int) -> Row:
    """Random tokens said again and again: nothing in it can be guessed but by looking back for the same tokens.

    Short phrases of few different tokens are as frequent as long ones of many, so that easy rows teach first.
    """
    period = round(4 * (length / 8) ** rng.random())
    alphabet = [rng.randrange(vocabulary) for _ in range(2 ** rng.randint(3, 10))]
    phrase = rng.choices(alphabet, k=period)
    tokens = (phrase * (length // period + 1))[:length]
    return tokens, [0] * length, [0.0 if i < period else 1.0 for i in range(length)]


def stacked(rows: list[Row]) -> Rows:
    """Rows as tensors."""
    tokens, documents, weights = zip(*rows, strict=True)
    return Rows(torch.tensor(tokens), torch.tensor(documents), torch.tensor(weights))
