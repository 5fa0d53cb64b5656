"""Measures both GGUF files and writes their cards. Needs llama-cpp-python, but not PyTorch."""

from collections.abc import Callable
from pathlib import Path

from llama_cpp import Llama, llama_model_n_params

from tools.tiny_models import card
from tools.tiny_models.chat import evaluate as chat_evaluate
from tools.tiny_models.chat.made import MADE
from tools.tiny_models.embedding import evaluate as embedding_evaluate

ROUNDS = 10
MISSES_SHOWN = 2
PROMPT_SHOWN = 160


def measure_chat(path: Path, say: Callable[[str], None]) -> None:
    """Measure tiny-chat, say each figure with examples of what went wrong, and write the card beside the file."""
    report = chat_evaluate.measure(path)
    for column, figures in zip(chat_evaluate.COLUMNS, report.columns, strict=True):
        for figure in figures:
            say(f"{column.title}: {figure.name} {figure.percent:.0f} %")
            for miss in figure.misses[:MISSES_SHOWN]:
                say(f"    {miss.prompt[-PROMPT_SHOWN:]!r}: expected {miss.expected!r}, got {miss.given!r}")
    path.with_name("README.md").write_text(
        card.chat_card(facts(path, "llama"), report, MADE.read_text(encoding="utf-8").strip()), encoding="utf-8"
    )


def measure_embedding(path: Path, say: Callable[[str], None]) -> None:
    """Measure text-embedding-tiny and write the card beside the file."""
    report = embedding_evaluate.measure(path, ROUNDS)
    say(f"paraphrases found first among {embedding_evaluate.CANDIDATES}: {report.percent:.1f} %")
    path.with_name("README.md").write_text(card.embedding_card(facts(path, "bert"), report), encoding="utf-8")


def facts(path: Path, architecture: str) -> dict[str, str]:
    """What the file itself says, for the head of the card."""
    model = Llama(str(path), n_ctx=32, embedding=architecture == "bert", verbose=False)
    keys = {"layers": "block_count", "width": "embedding_length", "heads": "attention.head_count"}
    said = {name: model.metadata[f"{architecture}.{key}"] for name, key in keys.items()}
    return {
        **said,
        "context": model.metadata[f"{architecture}.context_length"],
        "vocabulary": str(model.n_vocab()),
        "parameters": f"{llama_model_n_params(model.model) / 1e6:.1f} million",
        "file": path.name,
        "size": f"{path.stat().st_size / 1e6:.1f} MB",
    }
