from tests.tools.canned_server import EVENTS, HEAD, chunk, event
from tools.bench.answers import Reply
from tools.bench.workloads import gaps_within, quantile

TEXT = chunk(event(EVENTS[1]))


def reply(*arrivals_s: float) -> Reply:
    first, *others = arrivals_s
    return Reply(0.0, arrivals_s[-1], ((first, HEAD + TEXT), *((at_s, TEXT) for at_s in others)))


def test_gaps_are_those_that_touch_the_time_in_question() -> None:
    # Arrivals at 1, 2, 4, 7, 11: what lies wholly before 3 or after 6 does not count.
    assert gaps_within(reply(1, 2, 4, 7, 11), 3, 6) == [2, 3]


def test_a_stream_that_stands_still_has_one_gap_up_to_the_end() -> None:
    assert gaps_within(reply(1, 2), 3, 9) == [7]


def test_a_quantile_is_a_value_that_was_measured() -> None:
    assert quantile([float(number) for number in range(100)], 0.95) == 95
    assert quantile([1.0], 0.95) == 1.0
