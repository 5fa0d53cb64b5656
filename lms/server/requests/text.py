"""The body of a text completion: a prompt that no template touches, or several of them."""

from typing import Annotated

from msgspec import Meta

from lms.errors import InvalidRequest
from lms.generation.request import GenerateRequest, TextPrompt, TokenPrompt
from lms.server.requests.call import GenerateCall
from lms.server.requests.fields import TokenId, TokenIds, decode, only
from lms.server.requests.sampling import GenerateBody, refuse_unsupported, sampling, stop_strings, token_limit

_ITEMS_LIMIT = 2048


class TextBody(GenerateBody, frozen=True, kw_only=True):
    prompt: str | Annotated[list[str | TokenId | TokenIds], Meta(min_length=1)]
    best_of: int | None = None
    echo: bool | None = None
    logprobs: int | bool | None = None
    suffix: str | None = None


def parse(raw: bytes) -> GenerateCall:
    """The call that a completion body asks for, one request a prompt. Raises InvalidRequest or Unsupported."""
    body = decode(raw, TextBody)
    refuse_unsupported(body)
    only(body.best_of, (None, 1), "best_of")
    only(body.echo, (None, False), "echo")
    only(body.suffix, (None, ""), "suffix")
    if body.logprobs is not False:
        only(body.logprobs, (None,), "logprobs")
    drawing, limit, stop = sampling(body), token_limit(body.max_tokens), stop_strings(body.stop)
    requests = tuple(
        GenerateRequest(prompt, drawing, limit, stop, split_reasoning=False) for prompt in _prompts(body.prompt)
    )
    return GenerateCall(
        body.model,
        requests,
        bool(body.stream),
        body.include_usage(),
        body.ttl,
        draft_model=body.draft_model or None,
    )


def _prompts(prompt: str | list[str | int | list[int]]) -> list[TextPrompt | TokenPrompt]:
    if isinstance(prompt, str):
        return [TextPrompt(prompt)]
    return [
        TextPrompt(item) if isinstance(item, str) else TokenPrompt(item) for item in texts_or_tokens(prompt, "prompt")
    ]


def texts_or_tokens(items: list[str | int | list[int]], param: str) -> list[str | tuple[int, ...]]:
    """OpenAI's four forms of input: texts, one array of token ids, or several.

    Raises InvalidRequest for a mixture, and for more than 2048 texts or arrays, which is OpenAI's limit for embeddings.
    """
    if all(isinstance(item, int) for item in items):
        return [tuple(item for item in items if isinstance(item, int))]
    single = next((index for index, item in enumerate(items) if isinstance(item, int)), None)
    if single is not None:
        path = f"{param}[{single}]"
        raise InvalidRequest(f"“{path}” is a token id among texts or arrays.", param=path)
    if len(items) > _ITEMS_LIMIT:
        raise InvalidRequest(f"“{param}” holds {len(items)} items; {_ITEMS_LIMIT} are taken at once.", param=param)
    return [item if isinstance(item, str) else tuple(item) for item in items if not isinstance(item, int)]
