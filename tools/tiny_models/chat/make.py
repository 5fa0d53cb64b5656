"""Makes tiny-chat: tokenizer, training, GGUF file."""

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tools.tiny_models.chat import export, tokenizer, train
from tools.tiny_models.chat.made import MADE
from tools.tiny_models.chat.model import Shape
from tools.tiny_models.chat.template import prompt_and_answer
from tools.tiny_models.corpus.mixture import example

TOKENIZER_EXAMPLES = 20_000


def make(gguf: Path, work: Path, say: Callable[[str], None]) -> None:
    """Train and write `gguf`; checkpoints and tokenizer are kept in `work`."""
    rng = Random(train.SEED)
    trained = tokenizer.train("".join(prompt_and_answer(example(rng))) for _ in range(TOKENIZER_EXAMPLES))
    trained.save(str(work / "chat-tokenizer.json"))
    started = time.monotonic()
    decoder = train.train(trained, example, Shape(), train.FULL, work / "chat.pt", say)
    export.write_gguf(decoder, trained, gguf)
    minutes = (time.monotonic() - started) / 60
    MADE.write_text(f"In one run of `make tiny-models`: {train.FULL.steps} steps in {minutes:.0f} minutes.\n")
