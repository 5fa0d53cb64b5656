"""The items that a response is asked with and answered with, and the conversation that they amount to."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lms.errors import InvalidRequest, Unsupported
from lms.generation.messages import Message, Part, Text, ToolCall
from lms.server.ids import new_id
from lms.server.openai.responses import custom_input, sealed
from lms.server.openai.responses.names import visible
from lms.server.requests.fields import NonEmpty, converted
from lms.server.requests.messages import joined
from lms.server.requests.pictures import Detail, from_data_url
from lms.server.tools.outcome import Outcome, failed

Status = Literal["in_progress", "completed", "incomplete"]
# An id is a key of the history, whoever made it.
Id = Annotated[str, Meta(min_length=1, max_length=128)]


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Common to all kinds of content parts."""


class InputText(_Part, frozen=True, tag="input_text"):
    text: str


class OutputText(_Part, frozen=True, omit_defaults=False, tag="output_text"):
    text: str
    annotations: list[dict[str, Any]] = msgspec.field(default_factory=list)
    logprobs: list[dict[str, Any]] = msgspec.field(default_factory=list)


class Refusal(_Part, frozen=True, tag="refusal"):
    refusal: str


class InputImage(_Part, frozen=True, tag="input_image"):
    image_url: str | None = None
    file_id: str | None = None
    detail: Detail | None = None


class InputFile(_Part, frozen=True, tag="input_file"):
    """Refused: nothing here reads files."""


class ReasoningText(_Part, frozen=True, tag="reasoning_text"):
    text: str


class SummaryText(_Part, frozen=True, tag="summary_text"):
    text: str


AnyPart = InputText | OutputText | Refusal | InputImage | InputFile
Content = str | list[AnyPart]


class _Item(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Common to all kinds of items."""

    id: Id | None = None
    status: Status | None = None


class MessageItem(_Item, frozen=True, tag="message"):
    role: Literal["user", "assistant", "system", "developer"]
    content: Content


class FunctionCall(_Item, frozen=True, tag="function_call"):
    call_id: NonEmpty
    name: NonEmpty
    arguments: str
    namespace: str | None = None


class FunctionCallOutput(_Item, frozen=True, tag="function_call_output"):
    call_id: NonEmpty
    output: Content


class CustomCall(_Item, frozen=True, tag="custom_tool_call"):
    """A call of a tool that takes a text."""

    call_id: NonEmpty
    name: NonEmpty
    input: str
    namespace: str | None = None


class CustomCallOutput(FunctionCallOutput, frozen=True, tag="custom_tool_call_output"):
    """What such a tool returned."""


class Reasoning(_Item, frozen=True, tag="reasoning"):
    """What the model thought: in the clear, or sealed for a client that keeps the conversation itself."""

    summary: list[SummaryText] = msgspec.field(default_factory=list)
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None


class McpCall(_Item, frozen=True, kw_only=True, tag="mcp_call"):
    """A call of an MCP server's tool that this server has made. One without output or error was not made."""

    server_label: NonEmpty
    name: NonEmpty
    arguments: str
    output: str | None = None
    error: Any = None
    approval_request_id: str | None = None
    status: Literal["in_progress", "calling", "completed", "incomplete", "failed"] | None = None  # type: ignore[assignment]


class McpTools(_Item, frozen=True, tag="mcp_list_tools"):
    """What tools an MCP server had. Each response lists them anew."""

    server_label: NonEmpty
    tools: list[dict[str, Any]]
    error: Any = None


class Reference(_Item, frozen=True, tag="item_reference"):
    """An item that this server has kept."""

    id: Id


Item = MessageItem | FunctionCall | FunctionCallOutput | CustomCall | CustomCallOutput | Reasoning | McpCall | McpTools
AnyItem = Item | Reference

_PREFIX: dict[type[Item], str] = {
    MessageItem: "msg_",
    FunctionCall: "fc_",
    FunctionCallOutput: "fco_",
    CustomCall: "ctc_",
    CustomCallOutput: "ctco_",
    Reasoning: "rs_",
    McpCall: "mcp_",
    McpTools: "mcpl_",
}
_TAGS = {"message", "reasoning", "item_reference", "mcp_call", "mcp_list_tools"}
_TAGS |= {"function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"}


def read(fields: dict[str, Any], path: str) -> AnyItem:
    """One item of the input. Without a type it is a message, or a reference if it has no role.

    Raises InvalidRequest naming the field, and Unsupported for an item of a tool that this server does not have.
    """
    kind = fields.get("type") or ("message" if "role" in fields else "item_reference")
    if isinstance(kind, str) and kind not in _TAGS:
        raise Unsupported(f"“{path}.type” is “{kind}”, which this server does not read.", param=f"{path}.type")
    item: AnyItem = converted(fields | {"type": kind}, AnyItem, path)  # type: ignore[arg-type]
    return item


def listed(item: Item) -> dict[str, Any]:
    """The item as it is shown later: with an id and a status, its text as a part."""
    identified = msgspec.structs.replace(
        item, id=item.id or new_id(_PREFIX[type(item)]), status=item.status or "completed"
    )
    if isinstance(identified, MessageItem) and isinstance(identified.content, str):
        identified = msgspec.structs.replace(identified, content=[_text(identified.role, identified.content)])
    fields: dict[str, Any] = msgspec.to_builtins(identified)
    return {name: value for name, value in fields.items() if value is not None}


def _text(role: str, text: str) -> InputText | OutputText:
    return OutputText(text) if role == "assistant" else InputText(text)


def conversation(items: Iterable[tuple[str, Item]]) -> tuple[Message, ...]:
    """The messages that the items amount to, each given with its path in the request.

    What the model thought, said and called one after the other is one message. Raises InvalidRequest naming a picture
    that is none, and Unsupported naming a file.
    """
    messages: list[Message] = []
    for path, item in items:
        match item:
            case MessageItem(role="assistant"):
                _say(messages, _content(item.content, f"{path}.content"))
            case MessageItem():
                role: Literal["user", "system"] = "user" if item.role == "user" else "system"
                messages.append(Message(role, _content(item.content, f"{path}.content")))
            case Reasoning():
                _think(messages, _thought(item, path))
            case FunctionCall():
                _call(messages, ToolCall(item.call_id, visible(item.namespace, item.name), item.arguments))
            case CustomCall():
                arguments = custom_input.arguments(item.input)
                _call(messages, ToolCall(item.call_id, visible(item.namespace, item.name), arguments))
            case McpCall() if item.output is not None or item.error is not None:
                call_id = item.id or new_id(_PREFIX[McpCall])
                _call(messages, ToolCall(call_id, item.name, item.arguments))
                messages.append(Message("tool", _returned(item), tool_call_id=call_id, name=item.name))
            case FunctionCallOutput():
                messages.append(Message("tool", _content(item.output, f"{path}.output"), tool_call_id=item.call_id))
    return tuple(messages)


def _think(messages: list[Message], thought: str) -> None:
    last = _silent(messages)
    messages.append(msgspec.structs.replace(last, reasoning=f"{last.reasoning or ''}{thought}" or None))


def _say(messages: list[Message], content: str | tuple[Part, ...]) -> None:
    messages.append(msgspec.structs.replace(_silent(messages), content=content))


def _call(messages: list[Message], call: ToolCall) -> None:
    last = _taken_back(messages)
    messages.append(msgspec.structs.replace(last, tool_calls=(*last.tool_calls, call)))


def _silent(messages: list[Message]) -> Message:
    """The model's message that `messages` end with, taken out of them, if it only thought yet; else a new one."""
    last = _taken_back(messages)
    if not last.content and not last.tool_calls:
        return last
    messages.append(last)
    return Message("assistant")


def _taken_back(messages: list[Message]) -> Message:
    """The model's message that `messages` end with, taken out of them; a new one where they do not end so."""
    return messages.pop() if messages and messages[-1].role == "assistant" else Message("assistant")


def _thought(item: Reasoning, path: str) -> str:
    """All of it where it is there, else what was sealed, else at least its summary."""
    if item.content:
        return "".join(part.text for part in item.content)
    if item.encrypted_content is not None:
        return sealed.opened(item.encrypted_content, f"{path}.encrypted_content")
    return "\n".join(part.text for part in item.summary)


def _returned(call: McpCall) -> str:
    """What the model was told of it."""
    if call.output is not None:
        return call.output
    match call.error:
        case {"content": [*parts]} if all(isinstance(part, dict) for part in parts):
            return Outcome(tuple(parts), failed=True).for_model()
        case {"message": str(reason)} | str(reason):
            return failed(reason).for_model()
    return failed("The call failed.").for_model()


def _content(content: Content, path: str) -> str | tuple[Part, ...]:
    if isinstance(content, str):
        return content
    return joined(tuple(_part(part, f"{path}[{index}]") for index, part in enumerate(content)))


def _part(part: AnyPart, path: str) -> Part:
    match part:
        case InputText(text) | OutputText(text) | Refusal(text):
            return Text(text)
        case InputImage(str(url)):
            return from_data_url(url, f"{path}.image_url", part.detail or "auto")
        case InputImage(file_id=str()):
            raise Unsupported("There are no uploaded files here.", hint="Send a data URL.", param=f"{path}.file_id")
        case InputImage():
            raise InvalidRequest(f"“{path}.image_url” is required.", param=f"{path}.image_url")
    raise Unsupported(f"“{path}” is a file, and this server reads text and pictures only.", param=path)
