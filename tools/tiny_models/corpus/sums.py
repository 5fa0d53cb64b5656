"""Sums of two one-digit numbers.

Of a few ordered pairs training sees only the mirror image; these are the held-out values.
"""

from random import Random

from tools.tiny_models.corpus.dialogue import Dialogue, Split, question
from tools.tiny_models.corpus.values import is_held_out
from tools.tiny_models.corpus.wordings import Wordings, lines, with_small_changes

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

WORDINGS = Wordings(
    training=lines(
        """
        What is {a} + {b}?
        What is {a} plus {b}?
        What's {a} + {b}?
        What's {a} plus {b}?
        How much is {a} + {b}?
        How much is {a} plus {b}?
        {a} + {b}
        {a}+{b}
        {a} + {b} =
        {a}+{b}=
        {a} + {b} = ?
        {a} plus {b}
        {a} plus {b}?
        Add {a} and {b}.
        Add {a} to {b}.
        Add up {a} and {b}.
        Can you add {a} and {b}?
        Calculate {a} + {b}.
        Calculate {a} plus {b}.
        Compute {a} + {b}.
        Compute {a}+{b}.
        What do {a} and {b} make?
        What does {a} + {b} make?
        What is the sum of {a} and {b}?
        Give me the sum of {a} and {b}.
        Tell me {a} plus {b}.
        Sum {a} and {b}.
        What do you get when you add {a} and {b}?
        I have {a} apples and get {b} more. How many do I have?
        If I have {a} and add {b}, what do I have?
        Solve {a} + {b}.
        Solve: {a} + {b}
        Do you know what {a} + {b} is?
        {a} and {b} together?
        {a} added to {b} is what?
        The sum of {a} and {b}?
        Work out {a} plus {b}.
        A sum for you: {a} + {b}
        """
    ),
    held_out=lines(
        """
        Can you work out {a} + {b} for me?
        How many is {a} plus {b}?
        Please compute the sum of {a} and {b}.
        What is the result of {a} + {b}?
        I need to know {a} + {b}.
        Could you tell me what {a} plus {b} makes?
        """
    ),
)


def held_out_pair(a: int, b: int) -> bool:
    """Whether training must not see this ordered pair; its mirror image is always allowed."""
    return a < b and is_held_out(f"sum {a} {b}")


PAIRS = tuple((a, b) for a in range(10) for b in range(10))
SEEN = tuple(pair for pair in PAIRS if not held_out_pair(*pair))
UNSEEN = tuple(pair for pair in PAIRS if held_out_pair(*pair))


def one_digit_sum(rng: Random, split: Split) -> Dialogue:
    """Two digits, as figures or as words; the answer is always in figures. All pairs count as held out."""
    return asked_sum(rng, split, *rng.choice(SEEN if split is Split.TRAINING else PAIRS))


def unseen_sum(rng: Random, split: Split) -> Dialogue:
    """A sum of which training saw only the mirror image, in a wording of either side."""
    return asked_sum(rng, split, *rng.choice(UNSEEN))


def asked_sum(rng: Random, split: Split, a: int, b: int) -> Dialogue:
    """The dialogue that asks for one given sum."""
    wording = WORDINGS.choose(rng, split)
    in_words = rng.random() < 0.25
    asked = wording.format(a=DIGITS[a] if in_words else a, b=DIGITS[b] if in_words else b)
    return question(with_small_changes(rng, asked), f"{a} + {b} = {a + b}")
