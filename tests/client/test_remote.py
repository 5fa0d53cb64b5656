"""What the client says of servers on other machines: of another version, no more there, or never an lms at all."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import lms
from lms.client.control import DaemonStatus, LoadRequest, ServerStatus
from lms.client.remote import Place, RemoteClient
from lms.errors import (
    DaemonFailed,
    HostUnreachable,
    ModelNotFound,
    PermissionDenied,
    Unauthorized,
    Unsupported,
)

GREETING = (200, {"lmstudio": True})


class Far:
    """A server of whose answers each is written down: a status and JSON, or bytes after which it hangs up."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"/lmstudio-greeting": GREETING}
        self.tokens: list[tuple[str, str | None]] = []
        far = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                far.tokens.append((self.path, self.headers.get("Authorization")))
                answer = far.answers.get(self.path, (404, {"error": {"code": "path_not_found", "message": "No."}}))
                broken = isinstance(answer, bytes)
                status, body = (200, answer) if broken else (answer[0], json.dumps(answer[1]).encode())
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) + broken))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = broken

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def status_of(self, version: str) -> None:
        self.answers["/internal/status"] = (
            200,
            {
                "pid": 1,
                "version": version,
                "started_s": 0.0,
                "home": "/home",
                "models_dir": "/models",
                "server": {"running": True},
            },
        )

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def far() -> Iterator[Far]:
    with closing(Far()) as server:
        server.status_of(lms.__version__)
        yield server


@pytest.fixture
def client(far: Far) -> Iterator[RemoteClient]:
    with closing(RemoteClient(Place("127.0.0.1", far.server.server_address[1]), "sk-lm-x")) as ours:
        yield ours


def test_it_asks_who_is_there_without_the_token_and_then_shows_it(far: Far, client: RemoteClient) -> None:
    assert client.status() == DaemonStatus(1, lms.__version__, 0.0, "/home", "/models", ServerStatus(True))
    assert client.skew() is None
    assert far.tokens == [("/lmstudio-greeting", None), ("/internal/status", "Bearer sk-lm-x")]


def test_another_version_is_a_warning(far: Far, client: RemoteClient) -> None:
    far.status_of("0.0.1")
    warning = client.skew()
    assert warning
    assert "runs lms 0.0.1" in warning


def test_an_answer_that_is_not_understood_names_both_versions_where_they_are_known(
    far: Far, client: RemoteClient
) -> None:
    far.answers["/internal/models"] = (200, {"error": "Unexpected endpoint or method."})
    with pytest.raises(DaemonFailed, match="is no lms server, or one of a version"):
        client.models()
    far.status_of("0.0.1")
    client.skew()
    for ask in (client.models, client.instances):
        with pytest.raises(DaemonFailed, match=r"runs lms 0\.0\.1, this is"):
            ask()


@pytest.mark.parametrize("greeting", [(404, {}), (200, {"lmstudio": False}), (200, "hello"), (302, {"lmstudio": True})])
def test_who_does_not_greet_is_shown_no_token(far: Far, client: RemoteClient, greeting: Any) -> None:
    far.answers["/lmstudio-greeting"] = greeting
    with pytest.raises(HostUnreachable, match="but it is no lms server"):
        client.status()
    assert far.tokens == [("/lmstudio-greeting", None)]


@pytest.mark.parametrize(
    ("status", "code", "expected", "says"),
    [
        (401, "invalid_api_key", Unauthorized, "does not know the API token in LM_API_TOKEN"),
        (403, "permission_denied", PermissionDenied, "As it came."),
        (404, "model_not_found", ModelNotFound, "As it came."),
        (503, "daemon_unreachable", HostUnreachable, "has lost its daemon"),
    ],
)
def test_a_refusal_is_told_from_here(
    far: Far, client: RemoteClient, status: int, code: str, expected: type[Exception], says: str
) -> None:
    far.answers["/internal/models"] = (status, {"error": {"code": code, "message": "As it came."}})
    with pytest.raises(expected, match=says):
        client.models()


def test_a_load_that_breaks_off_is_no_load(far: Far, client: RemoteClient) -> None:
    far.answers["/internal/load"] = b"\n"
    with pytest.raises(HostUnreachable, match="does not answer any more"):
        list(client.load(LoadRequest("tiny")))


def test_where_nobody_listens_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        closing(RemoteClient(Place("127.0.0.1", port), None)) as ours,
        pytest.raises(HostUnreachable, match=f"Nobody answers at 127.0.0.1:{port}"),
    ):
        ours.status()


def test_it_ends_no_daemon(client: RemoteClient) -> None:
    with pytest.raises(Unsupported):
        client.shutdown()
