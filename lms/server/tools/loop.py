"""The model calls tools, this server makes the calls and tells it what came of them, until the model answers.

One answer of an engine is a round. All rounds are one reply to the client: their tokens and times add up.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from lms.client.control import Lease
from lms.errors import InvalidRequest, McpConnectionError, TooManyToolCalls, Unsupported
from lms.generation.events import Finished
from lms.generation.messages import Message, ToolChoice
from lms.generation.request import ChatPrompt, GenerateRequest
from lms.server.answers import Answer, Batch, Head, collect, total
from lms.server.exchange import Exchange
from lms.server.requests.call import GenerateCall
from lms.server.tools.outcome import CallEnded, Calling, Outcome, calling, failed, of_answer
from lms.server.tools.toolbox import Toolbox

C = TypeVar("C")

MOST_ROUNDS = 20


@dataclass(frozen=True)
class RoundEnded:
    """All calls of a round are made. `messages` are what it adds to the conversation; `goes_on`: another follows."""

    messages: tuple[Message, ...]
    goes_on: bool = True


# Batches of all rounds, without the end of any but the last one; and what happens between rounds.
News = Batch | Calling | CallEnded | RoundEnded


@dataclass(frozen=True)
class ToolLoop:
    """One reply that may take several rounds.

    with_functions: tools that no MCP server has are the client's to call; a round with such a call is the last one
    most_calls: how many calls are made; after that the model has to do without tools of MCP servers
    """

    way: Exchange
    toolbox: Toolbox
    with_functions: bool = False
    most_calls: int | None = None

    def news(self, lease: Lease, call: GenerateCall) -> Generator[News, None, None]:
        """What happens, from the first batch to the one that ends the reply. An empty batch about every second without
        anything. Raises TooManyToolCalls when the model never answers.
        """
        if not self.toolbox.servers:
            with closing(self.way.ask(lease, call, call.requests[0], streamed=call.stream)) as batches:
                yield from batches
            return
        request = in_words = call.requests[0]
        ends, made = list[Finished](), 0
        for _ in range(MOST_ROUNDS):
            answer, request = yield from self._seen_or_told(lease, call, request, in_words)
            ends.append(answer.finished)
            results = yield from self._results(answer, made)
            made += len(results)
            if not results or len(results) < len(answer.tool_calls):
                yield (total(ends),)
                return
            messages = round_messages(answer, results)
            seen = round_messages(answer, results, with_pictures=lease.model.vision)
            has_pictures = request is not in_words or seen != messages
            in_words, shown = self._continued(in_words, messages, answer, made), request
            request = self._continued(shown, seen, answer, made) if has_pictures else in_words
            goes_on = request.max_tokens != 0
            yield RoundEnded(messages, goes_on)
            if not goes_on:
                yield (_cut(total(ends)),)
                return
            lease = yield from self._lease(call)
        raise TooManyToolCalls(
            f"The model called tools in {MOST_ROUNDS} rounds without an answer.",
            hint="Ask for less at once, or allow fewer tools.",
        )

    def streamed(
        self, call: GenerateCall, prefix: str, chunks: Callable[[Iterable[News], Head], Iterator[tuple[C, ...]]]
    ) -> Generator[tuple[C, ...], None, None]:
        """As `Exchange.streamed`, of all rounds. Ends the use of the tools."""
        with closing(self.toolbox):
            yield from self.way.streamed_as(call, prefix, lambda lease: self.news(lease, call), chunks)

    def _seen_or_told(
        self, lease: Lease, call: GenerateCall, request: GenerateRequest, in_words: GenerateRequest
    ) -> Generator[Batch, None, tuple[Answer, GenerateRequest]]:
        """A round, and the request that it answers: the one `in_words` where the model cannot be shown the pictures
        that tools have returned, as they are broken, or too many for it.
        """
        try:
            return (yield from self._round(lease, call, request)), request
        except (InvalidRequest, Unsupported):
            if request is in_words:
                raise
        lease = yield from self._lease(call)
        return (yield from self._round(lease, call, in_words)), in_words

    def _round(self, lease: Lease, call: GenerateCall, request: GenerateRequest) -> Generator[Batch, None, Answer]:
        batches: list[Batch] = []
        with closing(self.way.ask(lease, call, request, streamed=call.stream)) as asked:
            for batch in asked:
                batches.append(batch)
                shown = tuple([event for event in batch if not isinstance(event, Finished)])
                if shown or not batch:
                    yield shown
        return collect(batches)

    def _results(self, answer: Answer, made: int) -> Generator[News, None, list[CallEnded]]:
        """What came of those calls that are ours to make, one after the other. An answer that was cut off has none."""
        ended: list[CallEnded] = []
        if answer.finished.reason != "toolCalls":
            return ended
        for call in answer.tool_calls:
            remote = self.toolbox.remote.get(call.name)
            if remote is None and self.with_functions:
                continue
            begun = calling(call, remote)
            yield begun
            ended.append(CallEnded(begun, (yield from self._outcome(begun, made + len(ended)))))
            yield ended[-1]
        return ended

    def _outcome(self, begun: Calling, made: int) -> Generator[Batch, None, Outcome]:
        if (obstacle := begun.obstacle()) is not None:
            return obstacle
        if self.most_calls is not None and made >= self.most_calls:
            return failed(f"No more than {self.most_calls} calls are made.")
        assert begun.remote is not None
        assert begun.arguments is not None
        try:
            waiting = self.toolbox.call(begun.remote, begun.arguments)
            return of_answer((yield from self.way.attended(waiting)))
        except McpConnectionError as error:
            return failed(str(error))

    def _lease(self, call: GenerateCall) -> Generator[Batch, None, Lease]:
        with closing(self.way.leases(call)) as leases:
            for lease in leases:
                if lease is not None:
                    return lease
                yield ()
        raise AssertionError("leases end with one, or with an error")

    def _continued(
        self, request: GenerateRequest, messages: tuple[Message, ...], answer: Answer, made: int
    ) -> GenerateRequest:
        """The request of the next round. What had to be called has been; the tokens of the answer are those of all."""
        prompt = request.prompt
        assert isinstance(prompt, ChatPrompt)
        tools = prompt.tools
        if self.most_calls is not None and made >= self.most_calls:
            tools = tuple(tool for tool in tools if tool.name not in self.toolbox.remote)
        left = request.max_tokens
        return msgspec.structs.replace(
            request,
            prompt=msgspec.structs.replace(prompt, messages=(*prompt.messages, *messages), tools=tools),
            tool_choice=ToolChoice(parallel=request.tool_choice.parallel),
            max_tokens=None if left is None else max(0, left - answer.finished.usage.completion),
        )


def round_messages(answer: Answer, results: Sequence[CallEnded], with_pictures: bool = False) -> tuple[Message, ...]:
    """What a round adds to the conversation: what the model said and called, and what came of each call."""
    said = Message("assistant", answer.text, answer.tool_calls, reasoning=answer.reasoning or None)
    return (said, *(_returned(each, with_pictures) for each in results))


def _returned(result: CallEnded, with_pictures: bool) -> Message:
    call, remote = result.calling.call, result.calling.remote
    outcome = result.outcome
    content = outcome.for_eyes(remote.server.param) if with_pictures and remote else outcome.for_model()
    return Message("tool", content, tool_call_id=call.id, name=call.name)


def _cut(finished: Finished) -> Finished:
    return msgspec.structs.replace(finished, reason="maxPredictedTokensReached")
