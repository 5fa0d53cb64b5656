"""Every error that a user can meet, as one tree. Each says in one sentence what happened, and in a hint what to do.

    LmsError
    ├── InvalidRequest          the request itself is wrong; `param` is the path of the field
    │   ├── MissingParameter    a field that must be there is not
    │   ├── UnknownParameter    a field is there that the endpoint does not have
    │   ├── PromptTooLong       more tokens than the context holds
    │   ├── PayloadTooLarge     more bytes than the server reads
    │   ├── PreviousResponseNotFound  the stored response to go on from is not there
    │   └── PresetNotFound      no preset goes by that name
    ├── Unsupported             asked for correctly, and this build cannot do it
    ├── Unauthorized            the server asks for an API token, and got none that it knows
    ├── PermissionDenied        the API token does not allow this
    ├── TokenNotFound           no API token has that id
    ├── PathNotFound            no such endpoint
    ├── MethodNotAllowed        the endpoint exists, not with this method
    ├── ModelNotFound           nothing on disk (or nothing loaded) goes by that name
    ├── AmbiguousModel          several models go by that name; `candidates` lists them
    ├── ModelDamaged            the file is no whole model
    ├── ModelNotLoaded          just-in-time loading is off and the model is not loaded
    ├── ModelInUse              a file of the model is in use, as it is loaded
    ├── ModelExists             where a model is to go, one is already
    ├── IdentifierInUse         another loaded model has that identifier
    ├── NotEnoughMemory         the load was refused by the memory plan
    ├── ResponseNotFound        no stored response has that id
    ├── ChatNotFound            no saved chat has that id
    ├── RequestNotFound         no recorded request has that id
    ├── HistoryFailed           the file of stored responses cannot be read or written
    ├── QueueFull               the model has as many waiting requests as it takes
    ├── EngineFailed            an engine could not load its model, or died
    ├── ModelUnloaded           the model was unloaded while the request ran
    ├── McpConnectionError      an MCP server cannot be reached, or does not say what tools it has
    ├── TooManyToolCalls        the model called tools again and again, and never answered
    ├── HubUnreachable          the hub does not answer, or not now
    ├── HubRefused              the hub does not give it to whoever we are
    ├── DownloadFailed          what was downloaded is not what the hub has
    ├── DownloadNotFound        no download has that id
    ├── NotEnoughDisk           a download does not fit on the disk
    ├── DaemonUnreachable       nobody answers on the daemon's socket
    ├── DaemonFailed            the daemon could not start
    ├── HostUnreachable         nobody answers on the other machine, or somebody else
    ├── PortTaken               the server's port belongs to another program
    ├── ServerNotRunning        the HTTP server is off
    ├── ServerStopped           the HTTP server was stopped while the request ran
    ├── ServiceFailed           the system's service manager did not do what it was asked
    └── UsageError              the command line is wrong

The tree is closed: one table maps it to HTTP statuses (`server/errors.py`), one to exit codes (`cli/exits.py`), and a
test compares both with it. Errors cross process borders as `to_wire` and `from_wire` write and read them.
"""

from collections.abc import Iterator
from typing import Any, ClassVar


class LmsError(Exception):
    """The root. `message` is one sentence for a person, `hint` says what to do about it, `param` names the field."""

    code: ClassVar[str] = "internal_error"

    def __init__(
        self, message: str, *, hint: str | None = None, param: str | None = None, candidates: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.param = param
        self.candidates = tuple(candidates)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class InvalidRequest(LmsError):
    code = "invalid_request"


class MissingParameter(InvalidRequest):
    code = "missing_required_parameter"


class UnknownParameter(InvalidRequest):
    code = "unrecognized_keys"


class PromptTooLong(InvalidRequest):
    code = "context_length_exceeded"


class PayloadTooLarge(InvalidRequest):
    code = "payload_too_large"


class PreviousResponseNotFound(InvalidRequest):
    code = "previous_response_not_found"


class PresetNotFound(InvalidRequest):
    code = "preset_not_found"


class Unsupported(LmsError):
    code = "unsupported"


class Unauthorized(LmsError):
    code = "invalid_api_key"


class PermissionDenied(LmsError):
    code = "permission_denied"


class TokenNotFound(LmsError):
    code = "token_not_found"


class PathNotFound(LmsError):
    code = "path_not_found"


class MethodNotAllowed(LmsError):
    code = "method_not_allowed"


class ModelNotFound(LmsError):
    code = "model_not_found"


class AmbiguousModel(LmsError):
    code = "ambiguous_model"


class ModelDamaged(LmsError):
    code = "model_damaged"


class ModelNotLoaded(LmsError):
    code = "model_not_loaded"


class ModelInUse(LmsError):
    code = "model_in_use"


class ModelExists(LmsError):
    code = "model_exists"


class IdentifierInUse(LmsError):
    code = "identifier_in_use"


class NotEnoughMemory(LmsError):
    code = "not_enough_memory"


class ResponseNotFound(LmsError):
    code = "response_not_found"


class ChatNotFound(LmsError):
    code = "chat_not_found"


class RequestNotFound(LmsError):
    code = "request_not_found"


class HistoryFailed(LmsError):
    code = "history_failed"


class QueueFull(LmsError):
    code = "queue_full"


class EngineFailed(LmsError):
    code = "engine_failed"


class ModelUnloaded(LmsError):
    code = "model_unloaded"


class McpConnectionError(LmsError):
    code = "mcp_connection_error"


class TooManyToolCalls(LmsError):
    code = "too_many_tool_calls"


class HubUnreachable(LmsError):
    """`retry_after_s` is how long the hub wants to be left alone."""

    code = "hub_unreachable"
    retry_after_s: float = 0.0


class HubRefused(LmsError):
    code = "hub_refused"


class DownloadFailed(LmsError):
    code = "download_failed"


class DownloadNotFound(LmsError):
    code = "job_not_found"


class NotEnoughDisk(LmsError):
    code = "not_enough_disk"


class DaemonUnreachable(LmsError):
    code = "daemon_unreachable"


class DaemonFailed(LmsError):
    code = "daemon_failed"


class HostUnreachable(LmsError):
    code = "host_unreachable"


class PortTaken(LmsError):
    code = "port_taken"


class ServerNotRunning(LmsError):
    code = "server_not_running"


class ServerStopped(LmsError):
    code = "server_stopped"


class ServiceFailed(LmsError):
    code = "service_failed"


class UsageError(LmsError):
    code = "usage_error"


def tree(root: type[LmsError] = LmsError) -> Iterator[type[LmsError]]:
    """Every class of the tree, parents first."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def to_wire(error: LmsError) -> dict[str, Any]:
    """The error as a JSON object: `code`, `message`, and whichever of `hint`, `param`, `candidates` it carries."""
    optional = {"hint": error.hint, "param": error.param, "candidates": list(error.candidates) or None}
    return {"code": error.code, "message": error.message} | {k: v for k, v in optional.items() if v is not None}


def from_wire(fields: dict[str, Any]) -> LmsError:
    """The error that `to_wire` wrote. A code this build does not know becomes the root class, its text kept."""
    kind = next((kind for kind in tree() if kind.code == fields.get("code")), LmsError)
    return kind(
        str(fields.get("message", "The other process gave no reason.")),
        hint=fields.get("hint"),
        param=fields.get("param"),
        candidates=tuple(fields.get("candidates") or ()),
    )
