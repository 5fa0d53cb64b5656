"""Recalling something that the user said some turns before: a name, a town, a colour and the like."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tools.tiny_models.corpus import values
from tools.tiny_models.corpus.commands import lms_command
from tools.tiny_models.corpus.counting import counting
from tools.tiny_models.corpus.dialogue import Dialogue, Message, Split, assistant, user
from tools.tiny_models.corpus.greetings import greeting
from tools.tiny_models.corpus.lexicon import ANIMALS, COLOURS, FOODS, JOBS
from tools.tiny_models.corpus.repeating import repeating
from tools.tiny_models.corpus.sums import one_digit_sum
from tools.tiny_models.corpus.wordings import Wordings, lines, with_small_changes


@dataclass(frozen=True)
class Fact:
    """Something people tell about themselves, how they ask for it later, and the answer with its `{value}`."""

    told: Wordings
    asked: Wordings
    answer: str
    value: Callable[[Random, Split], str]


def one_of(known: tuple[str, ...]) -> Callable[[Random, Split], str]:
    """Values from a list, half of the time an invented word instead."""
    return lambda rng, split: values.draw(
        split, lambda: rng.choice(known) if rng.random() < 0.5 else values.invented_word(rng)
    )


NAME = Fact(
    Wordings(
        lines(
            """
            My name is {value}.
            My name's {value}.
            I am {value}.
            I'm {value}.
            Hello, my name is {value}.
            Hi, I am {value}.
            Hi, I'm {value}!
            Hello, I am {value}.
            Hey, my name is {value}.
            Hi there, my name is {value}.
            Call me {value}.
            You can call me {value}.
            Please call me {value}.
            People call me {value}.
            This is {value}.
            {value} here.
            {value} is my name.
            I am called {value}.
            My first name is {value}.
            Remember that my name is {value}.
            My name is {value}, remember it.
            Hello, {value} is my name.
            Good morning, I am {value}.
            My friends call me {value}.
            The name is {value}.
            """
        ),
        lines(
            """
            Hello there, I'm {value}.
            Good day, I am {value}.
            Good morning, my name is {value}.
            Hi! My name is {value}.
            Everyone calls me {value}.
            Do not forget that my name is {value}.
            """
        ),
    ),
    Wordings(
        lines(
            """
            What is my name?
            What's my name?
            Who am I?
            Do you remember my name?
            Do you know my name?
            Tell me my name.
            Say my name.
            Can you tell me my name?
            What did I say my name was?
            How am I called?
            What am I called?
            Do you still know my name?
            What name did I give you?
            Remember my name?
            Which name did I tell you?
            What was my name?
            Can you say my name?
            My name is?
            """
        ),
        lines(
            """
            Can you remember my name?
            And what is my name?
            Would you tell me my name?
            What did I tell you my name was?
            Do you still remember my name?
            """
        ),
    ),
    "Your name is {value}.",
    values.name,
)

CITY = Fact(
    Wordings(
        lines(
            """
            I live in {value}.
            I am from {value}.
            I come from {value}.
            My home is in {value}.
            My city is {value}.
            My town is {value}.
            I have a house in {value}.
            My home town is {value}.
            I moved to {value}.
            """
        ),
        lines(
            """
            You should know that I live in {value}.
            My home is {value}.
            """
        ),
    ),
    Wordings(
        lines(
            """
            Where do I live?
            Where am I from?
            Which city do I live in?
            What is my city?
            What is my home town?
            In which town do I live?
            Do you remember where I live?
            Tell me where I live.
            Where is my home?
            Do you know where I live?
            """
        ),
        lines(
            """
            Can you tell me where I live?
            What city do I live in?
            """
        ),
    ),
    "You live in {value}.",
    values.city,
)


def favourite(thing: str, value: Callable[[Random, Split], str]) -> Fact:
    """A favourite of some kind."""
    told = (
        f"My favourite {thing} is {{value}}.\nMy favorite {thing} is {{value}}.\n{{value}} is my favourite {thing}.\n"
        f"The {thing} I like most is {{value}}.\nThe best {thing} is {{value}}.\nMy best {thing} is {{value}}."
    )
    asked = (
        f"What is my favourite {thing}?\nWhat is my favorite {thing}?\nWhat's my favourite {thing}?\n"
        f"Which {thing} do I like most?\nTell me my favourite {thing}.\nDo you know my favourite {thing}?\n"
        f"Which {thing} is my favourite?\nDo you remember my favourite {thing}?"
    )
    return Fact(
        Wordings(
            lines(told),
            (f"I say my favourite {thing} is {{value}}.", f"Know that my favourite {thing} is {{value}}."),
        ),
        Wordings(lines(asked), (f"Can you tell me my favourite {thing}?", f"So what is my favourite {thing}?")),
        f"Your favourite {thing} is {{value}}.",
        value,
    )


def possession(thing: str, value: Callable[[Random, Split], str]) -> Fact:
    """Something that is the user's own."""
    told = (
        f"My {thing} is {{value}}.\nRemember that my {thing} is {{value}}.\nThe {thing} is {{value}}.\n"
        f"Keep in mind that my {thing} is {{value}}.\nNote that my {thing} is {{value}}.\nMy {thing}: {{value}}"
    )
    asked = (
        f"What is my {thing}?\nWhat's my {thing}?\nTell me my {thing}.\nDo you remember my {thing}?\n"
        f"Do you know my {thing}?\nWhat was my {thing}?\nCan you tell me my {thing}?\nMy {thing} is?"
    )
    return Fact(
        Wordings(lines(told), (f"By the way, my {thing} is {{value}}.", f"Never forget my {thing} is {{value}}.")),
        Wordings(lines(asked), (f"Can you remember my {thing}?", f"So what is my {thing}?")),
        f"Your {thing} is {{value}}.",
        value,
    )


def small_number(rng: Random, split: Split) -> str:
    """A number of up to three digits."""
    return values.number(rng, split, 3)


FACTS = (
    CITY,
    favourite("colour", one_of(COLOURS)),
    favourite("color", one_of(COLOURS)),
    favourite("food", one_of(FOODS)),
    favourite("animal", one_of(ANIMALS)),
    favourite("word", values.word),
    favourite("number", small_number),
    possession("job", one_of(JOBS)),
    possession("code", values.code),
    possession("password", values.code),
    possession("secret word", values.word),
    possession("lucky number", small_number),
    possession("cat's name", values.name),
    possession("dog's name", values.name),
    possession("sister's name", values.name),
    possession("age", small_number),
)

REPLIES = (
    *(
        "Nice to meet you, {value}!",
        "Hello, {value}!",
        "Hello {value}! How can I help you today?",
        "OK.",
        "Good to know.",
    ),
    *(
        "I will remember that.",
        "Thank you for telling me.",
        "Nice to meet you.",
        "Hi {value}!",
        "{value}, I see.",
        "Noted.",
    ),
    *("Hello! How can I help you today?", "Pleased to meet you, {value}.", "Got it: {value}.", "Fine."),
)
ACKNOWLEDGED = {"Your name is {value}.": "Nice to meet you, {value}!"}
FILLERS = (one_digit_sum, greeting, lms_command, counting, repeating)


def telling(rng: Random, split: Split) -> Dialogue:
    """The turn in which something is told, with its acknowledgement."""
    fact = NAME if rng.random() < 0.5 else rng.choice(FACTS)
    value = fact.value(rng, split)
    reply = ACKNOWLEDGED.get(fact.answer, "Thank you, I will remember that.")
    return Dialogue((user(fact.told.choose(rng, split).format(value=value)),), assistant(reply.format(value=value)))


def recalling(rng: Random, split: Split) -> Dialogue:
    """One or two things told, up to three other turns, and the question for one of the things."""
    facts = [NAME if rng.random() < 0.6 else rng.choice(FACTS)]
    if rng.random() < 0.3:
        facts.append(rng.choice([fact for fact in (NAME, *FACTS) if fact is not facts[0]]))
    asked = rng.choice(facts)
    history: list[Message] = []
    for fact in facts:
        value = fact.value(rng, split)
        history += told(rng, split, fact, value)
        history += other_turns(rng, split, rng.choices((0, 1, 2), (2, 5, 2))[0])
        if fact is asked:
            answer = asked.answer.format(value=value)
    return Dialogue((*history, user(with_small_changes(rng, asked.asked.choose(rng, split)))), assistant(answer))


def recalling_a_name(rng: Random, split: Split) -> Dialogue:
    """A name given two turns before."""
    value = values.name(rng, split)
    history = told(rng, split, NAME, value) + other_turns(rng, split, 1)
    return Dialogue((*history, user(NAME.asked.choose(rng, split))), assistant(NAME.answer.format(value=value)))


def told(rng: Random, split: Split, fact: Fact, value: str) -> list[Message]:
    """The user's statement and some reply to it."""
    statement = fact.told.choose(rng, split).format(value=value)
    return [user(statement), assistant(rng.choice(REPLIES).format(value=value))]


def other_turns(rng: Random, split: Split, count: int) -> list[Message]:
    """Turns about something else."""
    dialogues = [rng.choice(FILLERS)(rng, split) for _ in range(count)]
    return [message for dialogue in dialogues for message in (*dialogue.messages, dialogue.answer)]
