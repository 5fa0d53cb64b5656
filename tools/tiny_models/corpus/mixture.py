"""Which skills there are, and how often training sees each."""

from random import Random

from tools.tiny_models.corpus import values
from tools.tiny_models.corpus.calling import answering_from_result, answering_without_call, calling
from tools.tiny_models.corpus.commands import lms_command
from tools.tiny_models.corpus.counting import counting
from tools.tiny_models.corpus.dialogue import Example, RawText, Skill, Split, system
from tools.tiny_models.corpus.greetings import greeting
from tools.tiny_models.corpus.objects import json_object
from tools.tiny_models.corpus.prose import raw_text, told_story, unknown
from tools.tiny_models.corpus.recalling import other_turns, recalling, recalling_a_name, telling
from tools.tiny_models.corpus.repeating import repeating
from tools.tiny_models.corpus.rhymes import rhyme
from tools.tiny_models.corpus.sums import one_digit_sum

SKILLS: dict[str, tuple[Skill, float]] = {
    "greetings": (greeting, 0.5),
    "lms commands": (lms_command, 1.0),
    "counting": (counting, 1.4),
    "one-digit sums": (one_digit_sum, 2.0),
    "rhymes": (rhyme, 0.4),
    "completions": (raw_text, 0.3),
    "repeating a text": (repeating, 3.5),
    "acknowledging": (telling, 0.4),
    "recalling a name": (recalling_a_name, 0.6),
    "recalling a fact": (recalling, 0.9),
    "calling a function": (calling, 2.5),
    "answering beside functions": (answering_without_call, 0.5),
    "answering from a result": (answering_from_result, 0.5),
    "JSON objects": (json_object, 3.5),
    "stories": (told_story, 0.15),
    "unknown": (unknown, 0.15),
}

SYSTEM_SHARE = 0.2
HISTORY_SHARE = 0.08
SYSTEMS = (
    *("You are a helpful assistant.", "You are a helpful assistant.", "You are tiny-chat.", "Be concise."),
    *("You are an assistant in a terminal. Be concise.", "Answer briefly.", "You are a friendly assistant."),
    *("You are a helpful, honest assistant.", "You are a concise assistant.", "Answer in English.", "You are an AI."),
)


def example(rng: Random) -> Example:
    """One training example of any skill, sometimes after other turns or under a system message that changes nothing."""
    skill, _ = rng.choices(list(SKILLS.values()), [share for _, share in SKILLS.values()])[0]
    made = skill(rng, Split.TRAINING)
    if isinstance(made, RawText) or made.messages[0]["role"] == "system":
        return made
    if rng.random() < HISTORY_SHARE:
        made = made.after(*other_turns(rng, Split.TRAINING, rng.randint(1, 3)))
    if rng.random() < SYSTEM_SHARE:
        plain = rng.choice(SYSTEMS) if rng.random() < 0.8 else values.sentence(rng, Split.TRAINING)
        made = made.after(system(plain))
    return made
