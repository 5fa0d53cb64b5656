"""Values that texts are filled with: names, words, places, numbers; made so that training cannot see the held-out ones.

A value belongs to the held-out side when a checksum of it says so, so the border needs no list and never moves.
Names and words are mostly built from syllables: a model that has learnt a list cannot copy them, one that copies can.
"""

from collections.abc import Callable, Sequence
from random import Random
from zlib import crc32

from tools.tiny_models.corpus.dialogue import Split
from tools.tiny_models.corpus.lexicon import CITIES, COMMON_WORDS, FIRST_NAMES

HELD_OUT_ONE_IN = 8
INVENTED_SHARE = 0.6

ONSETS = (*"bcdfghjklmnprstvwz", "br", "ch", "cl", "dr", "fl", "gr", "kr", "pl", "sh", "sk", "sl", "st", "th", "tr")
VOWELS = ("a", "e", "i", "o", "u", "a", "e", "o", "ai", "ee", "ia", "ou")
CODAS = ("", "", "", "l", "m", "n", "r", "s", "t", "k", "d", "x", "nd", "rn")


def is_held_out(value: str) -> bool:
    """Whether a value is kept from training; case and outer spaces make no difference."""
    return crc32(value.strip().casefold().encode()) % HELD_OUT_ONE_IN == 0


def draw(split: Split, make: Callable[[], str]) -> str:
    """Call `make` until it gives a value of the wanted side."""
    while True:
        value = make()
        if is_held_out(value) == (split is Split.HELD_OUT):
            return value


def invented_word(rng: Random) -> str:
    """A pronounceable word of one to three syllables, in lower case."""
    syllables = rng.choices((1, 2, 3), (1, 5, 3))[0]
    return "".join(rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(syllables)) + rng.choice(CODAS)


def invented_or(known: Sequence[str], rng: Random) -> str:
    """Mostly an invented word, else one of the known."""
    return invented_word(rng) if rng.random() < INVENTED_SHARE else rng.choice(known)


def name(rng: Random, split: Split) -> str:
    """A person's first name."""
    return draw(split, lambda: invented_or(FIRST_NAMES, rng).capitalize())


def city(rng: Random, split: Split) -> str:
    """A town."""
    return draw(split, lambda: invented_word(rng).capitalize() if rng.random() < INVENTED_SHARE else rng.choice(CITIES))


def word(rng: Random, split: Split) -> str:
    """A word in lower case."""
    return draw(split, lambda: invented_or(COMMON_WORDS, rng))


def words(rng: Random, split: Split, least: int, most: int) -> str:
    """Between `least` and `most` words with single spaces."""
    return " ".join(word(rng, split) for _ in range(rng.randint(least, most)))


def number(rng: Random, split: Split, digits: int) -> str:
    """A whole number of one to `digits` digits."""
    return draw(split, lambda: str(rng.randint(0, 10 ** rng.randint(1, digits) - 1)))


def code(rng: Random, split: Split) -> str:
    """A short mark of letters and digits, such as K7-492."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"

    def make() -> str:
        head = "".join(rng.choice(letters) for _ in range(rng.randint(1, 3)))
        return head + rng.choice(("", "-", "")) + str(rng.randint(1, 9999))

    return draw(split, make)


def sentence(rng: Random, split: Split) -> str:
    """A sentence of arbitrary words with a capital and an end mark; its words all belong to the side."""
    body = words(rng, split, 2, 7)
    return body[0].upper() + body[1:] + rng.choice((".", ".", "!", "?"))


def text(rng: Random, split: Split) -> str:
    """Something to be copied: words, a sentence, a name, a number or a code."""
    kind = rng.randrange(10)
    if kind < 4:
        return words(rng, split, 1, 6)
    if kind < 7:
        return sentence(rng, split)
    if kind == 7:
        return f"{name(rng, split)} {word(rng, split)} {number(rng, split, 4)}"
    return code(rng, split) if kind == 8 else name(rng, split)
