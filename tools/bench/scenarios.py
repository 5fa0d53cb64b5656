"""The scenarios of `make bench`, each with its aim."""

from collections.abc import Sequence
from pathlib import Path

import lms
from tools.bench import models, workloads
from tools.bench.comparison import Metric, Scenario
from tools.bench.models import BenchModel
from tools.bench.servers import Setup
from tools.bench.workloads import FIRST, GAP, GAP_IN_PASSES, PROCESSED, RATE, REQUESTS, WALL

BUNDLED = Path(lms.__file__).parent / "bundled" / "lms"
TINY_CHAT = BUNDLED / "tiny-chat" / "tiny-chat-F16.gguf"

CHAT = Setup(models.QWEN.path, context_length=4096)
LONG = Setup(models.QWEN.path, context_length=8192)
COPYING = Setup(models.COPYING.path, context_length=4096)
SMALLEST = Setup(models.SMALLEST.path, context_length=2048)
BERT = Setup(models.BERT.path, context_length=512, kind="embedding")
TINY = Setup(TINY_CHAT, context_length=2048)


def rate(ratio: float | None) -> Metric:
    return Metric(RATE, "tok/s", more_is_better=True, ratio=ratio)


def requests(ratio: float) -> Metric:
    return Metric(REQUESTS, "req/s", more_is_better=True, ratio=ratio)


AGAINST_THE_PEER = (
    Scenario("single", CHAT, workloads.single, (rate(1.0),)),
    Scenario("conc8", CHAT, workloads.different_prompts(8), (rate(1.05),)),
    Scenario(
        "prefix8", CHAT, workloads.shared_prefix(8), (Metric(WALL, "s", ratio=4.0), Metric(FIRST, "s", ratio=4.0))
    ),
    Scenario("turns", CHAT, workloads.turns, (Metric(FIRST, "s", ratio=1.0), Metric(PROCESSED, "tokens", most=0))),
    Scenario("interference", LONG, workloads.interference, (Metric(GAP, "ms"), Metric(GAP_IN_PASSES, "×", most=2))),
    Scenario("overhead1", SMALLEST, workloads.overhead(1), (rate(0.9),)),
    Scenario("overhead16", SMALLEST, workloads.overhead(16), (rate(0.9),)),
    Scenario("embed", BERT, workloads.embeddings(1), (requests(1.0),)),
    Scenario("embed16", BERT, workloads.embeddings(16), (requests(1.0),)),
    Scenario("repeat-tiny", TINY, workloads.repeat_text, (rate(1.5),), speculation=True),
    Scenario("edit-tiny", TINY, workloads.edit_json, (rate(1.5),), speculation=True),
    Scenario("repeat-0.5b", COPYING, workloads.refrain, (rate(1.5),), speculation=True),
    Scenario("edit-0.5b", COPYING, workloads.edited_refrain, (rate(1.5),), speculation=True),
)

AGAINST_OURSELVES = (
    Scenario("story-tiny", TINY, workloads.story, (rate(0.97),), True, "ours without"),
    Scenario("fresh-0.5b", COPYING, workloads.no_refrain, (rate(0.97),), True, "ours without"),
)

SCENARIOS = AGAINST_THE_PEER + AGAINST_OURSELVES
_MADE = {model.path: model for model in (models.QWEN, models.COPYING, models.SMALLEST, models.BERT)}


def made_model(setup: Setup) -> BenchModel | None:
    """The model that has to be made for this set-up; None for one that is bundled."""
    return _MADE.get(setup.model)


def named(names: Sequence[str]) -> list[Scenario]:
    """Those of these names, in the order of the table; all without a name. Raises ValueError for an unknown name."""
    known = {scenario.name for scenario in SCENARIOS}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"There is no scenario {unknown[0]}. There are: {', '.join(sorted(known))}.")
    return [scenario for scenario in SCENARIOS if not names or scenario.name in names]
