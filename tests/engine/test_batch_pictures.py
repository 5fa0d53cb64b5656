"""Pictures among the tokens of a batch. The fake decoder refuses one that is cut, or taken for text."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.engine.batch import FRESH_TOKENS, LOOKING_S, Batch, Progressed, Sampled
from lms.engine.fake import END, FakeDecoder, reply, spelled
from lms.engine.model import Picture
from lms.engine.picture_tokens import tokens_for
from lms.engine.scheduler import Limits
from lms.engine.states import StateStore
from lms.generation.request import Sampling

Prompt = tuple[list[int], tuple[Picture, ...]]

LENGTH = 11


def prompt(said: str) -> Prompt:
    """A user's turn in which every capital letter is a picture of its own."""
    tokens, pictures = [], []
    for letter in f"<|user|>{said}<|model|>":
        if letter.isupper():
            pictures.append(Picture(len(tokens), LENGTH, None))
            tokens += tokens_for(letter.encode(), LENGTH)
        else:
            tokens += letter.encode()
    return tokens, tuple(pictures)


def batch(slots: int = 2, cells: int = 400, chunk: int = 4) -> Batch:
    return Batch(FakeDecoder(slots, 2 * slots, cells, lambda tokens: None), Limits(16, chunk))


def insert(served: Batch, uid: int, said: str) -> None:
    tokens, pictures = prompt(said)
    served.insert(uid, tokens, Sampling(), pictures=pictures)


def drain(served: Batch) -> dict[int, str]:
    """Run until every sequence has ended by itself."""
    texts: dict[int, bytearray] = {}
    for _ in range(5_000):
        if not served.running + served.waiting:
            return {uid: text.decode() for uid, text in texts.items()}
        for outcome in served.step():
            if isinstance(outcome, Sampled):
                answer = outcome.tokens[: list(outcome.tokens).index(END)] if END in outcome.tokens else outcome.tokens
                texts.setdefault(outcome.uid, bytearray()).extend(answer)
                if END in outcome.tokens:
                    served.remove(outcome.uid)
    raise AssertionError("the batch did not come to an end")


def progress(served: Batch) -> list[int]:
    return [outcome.processed for outcome in served.step() if isinstance(outcome, Progressed)]


def test_a_picture_is_processed_whole_and_with_no_text() -> None:
    served = batch()
    insert(served, 1, "abXcd")
    assert [progress(served) for _ in range(3)] == [[10], [21], [32]]


def test_a_picture_larger_than_a_pass_for_prompts_is_processed_whole() -> None:
    served = Batch(FakeDecoder(1, 2, 400, lambda tokens: None), Limits(4, 4))
    insert(served, 1, "X?")
    assert [progress(served) for _ in range(3)] == [[4], [8], [19]]


def test_a_pass_says_that_it_looked_at_pictures() -> None:
    served = batch()
    insert(served, 1, "abXcd")
    looked = []
    for _ in range(3):
        served.step()
        looked.append(served.last.pictures)
    assert looked == [False, True, False]


def test_the_same_picture_is_reused_and_another_is_not() -> None:
    served = batch(cells=2000)
    for uid, said in enumerate(("see X now", "see X now", "see Y now")):
        insert(served, uid, said)
        first = next(outcome for outcome in served.step() if isinstance(outcome, Progressed))
        drain(served)
        whole = len(prompt(said)[0])
        assert first.cached == (0, whole - FRESH_TOKENS, len("<|user|>see "))[uid]


class Looking:
    """A picture that is being looked at until somebody says that it is seen."""

    def __init__(self) -> None:
        self.is_there = False
        self.waited_s = 0.0

    def is_seen(self, timeout_s: float) -> bool:
        self.waited_s += timeout_s
        return self.is_there


def test_others_are_answered_while_a_picture_is_looked_at() -> None:
    served, looking = batch(), Looking()
    tokens, (picture,) = prompt("abXcd")
    served.insert(1, tokens, Sampling(), pictures=(replace(picture, content=looking),))
    insert(served, 2, "count to 9")
    told = [outcome for _ in range(60) for outcome in served.step()]
    processed = [outcome.processed for outcome in told if isinstance(outcome, Progressed) and outcome.uid == 1]
    answers = {outcome.uid: END in outcome.tokens for outcome in told if isinstance(outcome, Sampled)}
    assert (max(processed), answers, looking.waited_s) == (picture.start, {2: True}, 0.0)


def test_with_nothing_else_to_do_a_batch_sleeps_until_a_picture_is_seen() -> None:
    served, looking = batch(), Looking()
    tokens, (picture,) = prompt("abXcd")
    served.insert(1, tokens, Sampling(), pictures=(replace(picture, content=looking),))
    served.step()
    assert (served.step(), served.last.tokens, looking.waited_s) == ([], 0, LOOKING_S)
    looking.is_there = True
    assert drain(served) == {1: "".join(reply(spelled(tokens)))}


def test_who_leaves_while_its_picture_is_looked_at_leaves_nothing_behind() -> None:
    served = batch()
    tokens, (picture,) = prompt("abXcd")
    served.insert(1, tokens, Sampling(), pictures=(replace(picture, content=Looking()),))
    for _ in range(3):
        served.step()
    served.remove(1)
    insert(served, 2, "abXcd")
    assert drain(served) == {2: "".join(reply(spelled(tokens)))}


def test_a_picture_is_processed_again_where_less_would_be_left_than_has_to_be_fresh() -> None:
    """A prompt whose last token but one stands for a picture."""
    served = batch(cells=2000)
    tokens, pictures = prompt("see X")
    ends = pictures[0].end + 1
    for uid in range(2):
        served.insert(uid, tokens[:ends], Sampling(), pictures=pictures)
        first = next(outcome for outcome in served.step() if isinstance(outcome, Progressed))
        served.remove(uid)
    assert first.cached == 0 or first.cached == pictures[0].start


@pytest.mark.parametrize("divisible", [True, False])
def test_pictures_that_begin_with_the_same_tokens_by_chance_are_told_apart(divisible: bool) -> None:
    """As somebody might choose two: not a part of one is reused for the other."""
    store = StateStore(100_000, divisible=divisible)
    served = Batch(FakeDecoder(2, 4, 400, lambda tokens: None, divisible), Limits(16, 4), store)
    answers = []
    for uid, ends in enumerate((-7, -8)):
        tokens = [*b"<|user|>ab", -5, -6, ends, *b"c<|model|>"]
        served.insert(uid, tokens, Sampling(), pictures=(Picture(10, 3, None),))
        first = next(outcome for outcome in served.step() if isinstance(outcome, Progressed))
        answers.append(drain(served)[uid])
        assert first.cached <= 10
    assert answers == [f"You said: abfbfa{ends}c" for ends in ("f9", "f8")]


SAID = st.text(alphabet="abXY", min_size=1, max_size=6)


@given(
    st.lists(SAID, min_size=1, max_size=6),
    st.integers(1, 3),
    st.sampled_from([320, 420, 900]),
    st.booleans(),
    st.sampled_from([0, 300, 100_000]),
)
def test_answers_do_not_depend_on_who_else_is_served_or_on_what_is_reused(
    said: list[str], slots: int, cells: int, divisible: bool, stored_bytes: int
) -> None:
    decoder = FakeDecoder(slots, 2 * slots, cells, lambda tokens: None, divisible)
    served = Batch(decoder, Limits(16, 4), StateStore(stored_bytes, divisible=divisible), speculates=divisible)
    for uid, text in enumerate(said):
        insert(served, uid, text)
    assert drain(served) == {uid: "".join(reply(spelled(prompt(text)[0]))) for uid, text in enumerate(said)}
