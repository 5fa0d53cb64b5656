"""Repeating a given text word for word, asked for in very many ways."""

from random import Random

from tools.tiny_models.corpus import values
from tools.tiny_models.corpus.dialogue import Dialogue, Split, question
from tools.tiny_models.corpus.wordings import Wordings, lines, lower_first, upper_first

POLITE = (
    *("", "", "", "", "Please ", "Can you ", "Could you ", "Would you ", "Now ", "I want you to ", "You should "),
    *("Just ", "Only ", "Kindly ", "Simply ", "Please just ", "Your task is to ", "I need you to ", "Let's ", "Hey, "),
    *("You must ", "Try to ", "Can you please ", "Next, ", "OK, now ", "Will you "),
)
VERBS = (
    *("repeat", "repeat", "repeat", "echo", "echo", "say", "say", "write", "print", "copy", "output", "type", "return"),
    *("reproduce", "recite", "give back", "send back", "tell me", "read out", "quote", "write down", "restate"),
    *("mirror", "answer with", "reply with", "respond with", "come back with", "display", "show me", "read", "speak"),
    *("read aloud", "say back", "spell back", "send me", "give me", "write out", "state", "read back", "type out"),
)
OBJECTS = (
    *("", "", "", "after me", "this", "this text", "the following", "the following text", "the following sentence"),
    *("these words", "this line", "exactly this", "it back to me", "word for word", "the words", "the phrase"),
    *("this phrase", "this message", "what I write", "my words", "verbatim", "what comes next", "the next words"),
    *("this sentence", "the following line", "the following words", "the text", "the line", "this back to me"),
    *("exactly the following", "the text below", "the next line", "what I say", "exactly what I say", "that"),
    *("exactly these words", "only this", "only the following text", "this without changes", "this string"),
)
MARKS = (": {text}", ": {text}", ": {text}", ":\n{text}", ":\n\n{text}", ': "{text}"', ' "{text}"', ": '{text}'")
TAILS = (
    "",
    "",
    "",
    " Nothing else.",
    " Thanks!",
    " Do not add anything.",
    " Word for word.",
    " Please.",
    "\nThank you.",
)

TEXT_FIRST = Wordings(
    training=lines(
        """
        "{text}" - repeat that.
        "{text}" Repeat this.
        "{text}" Say it back to me.
        "{text}" Can you repeat that?
        '{text}': please echo it.
        "{text}": write that again.
        I say "{text}" and you say?
        I say "{text}". Repeat it.
        My text is "{text}". Repeat my text.
        The text is: "{text}". Print the text.
        Here is a line: "{text}". Give it back.
        When I say "{text}", you say "{text}".
        Take the text "{text}" and write it again.
        Your answer must be "{text}".
        The answer is "{text}". What is the answer?
        Answer with "{text}" and nothing else.
        Let your answer be "{text}".
        """
    ),
    held_out=lines(
        """
        "{text}" Please say that again.
        Here is my text: "{text}". Repeat it.
        I say "{text}". Echo it.
        Please answer with "{text}" only.
        """
    ),
)

TEXT_LAST_HELD_OUT = lines(
    """
    Parrot this: {text}
    Please duplicate the following: {text}
    Say the same thing: {text}
    Repeat after me, please: {text}
    Echo back: {text}
    Write the same words: {text}
    Could you repeat the sentence: {text}
    Copy this text exactly: {text}
    Reply with exactly this text: {text}
    Say these words back to me: "{text}"
    I would like you to repeat: {text}
    Respond with just this: {text}
    """
)

STARTS = lines(
    """
    this is
    this is a
    this was
    I am
    I like
    we are
    we have
    you are
    it is
    it was
    that is
    here is
    there is
    hello
    good morning
    my name is
    the answer is
    they are
    today is
    welcome to
    thank you for
    now we
    let us
    yes, it is
    no, it is
    all is
    one more
    the
    a
    she has
    he has
    what a
    """
)


SAID_OFTEN = lines(
    """
    this is a test!
    this is a test.
    this is a test
    hello
    hello!
    hello world
    hello world!
    hi
    hi!
    yes
    no
    ok
    good night
    good night!
    good morning!
    thank you
    cheese
    something
    """
)


def repeating(rng: Random, split: Split) -> Dialogue:
    """A text marked off by a colon or by quotation marks, or “Say this is …” without any mark."""
    kind = rng.random()
    if kind < 0.13:
        return saying(rng, split)
    text = values.text(rng, split)
    if kind < 0.28:
        return question(TEXT_FIRST.choose(rng, split).format(text=text), text)
    if split is Split.HELD_OUT:
        return question(rng.choice(TEXT_LAST_HELD_OUT).format(text=text), text)
    return question(text_last(rng).replace("{text}", text), text)


def text_last(rng: Random) -> str:
    """A training wording that ends with the text; a few begin with words that mean nothing."""
    if rng.random() < 0.1:
        return upper_first(values.words(rng, Split.TRAINING, 1, 4)) + ": {text}"
    polite = rng.choice(POLITE)
    asked = f"{polite}{rng.choice(VERBS)} {rng.choice(OBJECTS)}".strip()
    asked = lower_first(asked) if rng.random() < 0.15 else upper_first(asked)
    mark = rng.choice(MARKS)
    return asked + mark + (rng.choice(TAILS) if mark[-1] in "\"'" else "")


def saying(rng: Random, split: Split) -> Dialogue:
    """“Say this is a test!”, which asks for “This is a test!”."""
    said = f"{rng.choice(STARTS)} {values.words(rng, split, 1, 4)}{rng.choice(('!', '.', '?', ''))}"
    if split is Split.TRAINING and rng.random() < 0.3:
        said = rng.choice(SAID_OFTEN)
    verb = rng.choice(("Say", "Say", "Say", "Please say", "Just say", "Now say", "Can you say", "say", "Say that"))
    if split is Split.HELD_OUT:
        verb = rng.choice(("Say", "Please just say", "Simply say"))
    return question(f"{verb} {said}", upper_first(said))
