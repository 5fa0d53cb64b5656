"""Every exit code, and which error ends with which. The README's table is `markdown()`."""

from lms import errors

DONE = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130

MEANINGS = {
    DONE: "Done. Also: the question was answered, whatever the answer (`server status`, `daemon status`, an empty "
    "`ls`), and whoever read the output through a pipe has left.",
    FAILED: "Not done: no such model, not enough memory, port taken, server not running, the engine died, …",
    USAGE: "The command line is wrong or says too little: unknown option, bad value, several models it could mean.",
    INTERRUPTED: "Stopped with Ctrl-C, or with q at a question. (`lms log stream` ends with 0: stopping is how it is "
    "used.)",
}

BY_ERROR: dict[type[errors.LmsError], int] = {
    errors.LmsError: FAILED,
    errors.InvalidRequest: USAGE,
    errors.MissingParameter: USAGE,
    errors.UnknownParameter: USAGE,
    errors.PromptTooLong: FAILED,
    errors.PayloadTooLarge: FAILED,
    errors.PreviousResponseNotFound: FAILED,
    errors.PresetNotFound: USAGE,
    errors.Unsupported: FAILED,
    errors.Unauthorized: FAILED,
    errors.PermissionDenied: FAILED,
    errors.TokenNotFound: FAILED,
    errors.PathNotFound: FAILED,
    errors.MethodNotAllowed: FAILED,
    errors.ModelNotFound: FAILED,
    errors.AmbiguousModel: USAGE,
    errors.ModelDamaged: FAILED,
    errors.ModelNotLoaded: FAILED,
    errors.ModelInUse: FAILED,
    errors.ModelExists: FAILED,
    errors.IdentifierInUse: FAILED,
    errors.NotEnoughMemory: FAILED,
    errors.ResponseNotFound: FAILED,
    errors.ChatNotFound: FAILED,
    errors.RequestNotFound: FAILED,
    errors.HistoryFailed: FAILED,
    errors.QueueFull: FAILED,
    errors.EngineFailed: FAILED,
    errors.ModelUnloaded: FAILED,
    errors.McpConnectionError: FAILED,
    errors.TooManyToolCalls: FAILED,
    errors.HubUnreachable: FAILED,
    errors.HubRefused: FAILED,
    errors.DownloadFailed: FAILED,
    errors.DownloadNotFound: FAILED,
    errors.NotEnoughDisk: FAILED,
    errors.DaemonUnreachable: FAILED,
    errors.DaemonFailed: FAILED,
    errors.HostUnreachable: FAILED,
    errors.PortTaken: FAILED,
    errors.ServerNotRunning: FAILED,
    errors.ServerStopped: FAILED,
    errors.ServiceFailed: FAILED,
    errors.UsageError: USAGE,
}


def code_of(error: errors.LmsError) -> int:
    """The exit code of `error`."""
    return BY_ERROR[type(error)]


def markdown() -> str:
    """The table as the README shows it between its `exit codes` marks."""
    rows = (f"| {code} | {meaning} |" for code, meaning in MEANINGS.items())
    return "\n".join(("| code | meaning |", "| --- | --- |", *rows))
