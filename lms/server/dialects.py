"""Which dialect is spoken where. Paths decide, not endpoints: a path without an endpoint gets an error as well."""

from lms.server.anthropic.dialect import ANTHROPIC
from lms.server.dialect import OPENAI, Dialect
from lms.server.lmstudio_v1.dialect import LMSTUDIO_V1
from lms.server.openai.responses.dialect import RESPONSES

# Everything below these paths; elsewhere it is OpenAI's.
DIALECTS: dict[str, Dialect] = {
    "/v1/messages": ANTHROPIC,
    "/api/v1": LMSTUDIO_V1,
    "/v1/responses": RESPONSES,
}


def dialect_at(path: str) -> Dialect:
    """The dialect of the endpoint at `path`, or of its nearest neighbours if there is none."""
    return next((dialect for root, dialect in DIALECTS.items() if f"{path}/".startswith(f"{root}/")), OPENAI)
