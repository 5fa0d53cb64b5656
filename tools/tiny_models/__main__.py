"""`python -m tools.tiny_models [stage …]`: makes the bundled models and their cards; every stage by default.

Only the `measure` stage runs without PyTorch.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "lms" / "bundled" / "lms"
CHAT = BUNDLED / "tiny-chat" / "tiny-chat-F16.gguf"
EMBEDDING = BUNDLED / "text-embedding-tiny" / "text-embedding-tiny-F16.gguf"


def say(line: str) -> None:
    """Progress, with the time of day."""
    print(time.strftime("%H:%M:%S"), line, file=sys.stderr, flush=True)


# Each stage imports what it needs when it runs: PyTorch takes seconds to import and the last stage does without it.
def make_embedding(work: Path) -> None:
    """Train text-embedding-tiny."""
    from tools.tiny_models.embedding.make import make

    make(EMBEDDING, work, say)


def make_chat(work: Path) -> None:
    """Train tiny-chat."""
    from tools.tiny_models.chat.make import make

    make(CHAT, work, say)


def measure(work: Path) -> None:
    """Measure both and write their cards."""
    from tools.tiny_models.measure import measure_chat, measure_embedding

    measure_embedding(EMBEDDING, say)
    measure_chat(CHAT, say)


STAGES: dict[str, Callable[[Path], None]] = {"embedding": make_embedding, "chat": make_chat, "measure": measure}


def main() -> None:
    """Run the stages that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.tiny_models", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="stage", help=f"any of {', '.join(STAGES)}; all by default")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "tiny-models", help="folder for checkpoints")
    arguments = parser.parse_args()
    if unknown := set(arguments.stages) - set(STAGES):
        parser.error(f"no stage is called {', '.join(sorted(unknown))}")
    arguments.work.mkdir(parents=True, exist_ok=True)
    for name, run in STAGES.items():
        if not arguments.stages or name in arguments.stages:
            say(f"stage {name}")
            run(arguments.work)


if __name__ == "__main__":
    main()
