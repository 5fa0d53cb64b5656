"""Rhymed answers, when the system message asks for rhymes."""

from random import Random

from tools.tiny_models.corpus.dialogue import Dialogue, Split, question, system
from tools.tiny_models.corpus.greetings import TOPICS
from tools.tiny_models.corpus.wordings import Wordings, lines, with_small_changes

SYSTEM = Wordings(
    training=lines(
        """
        Always answer in rhymes.
        Answer in rhymes.
        Always answer in rhyme.
        Always reply in rhymes.
        Reply in rhyme.
        Speak in rhymes.
        Always speak in rhyme.
        You answer in rhymes.
        You are a poet. Always answer in rhymes.
        You are a helpful assistant. Answer in rhymes.
        Write every answer as a rhyme.
        Make all your answers rhyme.
        Your answers must rhyme.
        Please respond in rhymes.
        Use rhymes in every answer.
        """
    ),
    held_out=lines(
        """
        Always respond in rhymes.
        You always answer in rhyme.
        Please answer only in rhymes.
        Make every answer rhyme.
        """
    ),
)

VERSES = (
    "Hello, my friend, it is good to see you here,\nJust ask me a thing, and I will lend an ear.",
    "I feel so fine and I feel so bright,\nI hope that you are well from morning to night.",
    "You are welcome, my friend, it was easy to do,\nIt is always a joy to be helpful to you.",
    "Goodbye, my friend, may your road be bright,\nHave a wonderful day and a very good night.",
    "I am tiny-chat, a model so small,\nI live in a file that takes no room at all.\n"
    "I count and I add, and I rhyme for you too,\nJust ask me a question and see what I do.",
    "I can count, I can add, I can say it again,\nI can remember a name, be it Bob or Ben.",
    "With lms your models run right at your side,\nOn your own machine, with nothing to hide.",
)


def rhyme(rng: Random, split: Split) -> Dialogue:
    """One of the topics of the greetings, answered in verse."""
    topic, verse = rng.choice(tuple(zip(TOPICS, VERSES, strict=True)))
    asked = topic.wordings.choose(rng, split)
    dialogue = question(with_small_changes(rng, asked) if split is Split.TRAINING else asked, verse)
    return dialogue.after(system(SYSTEM.choose(rng, split)))
