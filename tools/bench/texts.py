"""Prompts without sense, of a wanted length, that share no beginning unless they have the same salt. Pure."""

from collections.abc import Sequence
from random import Random

# One token each in most vocabularies.
WORDS = """
    air animal answer apple arm art bank bird black blue boat body book bottle box bread bridge brother car cat chair
    child circle city clock cloud coat cold colour corner country cup dance desk dinner doctor dog door dream ear earth
    east egg engine evening eye face farm father field finger fire fish floor flower food foot forest friend garden girl
    glass gold grass green ground group hair hand hat heart hill history home horse hotel house ice idea iron island job
    king kitchen lake land language leaf letter light line lip list lunch machine map market milk minute mirror money
    moon morning mother mountain mouth music name neck night north nose number office oil orange page paper park pen
    person picture place plant plate pocket rain red rice ring river road rock roof room salt sand sea season ship shoe
    shop silver sister skin sky snow song south spring square star station stone story street sugar summer sun table
    tea teacher tooth town train tree village voice wall water weather week west wheel white wind window winter wood
    word work world year yellow
""".split()

# What the copying model says over and over; the other words lead it to places where nothing comes twice.
REFRAIN, OTHER_WORDS = WORDS[::2], WORDS[1::2]


def words(count: int, salt: int, among: Sequence[str] = WORDS) -> str:
    """So many words in an order that only `salt` decides."""
    random = Random(salt)
    return " ".join(random.choice(among) for _ in range(count))


def with_changes(text: str, every: int, salt: int) -> str:
    """`text` with each `every`-th word replaced: what a draft that copies `text` gets wrong."""
    random = Random(salt)
    return " ".join(
        random.choice(OTHER_WORDS) if number % every == 0 else word
        for number, word in enumerate(text.split(" "), start=1)
    )
