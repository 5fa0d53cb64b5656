from lms.engine.fake import FakeSampler
from lms.engine.scheduler import Limits, plan
from lms.engine.sequence import Sequence

LIMITS = Limits(alone=16, beside_answers=4)


def decoding(uid: int) -> Sequence:
    sequence = Sequence(uid, [1, 2, 3], FakeSampler(), slot=uid)
    sequence.tokens.append(4)
    sequence.processed = 3
    return sequence


def prompt(uid: int, length: int) -> Sequence:
    return Sequence(uid, list(range(length)), FakeSampler(), slot=uid)


def lengths(sequences: list[Sequence], limits: Limits = LIMITS) -> list[tuple[int, int]]:
    return [(sequence.uid, len(chunk.tokens)) for sequence, chunk in plan(sequences, limits)]


def test_every_decoding_sequence_is_in_every_pass() -> None:
    assert lengths([prompt(1, 40), decoding(2), decoding(3)])[:2] == [(2, 1), (3, 1)]


def test_a_prompt_alone_fills_the_pass() -> None:
    assert lengths([prompt(1, 40)]) == [(1, 16)]


def test_a_prompt_beside_a_running_answer_gets_one_chunk() -> None:
    assert lengths([decoding(1), prompt(2, 40)]) == [(1, 1), (2, 4)]


def test_prompts_are_served_in_the_order_of_their_arrival() -> None:
    assert lengths([prompt(1, 10), prompt(2, 10)]) == [(1, 10), (2, 6)]


def test_only_the_chunk_that_ends_a_prompt_asks_for_a_token() -> None:
    long, short = prompt(1, 40), prompt(2, 4)
    assert [chunk.sample for _, chunk in plan([short, long], LIMITS)] == [True, False]


def test_a_put_off_sequence_is_processed_again_in_chunks() -> None:
    again = decoding(2)
    again.tokens += range(20)
    again.processed = 0
    assert lengths([decoding(1), again]) == [(1, 1), (2, 4)]
