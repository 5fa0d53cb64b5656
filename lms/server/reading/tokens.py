"""`POST /tokenize`, `/detokenize`, `/apply-template` and `/v1/chat/completions/input_tokens`: bodies and replies.

Shapes: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md, with the `model` that a server of
several needs. `/tokenize` takes vLLM's names for a text as well, with the special tokens that vLLM adds to it.
"""

from typing import Any

from lms.config.presets import Presets
from lms.errors import InvalidRequest
from lms.generation.events import Spelled, WasRead
from lms.generation.request import ReadRequest, SpellRequest, TextPrompt
from lms.server.requests import chat
from lms.server.requests.call import PlainCall
from lms.server.requests.fields import Body, TokenId, decode


class TokenizeBody(Body, frozen=True, kw_only=True):
    """One of `content`, `prompt` (vLLM's name) and `messages`, of which the rest of a chat body may stand beside."""

    content: str | None = None
    prompt: str | None = None
    messages: Any = None
    add_special: bool | None = None
    add_special_tokens: bool | None = None
    parse_special: bool = True
    with_pieces: bool = False


class DetokenizeBody(Body, frozen=True, kw_only=True):
    tokens: list[TokenId]


def parse_tokenize(raw: bytes, presets: Presets) -> PlainCall:
    """Raises InvalidRequest naming the field, and what `chat.parse` raises for messages."""
    body = decode(raw, TokenizeBody)
    given = [name for name in ("content", "prompt", "messages") if getattr(body, name) is not None]
    if len(given) != 1:
        raise InvalidRequest(
            f"One of “content”, “prompt” and “messages” is needed, not {len(given)} of them.", param="content"
        )
    if body.messages is not None:
        return _conversation(raw, presets, pieces=body.with_pieces)
    text = body.content if body.content is not None else body.prompt or ""
    request = ReadRequest(TextPrompt(text), _adds_special(body), body.parse_special, body.with_pieces)
    return PlainCall(body.model, request, "any", body.ttl)


def parse_detokenize(raw: bytes) -> PlainCall:
    """Raises InvalidRequest naming the field."""
    body = decode(raw, DetokenizeBody)
    return PlainCall(body.model, SpellRequest(tuple(body.tokens)), "any", body.ttl)


def parse_chat(raw: bytes, presets: Presets) -> PlainCall:
    """The conversation of a chat body, to be read and not answered. Raises as `chat.parse` does."""
    return _conversation(raw, presets)


def tokenize_body(read: WasRead, call: PlainCall) -> dict[str, Any]:
    """The tokens; with their pieces if those were asked for."""
    wanted = isinstance(call.request, ReadRequest) and call.request.pieces
    return {"tokens": list(map(_token, read.tokens, read.pieces)) if wanted else read.tokens, "count": len(read.tokens)}


def detokenize_body(spelled: Spelled) -> dict[str, Any]:
    return {"content": spelled.text}


def template_body(read: WasRead) -> dict[str, Any]:
    return {"prompt": read.text}


def count_body(read: WasRead) -> dict[str, Any]:
    """As OpenAI counts the input of a response."""
    return {"object": "response.input_tokens", "input_tokens": len(read.tokens)}


def _conversation(raw: bytes, presets: Presets, *, pieces: bool = False) -> PlainCall:
    call = chat.parse(raw, presets)
    read = ReadRequest(call.requests[0].prompt, pieces=pieces)
    return PlainCall(call.model, read, "llm", call.ttl_s, fields=call.fields)


def _adds_special(body: TokenizeBody) -> bool:
    """As asked; else as the server does whose name the text goes by."""
    asked = body.add_special if body.add_special is not None else body.add_special_tokens
    return body.content is None if asked is None else asked


def _token(token: int, piece: bytes) -> dict[str, Any]:
    """A piece that is no whole text by itself is an array of its bytes."""
    try:
        return {"id": token, "piece": piece.decode()}
    except UnicodeDecodeError:
        return {"id": token, "piece": list(piece)}
