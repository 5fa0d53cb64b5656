"""Which HTTP status each error of the tree has, and what its body looks like.

The table is complete by a test against `errors.tree()`. Statuses that the OpenAI SDK retries (409, 429, 5xx) are given
only to errors that may be gone at the second try.
"""

from typing import Any

from lms import errors

STATUS: dict[type[errors.LmsError], int] = {
    errors.LmsError: 500,
    errors.InvalidRequest: 400,
    errors.MissingParameter: 400,
    errors.UnknownParameter: 400,
    errors.PromptTooLong: 400,
    errors.PayloadTooLarge: 413,
    errors.PreviousResponseNotFound: 400,
    errors.PresetNotFound: 400,
    errors.Unsupported: 400,
    errors.Unauthorized: 401,
    errors.PermissionDenied: 403,
    errors.TokenNotFound: 404,
    errors.PathNotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.ModelNotFound: 404,
    errors.AmbiguousModel: 400,
    errors.ModelDamaged: 400,
    errors.ModelNotLoaded: 400,
    errors.ModelInUse: 409,
    errors.ModelExists: 409,
    errors.IdentifierInUse: 409,
    errors.NotEnoughMemory: 503,
    errors.ResponseNotFound: 404,
    errors.ChatNotFound: 404,
    errors.RequestNotFound: 404,
    errors.HistoryFailed: 500,
    errors.QueueFull: 429,
    errors.EngineFailed: 500,
    errors.ModelUnloaded: 503,
    errors.McpConnectionError: 424,  # as OpenAI has it
    errors.TooManyToolCalls: 400,
    errors.HubUnreachable: 502,
    errors.HubRefused: 403,
    errors.DownloadFailed: 500,
    errors.DownloadNotFound: 404,
    errors.NotEnoughDisk: 507,
    errors.DaemonUnreachable: 503,
    errors.DaemonFailed: 503,
    errors.HostUnreachable: 502,
    errors.PortTaken: 409,
    errors.ServerNotRunning: 409,
    errors.ServerStopped: 503,
    errors.ServiceFailed: 500,
    errors.UsageError: 400,
}

# When whoever asked may try again, in whole seconds: for every error with status 429 or 503.
RETRY_AFTER_S: dict[type[errors.LmsError], int] = {
    errors.QueueFull: 1,
    errors.NotEnoughMemory: 10,
    errors.ModelUnloaded: 1,
    errors.DaemonUnreachable: 2,
    errors.DaemonFailed: 5,
    errors.ServerStopped: 2,
}

# About the model that the request names, whatever the place that found out.
_ABOUT_THE_MODEL = (errors.ModelNotFound, errors.AmbiguousModel, errors.ModelDamaged, errors.ModelNotLoaded)


def status(error: errors.LmsError) -> int:
    """The HTTP status of `error`."""
    return STATUS[type(error)]


def openai_body(error: errors.LmsError) -> dict[str, Any]:
    """The body in OpenAI's shape, which the REST API v0 shares: always an object, the hint part of the message.

    (openai 3.54 prints the message of an object, and nothing of a plain string.)
    """
    param = error.param or ("model" if isinstance(error, _ABOUT_THE_MODEL) else None)
    return {"error": {"message": str(error), "type": _type(status(error)), "param": param, "code": error.code}}


def _type(code: int) -> str:
    if code in (401, 403):
        return "invalid_request"  # LM Studio's word for these two, where its word is OpenAI's for all others
    if code == 429:
        return "rate_limit_error"
    return "invalid_request_error" if code < 500 else "server_error"
