"""The body of a text completion: a prompt that no template touches, or several of them."""

from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import replace

from lms.config.prediction import TokenCount
from lms.config.presets import Presets
from lms.errors import InvalidRequest
from lms.generation.request import GenerateRequest, InfillPrompt, Prompt, TextPrompt, TokenPrompt
from lms.server.requests.call import CONVERSATION, GenerateCall
from lms.server.requests.fields import TokenId, TokenIds, decode, only
from lms.server.requests.presets import filled
from lms.server.requests.response_format import form_of
from lms.server.requests.sampling import (
    MOST_LOGPROBS,
    GenerateBody,
    newer_token_limit,
    refuse_unsupported,
    sampling,
    several,
    stop_strings,
)

_ITEMS_LIMIT = 2048


# What chats have and texts have not, with the values that ask for nothing.
_OF_CHATS: dict[str, tuple[object, ...]] = {
    "messages": (None,),
    "tools": (None, []),
    "tool_choice": (None, "none", "auto"),
    "top_logprobs": (None, 0),
    "chat_template_kwargs": (None, {}),
    "enable_thinking": (None, False),
    "reasoning_effort": (None, "none"),
    "reasoning_budget": (None, -1),
    "thinking_budget": (None, -1),
    "max_reasoning_tokens": (None, -1),
    "reasoning_format": (None, "none", "auto"),
    "return_progress": (None, False),
}


class TextBody(GenerateBody, frozen=True, kw_only=True):
    """A text has no messages, tools or reasoning: who asks for them wants the other endpoint."""

    prompt: str | Annotated[list[str | TokenId | TokenIds], Meta(min_length=1)]
    max_completion_tokens: TokenCount | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=MOST_LOGPROBS)] | bool | None = None
    suffix: str | None = None
    messages: Any = None
    tools: Any = None
    tool_choice: Any = None
    top_logprobs: Any = None
    return_progress: Any = None
    chat_template_kwargs: Any = None
    enable_thinking: Any = None
    reasoning_effort: Any = None
    reasoning_budget: Any = None
    thinking_budget: Any = None
    max_reasoning_tokens: Any = None
    reasoning_format: Any = None


def parse(raw: bytes, presets: Presets) -> GenerateCall:
    """The call that a completion body asks for, one request an answer: all to the first prompt come first.

    Raises InvalidRequest or Unsupported, and as `Presets.named` does.
    """
    body = decode(raw, TextBody)
    refuse_unsupported(body)
    for param, nothing in _OF_CHATS.items():
        only(getattr(body, param), nothing, param, elsewhere="/v1/chat/completions")
    body = filled(body, presets.named(body.preset), formed=body.response_format is not None)
    _refuse_contradictions(body)
    asked = GenerateRequest(
        TextPrompt(""),
        sampling(body),
        _token_limit(body),
        stop_strings(body.stop),
        split_reasoning=False,
        constraint=form_of(body, body.response_format),
        logprobs=None if body.logprobs is False else body.logprobs if body.logprobs is None else int(body.logprobs),
        echo=bool(body.echo),
        overflow=body.context_overflow_policy,
    )
    prompts = _prompts(body)
    requests = [request for prompt in prompts for request in several(replace(asked, prompt=prompt), body.n)]
    if len(requests) > _ITEMS_LIMIT:
        raise InvalidRequest(
            f"{body.n} answers to each of {len(prompts)} prompts are too many: {_ITEMS_LIMIT} are given.", param="n"
        )
    return GenerateCall(
        body.model,
        tuple(requests),
        bool(body.stream),
        body.include_usage(),
        body.ttl,
        draft_model=body.draft_model or None,
        answers_each=body.n or 1,
        fields={CONVERSATION: "prompt"},
    )


def _token_limit(body: TextBody) -> int | None:
    """0 asks for an echo and nothing else."""
    if body.echo and 0 in (body.max_tokens, body.max_completion_tokens):
        return 0
    return newer_token_limit(body.max_completion_tokens, body.max_tokens)


def _refuse_contradictions(body: TextBody) -> None:
    """Raises InvalidRequest for an echo of what is no beginning, and where an echo or a gap needs what may be cut."""
    if body.echo and body.suffix:
        raise InvalidRequest("“echo” repeats a prompt, and with “suffix” there are two parts of it.", param="echo")
    if (body.echo or body.suffix) and body.context_overflow_policy in ("truncateMiddle", "rollingWindow"):
        raise InvalidRequest(
            "“echo” and “suffix” need the whole prompt, and “context_overflow_policy” would leave out parts of it.",
            param="context_overflow_policy",
        )


def _prompts(body: TextBody) -> list[Prompt]:
    items = [body.prompt] if isinstance(body.prompt, str) else texts_or_tokens(body.prompt, "prompt")
    return [_prompt(item, body.suffix) for item in items]


def _prompt(item: str | tuple[int, ...], suffix: str | None) -> Prompt:
    if not suffix:
        return TextPrompt(item) if isinstance(item, str) else TokenPrompt(item)
    if not isinstance(item, str):
        raise InvalidRequest("“suffix” goes with a prompt that is text.", param="suffix")
    return InfillPrompt(item, suffix)


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
