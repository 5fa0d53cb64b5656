"""Tokens with their probabilities, as OpenAI's chat and responses endpoints show them."""

from typing import Any

from lms.generation.events import Alternative, TokenLogprob


def token_body(token: TokenLogprob) -> dict[str, Any]:
    """`bytes` are exact; `token` is their text, with replacement characters for a part of a character."""
    return _alternative(token) | {"top_logprobs": [_alternative(other) for other in token.top]}


def _alternative(token: TokenLogprob | Alternative) -> dict[str, Any]:
    return {"token": token.token.decode(errors="replace"), "logprob": token.logprob, "bytes": list(token.token)}
