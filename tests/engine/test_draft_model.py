"""The drafter against the fake draft model, which checks its bookkeeping at every pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.engine.draft_model import Drafter, Proposal, Wanted
from lms.engine.fake import END, FakeDraft, reply
from lms.errors import EngineFailed
from lms.generation.request import DraftModel

ALL = 10_000


def drafter(key: str = "right", parallel: int = 2, cells: int = 4096) -> tuple[Drafter, FakeDraft]:
    decoder = FakeDraft(parallel, cells, lambda tokens: None, DraftModel(key, ""))
    return Drafter(decoder, END + 1), decoder


def prompt(said: str) -> list[int]:
    return list(f"<|user|>{said}<|model|>".encode())


def answer(said: str) -> list[int]:
    return [*"".join(reply(bytes(prompt(said)).decode())).encode(), END]


def one(drafts: Drafter, tokens: list[int], most: int, uid: int = 1, most_read: int = ALL) -> Proposal:
    (proposal,) = drafts.propose([Wanted(uid, tokens, most)], most_read)
    return proposal


def test_what_the_draft_model_would_say_is_proposed() -> None:
    drafts, _ = drafter()
    assert one(drafts, prompt("count to 9"), 5) == Proposal(tuple(answer("count to 9")[:5]), 5)


def test_where_the_draft_model_is_not_sure_the_guess_ends() -> None:
    drafts, _ = drafter("unsure")
    assert one(drafts, prompt("count to 9"), 5) == Proposal((), 1)


def test_wrong_guesses_are_taken_back() -> None:
    drafts, decoder = drafter("wrong")
    tokens, right = prompt("count to 9"), answer("count to 9")
    for token in right[:4]:
        one(drafts, tokens, 5)
        tokens.append(token)
    one(drafts, tokens, 1)
    assert [token for _, token in max(decoder.memory, key=len)] == tokens


def test_what_was_read_is_not_read_again() -> None:
    passed = list[int]()
    decoder = FakeDraft(1, 4096, passed.append, DraftModel("right", ""))
    drafts = Drafter(decoder, END + 1)
    tokens, right = prompt("count to 9"), answer("count to 9")
    assert one(drafts, tokens, 3).tokens == tuple(right[:3])
    tokens += right[:4]
    passed.clear()
    assert one(drafts, tokens, 3).tokens == tuple(right[4:7])
    assert passed == [2, 1, 1]


def test_a_long_prompt_is_read_in_pieces_before_anything_is_proposed() -> None:
    drafts, _ = drafter()
    tokens = prompt("count to 9")
    tried = [one(drafts, tokens, 2, most_read=8).tried for _ in range(4)]
    assert tried == [0, 0, 0, 2]
    assert 3 * 8 < len(tokens) <= 4 * 8


def test_all_sequences_share_the_passes() -> None:
    passed = list[int]()
    drafts = Drafter(FakeDraft(3, 4096, passed.append, DraftModel("right", "")), END + 1)
    said = ["count to 9", "count to 8", "hello"]
    wanted = [Wanted(uid, prompt(text), 4) for uid, text in enumerate(said)]
    assert [proposal.tokens for proposal in drafts.propose(wanted, ALL)] == [tuple(answer(text)[:4]) for text in said]
    assert len(passed) == 4


def test_a_beginning_that_another_sequence_has_is_taken_over() -> None:
    passed = list[int]()
    drafts = Drafter(FakeDraft(2, 4096, passed.append, DraftModel("right", "")), END + 1)
    one(drafts, prompt("one two three four"), 1)
    passed.clear()
    one(drafts, prompt("one two three five"), 1, uid=2)
    assert passed == [len("ive<|model|>")]


def test_without_room_nothing_is_proposed() -> None:
    drafts, _ = drafter(cells=30)
    assert len(prompt("count to 9")) == 27
    assert one(drafts, prompt("count to 9"), 4).tried == 0
    assert one(drafts, prompt("count to 9"), 3).tried == 3


def test_a_token_that_only_one_of_the_models_knows_is_no_guess() -> None:
    decoder = FakeDraft(1, 4096, lambda tokens: None, DraftModel("right", ""))
    drafts = Drafter(decoder, ord("2"))
    assert one(drafts, prompt(""), 5).tried == 0, "the prompt itself has such tokens"
    assert one(drafts, list(b"1 "), 5).tokens == ()


def test_the_effort_tells_what_guessing_cost_unless_a_prompt_was_read() -> None:
    now_s = [0.0]

    def spend(tokens: int) -> None:
        now_s[0] += tokens

    drafts = Drafter(FakeDraft(1, 4096, spend, DraftModel("right", "")), END + 1, lambda: now_s[0])
    tokens, right = prompt("count to 9"), answer("count to 9")
    one(drafts, tokens, 3)
    assert (drafts.last.seconds, drafts.last.tried) == (len(tokens) + 2, 0)
    one(drafts, tokens + right[:3], 3)
    assert (drafts.last.seconds, drafts.last.tried) == (3, 3)


def test_after_a_pass_that_failed_everything_is_read_anew() -> None:
    drafts, decoder = drafter()
    tokens, right = prompt("count to 9"), answer("count to 9")
    one(drafts, tokens, 3)
    decoder.memory[0].append((0, 0))
    decoder.memory[1].append((0, 0))
    with pytest.raises(EngineFailed):
        one(drafts, tokens + right[:4], 3)
    drafts.clear()
    assert one(drafts, tokens + right[:4], 3).tokens == tuple(right[4:7])


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["hi", "count to 9", "hi there"]), st.integers(1, 4)), max_size=40
    ),
    st.sampled_from(["right", "wrong", "unsure"]),
    st.integers(30, 120),
    st.integers(4, 40),
)
def test_sequences_may_come_and_go_in_any_order(
    turns: list[tuple[int, str, int]], key: str, cells: int, most_read: int
) -> None:
    """Each turn a sequence goes on, or ends when it has said all. What is proposed is what fits or nothing."""
    drafts, decoder = drafter(key, cells=cells)
    running: dict[int, tuple[str, int]] = {}
    for uid, said, step in turns:
        if uid not in running and len(running) == 2:
            continue
        text, length = running.get(uid, (said, 0))
        right = answer(text)
        proposal = one(drafts, prompt(text) + right[:length], 4, uid, most_read)
        if key == "right":
            assert proposal.tokens == tuple([*right, *4 * [END]][length : length + len(proposal.tokens)])
        running[uid] = (text, length + step)
        if length + step >= len(right):
            drafts.release(uid)
            del running[uid]
    assert decoder.used <= cells
