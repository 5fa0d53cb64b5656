"""Tool calls: one file for each family of formats, one table of them all, and the ids that calls get."""

from collections.abc import Iterator
from random import Random

from lms.text.toolcalls.family import Family
from lms.text.toolcalls.hermes import HERMES

FAMILIES = (HERMES,)


def family_for(template_source: str) -> Family | None:
    """The family whose start marker the chat template mentions."""
    return next((family for family in FAMILIES if family.start in template_source), None)


def call_ids(random: Random) -> Iterator[str]:
    """Endless ids in LM Studio's form: nine digits."""
    while True:
        yield str(random.randrange(100_000_000, 1_000_000_000))
