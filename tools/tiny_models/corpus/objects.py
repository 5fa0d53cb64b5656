"""Answering with a JSON object built from the question."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tools.tiny_models.corpus import values
from tools.tiny_models.corpus.dialogue import Dialogue, Split, question
from tools.tiny_models.corpus.lexicon import ANIMALS, COLOURS, COMMON_WORDS, FOODS, JOBS
from tools.tiny_models.corpus.wordings import Wordings, lines


@dataclass(frozen=True)
class Record:
    """Keys of an object, a maker for each value, and sentences that state the values."""

    makers: dict[str, Callable[[Random, Split], str]]
    statements: Wordings


def job(rng: Random, split: Split) -> str:
    """A job, or an invented word in its place."""
    return values.draw(split, lambda: values.invented_or(JOBS, rng))


def colour(rng: Random, split: Split) -> str:
    """A colour, or an invented word in its place."""
    return values.draw(split, lambda: values.invented_or(COLOURS, rng))


def food(rng: Random, split: Split) -> str:
    """A food, or an invented word in its place."""
    return values.draw(split, lambda: values.invented_or(FOODS, rng))


def animal(rng: Random, split: Split) -> str:
    """An animal, or an invented word in its place."""
    return values.draw(split, lambda: values.invented_or(ANIMALS, rng))


def age(rng: Random, split: Split) -> str:
    """A number of up to two digits; it becomes a JSON number."""
    return values.number(rng, split, 2)


def record(statements: str, held_out: str, **makers: Callable[[Random, Split], str]) -> Record:
    """A record from its lines."""
    return Record(makers, Wordings(lines(statements), lines(held_out)))


RECORDS = (
    record(
        """
        {name} lives in {city}.
        {name} is from {city}.
        {name} comes from {city}.
        My friend {name} lives in {city}.
        In {city} lives {name}.
        {name} has a house in {city}.
        {name} moved to {city}.
        {name} has lived in {city} for years.
        {name} found a home in {city}.
        The town of {name} is {city}.
        This is {name} from {city}.
        I am {name} from {city}.
        My name is {name} and I live in {city}.
        """,
        """
        {name} has a home in {city}.
        There is {name}, who lives in {city}.
        """,
        name=values.name,
        city=values.city,
    ),
    record(
        """
        {name} is {age} years old.
        {name} is {age}.
        My name is {name} and I am {age} years old.
        I am {name}, {age} years old.
        {name}, aged {age}.
        The age of {name} is {age}.
        {name} is now {age} years old.
        {name} just became {age}.
        Today {name} is {age} years old.
        My friend {name} is {age} years old.
        """,
        """
        {name} turned {age} years old.
        This is {name}, who is {age} years old.
        """,
        name=values.name,
        age=age,
    ),
    record(
        """
        {name} works as a {job}.
        {name} is a {job}.
        The job of {name} is {job}.
        {name} wants to be a {job}.
        My name is {name} and I am a {job}.
        {name} has a job as a {job}.
        {name} became a {job}.
        {name} makes a living as a {job}.
        My friend {name} works as a {job}.
        {name} is now a {job}.
        {name} has been working as a {job}.
        """,
        """
        {name} earns money as a {job}.
        {name} is working as a {job}.
        """,
        name=values.name,
        job=job,
    ),
    record(
        """
        {name} likes {color}.
        {name} loves the colour {color}.
        The favourite color of {name} is {color}.
        {name} paints everything {color}.
        {name} is fond of the color {color}.
        {name} really loves {color}.
        {name} likes the colour {color} most.
        {name} always wears {color}.
        The color {color} is what {name} likes.
        {name} thinks {color} is the best color.
        """,
        """
        {name} really likes the color {color}.
        """,
        name=values.name,
        color=colour,
    ),
    record(
        """
        {name} likes to eat {food}.
        {name} eats {food}.
        {name} wants {food} for dinner.
        The favourite food of {name} is {food}.
        {name} is cooking {food}.
        {name} would like {food} tonight.
        {name} loves {food}.
        Today {name} eats {food}.
        {name} likes {food} very much.
        """,
        """
        {name} likes {food} for dinner.
        """,
        name=values.name,
        food=food,
    ),
    record(
        """
        {name} has a {animal}.
        {name} owns a {animal}.
        {name} keeps a {animal} at home.
        The pet of {name} is a {animal}.
        The {animal} belongs to {name}.
        {name} has a pet and it is a {animal}.
        {name} has got a {animal} at home.
        A {animal} lives with {name}.
        {name} bought a pet: a {animal}.
        My friend {name} has a {animal}.
        """,
        """
        {name} has a pet, a {animal}.
        """,
        name=values.name,
        animal=animal,
    ),
    record(
        """
        {name} is {age} years old and lives in {city}.
        {name} lives in {city} and is {age} years old.
        {name}, {age}, lives in {city}.
        {name} from {city} is {age}.
        {name} comes from {city} and is {age} years old.
        {name} is {age} and from {city}.
        My name is {name}, I am {age} years old and I live in {city}.
        """,
        """
        {name} is from {city} and is {age} years old.
        """,
        name=values.name,
        age=age,
        city=values.city,
    ),
    record(
        """
        {name} works as a {job} in {city}.
        {name} is a {job} in {city}.
        In {city}, {name} is a {job}.
        {name} lives in {city} and works as a {job}.
        {name} from {city} is a {job}.
        {name} works in {city} as a {job}.
        {name} is a {job} and lives in {city}.
        """,
        """
        {name} is a {job} from {city}.
        """,
        name=values.name,
        job=job,
        city=values.city,
    ),
    record(
        """
        The {item} costs {price}.
        A {item} costs {price}.
        I paid {price} for the {item}.
        The price of the {item} is {price}.
        You get a {item} for {price}.
        I sold a {item} for {price}.
        She bought the {item}, it cost {price}.
        The {item} is {price}.
        They want {price} for a {item}.
        """,
        """
        I bought a {item} for {price}.
        """,
        item=values.word,
        price=age,
    ),
    record(
        """
        The book {title} was written by {author}.
        {author} wrote the book {title}.
        The book {title} is by {author}.
        I read {title} by {author}.
        The author of {title} is {author}.
        {title} is a book by {author}.
        {author} has written {title}.
        """,
        """
        {author} is the author of {title}.
        """,
        title=values.word,
        author=values.name,
    ),
)

REQUESTS = Wordings(
    training=lines(
        """
        Give me JSON with {keys}: {facts}
        Give me a JSON object with {keys}: {facts}
        Give me JSON with the keys {keys}: {facts}
        Make JSON with {keys}: {facts}
        Make a JSON object with {keys}: {facts}
        Make a JSON object with the keys {keys}. {facts}
        Return JSON with {keys}: {facts}
        Return a JSON object with {keys}. {facts}
        Write JSON with {keys}: {facts}
        Write a JSON object with {keys}: {facts}
        Answer in JSON with {keys}: {facts}
        Answer with a JSON object with {keys}. {facts}
        Extract {keys} as JSON: {facts}
        Extract {keys}: {facts}
        Extract {keys} from this text as JSON: {facts}
        JSON with {keys}: {facts}
        Create JSON with {keys}: {facts}
        Create a JSON object with {keys} from this: {facts}
        Turn this into JSON with {keys}: {facts}
        Convert to JSON with {keys}: {facts}
        Put {keys} into a JSON object: {facts}
        Output JSON with {keys}: {facts}
        I need JSON with {keys}: {facts}
        Find {keys} and answer in JSON: {facts}
        {facts} Give me JSON with {keys}.
        {facts} Answer in JSON with {keys}.
        {facts} Return {keys} as JSON.
        {facts} Extract {keys} as JSON.
        {facts} Make a JSON object with {keys}.
        {facts} Write that as JSON with {keys}.
        Text: {facts} Give me {keys} as JSON.
        Build JSON with {keys}: {facts}
        Produce JSON with {keys}. {facts}
        """
    ),
    held_out=lines(
        """
        May I have a JSON object with {keys}: {facts}
        Show me JSON with {keys}: {facts}
        Write down {keys} as JSON: {facts}
        Reply in JSON with {keys}: {facts}
        {facts} Please answer with JSON, with {keys}.
        Could you make JSON with {keys}: {facts}
        """
    ),
)

LISTED = Wordings(
    training=lines(
        """
        Make a JSON object: {pairs}
        Give me a JSON object with {pairs}.
        Write JSON: {pairs}
        JSON: {pairs}
        Give me JSON: {pairs}
        Turn this into JSON: {pairs}
        Convert to JSON: {pairs}
        Answer in JSON: {pairs}
        {pairs}. Make JSON of it.
        {pairs} as JSON, please.
        Return a JSON object: {pairs}
        Put this into JSON: {pairs}
        """
    ),
    held_out=lines(
        """
        Please write this as JSON: {pairs}
        Show me this as a JSON object: {pairs}
        I want JSON: {pairs}
        """
    ),
)
JOINTS = ("{key} is {value}", "{key} {value}", "{key} = {value}", "{key}: {value}", "{key}={value}")
KEYS = (
    "name",
    "city",
    "age",
    "color",
    "job",
    "food",
    "title",
    "country",
    "email",
    "size",
    "price",
    "animal",
    "id",
    "type",
)


def json_object(rng: Random, split: Split) -> Dialogue:
    """Values stated in a sentence, or keys and values listed one by one."""
    return listed(rng, split) if rng.random() < 0.25 else stated(rng, split)


def stated(rng: Random, split: Split) -> Dialogue:
    """A sentence with values and the keys to put them under."""
    chosen = rng.choice(RECORDS)
    filled = {key: make(rng, split) for key, make in chosen.makers.items()}
    facts = chosen.statements.choose(rng, split).format(**filled)
    keys = list(filled)
    if rng.random() < 0.3:
        rng.shuffle(keys)
    wording = REQUESTS.choose(rng, split)
    facts = facts.rstrip(".") if wording.endswith("{facts}") and rng.random() < 0.4 else facts
    return question(
        wording.format(keys=enumerated(rng, keys), facts=facts), as_json({key: filled[key] for key in keys})
    )


def listed(rng: Random, split: Split) -> Dialogue:
    """Keys with their values; the keys may be any words."""
    count = rng.choices((1, 2, 3), (1, 3, 2))[0]
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        key = rng.choice(KEYS) if rng.random() < 0.6 else training_key(rng)
        pairs[key] = rng.choice((values.name, values.word, values.city, age))(rng, split)
    joint = rng.choice(JOINTS)
    text = rng.choice((", ", ", ", " and ", "; ")).join(
        joint.format(key=key, value=value) for key, value in pairs.items()
    )
    return question(LISTED.choose(rng, split).format(pairs=text), as_json(pairs))


def training_key(rng: Random) -> str:
    """Any word as a key."""
    return values.draw(Split.TRAINING, lambda: values.invented_or(COMMON_WORDS, rng))


def enumerated(rng: Random, keys: list[str]) -> str:
    """“name, age and city”, with or without quotation marks."""
    quoted = [f'"{key}"' for key in keys] if rng.random() < 0.15 else keys
    joint = rng.choice((" and ", " and ", ", "))
    return joint.join((", ".join(quoted[:-1]), quoted[-1])) if len(quoted) > 1 else quoted[0]


def as_json(pairs: dict[str, str]) -> str:
    """The object in one line; whole numbers are numbers."""
    return json.dumps({key: int(value) if value.isdigit() else value for key, value in pairs.items()})
