"""The crowd of `make soak`: clients that each do one thing after another, drawn by weight. A seed repeats the order."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from tools.bench import texts
from tools.bench.answers import CallFailed, content, partial_answer
from tools.bench.load import Call, Exchange

CHAT, SECOND_CHAT, EMBEDDING, VISITOR = "tiny-chat", "second", "text-embedding-tiny", "visitor"
VISITOR_TTL_S = 5
REPLY_LIMIT_S = 120.0
LONGEST_STAY_S = 1.5
SYSTEM_PROMPTS = tuple(texts.words(100, salt) for salt in range(3))


@dataclass(frozen=True)
class Deed:
    """One kind of request. `leaves`: the client hangs up at a time of its own choice."""

    name: str
    weight: int
    call: Callable[[Random], Call]
    leaves: bool = False


def chat(random: Random, prompt: str, max_tokens: int, *, system: str = "", stream: bool = True, **more: Any) -> Call:
    """A chat with one of the two chat models."""
    messages = [{"role": "system", "content": system}] if system else []
    body = {
        "model": random.choice((CHAT, CHAT, SECOND_CHAT)),
        "messages": [*messages, {"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "temperature": random.choice((0.0, 0.8)),
        **more,
    }
    return Call.streamed("/chat/completions", body) if stream else Call("/chat/completions", body)


def words(random: Random, fewest: int, most: int) -> str:
    return texts.words(random.randint(fewest, most), random.getrandbits(32))


def _embedding(random: Random) -> Call:
    inputs = [words(random, 3, 40) for _ in range(random.choice((1, 1, 4, 16)))]
    return Call("/embeddings", {"model": EMBEDDING, "input": inputs})


DEEDS = (
    Deed("short chat", 6, lambda random: chat(random, words(random, 3, 12), 24)),
    Deed("long chat", 2, lambda random: chat(random, f"Tell me a story about {words(random, 1, 2)}.", 256)),
    Deed("long prompt", 1, lambda random: chat(random, words(random, 200, 250), 16)),
    Deed(
        "shared prefix",
        4,
        lambda random: chat(random, words(random, 4, 10), 24, system=random.choice(SYSTEM_PROMPTS)),
    ),
    Deed("not streamed", 3, lambda random: chat(random, words(random, 3, 12), 24, stream=False)),
    Deed("embedding", 5, _embedding),
    Deed("leaves a stream", 3, lambda random: chat(random, words(random, 3, 200), 400), leaves=True),
    Deed("leaves a plain answer", 2, lambda random: chat(random, words(random, 3, 60), 400, stream=False), leaves=True),
    # Loaded just in time, unloaded a few seconds later: engines come and go beside the others.
    Deed("visits", 1, lambda random: chat(random, words(random, 3, 12), 8, model=VISITOR, ttl=VISITOR_TTL_S)),
)


class Crowd:
    """`done` counts what went well, `failed` says what did not and should have. After a failure a client pauses: it
    should not ask a server that is gone a thousand times a second."""

    def __init__(self, port: int, clients: int, seed: int, pause_s: float = 1.0) -> None:
        self._port = port
        self._clients = clients
        self._seed = seed
        self._pause_s = pause_s
        self.done: Counter[str] = Counter()
        self.failed: list[str] = []

    async def work(self, seconds: float) -> None:
        """All clients, until the time is over and each has finished what it was doing."""
        until_s = time.monotonic() + seconds
        await asyncio.gather(*(self._client(Random(self._seed + number), until_s) for number in range(self._clients)))

    async def _client(self, random: Random, until_s: float) -> None:
        weights = [deed.weight for deed in DEEDS]
        while time.monotonic() < until_s:
            (deed,) = random.choices(DEEDS, weights)
            try:
                await self._do(deed, random)
                self.done[deed.name] += 1
            except (CallFailed, OSError, ValueError) as error:  # a TimeoutError is an OSError
                self.failed.append(f"{deed.name}: {type(error).__name__}: {error}")
                await asyncio.sleep(self._pause_s)

    async def _do(self, deed: Deed, random: Random) -> None:
        call = deed.call(random)
        exchange = await Exchange.start(self._port, call)
        if deed.leaves:
            with suppress(TimeoutError):
                await exchange.reply(random.uniform(0, LONGEST_STAY_S))
            await exchange.leave()
            return
        reply = await exchange.reply(REPLY_LIMIT_S)
        if call.body.get("stream"):
            if not partial_answer(reply).usage.prompt:
                raise CallFailed("The stream ended without its usage.")
        elif not content(reply).get("usage"):
            raise CallFailed("The answer has no usage.")
