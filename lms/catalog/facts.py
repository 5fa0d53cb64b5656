"""What headers tell about one GGUF file or one MLX folder, in the words that both formats share. Kept in the cache, so
everything here goes through JSON.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from lms.catalog.model import Quantization, Reasoning, Shape

MAX_NAME_LETTERS = 100

# Encoders, and language models trained into embedders under an architecture of their own.
EMBEDDING_ARCHS = frozenset(
    (
        *("bert", "distilbert", "modern-bert", "modernbert", "neo-bert", "eurobert", "mpnet", "roberta", "xlm-roberta"),
        *("nomic-bert", "nomic_bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3"),
        *("t5encoder", "gemma-embedding", "llama-embed"),
    )
)


class Role(StrEnum):
    """What a GGUF file is. Only models are listed; a projector makes the models beside it see."""

    MODEL = "model"
    PROJECTOR = "projector"
    OTHER = "other"


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file's (or MLX folder's) part of a `Model`. `damaged` is the reason why the rest is missing.

    `vocabulary` is the same for models whose token ids mean the same; empty when that is not known.
    """

    role: Role = Role.MODEL
    arch: str | None = None
    display_name: str | None = None
    quantization: Quantization | None = None
    params: int = 0
    size_label: str | None = None
    max_context_length: int = 0
    embedding: bool = False
    vision: bool = False
    tool_use: bool = False
    has_chat_template: bool = False
    reasoning: Reasoning | None = None
    shape: Shape = Shape()
    vocabulary: str = ""
    damaged: str | None = None


def damaged(facts: Facts, reason: str) -> Facts:
    """What is known of a model that is not whole."""
    return msgspec.structs.replace(facts, damaged=facts.damaged or reason)


def joined(shards: Sequence[Facts]) -> Facts:
    """The facts of a model in several files: the first tells everything but the others' weights and damage."""
    whole = msgspec.structs.replace(shards[0], params=sum(shard.params for shard in shards))
    return next((damaged(whole, shard.damaged) for shard in shards if shard.damaged), whole)


def mentions_tools(chat_template: str) -> bool:
    """Whether a chat template renders tools: the sign, for want of a better one, of a model trained to use them."""
    return re.search(r"\btools?\b", chat_template) is not None


def clean_name(name: str | None) -> str | None:
    """A name out of a header, fit for a terminal: one printable line that has a letter in it, else None."""
    shown = "".join(letter for letter in name or "" if letter.isprintable()).strip()
    return shown if any(letter.isalpha() for letter in shown) and len(shown) <= MAX_NAME_LETTERS else None


def params_label(params: int) -> str | None:
    """A parameter count for people: `1.5B`, `494M`, `900K`; None for nothing."""
    for unit, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        if params >= 0.9995 * unit:
            amount = f"{params / unit:.1f}" if params < 10 * unit else f"{params / unit:.0f}"
            return amount.removesuffix(".0") + letter
    return str(params) if params else None
