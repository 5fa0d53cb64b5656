"""The flags of LM Studio's `lms load` about guessing ahead, hidden: what they ask for, in our words.

`--speculative-draft-simple --speculative-draft-model KEY` is `--draft-model KEY`. What cannot be had is refused by its
name.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from lms.errors import UsageError


def _hidden(*flags: str, **settings: Any) -> Any:
    return typer.Option(*flags, hidden=True, **settings)


Mtp = Annotated[bool, _hidden("--speculative-draft-mtp")]
NoMtp = Annotated[bool, _hidden("--no-speculative-draft-mtp")]
Simple = Annotated[bool, _hidden("--speculative-draft-simple")]
Model = Annotated[str | None, _hidden("--speculative-draft-model", metavar="KEY")]
MaxTokens = Annotated[str | None, _hidden("--speculative-draft-max-tokens", metavar="N")]
MinTokens = Annotated[str | None, _hidden("--speculative-draft-min-tokens", metavar="N")]
MinProbability = Annotated[str | None, _hidden("--speculative-draft-min-continue-probability", metavar="0..1")]


@dataclass(frozen=True)
class Speculative:
    """What was typed of them. None, and False of a flag, means: not typed."""

    speculative_draft_mtp: Mtp = False
    no_speculative_draft_mtp: NoMtp = False
    speculative_draft_simple: Simple = False
    speculative_draft_model: Model = None
    speculative_draft_max_tokens: MaxTokens = None
    speculative_draft_min_tokens: MinTokens = None
    speculative_draft_min_continue_probability: MinProbability = None

    def asked(self) -> dict[str, Any]:
        """The fields of a `LoadConfig` that were typed. Raises UsageError for what cannot be had."""
        if self.speculative_draft_mtp:
            raise UsageError(
                "--speculative-draft-mtp is not supported: models are not asked to guess for themselves.",
                hint="Take a small model with the same vocabulary (--draft-model), or --speculation ngram.",
            )
        for flag, typed in self._tuned().items():
            if typed is not None:
                raise UsageError(
                    f"{flag} is not supported: how much is guessed follows from what guesses gain.",
                    hint="Leave it out.",
                )
        if self.speculative_draft_simple != bool(self.speculative_draft_model):
            raise UsageError(
                "--speculative-draft-simple and --speculative-draft-model KEY go together.",
                hint="Here --draft-model KEY says the same.",
            )
        return {"draft_model": self.speculative_draft_model} if self.speculative_draft_model else {}

    def _tuned(self) -> dict[str, str | None]:
        return {
            "--speculative-draft-max-tokens": self.speculative_draft_max_tokens,
            "--speculative-draft-min-tokens": self.speculative_draft_min_tokens,
            "--speculative-draft-min-continue-probability": self.speculative_draft_min_continue_probability,
        }


UNASKED = Speculative()
