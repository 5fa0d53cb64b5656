"""Measures text-embedding-tiny as shipped: is a text's paraphrase the nearest of a hundred, by llama.cpp's vectors?"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy
from llama_cpp import Llama
from numpy.typing import NDArray

from tools.tiny_models.embedding.paraphrases import Pair, held_out_pair

SEED = 20260104
CANDIDATES = 100


@dataclass(frozen=True)
class Report:
    """How many of `asked` paraphrases were found first among `CANDIDATES`."""

    asked: int
    found: int

    @property
    def percent(self) -> float:
        """Share found."""
        return 100 * self.found / self.asked


def measure(path: Path, rounds: int) -> Report:
    """Search in `rounds` different sets of held-out paraphrases."""
    model = Llama(str(path), embedding=True, n_ctx=512, n_threads=1, n_threads_batch=1, verbose=False)
    rng = Random(SEED)
    found = sum(found_first(model, different_pairs(rng)) for _ in range(rounds))
    return Report(rounds * CANDIDATES, found)


def different_pairs(rng: Random) -> list[Pair]:
    """A hundred pairs, no meaning twice."""
    pairs: dict[str, Pair] = {}
    while len(pairs) < CANDIDATES:
        pair = held_out_pair(rng)
        pairs.setdefault(pair.meaning, pair)
    return list(pairs.values())


def found_first(model: Llama, pairs: list[Pair]) -> int:
    """Number of texts whose own paraphrase is the nearest."""
    texts = vectors(model, [pair.text for pair in pairs])
    paraphrases = vectors(model, [pair.paraphrase for pair in pairs])
    nearest = (texts @ paraphrases.T).argmax(axis=1)
    return int((nearest == numpy.arange(len(pairs))).sum())


def vectors(model: Llama, texts: list[str]) -> NDArray[numpy.float64]:
    """Unit vectors (texts, width)."""
    rows: NDArray[numpy.float64] = numpy.array([model.embed(text) for text in texts])
    rows /= numpy.linalg.norm(rows, axis=1, keepdims=True)
    return rows
