"""What clients do, the same to every server. Each function asks a server and returns figures by name.

`salt` decides the words, so that no run finds anything in a cache that an earlier one left. Tokens are as the servers
count them: llama-server counts the one that ends an answer, which is to its advantage in the short ones.
"""

import itertools
import statistics
from collections.abc import Callable
from typing import Any

from tools.bench import load, texts
from tools.bench.answers import Answer, CallFailed, Reply, answer, content, partial_answer
from tools.bench.load import Call, Exchange, Together
from tools.bench.servers import Server

Figures = dict[str, float]
Workload = Callable[[Server, int], Figures]
Messages = list[dict[str, str]]

GREEDY = {"temperature": 0, "repeat_penalty": 1.0, "seed": 1}
RATE, WALL, FIRST, PROCESSED = "tokens per second", "wall", "first token", "processed again"
REQUESTS, GAP, GAP_IN_PASSES = "requests per second", "gap p95", "gap p95 in passes"

LONG_PROMPT_WORDS = 4000
RUNNING_STREAMS = 4
EMBED_ROUNDS = 8
SHORT_ANSWERS = 8


def chat(server: Server, messages: Messages, max_tokens: int, **sampling: Any) -> Call:
    """A streamed chat, greedy unless `sampling` says otherwise."""
    body = {"model": server.model, "messages": messages, "max_tokens": max_tokens, **GREEDY, **sampling}
    return Call.streamed("/chat/completions", body)


def completion(server: Server, prompt: str, max_tokens: int, **sampling: Any) -> Call:
    """A streamed completion, greedy unless `sampling` says otherwise."""
    body = {"model": server.model, "prompt": prompt, "max_tokens": max_tokens, **GREEDY, **sampling}
    return Call.streamed("/completions", body)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


def single(server: Server, salt: int) -> Figures:
    """One stream, its prompt included."""
    return _speed(_together(server, [chat(server, [user(texts.words(64, salt))], 96)]))


def different_prompts(clients: int) -> Workload:
    """Clients that have nothing in common."""

    def work(server: Server, salt: int) -> Figures:
        prompts = [texts.words(96, salt + number) for number in range(clients)]
        return _speed(_together(server, [chat(server, [user(prompt)], 48) for prompt in prompts]))

    return work


def shared_prefix(clients: int) -> Workload:
    """Clients with one long system prompt and a question each, all at once."""

    def work(server: Server, salt: int) -> Figures:
        shared = system(texts.words(768, salt))
        questions = [user(texts.words(24, salt + number)) for number in range(1, clients + 1)]
        return _speed(_together(server, [chat(server, [shared, question], 24) for question in questions]))

    return work


def turns(server: Server, salt: int) -> Figures:
    """Five turns of one conversation. First token: the median of the later four. Processed again: tokens of the
    previous prompt that a later turn did not take from the cache, all turns together."""
    messages, answers = [system(texts.words(400, salt))], list[Answer]()
    for number in range(5):
        messages.append(user(texts.words(40, salt + 1 + number)))
        answers += _together(server, [chat(server, messages, 16)]).answers
        messages.append({"role": "assistant", "content": answers[-1].text})
    pairs = itertools.pairwise(answers)
    again = sum(max(0, earlier.usage.prompt - later.usage.cached) for earlier, later in pairs)
    return {FIRST: statistics.median(one.first_token_s for one in answers[1:]), PROCESSED: again}


def overhead(clients: int) -> Workload:
    """Completions of a model so small that only what is around it counts."""

    def work(server: Server, salt: int) -> Figures:
        seeds = range(salt, salt + clients)
        calls = [completion(server, "Once upon a time", 200, temperature=0.8, seed=seed) for seed in seeds]
        return _speed(_together(server, calls))

    return work


def embeddings(clients: int) -> Workload:
    """Texts of 40 words, one a request, so many requests at once, eight times."""

    def work(server: Server, salt: int) -> Figures:
        inputs = [texts.words(40, salt + number) for number in range(EMBED_ROUNDS * clients)]
        calls = [Call("/embeddings", {"model": server.model, "input": text}) for text in inputs]

        async def rounds() -> list[Reply]:
            return [
                reply
                for start in range(0, len(calls), clients)
                for reply in await load.ask_together(server.port, calls[start : start + clients])
            ]

        replies = load.run(rounds)
        for reply in replies:
            if len(content(reply)["data"][0]["embedding"]) < 2:
                raise CallFailed("The embedding has no components.")
        return {REQUESTS: len(replies) / (replies[-1].ended_s - replies[0].sent_s)}

    return work


def repeat_text(server: Server, salt: int) -> Figures:
    """“Repeat this text”, in lengths that the bundled chat model can; one answer after the other."""
    asked = [f"Repeat this text: {texts.words(10, salt + number)}" for number in range(SHORT_ANSWERS)]
    return _in_turn(server, [chat(server, [user(question)], 96) for question in asked])


def edit_json(server: Server, salt: int) -> Figures:
    """“Edit this JSON”, likewise: the answer is the prompt's object with another number."""
    asked = [
        f'Write the JSON {{"name": "{name}", "age": {salt % 50 + number}}} again, with age {salt % 40 + 50}.'
        for number, name in enumerate(texts.words(SHORT_ANSWERS, salt).split())
    ]
    return _in_turn(server, [chat(server, [user(question)], 96) for question in asked])


def story(server: Server, salt: int) -> Figures:
    """Text that the prompt has nothing of, another one for each seed."""
    seeds = range(salt, salt + SHORT_ANSWERS)
    return _in_turn(server, [chat(server, [user("Tell me a story.")], 128, temperature=1.0, seed=n) for n in seeds])


def refrain(server: Server, salt: int) -> Figures:
    """The copying model goes on with a text that the prompt holds."""
    start = texts.words(16, salt, texts.OTHER_WORDS)
    whole = " ".join(texts.REFRAIN)
    return _speed(_together(server, [completion(server, f" {start} {whole} {texts.REFRAIN[0]}", 90)]))


def edited_refrain(server: Server, salt: int) -> Figures:
    """The copying model writes its text; the prompt holds it with each twelfth word another one."""
    start = texts.words(16, salt, texts.OTHER_WORDS)
    changed = texts.with_changes(" ".join(texts.REFRAIN), 12, salt)
    return _speed(_together(server, [completion(server, f" {start} {changed} {texts.REFRAIN[0]}", 90)]))


def no_refrain(server: Server, salt: int) -> Figures:
    """The copying model writes words of which none comes twice."""
    return _speed(_together(server, [completion(server, f" {texts.words(96, salt, texts.OTHER_WORDS)}", 90)]))


def interference(server: Server, salt: int) -> Figures:
    """A long prompt joins running streams. What counts are the gaps in those, from its sending to its first token.

    A pass is the median gap: while a prompt is processed in chunks, each pass gives every stream one token.
    """
    gaps_s = load.run(lambda: _gaps_beside_a_long_prompt(server, salt))
    p95_s = quantile(gaps_s, 0.95)
    return {GAP: p95_s, GAP_IN_PASSES: p95_s / statistics.median(gaps_s)}


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


async def _gaps_beside_a_long_prompt(server: Server, salt: int) -> list[float]:
    calls = [chat(server, [user(texts.words(48, salt + 1 + number))], 2000) for number in range(RUNNING_STREAMS)]
    streams = [await Exchange.start(server.port, call) for call in calls]
    for stream in streams:
        await stream.text()
    joining = await Exchange.start(server.port, chat(server, [user(texts.words(LONG_PROMPT_WORDS, salt))], 4))
    joined = await joining.reply()
    first_s = joined.sent_s + answer(joined).first_token_s
    left = [await stream.leave() for stream in streams]
    return [gap_s for reply in left for gap_s in gaps_within(reply, joined.sent_s, first_s)]


def gaps_within(reply: Reply, start_s: float, end_s: float) -> list[float]:
    """The times between arrivals of text, of those gaps that touch the time from `start_s` to `end_s`.

    A stream that has not said anything more until `end_s` has one gap, up to then.
    """
    arrivals_s = [reply.sent_s + after_s for after_s in partial_answer(reply).arrivals_s]
    arrivals_s = [*(at_s for at_s in arrivals_s if at_s < end_s), end_s] if arrivals_s[-1] < end_s else arrivals_s
    pairs = itertools.pairwise(arrivals_s)
    return [later - earlier for earlier, later in pairs if later > start_s and earlier < end_s]


def _together(server: Server, calls: list[Call]) -> Together:
    return load.stream_together(server.port, calls)


def _in_turn(server: Server, calls: list[Call]) -> Figures:
    """The speed of several answers, each asked for when the one before it is there."""
    seen = [_together(server, [call]) for call in calls]
    return _speed(Together(sum(one.wall_s for one in seen), tuple(found for one in seen for found in one.answers)))


def _speed(seen: Together) -> Figures:
    first_s = statistics.median(one.first_token_s for one in seen.answers)
    return {RATE: seen.tokens_per_second, WALL: seen.wall_s, FIRST: first_s}
