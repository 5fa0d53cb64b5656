"""Tool calls: one file for each family of formats, and one table of them all."""

from lms.text.toolcalls.default import DEFAULT, taught
from lms.text.toolcalls.family import Family
from lms.text.toolcalls.harmony import HARMONY
from lms.text.toolcalls.hermes import HERMES
from lms.text.toolcalls.qwen3_coder import QWEN3_CODER

__all__ = ["DEFAULT", "FAMILIES", "Family", "family_for", "taught"]

# Where a chat template mentions what several of them look for, the first counts. The last is everybody else's.
FAMILIES = (HARMONY, QWEN3_CODER, HERMES, DEFAULT)


def family_for(template_source: str) -> Family:
    """The family of models with this chat template."""
    return next(family for family in FAMILIES if family.is_of(template_source))
