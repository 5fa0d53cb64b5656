"""Tool calls: one file for each family of formats, and one table of them all."""

from lms.text.toolcalls.apriel import APRIEL, MINIMAX_M1
from lms.text.toolcalls.command_r import COMMAND_R, COMMAND_R7B
from lms.text.toolcalls.deepseek import DEEPSEEK, DEEPSEEK_FENCED
from lms.text.toolcalls.default import DEFAULT, taught, told
from lms.text.toolcalls.dsml import DSML_FUNCTIONS, DSML_TOOLS
from lms.text.toolcalls.family import Family
from lms.text.toolcalls.gemma import FUNCTIONGEMMA, GEMMA
from lms.text.toolcalls.glm import GLM, GLM_DENSE
from lms.text.toolcalls.granite import GRANITE
from lms.text.toolcalls.harmony import HARMONY
from lms.text.toolcalls.hermes import HERMES
from lms.text.toolcalls.kimi import KIMI
from lms.text.toolcalls.lfm2 import LFM2, LFM2_5
from lms.text.toolcalls.llama3 import LLAMA3
from lms.text.toolcalls.minimax import MINIMAX
from lms.text.toolcalls.mistral import MISTRAL, MISTRAL_NAMED
from lms.text.toolcalls.nemotron import NEMOTRON
from lms.text.toolcalls.phi import FUNCTOOLS, PHI
from lms.text.toolcalls.qwen3_coder import QWEN3_CODER
from lms.text.toolcalls.seed_oss import SEED_OSS

__all__ = ["DEFAULT", "FAMILIES", "Family", "family_for", "taught", "told"]

# Where a chat template mentions what several of them look for, the first counts. The last is everybody else's.
FAMILIES = (
    HARMONY,
    SEED_OSS,
    QWEN3_CODER,
    MINIMAX,
    GLM_DENSE,
    GLM,
    KIMI,
    DSML_FUNCTIONS,
    DSML_TOOLS,
    DEEPSEEK_FENCED,
    DEEPSEEK,
    GEMMA,
    FUNCTIONGEMMA,
    COMMAND_R7B,
    COMMAND_R,
    NEMOTRON,
    GRANITE,
    PHI,
    FUNCTOOLS,
    LFM2,
    LFM2_5,
    MISTRAL_NAMED,
    MISTRAL,
    APRIEL,
    MINIMAX_M1,
    HERMES,
    LLAMA3,
    DEFAULT,
)


def family_for(template_source: str) -> Family:
    """The family of models with this chat template."""
    return next(family for family in FAMILIES if family.is_of(template_source))
