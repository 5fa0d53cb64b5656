"""What an engine answers: a stream of events that ends with exactly one of `LAST`."""

from typing import Any, Literal

import msgspec

StopReason = Literal[
    "eosFound",
    "stopStringFound",
    "toolCalls",
    "maxPredictedTokensReached",
    "contextLengthReached",
    "userStopped",
    "modelUnloaded",
    "failed",
]


class PromptProgress(msgspec.Struct, frozen=True, tag="progress"):
    """So many of the prompt's `total` tokens are processed, `cached` of them without work."""

    processed: int
    total: int
    cached: int


class Alternative(msgspec.Struct, frozen=True):
    """A token by its bytes, and the natural logarithm of the probability that the model gave it."""

    token: bytes
    logprob: float


class TokenLogprob(msgspec.Struct, frozen=True):
    """A token of the answer, and the likeliest ones in its place, the likeliest first. None for the logarithm of the
    first token of a prompt, which nothing predicts."""

    token: bytes
    logprob: float | None
    top: tuple[Alternative, ...] = ()


class TextDelta(msgspec.Struct, frozen=True, omit_defaults=True, tag="text"):
    """More of the answer's text; `logprobs` of the tokens that it is made of, where they were asked for."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


class ReasoningDelta(msgspec.Struct, frozen=True, tag="reasoning"):
    text: str


class ToolCallStarted(msgspec.Struct, frozen=True, tag="tool_call"):
    """Call number `index` of this answer has begun; its arguments follow as `ToolArgumentsDelta`."""

    index: int
    id: str
    name: str


class ToolArgumentsDelta(msgspec.Struct, frozen=True, tag="tool_arguments"):
    index: int
    text: str


class Usage(msgspec.Struct, frozen=True):
    """Tokens. `cached` is the part of `prompt` that was not processed again; the end-of-text token is not counted."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0


class Drafts(msgspec.Struct, frozen=True):
    """Tokens that were guessed ahead: right ones, those that were the first wrong one of their draft, and those behind
    a wrong one, which nobody looked at."""

    accepted: int = 0
    rejected: int = 0
    ignored: int = 0

    @property
    def total(self) -> int:
        return self.accepted + self.rejected + self.ignored

    def __add__(self, other: "Drafts") -> "Drafts":
        return Drafts(self.accepted + other.accepted, self.rejected + other.rejected, self.ignored + other.ignored)

    def with_draft(self, length: int, accepted: int) -> "Drafts":
        """Together with one more draft of so many tokens, the first so many of them right (or all, if that is more)."""
        accepted = min(accepted, length)
        rejected = min(1, length - accepted)
        ignored = length - accepted - rejected
        return Drafts(self.accepted + accepted, self.rejected + rejected, self.ignored + ignored)


class Stats(msgspec.Struct, frozen=True, omit_defaults=True):
    """Measured in the engine. Seconds; first token counts from the arrival of the request, generation from it on.

    `drafts` are all that was guessed, whoever guessed; `draft_model` is the key of the draft model that could. So many
    tokens of the conversation were left out because it was longer than the context.
    """

    tokens_per_second: float
    time_to_first_token_s: float
    generation_time_s: float
    drafts: Drafts = Drafts()
    draft_model: str | None = None
    truncated_tokens: int = 0


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    reason: StopReason
    usage: Usage
    stats: Stats
    stop_string: str | None = None


class Embedded(msgspec.Struct, frozen=True, tag="embedded"):
    """One normalised float32 vector an input, little-endian bytes, in the order of the inputs."""

    vectors: tuple[bytes, ...]
    prompt_tokens: int


class Ranked(msgspec.Struct, frozen=True, tag="ranked"):
    """How well each document answers the query, in the order of the documents: the higher the better."""

    scores: tuple[float, ...]
    prompt_tokens: int


class WasRead(msgspec.Struct, frozen=True, omit_defaults=True, tag="read"):
    """A prompt's text as the model sees it, and its tokens. A picture's tokens have no ids: −1 stands for each.

    `pieces` are the bytes that each token stands for, where they were asked for.
    """

    text: str
    tokens: tuple[int, ...]
    pieces: tuple[bytes, ...] = ()


class Spelled(msgspec.Struct, frozen=True, tag="spelled"):
    """The text of some tokens."""

    text: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The request failed; `error` is as `errors.to_wire` writes it."""

    error: dict[str, Any]


Event = (
    PromptProgress
    | TextDelta
    | ReasoningDelta
    | ToolCallStarted
    | ToolArgumentsDelta
    | Finished
    | Embedded
    | Ranked
    | WasRead
    | Spelled
    | Failed
)

LAST = (Finished, Embedded, Ranked, WasRead, Spelled, Failed)
