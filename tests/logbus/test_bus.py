"""The bus: publishers never wait, and a reader who is too slow is told so."""

import threading

from lms.logbus.bus import LogBus, Subscription
from lms.logbus.records import LogRecord, Missed, ServerLog, record


def said(text: str) -> LogRecord:
    return record(ServerLog(text, "info"))


def texts(subscription: Subscription, count: int) -> list[str]:
    return [_text(subscription.next_record(1.0)) for _ in range(count)]


def _text(published: LogRecord | None) -> str:
    assert published is not None
    match published.data:
        case ServerLog(content):
            return content
        case Missed(count):
            return f"missed {count}"
    raise AssertionError(published)


def test_every_reader_gets_every_event_in_order() -> None:
    bus = LogBus()
    with bus.subscribe() as first, bus.subscribe() as second:
        for number in range(3):
            bus.publish(said(str(number)))
        assert texts(first, 3) == texts(second, 3) == ["0", "1", "2"]


def test_a_reader_sees_only_what_came_after_it() -> None:
    bus = LogBus()
    bus.publish(said("before"))
    with bus.subscribe() as subscription:
        bus.publish(said("after"))
        assert texts(subscription, 1) == ["after"]


def test_a_slow_reader_loses_the_oldest_and_is_told_how_many() -> None:
    bus = LogBus(capacity=3)
    with bus.subscribe() as slow:
        for number in range(10):
            bus.publish(said(str(number)))
        assert texts(slow, 4) == ["missed 7", "7", "8", "9"]


def test_what_is_missed_is_counted_afresh_each_time() -> None:
    bus = LogBus(capacity=1)
    with bus.subscribe() as slow:
        for text in "abc":
            bus.publish(said(text))
        assert texts(slow, 2) == ["missed 2", "c"]
        for text in "de":
            bus.publish(said(text))
        assert texts(slow, 2) == ["missed 1", "e"]


def test_a_slow_reader_costs_the_fast_one_nothing() -> None:
    bus = LogBus(capacity=2)
    with bus.subscribe(), bus.subscribe() as fast:
        for number in range(5):
            bus.publish(said(str(number)))
            assert texts(fast, 1) == [str(number)]


def test_publishing_waits_for_no_reader() -> None:
    """It ends, with a reader that takes nothing for as long as it lasts."""
    bus = LogBus(capacity=3)
    with bus.subscribe() as stopped:
        for number in range(10_000):
            bus.publish(said(str(number)))
        assert texts(stopped, 2) == ["missed 9997", "9997"]


def test_a_slow_reader_holds_a_bounded_amount_of_text() -> None:
    bus = LogBus(capacity_bytes=3_500)
    with bus.subscribe() as slow:
        for letter in "abcde":
            bus.publish(said(letter * 1_000))
        assert texts(slow, 4) == ["missed 2", "c" * 1_000, "d" * 1_000, "e" * 1_000]
        for letter in "fghij":
            bus.publish(said(letter * 1_000))
        assert texts(slow, 2) == ["missed 2", "h" * 1_000]


def test_an_event_longer_than_the_bound_arrives_alone() -> None:
    bus = LogBus(capacity_bytes=100)
    with bus.subscribe() as slow:
        for letter in "ab":
            bus.publish(said(letter * 1_000))
        assert texts(slow, 2) == ["missed 1", "b" * 1_000]


def test_waiting_ends_empty_handed_after_its_time() -> None:
    with LogBus().subscribe() as subscription:
        assert subscription.next_record(timeout_s=0) is None


def test_waiting_ends_when_something_is_published() -> None:
    bus = LogBus()
    with bus.subscribe() as subscription:
        publisher = threading.Thread(target=bus.publish, args=(said("at last"),))
        publisher.start()
        assert texts(subscription, 1) == ["at last"]
        publisher.join()


def test_a_reader_who_has_left_is_offered_nothing() -> None:
    bus = LogBus()
    with bus.subscribe() as subscription:
        pass
    bus.publish(said("too late"))
    assert subscription.next_record(timeout_s=0) is None


def test_a_listener_hears_of_every_event_at_once() -> None:
    bus, heard = LogBus(capacity=1), list[LogRecord]()
    bus.publish(said("before"))
    bus.listen(heard.append)
    published = [said(str(number)) for number in range(5)]
    for each in published:
        bus.publish(each)
    assert heard == published
