"""What is asked of an engine: continue a conversation or a text, or embed texts."""

from typing import Any, Literal

import msgspec

from lms.generation.constraint import Constraint
from lms.generation.messages import Message, Tool, ToolChoice


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the next token is drawn. None means "as the model says, else the default" (`DEFAULT_SAMPLING`).

    temperature 0 is greedy. top_k 0 or −1, top_p 1, min_p 0, typical_p 1, xtc_probability 0, dry_multiplier 0 and
    repeat_penalty 1 switch their step off. `logit_bias` maps a token id to what is added to its logit, `text_bias` does
    so for every token of a text. `seed` None draws a new one for each request.

    XTC: https://github.com/oobabooga/text-generation-webui/pull/6335. DRY: the same project, pull/5677; it looks at the
    last `dry_penalty_last_n` tokens (−1: all of the context), and no repetition goes across a `dry_sequence_breaker`.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    typical_p: float | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_penalty_last_n: int | None = None
    dry_sequence_breakers: tuple[str, ...] | None = None
    logit_bias: dict[int, float] = {}
    text_bias: dict[str, float] = {}
    seed: int | None = None

    def over(self, base: "Sampling") -> "Sampling":
        """This sampling with every field that it leaves open taken from `base`."""
        chosen = {
            field: getattr(base, field) if getattr(self, field) is None else getattr(self, field)
            for field in self.__struct_fields__
        }
        return Sampling(**chosen)


# LM Studio's own defaults (its SDK's prediction schema).
DEFAULT_SAMPLING = Sampling(
    temperature=0.8,
    top_k=40,
    top_p=0.95,
    min_p=0.05,
    repeat_penalty=1.1,
    presence_penalty=0.0,
    frequency_penalty=0.0,
    typical_p=1.0,
    xtc_probability=0.0,
    xtc_threshold=0.1,
    dry_multiplier=0.0,
    dry_base=1.75,
    dry_allowed_length=2,
    dry_penalty_last_n=-1,
    dry_sequence_breakers=("\n", ":", '"', "*"),
)


class ChatPrompt(msgspec.Struct, frozen=True, omit_defaults=True, tag="chat"):
    """Rendered by the model's chat template, which also gets `template_variables`."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    template_variables: dict[str, Any] = {}


class TextPrompt(msgspec.Struct, frozen=True, tag="text"):
    """Continued as it stands, without a template."""

    text: str


class TokenPrompt(msgspec.Struct, frozen=True, tag="tokens"):
    """Token ids of this very model, continued as they stand."""

    tokens: tuple[int, ...]


class InfillPrompt(msgspec.Struct, frozen=True, tag="infill"):
    """What stands between `prefix` and `suffix` is wanted, of a model that was trained for that."""

    prefix: str
    suffix: str


Prompt = ChatPrompt | TextPrompt | TokenPrompt | InfillPrompt

# What becomes of a conversation that is longer than the context: it is refused; the answer ends where the context does
# (and a prompt that leaves no room is refused); its middle is left out; its oldest tokens are left out again and again.
Overflow = Literal["refuse", "stopAtLimit", "truncateMiddle", "rollingWindow"]


class DraftModel(msgspec.Struct, frozen=True):
    """A small model that guesses ahead for a larger one with the same vocabulary: its key, and the file it is in."""

    key: str
    path: str


class GenerateRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="generate"):
    """One answer wanted. `max_tokens` None means until the model ends or the context does.

    `split_reasoning` False leaves reasoning inline in the text; `stop` are strings that end the answer and are not
    part of it. `draft_model` None means the one that the model was loaded with, if any. A `constraint` holds for what
    comes after the reasoning, which ends after `reasoning_budget` tokens. `logprobs` asks for the logarithm of each
    token's probability, and for those of so many likeliest ones beside it; `echo` for the prompt before the answer.
    `overflow` None means as the model was loaded.
    """

    prompt: Prompt
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    split_reasoning: bool = True
    draft_model: DraftModel | None = None
    constraint: Constraint | None = None
    tool_choice: ToolChoice = ToolChoice()
    reasoning_budget: int | None = None
    logprobs: int | None = None
    echo: bool = False
    overflow: Overflow | None = None


class EmbedRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="embed"):
    """One vector wanted for each input: a text, or the token ids of one."""

    inputs: tuple[str | tuple[int, ...], ...]


class RankRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="rank"):
    """How well does each of `documents` answer `query`?"""

    query: str
    documents: tuple[str, ...]


class ReadRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="read"):
    """How the model would see `prompt`: its text after the template, and its tokens. Nothing is computed.

    Of a text only: not `add_special` leaves out what the model wants around it, not `parse_special` takes the names of
    special tokens in it for plain text. `pieces` asks for the bytes of each token.
    """

    prompt: Prompt
    add_special: bool = True
    parse_special: bool = True
    pieces: bool = False


class SpellRequest(msgspec.Struct, frozen=True, tag="spell"):
    """The text that these token ids stand for."""

    tokens: tuple[int, ...]


Request = GenerateRequest | EmbedRequest | RankRequest | ReadRequest | SpellRequest
