"""How an answer is made, as requests and presets say it: names and ranges. None leaves a field open.

The ranges are OpenAI's where it has any; the temperature has no upper limit, as sampling needs none. `grammar`, `regex`
and `json_schema` are extensions of ours under the names that llama-server and vLLM know them by.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from lms.config.load import Overflow

_Share = Annotated[float, Meta(ge=0, le=1)]
_Penalty = Annotated[float, Meta(ge=-2, le=2)]
_Bias = Annotated[float, Meta(ge=-100, le=100)]
_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
# llama.cpp's token ids are 32-bit; whether the model has the id is for the engine to say.
_TokenId = Annotated[int, Meta(ge=0, le=2**31 - 1)]
# An empty string would stop everything before it starts. The engine's search keeps about 300 bytes a character.
_StopString = Annotated[str, Meta(min_length=1, max_length=1024)]
# What a bias is for is tokenized while others wait.
_BiasedText = Annotated[str, Meta(min_length=1, max_length=256)]
_Breaker = Annotated[str, Meta(min_length=1, max_length=40)]  # llama.cpp cuts longer ones
_NonEmpty = Annotated[str, Meta(min_length=1)]

TokenCount = Annotated[int, Meta(ge=-1, le=2**63 - 1)]


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """A `max_tokens` of −1 is no limit, a seed of −1 a new one each time."""

    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: _Share | None = None
    top_k: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None
    min_p: _Share | None = None
    repeat_penalty: Annotated[float, Meta(ge=0.01, le=10)] | None = None
    presence_penalty: _Penalty | None = None
    frequency_penalty: _Penalty | None = None
    typical_p: _Share | None = None
    xtc_probability: _Share | None = None
    xtc_threshold: _Share | None = None
    dry_multiplier: Annotated[float, Meta(ge=0, le=100)] | None = None
    dry_base: Annotated[float, Meta(ge=1, le=100)] | None = None
    dry_allowed_length: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    dry_penalty_last_n: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None
    dry_sequence_breakers: Annotated[list[_Breaker], Meta(max_length=16)] | None = None
    logit_bias: dict[_BiasedText, _Bias] | list[tuple[_TokenId | _BiasedText, _Bias]] | None = None
    seed: _Integer | None = None
    max_tokens: TokenCount | None = None
    stop: _StopString | Annotated[list[_StopString], Meta(max_length=16)] | None = None
    json_schema: dict[str, Any] | None = None
    regex: _NonEmpty | None = None
    grammar: _NonEmpty | None = None
    context_overflow_policy: Overflow | None = None
    draft_model: str | None = None
