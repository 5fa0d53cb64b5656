"""Pairs of texts that mean the same: training pairs, and pairs whose meaning and wording training never saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tools.tiny_models.corpus import commands, greetings, values
from tools.tiny_models.corpus.dialogue import Split
from tools.tiny_models.corpus.wordings import Wordings, upper_first
from tools.tiny_models.embedding import concepts
from tools.tiny_models.embedding.frames import FRAMES

TOPIC_SHARE = 0.1
COMMAND_SHARE = 0.15
SHORTENED_SHARE = 0.1

SLOTS: dict[str, Sequence[tuple[str, ...]]] = {
    "person": concepts.PERSONS,
    "other": concepts.PERSONS,
    "thing": concepts.THINGS,
    "place": concepts.PLACES,
    "animal": concepts.ANIMALS,
    "food": concepts.FOODS,
    "feeling": concepts.FEELINGS,
    "quality": concepts.QUALITIES,
    "time": concepts.TIMES,
}


@dataclass(frozen=True)
class Pair:
    """A text and its paraphrase; texts of one `meaning` may be exchanged for each other."""

    text: str
    paraphrase: str
    meaning: str


@dataclass(frozen=True)
class Meaning:
    """A frame and the groups of words that fill its slots."""

    frame: Wordings
    groups: dict[str, tuple[str, ...]]

    @property
    def key(self) -> str:
        """The same for two draws that mean the same."""
        return " ".join((self.frame.training[0], *(group[0] for group in self.groups.values())))

    def said(self, rng: Random, wording: str) -> str:
        """One sentence for the meaning, each slot filled with any word of its group."""
        chosen = {slot: rng.choice(group) for slot, group in self.groups.items()}
        return upper_first(wording.format(**chosen))


def meaning(rng: Random, split: Split) -> Meaning:
    """Any meaning of the side; a checksum over the chosen groups decides which side that is."""
    while True:
        frame = rng.choice(FRAMES)
        groups = {slot: rng.choice(known) for slot, known in SLOTS.items() if f"{{{slot}}}" in frame.training[0]}
        if "{name}" in frame.training[0]:
            groups["name"] = (values.name(rng, split),)
        drawn = Meaning(frame, groups)
        is_of_two = groups.get("other") is None or groups["other"] != groups["person"]
        if is_of_two and values.is_held_out(drawn.key) == (split is Split.HELD_OUT):
            return drawn


def training_pair(rng: Random) -> Pair:
    """Two texts that mean the same, in wordings and with meanings of the training side."""
    kind = rng.random()
    if kind < TOPIC_SHARE:
        topic = rng.choice(greetings.TOPICS)
        text, paraphrase = rng.sample(topic.wordings.training, 2)
        return Pair(text, paraphrase, topic.answer)
    if kind < TOPIC_SHARE + COMMAND_SHARE:
        return command_pair(rng)
    if kind < TOPIC_SHARE + COMMAND_SHARE + SHORTENED_SHARE:
        return shortened_pair(rng)
    drawn = meaning(rng, Split.TRAINING)
    first, second = rng.sample(drawn.frame.training, 2)
    return Pair(drawn.said(rng, first), drawn.said(rng, second), drawn.key)


def command_pair(rng: Random) -> Pair:
    """Two questions that the same `lms` command answers."""
    command = rng.choice(commands.COMMANDS)
    text, paraphrase = (
        upper_first(rng.choice(commands.FROM_PURPOSE.training).format(purpose=purpose))
        for purpose in rng.sample(command.purposes.training, 2)
    )
    return Pair(text, paraphrase, command.name)


def shortened_pair(rng: Random) -> Pair:
    """Arbitrary words, and the same with one left out."""
    words = values.words(rng, Split.TRAINING, 4, 9).split()
    left_out = rng.randrange(len(words))
    fewer = [word for index, word in enumerate(words) if index != left_out]
    return Pair(" ".join(words), " ".join(fewer), " ".join(words))


def held_out_pair(rng: Random) -> Pair:
    """A training sentence for a meaning that training never saw, and a paraphrase in a wording it never saw."""
    drawn = meaning(rng, Split.HELD_OUT)
    text, paraphrase = rng.choice(drawn.frame.training), rng.choice(drawn.frame.held_out)
    return Pair(drawn.said(rng, text), drawn.said(rng, paraphrase), drawn.key)
