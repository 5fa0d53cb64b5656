"""Ways to say one thing, with those that training never sees kept apart."""

from dataclasses import dataclass
from random import Random

from tools.tiny_models.corpus.dialogue import Split

LOWERED_SHARE = 0.15
UNMARKED_SHARE = 0.15
POLITE_SHARE = 0.12
OPENERS = ("Please", "Hey,", "Hi,", "Now", "OK,", "So,", "Hello,", "Well,")


@dataclass(frozen=True)
class Wordings:
    """Texts with `{fields}`: those used in training, and those used only to measure."""

    training: tuple[str, ...]
    held_out: tuple[str, ...]

    def choose(self, rng: Random, split: Split) -> str:
        """One wording of the side."""
        return rng.choice(self.training if split is Split.TRAINING else self.held_out)


def lines(text: str) -> tuple[str, ...]:
    """The non-empty lines of a text, without outer spaces."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def with_small_changes(rng: Random, asked: str) -> str:
    """The same question as other people would type it: lower case, no end mark, a word of politeness."""
    if rng.random() < POLITE_SHARE:
        asked = f"{rng.choice(OPENERS)} {lower_first(asked)}"
    if rng.random() < LOWERED_SHARE:
        asked = lower_first(asked)
    if rng.random() < UNMARKED_SHARE:
        asked = asked.rstrip(".?!")
    return asked


def lower_first(text: str) -> str:
    """The text with a small first letter, unless the first word is “I” or an abbreviation."""
    return text if text[:2] in ("I ", "I'") or text[:2].isupper() else text[:1].lower() + text[1:]


def upper_first(text: str) -> str:
    """The text with a capital first letter, the rest untouched."""
    return text[:1].upper() + text[1:]
