"""Tool calls: one file for each family of formats, and one table of them all."""

from lms.text.toolcalls.family import Family
from lms.text.toolcalls.hermes import HERMES

FAMILIES = (HERMES,)


def family_for(template_source: str) -> Family | None:
    """The family whose start marker the chat template mentions."""
    return next((family for family in FAMILIES if family.start in template_source), None)
