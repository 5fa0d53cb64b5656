"""What is asked of an engine: continue a conversation or a text, or embed texts."""

from typing import Any

import msgspec

from lms.generation.constraint import Constraint
from lms.generation.messages import Message, Tool


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the next token is drawn. None means "as the model says, else the default" (`DEFAULT_SAMPLING`).

    temperature 0 is greedy. top_k 0 or −1, top_p 1, min_p 0, repeat_penalty 1 switch their step off. `logit_bias` maps
    a token id to what is added to its logit. `seed` None draws a new one for each request.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[int, float] = {}
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


Prompt = ChatPrompt | TextPrompt | TokenPrompt


class DraftModel(msgspec.Struct, frozen=True):
    """A small model that guesses ahead for a larger one with the same vocabulary: its key, and the file it is in."""

    key: str
    path: str


class GenerateRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="generate"):
    """One answer wanted. `max_tokens` None means until the model ends or the context does.

    `split_reasoning` False leaves reasoning inline in the text; `stop` are strings that end the answer and are not
    part of it. `draft_model` None means the one that the model was loaded with, if any. A `constraint` holds for what
    comes after the reasoning.
    """

    prompt: Prompt
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    split_reasoning: bool = True
    draft_model: DraftModel | None = None
    constraint: Constraint | None = None


class EmbedRequest(msgspec.Struct, frozen=True, omit_defaults=True, tag="embed"):
    """One vector wanted for each input: a text, or the token ids of one."""

    inputs: tuple[str | tuple[int, ...], ...]


Request = GenerateRequest | EmbedRequest
