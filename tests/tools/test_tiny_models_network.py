"""The networks and the packing of rows; small shapes, no training."""

from random import Random

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")
pytest.importorskip("gguf")

import torch

from tools.tiny_models.chat import tokenizer as bpe
from tools.tiny_models.chat.export import interleaved
from tools.tiny_models.chat.model import Decoder, Shape, rotate
from tools.tiny_models.chat.rows import Packer, repeated_row
from tools.tiny_models.chat.train import FULL, Phase, Schedule
from tools.tiny_models.corpus.mixture import example
from tools.tiny_models.embedding import model as embedding_model

SMALL = Shape(vocabulary=64, width=32, layers=2, heads=2, feed_forward=32)


def rotate_pairs(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """llama.cpp's way: components 2i and 2i + 1 turn together."""
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2)


def test_exported_queries_and_keys_score_as_in_training() -> None:
    torch.manual_seed(0)
    cosine, sine = Decoder(SMALL).rotations(9)
    query, key, x = torch.randn(32, 32), torch.randn(32, 32), torch.randn(9, 32)

    def scores(turn, weights):
        q, k = (turn((x @ weight.T).view(9, 2, 16).transpose(0, 1), cosine, sine) for weight in weights)
        return q @ k.transpose(-1, -2)

    ours = scores(rotate, (query, key))
    exported = scores(rotate_pairs, (interleaved(query, SMALL), interleaved(key, SMALL)))
    assert torch.allclose(ours, exported, atol=1e-4)


def test_a_token_is_blind_to_later_tokens_and_to_other_examples() -> None:
    torch.manual_seed(0)
    decoder = Decoder(SMALL)
    tokens = torch.randint(0, 64, (1, 8))
    documents = torch.tensor([[0, 0, 0, 0, 4, 4, 4, 4]])
    changed = tokens.clone()
    changed[0, 1] = (changed[0, 1] + 1) % 64
    before, after = decoder(tokens, documents), decoder(changed, documents)
    same = torch.isclose(before, after).all(-1)[0]
    assert same.tolist() == [True, False, False, False, True, True, True, True]


def test_padding_does_not_change_an_embedding() -> None:
    torch.manual_seed(0)
    encoder = embedding_model.Encoder(embedding_model.Shape(64, width=32, layers=2, heads=2, feed_forward=32))
    tokens = torch.randint(0, 64, (1, 5))
    alone = encoder(tokens, torch.ones(1, 5, dtype=torch.bool))
    padded = encoder(torch.cat((tokens, torch.zeros(1, 3, dtype=torch.long)), 1), torch.arange(8)[None] < 5)
    assert torch.allclose(alone, padded, atol=1e-6)


def test_rows_are_full_and_begin_each_example_without_a_target() -> None:
    rng = Random(3)
    packer = Packer(bpe.train(["Hello, world!"]), lambda: example(rng))
    for _ in range(20):
        tokens, documents, weights = packer.row(256)
        assert len(tokens) == len(documents) == len(weights) == 256
        assert all(weights[start] == 0 for start in set(documents))


def test_a_repeated_row_counts_only_what_can_be_looked_up() -> None:
    tokens, _, weights = repeated_row(Random(1), 64, 1000)
    period = weights.index(1.0)
    assert all(tokens[i] == tokens[i - period] for i, weight in enumerate(weights) if weight)


def test_the_rate_rises_stays_and_falls() -> None:
    schedule = Schedule((Phase(20, 1, 8, 0.0), Phase(10, 1, 8, 0.0)), steady_phases=1, warmup_steps=5)
    shares = [schedule.rate_share(step) for step in range(schedule.steps)]
    assert shares[:5] == sorted(shares[:5])
    assert set(shares[5:20]) == {1.0}
    assert shares[20:] == sorted(shares[20:], reverse=True)
    assert FULL.rate_share(FULL.steps - 1) < 0.03
