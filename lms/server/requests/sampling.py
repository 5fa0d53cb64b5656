"""The parameters of generation that chat and text completions share, and their ranges."""

import re
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from lms.config.prediction import Prediction
from lms.errors import InvalidRequest
from lms.generation.request import GenerateRequest, Sampling
from lms.server.requests.fields import NonEmpty, PositiveInt, only
from lms.server.requests.response_format import ResponseFormat

_MOST_BIASED_TEXTS = 256
_NUMBER = re.compile(r"-?[0-9]{1,256}")

# LM Studio's most; OpenAI's are 20 for chats and 5 for texts.
MOST_LOGPROBS = 100
MOST_ANSWERS = 32

# Logits divided by less overflow single precision, and softmax makes NaN of that.
_COLDEST = 1e-5


class StreamOptions(msgspec.Struct, frozen=True):
    """Nothing is obfuscated, whether or not that is asked for: it would only lengthen what is sent."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class GenerateBody(Prediction, frozen=True, kw_only=True):
    """`preset` names one whose settings hold for what the body leaves open.

    What says who asks and why (`user`, `metadata`, `safety_identifier`), what to keep (`store`: nothing is, here) and
    how to reuse prompts (`prompt_cache_…`: that is always done) changes no answer.
    """

    model: NonEmpty
    ttl: PositiveInt | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=MOST_ANSWERS)] | None = None
    best_of: int | None = None
    response_format: ResponseFormat | None = None
    preset: str | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    moderation: Any = None

    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


def warmth(temperature: float | None) -> float | None:
    """The temperature to draw with: next to none means none."""
    return 0.0 if temperature is not None and temperature < _COLDEST else temperature


def sampling(body: Prediction) -> Sampling:
    """How tokens are drawn. A seed of −1 means a new one each time, as in LM Studio. Raises InvalidRequest."""
    by_id, by_text = _biases(body.logit_bias)
    return Sampling(
        temperature=warmth(body.temperature),
        top_k=body.top_k,
        top_p=body.top_p,
        min_p=body.min_p,
        repeat_penalty=body.repeat_penalty,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        typical_p=body.typical_p,
        xtc_probability=body.xtc_probability,
        xtc_threshold=body.xtc_threshold,
        dry_multiplier=body.dry_multiplier,
        dry_base=body.dry_base,
        dry_allowed_length=body.dry_allowed_length,
        dry_penalty_last_n=body.dry_penalty_last_n,
        dry_sequence_breakers=None if body.dry_sequence_breakers is None else tuple(body.dry_sequence_breakers),
        logit_bias=by_id,
        text_bias=by_text,
        seed=None if body.seed == -1 else body.seed,
    )


def _biases(
    given: dict[str, float] | list[tuple[int | str, float]] | None,
) -> tuple[dict[int, float], dict[str, float]]:
    """Biases by token id and by text. The keys of an object are ids where they are numbers; pairs can say which."""
    by_id: dict[int, float] = {}
    by_text: dict[str, float] = {}
    for token, bias in _pairs(given):
        if isinstance(token, int):
            by_id[token] = bias
        else:
            by_text[token] = bias
    if len(by_text) > _MOST_BIASED_TEXTS:
        raise InvalidRequest(f"“logit_bias” has more than {_MOST_BIASED_TEXTS} texts.", param="logit_bias")
    return by_id, by_text


def _pairs(given: dict[str, float] | list[tuple[int | str, float]] | None) -> Iterable[tuple[int | str, float]]:
    if not isinstance(given, dict):
        return given or ()
    return [(_token(key), bias) for key, bias in given.items()]


def _token(key: str) -> int | str:
    """The token id or the text that a key of `logit_bias` is. Raises InvalidRequest for a number that is no id."""
    if not _NUMBER.fullmatch(key):
        return key
    if not 0 <= int(key) < 2**31:
        raise InvalidRequest(f"“logit_bias” names {key}, which is no token id.", param="logit_bias")
    return int(key)


def token_limit(value: int | None, param: str = "max_tokens") -> int | None:
    """None and −1 mean until the model or the context ends. Raises InvalidRequest for 0, which asks for nothing."""
    if value == 0:
        raise InvalidRequest(f"“{param}” must be at least 1, or −1 for no limit.", param=param)
    return None if value == -1 else value


def newer_token_limit(max_completion_tokens: int | None, max_tokens: int | None) -> int | None:
    """`max_completion_tokens`, OpenAI's newer name, wins."""
    if max_completion_tokens is not None:
        return token_limit(max_completion_tokens, "max_completion_tokens")
    return token_limit(max_tokens)


def stop_strings(stop: str | list[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def several(request: GenerateRequest, n: int | None) -> tuple[GenerateRequest, ...]:
    """The request as often as answers are wanted. A seed counts up, so that together they can be had again."""
    seed = request.sampling.seed
    if n in (None, 1) or seed is None:
        return (request,) * (n or 1)
    drawing = [msgspec.structs.replace(request.sampling, seed=_wrapped(seed + number)) for number in range(n or 1)]
    return tuple(msgspec.structs.replace(request, sampling=sampling) for sampling in drawing)


def _wrapped(seed: int) -> int:
    """Within 64 bits, which is all that travels."""
    return seed if seed < 2**63 else seed - 2**64


def refuse_unsupported(body: GenerateBody) -> None:
    """Raises Unsupported for what no endpoint can honour."""
    only(body.best_of, (None, body.n or 1), "best_of")
    only(body.moderation, (None,), "moderation")
    only(body.service_tier, (None, "auto", "default"), "service_tier")
