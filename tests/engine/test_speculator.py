"""Which source guesses for a sequence, over the fake draft model."""

import pytest

from lms.engine.draft_model import Drafter
from lms.engine.fake import END, FakeDraft, FakeSampler, reply
from lms.engine.sequence import Sequence
from lms.engine.speculator import Plan, Speculator
from lms.generation.request import DraftModel

ROOM = 64


def prompt(said: str) -> list[int]:
    return list(f"<|user|>{said}<|model|>".encode())


def answer(said: str) -> list[int]:
    return [*"".join(reply(bytes(prompt(said)).decode())).encode(), END]


def drafter(key: str, passes: list[int]) -> Drafter:
    """`passes` gets the tokens of each pass of the draft model."""
    return Drafter(FakeDraft(4, 8192, passes.append, DraftModel(key, "")), END + 1)


def speculator(key: str = "right", passes: list[int] | None = None, *, looks_up: bool = False) -> Speculator:
    """One for which guesses are cheap."""
    guessing = Speculator(looks_up=looks_up)
    guessing.replace(drafter(key, [] if passes is None else passes))
    guessing.cost.observe(1, 0, 1.0)
    for drafted in range(1, 17):
        guessing.cost.observe(1, drafted, 1 + drafted / 10)
    guessing.cost.observe_guessing(1, 0.1)
    return guessing


def decoding(said: str, length: int = 3, uid: int = 1) -> Sequence:
    """A sequence that has drawn so many tokens of its answer, the last of them still to be processed."""
    sequence = Sequence(uid, prompt(said), FakeSampler())
    sequence.tokens += answer(said)[:length]
    sequence.processed = len(sequence.tokens) - 1
    return sequence


def plan(*sequences: Sequence) -> Plan:
    return [(sequence, sequence.chunk(1)) for sequence in sequences]


def draft(guessing: Speculator, sequence: Sequence) -> tuple[int, ...]:
    ((_, chunk),) = guessing.with_drafts(plan(sequence), ROOM, ROOM)
    return chunk.draft


def test_the_draft_model_guesses_for_those_who_named_it() -> None:
    guessing = speculator()
    named, other = decoding("count to 9"), decoding("count to 9", uid=2)
    guessing.begin(named, draft_model=True)
    guessing.begin(other, draft_model=False)
    drafts = [chunk.draft for _, chunk in guessing.with_drafts(plan(named, other), ROOM, ROOM)]
    assert drafts[0] == tuple(answer("count to 9")[3 : 3 + len(drafts[0])]) != ()
    assert drafts[1] == ()


def test_a_repetition_is_looked_up_and_the_draft_model_spared() -> None:
    passes = list[int]()
    guessing = speculator("right", passes, looks_up=True)
    sequence = decoding("the same again", length=len("You said: the s"))
    guessing.begin(sequence, draft_model=True)
    guess = bytes(draft(guessing, sequence))
    assert guess == b"ame again"[: len(guess)] != b""
    assert passes == []


def test_where_nothing_repeats_the_draft_model_guesses() -> None:
    passes = list[int]()
    guessing = speculator("right", passes, looks_up=True)
    sequence = decoding("count to 9")
    guessing.begin(sequence, draft_model=True)
    assert draft(guessing, sequence) != ()
    assert passes != []


def answer_in_vain(guessing: Speculator, uid: int, tokens: int = 200) -> None:
    """An answer for which every draft is refused."""
    sequence = decoding("count to 99", length=1, uid=uid)
    guessing.begin(sequence, draft_model=True)
    for token in answer("count to 99")[1:tokens]:
        guessing.with_drafts(plan(sequence), ROOM, 10_000)
        guessing.verified(uid, 0)
        sequence.tokens.append(token)
        sequence.processed += 1
    guessing.end(uid)


@pytest.mark.parametrize("key", ["wrong", "unsure"])
def test_a_draft_model_that_is_refused_is_hardly_asked(key: str) -> None:
    passes = list[int]()
    answer_in_vain(speculator(key, passes), uid=1)
    assert 0 < len(passes) <= 40
    assert sum(passes) < 200


@pytest.mark.parametrize("key", ["wrong", "unsure"])
def test_a_draft_model_that_was_refused_is_asked_less_by_those_who_come_next(key: str) -> None:
    passes = list[int]()
    guessing = speculator(key, passes)
    answer_in_vain(guessing, uid=1)
    first = len(passes)
    for uid in range(2, 12):
        answer_in_vain(guessing, uid)
    assert first < len(passes) < 3 * first


def test_a_draft_model_whose_guesses_are_right_but_do_not_pay_is_left_alone() -> None:
    passes = list[int]()
    guessing = speculator("right", passes)
    sequence = decoding("count to 99", length=1)
    guessing.begin(sequence, draft_model=True)
    for token in answer("count to 99")[1:200]:
        drafted = draft(guessing, sequence)
        guessing.took(1, 1 + len(drafted), 100.0 if drafted else 1.0)
        guessing.verified(1, len(drafted))
        sequence.tokens.append(token)
        sequence.processed += 1
    assert 0 < len(passes) < 200, "a draft every time were 3,000"


def test_another_draft_model_begins_anew() -> None:
    guessing = speculator("wrong")
    answer_in_vain(guessing, uid=1)
    guessing.replace(drafter("right", []))
    sequence = decoding("count to 9", uid=2)
    guessing.begin(sequence, draft_model=True)
    assert draft(guessing, sequence) != ()


def test_drafts_stay_within_the_room_there_is() -> None:
    guessing = speculator()
    sequences = [decoding("count to 99", uid=uid) for uid in range(3)]
    for sequence in sequences:
        guessing.begin(sequence, draft_model=True)
    drafted = guessing.with_drafts(plan(*sequences), 2, most_read=100)
    assert sum(len(chunk.draft) for _, chunk in drafted) == 2


def test_what_ended_uses_the_draft_model_no_more() -> None:
    guessing = speculator()
    guessing.begin(decoding("count to 9"), draft_model=True)
    assert guessing.uses_drafter
    guessing.end(1)
    assert not guessing.uses_drafter


def test_a_pass_that_is_quicker_with_one_token_more_gets_it() -> None:
    guessing = Speculator(looks_up=True)
    guessing.cost.observe(3, 0, 0.096)
    guessing.cost.observe(3, 1, 0.075)
    sequences = [decoding(f"count to 9{uid}", uid=uid) for uid in range(3)]
    for sequence in sequences:
        guessing.begin(sequence, draft_model=False)
    assert sum(len(chunk.draft) for _, chunk in guessing.with_drafts(plan(*sequences), ROOM, ROOM)) == 1
    assert sum(len(chunk.draft) for _, chunk in guessing.with_drafts(plan(*sequences), 0, ROOM)) == 0
