"""Output items while they are being written: news becomes events of a stream, and in the end there is an item.

Events: https://platform.openai.com/docs/api-reference/responses-streaming. They get their number where they are sent.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from lms.generation.events import TokenLogprob
from lms.server.ids import new_id
from lms.server.logprobs import chat_entries
from lms.server.openai.responses import custom_input, sealed
from lms.server.openai.responses.items import Status
from lms.server.openai.responses.tools import Origin
from lms.server.sse import Chunk, Template
from lms.server.tools.outcome import Outcome
from lms.server.tools.toolbox import RemoteTool

Fields = dict[str, Any]

# JSON-RPC's code for what is said of arguments.
_INVALID_PARAMS = -32602


class Writing(Protocol):
    """An item that grows."""

    def begin(self) -> Iterator[Chunk]:
        """The events that announce it."""

    def end(self, status: Status) -> Iterator[Chunk]:
        """The events that end it."""

    def item(self, status: Status) -> Fields:
        """As much of it as there is."""


class _TextWriting:
    """An item with one part, a text."""

    prefix: str
    part_type: str

    def __init__(self, index: int) -> None:
        self.id = new_id(self.prefix)
        self._place = {"item_id": self.id, "output_index": index, "content_index": 0}
        self._index = index
        self._pieces: list[str] = []
        self._delta = Template(self._delta_fields)

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def begin(self) -> Iterator[Chunk]:
        yield _added(self._index, self._whole("in_progress", []))
        yield {"type": "response.content_part.added"} | self._place | {"part": self._part("", [])}

    def add(self, text: str) -> Chunk:
        """More of the text."""
        self._pieces.append(text)
        return self._delta.filled(text)

    def end(self, status: Status) -> Iterator[Chunk]:
        part = self._part(self.text, self._logprobs())
        yield (
            {"type": f"response.{self.part_type}.done"}
            | self._place
            | {name: value for name, value in part.items() if name in ("text", "logprobs")}
        )
        yield {"type": "response.content_part.done"} | self._place | {"part": part}
        yield _done(self._index, self.item(status))

    def item(self, status: Status) -> Fields:
        return self._whole(status, [self._part(self.text, self._logprobs())])

    def _delta_fields(self, text: str) -> Fields:
        return {"type": f"response.{self.part_type}.delta"} | self._place | {"delta": text}

    def _whole(self, status: Status, content: list[Fields]) -> Fields:
        raise NotImplementedError

    def _part(self, text: str, logprobs: list[Fields]) -> Fields:
        return {"type": self.part_type, "text": text}

    def _logprobs(self) -> list[Fields]:
        return []


class ReasoningWriting(_TextWriting):
    """What the model thinks, for a client that wants it sealed as well or not."""

    prefix = "rs_"
    part_type = "reasoning_text"

    def __init__(self, index: int, with_seal: bool) -> None:
        super().__init__(index)
        self._with_seal = with_seal

    def _whole(self, status: Status, content: list[Fields]) -> Fields:
        item: Fields = {"id": self.id, "type": "reasoning", "status": status, "summary": [], "content": content}
        return item | ({"encrypted_content": sealed.seal(self.text)} if self._with_seal else {})


class MessageWriting(_TextWriting):
    """What the model says."""

    prefix = "msg_"
    part_type = "output_text"

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self._tokens: list[Fields] = []

    def add_tokens(self, text: str, tokens: Iterable[TokenLogprob]) -> Chunk:
        """More of the text, with its tokens."""
        news = chat_entries(tokens)
        self._tokens += news
        self._pieces.append(text)
        return self._delta_fields(text) | {"logprobs": news}

    def _delta_fields(self, text: str) -> Fields:
        return super()._delta_fields(text) | {"logprobs": []}

    def _whole(self, status: Status, content: list[Fields]) -> Fields:
        return {"id": self.id, "type": "message", "role": "assistant", "status": status, "content": content}

    def _part(self, text: str, logprobs: list[Fields]) -> Fields:
        return super()._part(text, logprobs) | {"annotations": [], "logprobs": logprobs}

    def _logprobs(self) -> list[Fields]:
        return self._tokens


class CallWriting:
    """A call of a function, its arguments growing."""

    prefix = "fc_"
    kind = "function_call"

    def __init__(self, index: int, call_id: str, origin: Origin) -> None:
        self._place = {"item_id": new_id(self.prefix), "output_index": index}
        self._index = index
        self._call_id = call_id
        self._origin = origin
        self._pieces: list[str] = []

    @property
    def arguments(self) -> str:
        return "".join(self._pieces)

    def begin(self) -> Iterator[Chunk]:
        yield _added(self._index, self.item("in_progress"))

    def add(self, text: str) -> Iterator[Chunk]:
        """More of the arguments."""
        self._pieces.append(text)
        yield {"type": f"response.{self.kind}_arguments.delta"} | self._place | {"delta": text}

    def end(self, status: Status) -> Iterator[Chunk]:
        whole = {"name": self._origin.name, "arguments": self.arguments}
        yield {"type": "response.function_call_arguments.done"} | self._place | whole
        yield _done(self._index, self.item(status))

    def item(self, status: Status) -> Fields:
        return self._whole("function_call", {"arguments": self.arguments}, status)

    def _whole(self, kind: str, said: Fields, status: Status) -> Fields:
        item = {"id": self._place["item_id"], "call_id": self._call_id, "type": kind, "name": self._origin.name}
        namespace = {"namespace": self._origin.namespace} if self._origin.namespace else {}
        return item | said | {"status": status} | namespace


class CustomCallWriting(CallWriting):
    """A call of a tool that takes a text. It is told when it is whole: until then it is half of some JSON."""

    prefix = "ctc_"

    def add(self, text: str) -> Iterator[Chunk]:
        self._pieces.append(text)
        yield from ()

    def end(self, status: Status) -> Iterator[Chunk]:
        text = custom_input.of(self.arguments)
        yield {"type": "response.custom_tool_call_input.delta"} | self._place | {"delta": text}
        yield {"type": "response.custom_tool_call_input.done"} | self._place | {"input": text}
        yield _done(self._index, self.item(status))

    def item(self, status: Status) -> Fields:
        return self._whole("custom_tool_call", {"input": custom_input.of(self.arguments)}, status)


class McpCallWriting(CallWriting):
    """A call of an MCP server's tool. Its item is complete when it is known what came of it."""

    prefix = "mcp_"
    kind = "mcp_call"

    def __init__(self, index: int, call_id: str, remote: RemoteTool) -> None:
        super().__init__(index, call_id, Origin(None, remote.name))
        self.call_id = call_id
        self.index = index
        self._server_label = remote.server.label
        self._outcome: Outcome | None = None

    def begin(self) -> Iterator[Chunk]:
        yield from super().begin()
        yield {"type": "response.mcp_call.in_progress"} | self._place

    def end(self, status: Status) -> Iterator[Chunk]:
        """The arguments are whole. What follows is told by `settle`, or `abandon`."""
        yield {"type": "response.mcp_call_arguments.done"} | self._place | {"arguments": self.arguments}

    def settle(self, outcome: Outcome) -> Iterator[Chunk]:
        """The events that say what came of it."""
        self._outcome = outcome
        yield {"type": f"response.mcp_call.{'failed' if outcome.failed else 'completed'}"} | self._place
        yield _done(self.index, self.item("completed"))

    def abandon(self) -> Chunk:
        """The last event of a call that was not made."""
        return _done(self.index, self.item("incomplete"))

    def item(self, status: Status) -> Fields:
        outcome = self._outcome
        return {
            "id": self._place["item_id"],
            "type": "mcp_call",
            "server_label": self._server_label,
            "name": self._origin.name,
            "arguments": self.arguments,
            "output": outcome.text if outcome and not outcome.failed else None,
            "error": _error(outcome) if outcome and outcome.failed else None,
            "approval_request_id": None,
            "status": self._status(status),
        }

    def _status(self, status: Status) -> str:
        if self._outcome is None:
            return "incomplete" if status == "incomplete" else "in_progress"
        return "failed" if self._outcome.failed else "completed"


class McpToolsWriting:
    """The list of an MCP server's tools, which is there at once."""

    def __init__(self, index: int, label: str, tools: Iterable[RemoteTool]) -> None:
        self._place = {"item_id": new_id("mcpl_"), "output_index": index}
        self._index = index
        self._label = label
        self._tools = [_listed(tool) for tool in tools]

    def begin(self) -> Iterator[Chunk]:
        yield _added(self._index, self._whole([]))
        yield {"type": "response.mcp_list_tools.in_progress"} | self._place

    def end(self, status: Status) -> Iterator[Chunk]:
        yield {"type": "response.mcp_list_tools.completed"} | self._place
        yield _done(self._index, self.item(status))

    def item(self, status: Status) -> Fields:
        return self._whole(self._tools)

    def _whole(self, tools: list[Fields]) -> Fields:
        item = {"id": self._place["item_id"], "type": "mcp_list_tools", "server_label": self._label}
        return item | {"tools": tools, "error": None}


def _listed(tool: RemoteTool) -> Fields:
    described = {"name": tool.name, "description": tool.spec.description, "input_schema": tool.spec.input_schema}
    return described | {"annotations": None}


def _error(outcome: Outcome) -> Fields:
    """As OpenAI's SDK has it."""
    if outcome.misuse is not None:
        return {"type": "mcp_protocol_error", "code": _INVALID_PARAMS, "message": outcome.text}
    return {"type": "mcp_tool_execution_error", "content": list(outcome.content)}


def _added(index: int, item: Fields) -> Chunk:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def _done(index: int, item: Fields) -> Chunk:
    return {"type": "response.output_item.done", "output_index": index, "item": item}
