"""The parameters of generation that chat and text completions share, and their ranges."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from lms.errors import InvalidRequest
from lms.generation.request import Sampling
from lms.server.requests.fields import Body, PositiveInt, TokenId, only

_Share = Annotated[float, Meta(ge=0, le=1)]
_Penalty = Annotated[float, Meta(ge=-2, le=2)]
_Bias = Annotated[float, Meta(ge=-100, le=100)]
_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_TokenCount = Annotated[int, Meta(ge=-1, le=2**63 - 1)]
# An empty string would stop everything before it starts. The engine's search keeps about 300 bytes a character.
_StopString = Annotated[str, Meta(min_length=1, max_length=1024)]

# Logits divided by less overflow single precision, and softmax makes NaN of that.
_COLDEST = 1e-5


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class GenerateBody(Body, frozen=True, kw_only=True):
    """The ranges are OpenAI's where it has any; the temperature has no upper limit, as sampling needs none."""

    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: _Share | None = None
    top_k: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None
    min_p: _Share | None = None
    repeat_penalty: Annotated[float, Meta(ge=0.01, le=10)] | None = None
    presence_penalty: _Penalty | None = None
    frequency_penalty: _Penalty | None = None
    logit_bias: dict[TokenId, _Bias] | None = None
    seed: _Integer | None = None
    max_tokens: _TokenCount | None = None
    stop: _StopString | Annotated[list[_StopString], Meta(max_length=16)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: PositiveInt | None = None
    draft_model: str | None = None
    preset: Any = None

    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


def warmth(temperature: float | None) -> float | None:
    """The temperature to draw with: next to none means none."""
    return 0.0 if temperature is not None and temperature < _COLDEST else temperature


def sampling(body: GenerateBody) -> Sampling:
    """How tokens are drawn. A seed of −1 means a new one each time, as in LM Studio."""
    return Sampling(
        temperature=warmth(body.temperature),
        top_k=body.top_k,
        top_p=body.top_p,
        min_p=body.min_p,
        repeat_penalty=body.repeat_penalty,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        logit_bias=body.logit_bias or {},
        seed=None if body.seed == -1 else body.seed,
    )


def token_limit(value: int | None, param: str = "max_tokens") -> int | None:
    """None and −1 mean until the model or the context ends. Raises InvalidRequest for 0, which asks for nothing."""
    if value == 0:
        raise InvalidRequest(f"“{param}” must be at least 1, or −1 for no limit.", param=param)
    return None if value == -1 else value


def stop_strings(stop: str | list[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def refuse_unsupported(body: GenerateBody) -> None:
    """Raises Unsupported for what neither chat nor text completions can honour yet."""
    only(body.n, (None, 1), "n")
    only(body.preset, (None, ""), "preset")
