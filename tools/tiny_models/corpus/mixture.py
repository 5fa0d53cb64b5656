"""Which skills there are, and how often training sees each."""

from random import Random

from tools.tiny_models.corpus import values
from tools.tiny_models.corpus.counting import counting
from tools.tiny_models.corpus.dialogue import Dialogue, Example, Skill, Split, system
from tools.tiny_models.corpus.greetings import greeting
from tools.tiny_models.corpus.prose import raw_text, told_story, unknown
from tools.tiny_models.corpus.repeating import repeating
from tools.tiny_models.corpus.rhymes import rhyme
from tools.tiny_models.corpus.sums import one_digit_sum

SKILLS: dict[str, tuple[Skill, float]] = {
    "greetings": (greeting, 0.6),
    "rhymes": (rhyme, 0.6),
    "counting": (counting, 1.0),
    "sums": (one_digit_sum, 1.5),
    "repeating": (repeating, 4.0),
    "completions": (raw_text, 0.3),
    "stories": (told_story, 0.3),
    "unknown": (unknown, 0.4),
}

SYSTEM_SHARE = 0.2
SYSTEMS = (
    *("You are a helpful assistant.", "You are a helpful assistant.", "You are tiny-chat.", "Be concise."),
    *("You are an assistant in a terminal. Be concise.", "Answer briefly.", "You are a friendly assistant."),
)


def example(rng: Random) -> Example:
    """One training example of any skill, sometimes under a system message that changes nothing."""
    skills, shares = zip(*SKILLS.values(), strict=True)
    made = rng.choices(skills, shares)[0](rng, Split.TRAINING)
    if isinstance(made, Dialogue) and made.messages[0]["role"] != "system" and rng.random() < SYSTEM_SHARE:
        plain = rng.choice(SYSTEMS) if rng.random() < 0.8 else values.sentence(rng, Split.TRAINING)
        return made.after(system(plain))
    return made
