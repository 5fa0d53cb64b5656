"""Tool calls: one file for each family of formats, and one table of them all."""

from lms.text.toolcalls.family import Family
from lms.text.toolcalls.hermes import HERMES

# Where a chat template mentions what several of them look for, the first counts.
FAMILIES = (HERMES,)


def family_for(template_source: str) -> Family | None:
    """The family of models with this chat template, if it is known."""
    return next((family for family in FAMILIES if family.is_of(template_source)), None)
