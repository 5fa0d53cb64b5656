"""Bytes into a pipe that nobody, or somebody, reads."""

import os
from collections.abc import Iterator

import pytest

from lms.engine.outbox import Outbox

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    yield reading, writing
    os.close(reading)
    os.close(writing)


def test_what_fits_leaves_at_once(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outbox = Outbox(writing)
    outbox.send(b"ab")
    outbox.send(b"c")
    assert outbox.is_empty
    assert os.read(reading, 10) == b"abc"


def test_what_does_not_fit_waits_and_leaves_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outbox = Outbox(writing)
    for _ in range(3):
        outbox.send(CONTENT)
    assert len(outbox) > len(CONTENT)
    received = b""
    while not outbox.is_empty:
        received += os.read(reading, 1 << 16)
        outbox.flush()
    while len(received) < 3 * len(CONTENT):
        received += os.read(reading, 1 << 16)
    assert received == 3 * CONTENT


def test_a_reader_that_is_gone_is_an_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(OSError, match="Broken pipe"):
        Outbox(writing).send(b"x")
    os.close(writing)
