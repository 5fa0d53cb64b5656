"""Pairs of texts that mean the same: training pairs, and pairs whose meaning and wording training never saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tools.tiny_models.corpus import greetings, values
from tools.tiny_models.corpus.dialogue import Split
from tools.tiny_models.corpus.wordings import Wordings, upper_first
from tools.tiny_models.embedding import concepts
from tools.tiny_models.embedding.frames import FRAMES

TOPIC_SHARE = 0.1

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
    """A text and its paraphrase."""

    text: str
    paraphrase: str


@dataclass(frozen=True)
class Meaning:
    """A frame and the groups of words that fill its slots."""

    frame: Wordings
    groups: dict[str, tuple[str, ...]]

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
        key = frame.training[0] + "".join(group[0] for group in groups.values())
        if values.is_held_out(key) == (split is Split.HELD_OUT):
            return Meaning(frame, groups)


def training_pair(rng: Random) -> Pair:
    """Two training sentences of one meaning, or two ways to say one thing to the chat model."""
    if rng.random() < TOPIC_SHARE:
        return Pair(*rng.sample(rng.choice(greetings.TOPICS).wordings.training, 2))
    drawn = meaning(rng, Split.TRAINING)
    first, second = rng.sample(drawn.frame.training, 2)
    return Pair(drawn.said(rng, first), drawn.said(rng, second))


def held_out_pair(rng: Random) -> Pair:
    """A training sentence for a meaning that training never saw, and a paraphrase in a wording it never saw."""
    drawn = meaning(rng, Split.HELD_OUT)
    return Pair(
        drawn.said(rng, rng.choice(drawn.frame.training)),
        drawn.said(rng, rng.choice(drawn.frame.held_out)),
    )
