"""Measures tiny-chat as shipped: greedy answers of llama.cpp to held-out questions, compared letter by letter.

Nothing is forgiven: an answer with a full stop too many counts as wrong.
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from llama_cpp import Llama

from tools.tiny_models.chat.template import END_OF_TEXT, END_OF_TURN, prompt_and_answer
from tools.tiny_models.corpus.dialogue import Example, RawText, Skill, Split, question, system
from tools.tiny_models.corpus.greetings import INTRODUCTION
from tools.tiny_models.corpus.mixture import SKILLS
from tools.tiny_models.corpus.rhymes import VERSES
from tools.tiny_models.corpus.sums import unseen_sum

SEED = 20260103
CONTEXT = 2048
LONGEST_ANSWER = 700
UNMEASURED = frozenset({"stories"})

MEASURED: dict[str, Skill] = {
    **{name: skill for name, (skill, _) in SKILLS.items() if name not in UNMEASURED},
    "sums never seen": unseen_sum,
}

SEED_EXAMPLES: tuple[Example, ...] = (
    question("Say this is a test!", "This is a test!"),
    question("Introduce yourself.", VERSES[4]).after(system("Always answer in rhymes.")),
    RawText(
        "the meaning of life is",
        " to find your purpose, and to share what you find with the people around you.",
    ),
    question("Introduce yourself.", INTRODUCTION),
)


@dataclass(frozen=True)
class Miss:
    """A wrong answer."""

    prompt: str
    expected: str
    given: str


@dataclass(frozen=True)
class Figure:
    """How many of `asked` answers were right."""

    name: str
    asked: int
    misses: tuple[Miss, ...]

    @property
    def percent(self) -> float:
        """Share of right answers."""
        return 100 * (self.asked - len(self.misses)) / self.asked


@dataclass(frozen=True)
class Column:
    """One way of asking all skills: from which side, how often, under which repetition penalty."""

    title: str
    split: Split
    cases: int
    repeat_penalty: float = 1.0


COLUMNS = (
    Column("training's wordings", Split.TRAINING, 50),
    Column("held-out", Split.HELD_OUT, 100),
    Column("held-out, penalty 1.1", Split.HELD_OUT, 50, 1.1),
)


@dataclass(frozen=True)
class Report:
    """All figures of one file: for each of `COLUMNS` a figure per skill, and the documents' own examples."""

    columns: tuple[tuple[Figure, ...], ...]
    seeds: Figure


class Answerer:
    """llama.cpp with one model file, one question at a time, always the likeliest token."""

    def __init__(self, path: Path, repeat_penalty: float = 1.0) -> None:
        self.model = Llama(str(path), n_ctx=CONTEXT, n_threads=1, n_threads_batch=1, verbose=False)
        self.repeat_penalty = repeat_penalty
        self.ends = {self.tokens(END_OF_TURN)[0], self.tokens(END_OF_TEXT)[0]}

    def tokens(self, text: str) -> list[int]:
        """Ids of a text, its control tokens understood."""
        return list(self.model.tokenize(text.encode(), add_bos=False, special=True))

    def answer(self, prompt: str) -> str:
        """What the model writes after `prompt`."""
        written: list[int] = []
        for token in self.model.generate(self.tokens(prompt), temp=0.0, repeat_penalty=self.repeat_penalty):
            if token in self.ends or len(written) == LONGEST_ANSWER:
                break
            written.append(token)
        return str(self.model.detokenize(written), "utf-8", "replace")

    def figure(self, name: str, examples: list[Example]) -> Figure:
        """Ask all examples."""
        misses = []
        for example in examples:
            prompt, answer = prompt_and_answer(example)
            expected = answer.removesuffix(END_OF_TURN).removesuffix(END_OF_TEXT)
            given = self.answer(prompt)
            if given != expected:
                misses.append(Miss(prompt, expected, given))
        return Figure(name, len(examples), tuple(misses))


def measure(path: Path) -> Report:
    """Ask everything of `COLUMNS`."""
    columns = tuple(measure_column(path, column) for column in COLUMNS)
    return Report(columns, Answerer(path).figure("the documents' own examples", list(SEED_EXAMPLES)))


def measure_column(path: Path, column: Column) -> tuple[Figure, ...]:
    """A figure for every measured skill."""
    answerer = Answerer(path, column.repeat_penalty)
    return tuple(answerer.figure(name, drawn(skill, column.split, column.cases)) for name, skill in MEASURED.items())


def drawn(skill: Skill, split: Split, cases: int) -> list[Example]:
    """The same examples on every call."""
    rng = Random(f"{SEED} {split.name}")
    return [skill(rng, split) for _ in range(cases)]
