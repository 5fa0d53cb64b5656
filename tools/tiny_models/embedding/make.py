"""Makes text-embedding-tiny: tokenizer, training, GGUF file."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from tokenizers import Tokenizer

from tools.tiny_models.corpus import values
from tools.tiny_models.corpus.dialogue import Split
from tools.tiny_models.embedding import export, tokenizer, train
from tools.tiny_models.embedding.model import Shape
from tools.tiny_models.embedding.paraphrases import training_pair

TOKENIZER_PAIRS = 10_000


def make(gguf: Path, work: Path, say: Callable[[str], None]) -> None:
    """Train and write `gguf`; the tokenizer is kept in `work`."""
    trained = make_tokenizer(Random(train.SEED))
    trained.save(str(work / "embedding-tokenizer.json"))
    encoder = train.train(trained, Shape(trained.get_vocab_size()), train.Schedule(), say)
    export.write_gguf(encoder, trained, gguf)


def make_tokenizer(rng: Random) -> Tokenizer:
    """Learn the vocabulary from paraphrases and from arbitrary sentences."""
    pairs = [training_pair(rng) for _ in range(TOKENIZER_PAIRS)]
    texts = [text for pair in pairs for text in (pair.text, pair.paraphrase)]
    return tokenizer.train([*texts, *(values.sentence(rng, Split.TRAINING) for _ in range(TOKENIZER_PAIRS))])
