"""The fake decoder checks every pass against what its memory holds, so a bookkeeping mistake is an error here."""

from hypothesis import given
from hypothesis import strategies as st

from lms.engine.batch import FRESH_TOKENS, MARKED_TOKENS, STANDING_PASSES, Batch, Progressed, Sampled
from lms.engine.fake import END, FakeDecoder, reply
from lms.engine.scheduler import Limits
from lms.engine.states import StateStore
from lms.generation.request import Sampling


def batch(slots: int = 2, cells: int = 64, chunk: int = 4, *, speculates: bool = False) -> Batch:
    decoder = FakeDecoder(slots, 2 * slots, cells, lambda tokens: None)
    return Batch(decoder, Limits(16, chunk), speculates=speculates)


def prompt(said: str) -> list[int]:
    return list(f"<|user|>{said}<|model|>".encode())


def drain(batch: Batch, most: int = 5_000) -> dict[int, str]:
    """Run until every sequence has ended by itself."""
    texts: dict[int, bytearray] = {}
    for _ in range(most):
        if not batch.running + batch.waiting:
            return {uid: text.decode() for uid, text in texts.items()}
        for outcome in batch.step():
            if isinstance(outcome, Sampled):
                answer = outcome.tokens[: list(outcome.tokens).index(END)] if END in outcome.tokens else outcome.tokens
                texts.setdefault(outcome.uid, bytearray()).extend(answer)
                if END in outcome.tokens:
                    batch.remove(outcome.uid)
    raise AssertionError("the batch did not come to an end")


def test_a_batch_without_sequences_has_nothing_to_do() -> None:
    assert batch().step() == []


def test_the_prompt_is_reported_chunk_by_chunk() -> None:
    served = batch()
    served.insert(1, range(40), Sampling())
    seen = [outcome for _ in range(3) for outcome in served.step() if isinstance(outcome, Progressed)]
    assert [outcome.processed for outcome in seen] == [16, 32, 40]


def test_a_finished_prompt_is_not_processed_again() -> None:
    served = batch(cells=256)
    served.insert(1, prompt("one two three"), Sampling())
    drain(served)
    served.insert(2, prompt("one two three"), Sampling())
    first = next(outcome for outcome in served.step() if isinstance(outcome, Progressed))
    assert first.cached == len(prompt("one two three")) - FRESH_TOKENS


def test_a_cancelled_sequence_frees_its_slot_for_the_next_pass() -> None:
    served = batch(slots=1)
    served.insert(1, prompt("write for ever"), Sampling())
    served.insert(2, prompt("hi"), Sampling())
    served.step()
    served.remove(1)
    served.step()
    assert (served.running, served.waiting) == (1, 0)


def test_removing_what_waits_or_is_unknown_is_quiet() -> None:
    served = batch(slots=1)
    served.insert(1, prompt("a"), Sampling())
    served.insert(2, prompt("b"), Sampling())
    served.remove(2)
    served.remove(99)
    assert drain(served) == {1: "You said: a"}


def test_a_reset_leaves_nothing_behind() -> None:
    served = batch()
    served.insert(1, prompt("write for ever"), Sampling())
    served.step()
    served.reset()
    assert (served.running, served.waiting, served.step()) == (0, 0, [])


@given(
    st.lists(
        st.sampled_from(["hi", "count to 9", "a longer text than the others", "count to 30"]), min_size=1, max_size=8
    ),
    st.integers(1, 4),
    st.sampled_from([120, 200, 400]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 300, 100_000]),
)
def test_answers_do_not_depend_on_who_else_is_served_the_kind_and_size_of_memory_what_is_guessed_or_what_is_stored(
    said: list[str], slots: int, cells: int, speculates: bool, divisible: bool, stored_bytes: int
) -> None:
    decoder = FakeDecoder(slots, 2 * slots, cells, lambda tokens: None, divisible)
    store = StateStore(stored_bytes, divisible=divisible)
    served = Batch(decoder, Limits(16, 4), store, speculates=speculates)
    for uid, text in enumerate(said):
        served.insert(uid, prompt(text), Sampling())
    expected = {uid: "".join(reply(bytes(prompt(text)).decode())) for uid, text in enumerate(said)}
    assert drain(served) == expected


def processed_for(said: list[str], *, divisible: bool, stored_bytes: int, together: bool) -> int:
    """Prompt tokens that go through a model that serves 16 at once, with memory for all of them, or else for one."""
    passes: list[int] = []
    decoder = FakeDecoder(16, 16, 20_000 if together else 2000, passes.append, divisible)
    served = Batch(decoder, Limits(64, 32), StateStore(stored_bytes, divisible=divisible))
    generated = 0
    for uid, text in enumerate(said):
        served.insert(uid, prompt(text), Sampling())
        if not together:
            generated += sum(map(len, drain(served).values()))
    generated += sum(map(len, drain(served).values()))
    return sum(passes) - generated


LONG, OTHER = ("what they are all told, and some more of it. " * 20, "something else altogether, of that length. " * 20)


def test_a_conversation_that_memory_has_no_room_for_is_put_back_from_the_store() -> None:
    turns = [LONG, OTHER, f"{LONG} And then?"]
    without = processed_for(turns, divisible=True, stored_bytes=0, together=False)
    stored = processed_for(turns, divisible=True, stored_bytes=10**6, together=False)
    assert without - stored > 0.9 * len(LONG)


def test_memory_that_cannot_be_cut_is_put_back_as_it_was_on_the_way() -> None:
    """All of them have the beginning in common; each is processed further, and the beginning but once."""
    asked = [f"{LONG} Question {n}" for n in range(6)]
    without = processed_for(asked, divisible=False, stored_bytes=0, together=True)
    stored = processed_for(asked, divisible=False, stored_bytes=10**6, together=True)
    assert without > 6 * len(LONG)
    assert stored < 1.5 * len(LONG)


def test_memory_that_cannot_be_cut_serves_a_later_prompt_from_a_point_on_the_way() -> None:
    asked = [f"{LONG} first", f"{LONG} second"]
    without = processed_for(asked, divisible=False, stored_bytes=0, together=False)
    stored = processed_for(asked, divisible=False, stored_bytes=10**6, together=False)
    assert without - stored >= MARKED_TOKENS


def test_what_finished_is_stored_when_the_model_goes() -> None:
    kept = Kept()
    served = Batch(FakeDecoder(2, 4, 4096, lambda tokens: None), Limits(64, 32), kept)
    served.insert(1, prompt(LONG), Sampling())
    for _ in range(20):
        served.step()
    served.close(timeout_s=1)
    assert kept.closed_with[0][: len(prompt(LONG))] == prompt(LONG)


class Kept(StateStore):
    """A store that remembers what it held when it was closed."""

    def __init__(self) -> None:
        super().__init__(10**6)
        self.closed_with: list[list[int]] = []

    def close(self, timeout_s: float) -> None:
        self.closed_with = [entry.tokens for entry in self._entries.values()]
        super().close(timeout_s)


@given(st.integers(1, 3), st.booleans())
def test_what_is_guessed_at_the_end_of_a_context_fits_into_it(parallel: int, speculates: bool) -> None:
    """Each slot has a memory of its own, with room for the answer to the last token."""
    text = "over and over and over and over and over"
    longest = len(prompt(text)) + len(f"You said: {text}")
    decoder = FakeDecoder(parallel, parallel, parallel * longest, lambda tokens: None, slot_cells=longest)
    served = Batch(decoder, Limits(16, 4), speculates=speculates)
    for uid in range(4):
        served.insert(uid, prompt(text), Sampling())
    assert drain(served) == dict.fromkeys(range(4), f"You said: {text}")


def passes_to_repeat(text: str, *, speculates: bool) -> int:
    served = batch(slots=1, cells=4096, speculates=speculates)
    served.insert(1, prompt(text), Sampling())
    passes = 0
    while served.running + served.waiting:
        passes += 1
        if any(isinstance(outcome, Sampled) and END in outcome.tokens for outcome in served.step()):
            served.remove(1)
    return passes


def test_what_is_repeated_takes_a_quarter_of_the_passes_when_it_is_guessed() -> None:
    text = "a sentence of some length that the answer repeats word for word, and another one for good measure. " * 3
    assert passes_to_repeat(text, speculates=True) < passes_to_repeat(text, speculates=False) / 4


def test_what_drafts_were_worth_is_told() -> None:
    served = batch(slots=1, cells=4096, speculates=True)
    served.insert(1, prompt("to be, or not to be, that is the question"), Sampling())
    sampled = [o for _ in range(30) for o in served.step() if isinstance(o, Sampled)]
    assert any(len(outcome.tokens) == outcome.drafted + 1 > 1 for outcome in sampled)
    assert served.last.answers_only


def test_memory_that_cannot_be_cut_gets_no_drafts() -> None:
    decoder = FakeDecoder(1, 1, 4096, lambda tokens: None, divisible=False)
    served = Batch(decoder, Limits(16, 16), speculates=True)
    served.insert(1, prompt("again and again and again and again"), Sampling())
    assert drain(served) == {1: "You said: again and again and again and again"}


def test_when_memory_runs_out_the_youngest_waits_and_loses_nothing() -> None:
    served = batch(slots=2, cells=150)
    served.insert(1, prompt("count to 30"), Sampling())
    served.insert(2, prompt("then count to 30"), Sampling())
    served.step()
    assert served.running == 2
    expected = " ".join(map(str, range(1, 31)))
    assert drain(served) == {1: expected, 2: expected}


def test_prompts_that_arrive_together_process_what_they_share_once() -> None:
    """Eight clients with one long beginning and a question each: the beginning goes through the model once."""
    beginning = "all the same to each one of them, and rather long as such things go. " * 4
    passes: list[int] = []
    served = Batch(FakeDecoder(8, 16, 4096, passes.append), Limits(64, 32))
    said = {uid: f"{beginning} question {uid}" for uid in range(8)}
    for uid, text in said.items():
        served.insert(uid, prompt(text), Sampling())
    answers = drain(served)
    assert answers == {uid: f"You said: {text}" for uid, text in said.items()}
    generated = sum(len(answer) for answer in answers.values())
    processed = sum(passes) - generated
    assert processed < 2 * len(prompt(said[0]))


def separate(chunk: int = 4) -> Batch:
    """Four slots that each have a memory of their own."""
    return Batch(FakeDecoder(4, 4, 4 * 1024, lambda tokens: None, slot_cells=1024), Limits(16, chunk))


def drawn_in(served: Batch) -> list[int]:
    """Who gets a token in the next pass."""
    return [outcome.uid for outcome in served.step() if isinstance(outcome, Sampled)]


def test_answers_that_have_only_begun_wait_for_the_prompts_that_came_with_theirs() -> None:
    served = separate()
    for uid in range(4):
        served.insert(uid, range(32 * uid, 32 * uid + 16), Sampling())
    assert [drawn_in(served) for _ in range(6)] == [[0], [1], [2], [3], [0, 1, 2, 3], [0, 1, 2, 3]]


def test_answers_that_have_begun_take_turns_with_prompts() -> None:
    served = separate()
    served.insert(0, prompt("write for ever"), Sampling())
    while not drawn_in(served):
        pass
    assert drawn_in(served) == [0]
    served.insert(1, range(100), Sampling())
    passes = [drawn_in(served) for _ in range(50)]
    assert passes[:48] == [[0], []] * 24, "four tokens of the prompt for each of the answer"
    assert passes[48:] == [[0], [1]]


def test_answers_stand_still_for_so_long_only() -> None:
    served = separate()
    served.insert(0, prompt("write for ever"), Sampling())
    while not drawn_in(served):
        pass
    served.insert(1, range(1000), Sampling())
    passes = [drawn_in(served) for _ in range(STANDING_PASSES + 4)]
    assert passes == [[]] * STANDING_PASSES + [[0], [], [0], []]


def test_a_prompt_shares_with_one_that_is_still_answered() -> None:
    served = batch(slots=2, cells=4096)
    served.insert(1, prompt("write for ever, please, and do not stop"), Sampling())
    for _ in range(10):
        served.step()
    served.insert(2, prompt("write for ever, please, and do not stop"), Sampling())
    first = next(o for _ in range(3) for o in served.step() if isinstance(o, Progressed) and o.uid == 2)
    assert first.cached == len(prompt("write for ever, please, and do not stop")) - FRESH_TOKENS


def test_an_older_conversation_survives_a_stranger() -> None:
    served = batch(slots=1, cells=4096)
    for uid, text in enumerate(("the first conversation", "someone else entirely", "the first conversation, again")):
        served.insert(uid, prompt(text), Sampling())
        first = next(o for o in served.step() if isinstance(o, Progressed))
        while served.running:
            for outcome in served.step():
                if isinstance(outcome, Sampled) and END in outcome.tokens:
                    served.remove(uid)
    assert first.cached == len("<|user|>the first conversation")
