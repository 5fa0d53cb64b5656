"""What a client is told whose request never reaches the app, because it is no HTTP that gunicorn reads.

gunicorn itself would answer with a page of HTML; API clients expect an error object.
"""

import socket
import traceback
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import msgspec
from gunicorn.http import errors as http

from lms.errors import InvalidRequest, LmsError
from lms.logbus.records import LogData, ServerLog
from lms.server.access import request_id
from lms.server.errors import openai_body

STATUS = {
    http.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    http.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    http.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    http.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}


def refuse(client: socket.socket, error: BaseException, log: Callable[[LogData], None]) -> None:
    """Answer `error`, which gunicorn met outside the app; say nothing if the client is gone. A fault of our own is
    logged with its traceback.
    """
    status, told = _told(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log(ServerLog(f"A request failed unexpectedly:\n{''.join(traceback.format_exception(error))}", "error"))
    body = msgspec.json.encode(openai_body(told))
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-Id: {request_id(None)}\r\n\r\n"
    )
    with suppress(OSError):
        client.sendall(head.encode() + body)


def _told(error: BaseException) -> tuple[HTTPStatus, LmsError]:
    if not isinstance(error, http.ParseException | OSError):
        return HTTPStatus.INTERNAL_SERVER_ERROR, LmsError(f"The server failed: {type(error).__name__}.")
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)
    return status, InvalidRequest(f"This is no HTTP request that the server can read: {error}".rstrip(".") + ".")
