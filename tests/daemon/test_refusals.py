"""What clients are told whose request never reaches the app."""

import json
import socket

import pytest
from gunicorn.http.errors import InvalidRequestLine, LimitRequestLine

from lms.daemon.refusals import refuse
from lms.logbus.records import LogData, ServerLog


def refused(error: BaseException) -> tuple[int, str, list[LogData]]:
    """The status, the code of the error object, and what was logged."""
    logged: list[LogData] = []
    ours, client = socket.socketpair()
    with ours, client:
        refuse(ours, error, logged.append)
        head, _, body = client.recv(65536).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"], logged


@pytest.mark.parametrize(
    ("error", "status"), [(InvalidRequestLine("hello"), 400), (LimitRequestLine(9000, 8190), 414), (OSError(), 400)]
)
def test_what_is_no_http_is_the_clients_fault_and_no_news(error: Exception, status: int) -> None:
    assert refused(error) == (status, "invalid_request", [])


def test_a_fault_of_our_own_is_logged_with_its_traceback() -> None:
    try:
        raise ZeroDivisionError("nobody expected this")
    except ZeroDivisionError as error:
        status, code, logged = refused(error)
    assert (status, code) == (500, "internal_error")
    (said,) = logged
    assert isinstance(said, ServerLog)
    assert said.level == "error"
    assert "test_refusals.py" in said.content
    assert "nobody expected this" in said.content


def test_a_client_that_is_gone_is_told_nothing() -> None:
    ours, client = socket.socketpair()
    client.close()
    with ours:
        refuse(ours, InvalidRequestLine("hello"), lambda _: None)
