"""The WordPiece vocabulary of text-embedding-tiny, and its form inside a GGUF file."""

import string
from collections.abc import Iterable

import gguf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

VOCABULARY_SIZE = 3072
PADDING, UNKNOWN, START, SEPARATOR, MASK = CONTROL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORD_START = "\u2581"


def train(texts: Iterable[str]) -> Tokenizer:
    """Learn the vocabulary; every letter and digit is a token both at the start and inside of a word."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False, handle_chinese_chars=True, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY_SIZE, special_tokens=list(CONTROL), show_progress=False, min_frequency=2
    )
    characters = string.ascii_lowercase + string.digits
    alphabet = [first + second for first in characters for second in characters]
    tokenizer.train_from_iterator([*texts, *alphabet, " ".join(string.punctuation)], trainer)
    ends = [(token, tokenizer.token_to_id(token)) for token in (START, SEPARATOR)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{START} $A {SEPARATOR}", special_tokens=ends)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(PADDING), pad_token=PADDING)
    return tokenizer


def token_in_gguf(token: str) -> str:
    """llama.cpp marks the pieces that start a word; WordPiece marks those that do not."""
    if token in CONTROL:
        return token
    return token.removeprefix("##") if token.startswith("##") else WORD_START + token


def token_type(token: str) -> int:
    """Only the five special tokens are control tokens."""
    return int(gguf.TokenType.CONTROL if token in CONTROL else gguf.TokenType.NORMAL)
