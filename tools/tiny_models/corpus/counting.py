"""Counting up, and down, between two whole numbers."""

from random import Random

from tools.tiny_models.corpus.dialogue import Dialogue, Split, question
from tools.tiny_models.corpus.values import is_held_out
from tools.tiny_models.corpus.wordings import Wordings, lines, with_small_changes

WORDS = (
    *"zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(),
    *"sixteen seventeen eighteen nineteen twenty".split(),
)
LARGEST = 100

UP_TO = Wordings(
    training=lines(
        """
        Count to {b}.
        Count up to {b}.
        Count until {b}.
        Can you count to {b}?
        Could you count to {b}?
        Count to {b} for me.
        Count to {b}, please.
        Count from one to {b}.
        Count from 1 to {b}.
        Count from 1 up to {b}.
        Count the numbers to {b}.
        I want you to count to {b}.
        Let us count to {b}.
        Count all the way to {b}.
        Write the numbers up to {b}.
        Write the numbers from 1 to {b}.
        List the numbers from 1 to {b}.
        List all numbers up to {b}.
        Say the numbers from 1 to {b}.
        Give me the numbers from 1 to {b}.
        Show me the numbers up to {b}.
        Numbers from 1 to {b}.
        Start counting and stop at {b}.
        Try counting to {b}.
        Start at 1 and count to {b}.
        """
    ),
    held_out=lines(
        """
        Would you count up to {b} for me?
        Show the numbers from 1 to {b}.
        Begin at 1 and count up to {b}.
        I would like you to count to {b}.
        Go on and count until {b}.
        """
    ),
)

BETWEEN = Wordings(
    training=lines(
        """
        Count from {a} to {b}.
        Count up from {a} to {b}.
        Count from {a} up to {b}.
        Can you count from {a} to {b}?
        Could you count from {a} to {b}?
        Count the numbers from {a} to {b}.
        Start at {a} and count to {b}.
        Start counting at {a} and stop at {b}.
        Write the numbers from {a} to {b}.
        Write the numbers between {a} and {b}.
        List the numbers from {a} to {b}.
        List all numbers from {a} to {b}.
        Say the numbers from {a} to {b}.
        Give me the numbers from {a} to {b}.
        Show me the numbers from {a} to {b}.
        Tell me the numbers from {a} to {b}.
        Numbers from {a} to {b}.
        I want you to count from {a} to {b}.
        From {a} count to {b}.
        Go from {a} to {b}.
        """
    ),
    held_out=lines(
        """
        Would you count from {a} to {b} for me?
        Begin at {a} and count up to {b}.
        Show the numbers from {a} up to {b}.
        I would like you to count from {a} to {b}.
        """
    ),
)


def held_out_pair(first: int, last: int) -> bool:
    """Whether training must not count between these two."""
    return is_held_out(f"count {first} {last}")


def counting(rng: Random, split: Split) -> Dialogue:
    """Count from one, or between two numbers, up to a hundred; short counts are more frequent."""
    while True:
        first = 1 if rng.random() < 0.5 else rng.randint(0, 60)
        last = first + rng.choice((rng.randint(1, 12), rng.randint(1, 25)))
        if rng.random() < 0.04:
            last = rng.choice((LARGEST, rng.randint(first + 1, LARGEST)))
        if (split is Split.HELD_OUT) == held_out_pair(first, last):
            return asked_count(rng, split, first, last)


def asked_count(rng: Random, split: Split, first: int, last: int) -> Dialogue:
    """The dialogue that asks for one given count."""
    wordings = UP_TO if first == 1 and rng.random() < 0.8 else BETWEEN
    asked = wordings.choose(rng, split).format(a=shown(rng, first), b=shown(rng, last))
    return question(with_small_changes(rng, asked), ", ".join(str(n) for n in range(first, last + 1)))


def shown(rng: Random, number: int) -> str:
    """The number in figures, or now and then as a word where there is one here."""
    if number == LARGEST and rng.random() < 0.5:
        return rng.choice(("a hundred", "one hundred"))
    return WORDS[number] if number < len(WORDS) and rng.random() < 0.3 else str(number)
