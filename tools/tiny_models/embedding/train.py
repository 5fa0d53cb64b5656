"""Trains text-embedding-tiny: of all texts in a batch, the paraphrase must be the nearest."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from tools.tiny_models.embedding.model import Encoder, Shape
from tools.tiny_models.embedding.paraphrases import Pair, training_pair

SEED = 20260102
REPORT_EVERY = 100


@dataclass(frozen=True)
class Schedule:
    """How long and how fast; `temperature` divides the similarities."""

    steps: int = 1200
    pairs: int = 128
    rate: float = 1e-3
    temperature: float = 0.05


def train(tokenizer: Tokenizer, shape: Shape, schedule: Schedule, say: Callable[[str], None]) -> Encoder:
    """Train from scratch."""
    torch.manual_seed(SEED)
    rng = Random(SEED)
    encoder = Encoder(shape)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=schedule.rate, weight_decay=0.01)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.rate, schedule.steps)
    for step in range(1, schedule.steps + 1):
        pairs = different_pairs(rng, schedule.pairs)
        texts = embed(encoder, tokenizer, [pair.text for pair in pairs])
        paraphrases = embed(encoder, tokenizer, [pair.paraphrase for pair in pairs])
        loss = contrast(texts, paraphrases, schedule.temperature)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        rates.step()
        optimizer.zero_grad()
        if step % REPORT_EVERY == 0:
            say(f"step {step} of {schedule.steps}, loss {loss.item():.3f}")
    return encoder


def different_pairs(rng: Random, count: int) -> list[Pair]:
    """Training pairs, no meaning twice: a second text of the same meaning would be a false negative."""
    pairs: dict[str, Pair] = {}
    while len(pairs) < count:
        pair = training_pair(rng)
        pairs.setdefault(pair.meaning, pair)
    return list(pairs.values())


def embed(encoder: Encoder, tokenizer: Tokenizer, texts: list[str]) -> Tensor:
    """Unit vectors (texts, width)."""
    encodings = tokenizer.encode_batch(texts)
    tokens = torch.tensor([encoding.ids for encoding in encodings])
    present = torch.tensor([encoding.attention_mask for encoding in encodings], dtype=torch.bool)
    vectors: Tensor = encoder(tokens, present)
    return vectors


def contrast(texts: Tensor, paraphrases: Tensor, temperature: float) -> Tensor:
    """InfoNCE both ways (https://arxiv.org/abs/1807.03748): row i of each belongs to row i of the other."""
    similarities = texts @ paraphrases.T / temperature
    own = torch.arange(len(texts))
    return (functional.cross_entropy(similarities, own) + functional.cross_entropy(similarities.T, own)) / 2
