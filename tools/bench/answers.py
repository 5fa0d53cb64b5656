"""What a server sent back, read after the clock has stopped: HTTP framing, server-sent events, usage. Pure."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

HEAD_END = b"\r\n\r\n"
LINE_END = b"\r\n"


class CallFailed(Exception):
    """The server refused, or broke off."""


@dataclass(frozen=True)
class Reply:
    """The bytes of one answer as they came in, each piece with its time. Seconds of `time.perf_counter`."""

    sent_s: float
    ended_s: float
    pieces: tuple[tuple[float, bytes], ...]


@dataclass(frozen=True)
class Usage:
    """Tokens, as the server counts them. `cached` are those of the prompt that it did not process again."""

    prompt: int
    completion: int
    cached: int


@dataclass(frozen=True)
class Answer:
    """One generated text. `arrivals_s`: when each piece of text came in, counted from the request's sending."""

    text: str
    arrivals_s: tuple[float, ...]
    usage: Usage

    @property
    def first_token_s(self) -> float:
        return self.arrivals_s[0]

    @property
    def gaps_s(self) -> list[float]:
        """Between one arrival of text and the next."""
        return [later - earlier for earlier, later in itertools.pairwise(self.arrivals_s)]


class Body:
    """Takes an answer apart piece by piece: the head first, then the body without the frames of chunked coding.

    A chunk is given out when all of it is there. Raises CallFailed on a status other than 200.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._in_head = True
        self._chunked = False
        self._refused = False

    def feed(self, piece: bytes) -> bytes:
        """The bytes of the body that are complete with `piece`."""
        self._pending += piece
        if self._in_head and not self._read_head():
            return b""
        if self._refused:
            raise CallFailed(self._pending[:500].decode(errors="replace"))
        if not self._chunked:
            taken, self._pending = self._pending, b""
            return taken
        return b"".join(self._chunks())

    def _read_head(self) -> bool:
        head, end, rest = self._pending.partition(HEAD_END)
        if not end:
            return False
        self._refused = head.split(b" ", 2)[1] != b"200"
        self._chunked = b"transfer-encoding: chunked" in head.lower()
        self._in_head, self._pending = False, rest
        return True

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size_line, end, rest = self._pending.partition(LINE_END)
            size = int(size_line, 16) if end else 0
            if not end or len(rest) < size + len(LINE_END):
                return
            self._pending = rest[size + len(LINE_END) :]
            yield rest[:size]


class Events:
    """The JSON of server-sent events, piece by piece. Comments and the final `[DONE]` are stepped over."""

    def __init__(self) -> None:
        self._body = Body()
        self._pending = b""

    def feed(self, piece: bytes) -> list[dict[str, Any]]:
        """The events that are complete with `piece`. Raises CallFailed when one of them is an error."""
        *lines, self._pending = (self._pending + self._body.feed(piece)).split(b"\n")
        payloads = [line[len(b"data:") :].strip() for line in lines if line.startswith(b"data:")]
        events = [json.loads(payload) for payload in payloads if payload != b"[DONE]"]
        for event in events:
            if "error" in event:
                raise CallFailed(str(event["error"]))
        return events


def text_of(event: dict[str, Any]) -> str:
    """The text that a chunk of a chat or a completion adds, reasoning included."""
    texts = []
    for choice in event.get("choices") or ():
        delta = choice.get("delta") or choice
        texts += [delta.get("reasoning_content") or "", delta.get("content") or delta.get("text") or ""]
    return "".join(texts)


def partial_answer(reply: Reply) -> Answer:
    """As much of a streamed answer as there is; its usage is all zeros when the client left before the end."""
    events, texts, arrivals, usage = Events(), [], [], Usage(0, 0, 0)
    for time_s, piece in reply.pieces:
        added = ""
        for event in events.feed(piece):
            added += text_of(event)
            usage = _usage(event) or usage
        if added:
            texts.append(added)
            arrivals.append(time_s - reply.sent_s)
    return Answer("".join(texts), tuple(arrivals), usage)


def answer(reply: Reply) -> Answer:
    """A whole streamed answer. Raises CallFailed when it has no text or was cut off before its usage."""
    whole = partial_answer(reply)
    if not whole.usage.completion or not whole.arrivals_s:
        raise CallFailed(f"The answer has no usage or no text: {b''.join(piece for _, piece in reply.pieces)[-300:]!r}")
    return whole


def content(reply: Reply) -> Any:
    """The JSON of an answer that was not streamed. Raises CallFailed."""
    body = Body()
    whole = b"".join([body.feed(piece) for _, piece in reply.pieces])
    try:
        return json.loads(whole)
    except ValueError as error:
        raise CallFailed(f"The answer is no JSON: {whole[:300]!r}") from error


def _usage(event: dict[str, Any]) -> Usage | None:
    counts = event.get("usage")
    if not counts:
        return None
    cached = (counts.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(counts["prompt_tokens"], counts["completion_tokens"], cached)
