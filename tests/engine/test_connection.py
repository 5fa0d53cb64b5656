"""What leaves a connection, and when: read at the other end of a real socket."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.engine.connection import Connection, merged
from lms.engine.protocol import Call, Events
from lms.generation.events import (
    Event,
    Finished,
    PromptProgress,
    ReasoningDelta,
    Stats,
    TextDelta,
    TokenLogprob,
    Usage,
)
from lms.generation.request import GenerateRequest, TextPrompt
from lms.wire import Unpacker, pack

FINISHED = Finished("eosFound", Usage(1, 1), Stats(1.0, 1.0, 1.0))
MANY = 20_000

pieces = st.sampled_from(["a", "bc", ""])
events = st.lists(
    st.builds(TextDelta, pieces)
    | st.builds(ReasoningDelta, pieces)
    | st.builds(PromptProgress, *[st.integers(0, 9)] * 3)
)


class Site:
    """A connection that was called, and its client."""

    def __init__(self, stream: bool) -> None:
        ours, self.client = socket.socketpair()
        self.client.setblocking(False)
        self.connection = Connection(1, ours)
        self.client.sendall(pack(Call(GenerateRequest(TextPrompt("Hi")), stream)))
        assert self.connection.receive()
        self._unpacker: Unpacker[Events] = Unpacker(Events)

    def frames(self) -> list[tuple[Event, ...]]:
        """What the client can read without waiting."""
        received = b""
        with suppress(BlockingIOError):
            while more := self.client.recv(1 << 20):
                received += more
        return [frame.events for frame in self._unpacker.feed(received)]

    def close(self) -> None:
        self.connection.close()
        self.client.close()


@pytest.fixture(params=[True, False], ids=["streamed", "whole"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    opened = Site(request.param)
    yield opened
    opened.close()


@pytest.mark.parametrize("site", [True], indirect=True)
def test_what_a_client_can_read_is_sent_at_once(site: Site) -> None:
    for text in "abc":
        site.connection.send([TextDelta(text)])
        assert site.frames() == [(TextDelta(text),)]
    assert not site.connection.is_finished


@pytest.mark.parametrize("site", [False], indirect=True)
def test_an_answer_wanted_whole_leaves_in_one_frame_with_its_end(site: Site) -> None:
    for text in "abc":
        site.connection.send([TextDelta(text)])
    assert site.frames() == []
    site.connection.send([FINISHED])
    assert site.frames() == [(TextDelta("abc"), FINISHED)]
    assert site.connection.is_finished


@pytest.mark.parametrize("site", [True], indirect=True)
def test_what_waits_for_a_client_that_does_not_read_leaves_together_when_it_reads(site: Site) -> None:
    for _ in range(MANY):
        site.connection.send([TextDelta("x")])
    site.connection.send([FINISHED])
    assert site.connection.wants_to_write
    frames: list[tuple[Event, ...]] = []
    while not site.connection.is_finished:
        frames += site.frames()
        site.connection.flush()
    frames += site.frames()
    assert len(frames) < MANY
    assert merged([event for frame in frames for event in frame]) == [TextDelta("x" * MANY), FINISHED]


def test_sending_to_a_client_that_left_is_an_error(site: Site) -> None:
    site.client.close()
    with pytest.raises(OSError, match="Broken pipe"):
        site.connection.send([FINISHED])


@given(events)
def test_neighbours_of_one_kind_are_merged(given: list[Event]) -> None:
    assert merged(given) == [naively_merged(kind, list(run)) for kind, run in groupby(given, type)]


def naively_merged(kind: type[Event], run: list[Event]) -> Event:
    """Events of one kind as one: the last step of a prompt, or all texts."""
    if kind is PromptProgress:
        return run[-1]
    texts = [event.text for event in run if isinstance(event, TextDelta | ReasoningDelta)]
    return TextDelta("".join(texts)) if kind is TextDelta else ReasoningDelta("".join(texts))


def test_joined_pieces_keep_their_tokens() -> None:
    tokens = [TokenLogprob(letter.encode(), 0.0) for letter in "abc"]
    pieces: list[Event] = [TextDelta("ab", tuple(tokens[:2])), TextDelta(""), TextDelta("c", (tokens[2],))]
    assert merged(pieces) == [TextDelta("abc", tuple(tokens))]
