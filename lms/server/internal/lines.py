"""Answers that take their time, as lines of JSON. A blank line about twice a second says “still here”, and finds out
whether the client still is: writing to one that left ends the answer, and with it the work.
"""

from collections.abc import Iterator

import msgspec

from lms.client.control import LoadDone, LoadError, LoadProgress
from lms.errors import LmsError, to_wire
from lms.logbus.bus import Subscription
from lms.pool.waiting import Waiting
from lms.server.internal.controls import Controls

HEARTBEAT_S = 0.5
BLANK = b"\n"


def load(waiting: Waiting[LoadProgress | LoadDone]) -> Iterator[bytes]:
    """Every `LoadReport`, the last of which is `LoadDone` or `LoadError`."""
    yield BLANK
    while True:
        try:
            report = waiting.take(HEARTBEAT_S)
        except TimeoutError:
            yield BLANK
            continue
        except LmsError as error:
            yield line(LoadError(to_wire(error)))
            return
        yield line(report)
        if isinstance(report, LoadDone):
            return


def logs(subscription: Subscription, controls: Controls) -> Iterator[bytes]:
    """Every `LogRecord`, until the daemon has ended."""
    yield BLANK
    while not controls.closed:
        published = subscription.next_record(HEARTBEAT_S)
        yield line(published) if published else BLANK
    while published := subscription.next_record(0):
        yield line(published)


def line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"
