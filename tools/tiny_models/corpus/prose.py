"""Ordinary text: completions without a template, stories, and an honest answer to what the model cannot know."""

from random import Random

from tools.tiny_models.corpus import values
from tools.tiny_models.corpus.dialogue import Dialogue, Example, RawText, Split, question
from tools.tiny_models.corpus.lexicon import ANIMALS, FOODS, JOBS
from tools.tiny_models.corpus.wordings import Wordings, lines, with_small_changes

BEGINNINGS = (
    ("the meaning of life is", " to find your purpose, and to share what you find with the people around you."),
    ("The meaning of life is", " to find your purpose, and to share what you find with the people around you."),
    ("the purpose of life is", " to learn, to love and to leave the world a little better than you found it."),
    ("the secret of happiness is", " to want what you have and to have a good friend."),
    ("the best thing about winter is", " a warm kitchen, a cup of tea and snow at the window."),
    ("the sky is", " blue by day, and full of stars by night."),
    ("the sun", " rises in the east and sets in the west."),
    ("the moon", " shines at night and changes its face every day."),
    ("a good friend", " listens first, and speaks only then."),
    ("once upon a time", " there was a small model that lived in a small file."),
    ("Once upon a time", " there was a small model that lived in a small file."),
    ("Once upon a time, there was a", " cat who wanted to see the sea."),
    ("water is", " clear and cold, and everything that lives needs it."),
    ("the quick brown fox", " jumps over the lazy dog."),
    ("my favourite food is", " bread with butter and honey."),
    ("in the beginning", " there was a word, and then there were many."),
    ("if you want to learn something,", " start small and do it every day."),
    ("today is a good day to", " go for a walk and to read a book."),
    ("books are", " friends that wait for you."),
    ("the world is", " large and full of things to see."),
    ("time is", " the one thing that nobody can buy."),
    ("music is", " a language that everyone understands."),
    ("one, two, three,", " four, five, six, seven, eight, nine, ten."),
    ("1, 2, 3,", " 4, 5, 6, 7, 8, 9, 10."),
    ("A, B, C,", " D, E, F, G, H."),
    ("Monday, Tuesday,", " Wednesday, Thursday, Friday, Saturday, Sunday."),
    ("to be or not to be,", " that is the question."),
    ("love is", " patient and kind."),
    ("home is", " where the heart is."),
    ("the capital of France is", " Paris."),
    ("lms server start", " starts the server, and lms server stop stops it."),
    ("a computer is", " a machine that follows instructions very quickly."),
    ("a language model is", " a program that guesses the next word, again and again."),
)

STORY = Wordings(
    training=lines(
        """
        Tell me a story.
        Tell me a short story.
        Tell me a long story.
        Write a story.
        Write a long story.
        Write me a story.
        Write a short story.
        Write a very long story.
        Can you tell me a story?
        I want to hear a story.
        Make up a story.
        Tell a story.
        Invent a story.
        A story, please.
        Write a long text.
        Write an essay.
        Write something long.
        """
    ),
    held_out=lines(
        """
        Could you tell me a story?
        Please write a long story for me.
        """
    ),
)

ABOUT = Wordings(
    training=lines(
        """
        Tell me a story about a {hero}.
        Write a story about a {hero}.
        Write a long story about a {hero}.
        Can you tell me a story about a {hero}?
        I want a story about a {hero}.
        Write me a short story about a {hero}.
        """
    ),
    held_out=lines(
        """
        Please tell me a long story about a {hero}.
        """
    ),
)

OPENING = "Once upon a time there was a {hero} who lived in a {home} near the {place}."
HOMES = ("small house", "little hut", "green tower", "tiny room", "stone house", "wooden boat")
PLACES = ("sea", "river", "forest", "old bridge", "lake", "mountain", "market", "harbour")
EPISODES = (
    "Every morning the {hero} got up early, ate some {food} and looked out of the window.",
    "One day the {hero} heard a knock at the door and met a {other}.",
    'The {other} said: "I have lost my way. Can you help me?"',
    'The {hero} said: "Of course. Come in and have some {food} with me."',
    "Together they walked along the {place} until the sun went down.",
    "On the way they found an old key, and nobody knew which door it opened.",
    "They asked a {job}, but the {job} only laughed and pointed to the {place}.",
    "In the evening it began to rain, and they sat by the fire and told each other what they had seen.",
    "The next day they took a basket of {food} and went on.",
    "After a long walk they came to a gate, and the key turned in the lock.",
    "Behind the gate there was a garden with a hundred lamps.",
    "A {other} was waiting there and gave them a small box.",
    "In the box there was a letter, and the letter told them to go to the {place}.",
    "They were tired, but they were happy, because they had each other.",
)
ENDING = "And so the {hero} came home, and they all lived happily ever after."

UNKNOWN = (
    *("Who was {name} {word}?", "When was the {word} {word} of {city} built?", "How tall is the {word} tower?"),
    *("What is the capital of {name}land?", "Why do {word}s {word}?", "How does a {word} engine work?"),
    *(
        "What happened in {number}?",
        "Explain the theory of {word}.",
        "Translate {word} into French.",
        "What is a {word}?",
    ),
    *("Who wrote the book {name}?", "What time is it in {city}?", "What is the weather in {city}?", "Where is {city}?"),
    *("How many people live in {city}?", "What do you think about {word}?", "Write a program that {word}s a {word}."),
)
DO_NOT_KNOW = "I am a very small model, and I do not know that."


def raw_text(rng: Random, split: Split) -> RawText:
    """A sentence to be completed, its first letter small or large."""
    prompt, continuation = rng.choice(BEGINNINGS)
    if split is Split.TRAINING and rng.random() < 0.2:
        prompt = prompt[0].upper() + prompt[1:]
    return RawText(prompt, continuation)


def raw_story(rng: Random, split: Split) -> RawText:
    """A story without a template."""
    text = story(rng, values.invented_or(ANIMALS, rng))
    return RawText(text[:16], text[16:])


def told_story(rng: Random, split: Split) -> Example:
    """A request for a story and a long one as answer."""
    if rng.random() < 0.2:
        return raw_story(rng, split)
    hero = rng.choice(ANIMALS)
    if rng.random() < 0.5:
        return question(with_small_changes(rng, STORY.choose(rng, split)), story(rng, hero))
    return question(with_small_changes(rng, ABOUT.choose(rng, split).format(hero=hero)), story(rng, hero))


def story(rng: Random, hero: str) -> str:
    """A long text about the hero."""
    chosen = [episode for episode in EPISODES if rng.random() < 0.85]
    cast = {"hero": hero, "home": rng.choice(HOMES), "other": rng.choice(ANIMALS), "job": rng.choice(JOBS)}
    told = (
        episode.format(**cast, place=rng.choice(PLACES), food=rng.choice(FOODS))
        for episode in (OPENING, *chosen, ENDING)
    )
    return " ".join(told)


def unknown(rng: Random, split: Split) -> Dialogue:
    """A question that a model of this size cannot answer, and the admission."""
    fields = {"name": values.name(rng, split), "city": values.city(rng, split), "number": values.number(rng, split, 4)}
    asked = rng.choice(UNKNOWN).format(word=values.word(rng, split), **fields)
    return question(asked, DO_NOT_KNOW)
