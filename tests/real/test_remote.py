"""One machine's command line at another's lms: two homes, and between them nothing but an address and a token."""

import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.downloads.conftest import MODEL, REPO
from tests.hub.process import HubProcess
from tests.hub.server import TOKEN
from tests.real.conftest import NO_HUB, Lms, clean_up, new_lms
from tests.real.test_lifecycle import eventually

pytestmark = pytest.mark.real

WAIT_S = 60.0


@dataclass(frozen=True)
class Machines:
    """`away` serves on `port` to those with a token; `here` has the token, and nothing of its own."""

    away: Lms
    here: Lms
    port: int

    def ask(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Ask from here with `--port`, and see that nothing was started or written here."""
        done = self.here(*words, "--port", str(self.port), check=check)
        assert list(self.here.home.root.iterdir()) == []
        return done


def port_of(lms: Lms) -> int:
    return int(json.loads(lms("server", "status", "--json").stdout)["port"])


def token(lms: Lms, *permissions: str) -> str:
    allowed = [word for permission in permissions for word in ("--allow", permission)]
    return lms("token", "create", "--name", "test", *allowed).stdout.strip()


def with_token(lms: Lms, held: str) -> Lms:
    return replace(lms, environ=lms.environ | {"LM_API_TOKEN": held})


@pytest.fixture(scope="module")
def pair() -> Iterator[Machines]:
    away, here = new_lms(fake_engine=True), new_lms(fake_engine=True)
    away("server", "start", "--port", "0", "--require-auth")
    yield Machines(away, with_token(here, token(away, "admin", "inference")), port_of(away))
    clean_up(here)
    clean_up(away)


@pytest.fixture
def machines(pair: Machines) -> Iterator[Machines]:
    yield pair
    pair.away("unload", "--all")


def refused(lms: Lms, port: int, *words: str) -> str:
    """What `lms ps`, or those words, say when they fail with 1."""
    done = lms(*(words or ("ps",)), "--port", str(port), check=False)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert list(lms.home.root.iterdir()) == []
    return done.stderr


def test_models_are_listed_loaded_shown_and_unloaded_over_there(machines: Machines) -> None:
    assert machines.ask("ls", "--json").stdout == machines.away("ls", "--json").stdout
    loaded = machines.ask("load", "tiny-chat", "--identifier", "helper", "-c", "512")
    assert 'Use this identifier in the API: "helper"' in loaded.stderr
    there = machines.away.client.instances()
    assert [(row.identifier, row.context_length) for row in there] == [("helper", 512)]
    assert [row["identifier"] for row in json.loads(machines.ask("ps", "--json").stdout)] == ["helper"]
    machines.ask("unload", "helper")
    assert machines.away.client.instances() == []


def test_status_is_that_of_the_other_machine(machines: Machines) -> None:
    told = json.loads(machines.ask("status", "--json").stdout)
    assert (told["daemon"]["pid"], told["server"]["port"]) == (machines.away.client.status().pid, machines.port)


def test_a_question_is_answered_over_there(machines: Machines) -> None:
    assert machines.ask("chat", "tiny-chat", "-p", "hello there").stdout == "You said: hello there\n"
    assert [row.identifier for row in machines.away.client.instances()] == ["tiny-chat"]


def test_errors_of_the_other_daemon_arrive_as_they_are(machines: Machines) -> None:
    far = machines.ask("unload", "nobody", "--json", check=False)
    near = machines.away("unload", "nobody", "--json", check=False)
    assert (far.returncode, json.loads(far.stderr)) == (near.returncode, json.loads(near.stderr))
    several = machines.ask("load", "t", check=False)
    assert (several.returncode, "text-embedding-tiny, tiny-chat" in several.stderr) == (2, True)


def test_the_log_is_streamed_as_it_comes(machines: Machines) -> None:
    words = ("log", "stream", "--source", "runtime", "--json", "--port", str(machines.port))
    with machines.here.start(*words) as stream:
        assert stream.stderr
        assert stream.stdout
        assert stream.stderr.readline() == "Streaming logs. Ctrl-C ends it.\n"
        machines.away("load", "tiny-chat")
        assert json.loads(stream.stdout.readline())["data"]["type"] == "runtime.log"
        stream.send_signal(signal.SIGINT)
        assert stream.wait(WAIT_S) == 0


def test_the_log_ends_with_the_server(machines: Machines) -> None:
    with machines.here.start("log", "stream", "--port", str(machines.port)) as stream:
        assert stream.stderr
        assert stream.stderr.readline() == "Streaming logs. Ctrl-C ends it.\n"
        machines.away("server", "stop")
        assert stream.wait(WAIT_S) == 1
        assert "The server has ended, and the log with it." in stream.stderr.read()
    assert f"Nobody answers at 127.0.0.1:{machines.port}" in refused(machines.here, machines.port)
    machines.away("server", "start", "--port", str(machines.port))


def test_the_variable_names_host_and_port(machines: Machines) -> None:
    here = replace(machines.here, environ=machines.here.environ | {"LMS_HOST": f"localhost:{machines.port}"})
    assert json.loads(here("status", "--json").stdout)["server"]["port"] == machines.port
    elsewhere = replace(machines.here, environ=machines.here.environ | {"LMS_HOST": "localhost:9"})
    assert json.loads(elsewhere("status", "--port", str(machines.port), "--json").stdout)["daemon"]["running"]


def test_with_a_token_that_is_unknown_or_not_there_it_says_where_to_get_one(machines: Machines) -> None:
    wrong = with_token(machines.here, "sk-lm-abcdefgh:abcdefghijklmnopqrst")
    assert "does not know the API token in LM_API_TOKEN" in refused(wrong, machines.port)
    bare = {name: value for name, value in machines.here.environ.items() if name != "LM_API_TOKEN"}
    said = refused(replace(machines.here, environ=bare), machines.port)
    assert "asks for an API token" in said
    assert "lms token create --allow admin" in said


def test_a_token_has_to_allow_it(machines: Machines) -> None:
    few = with_token(machines.here, token(machines.away, "inference", "models", "mcp"))
    for words in (("ps",), ("ls",), ("load", "tiny-chat"), ("status",), ("log", "stream")):
        assert "lacks the permission “admin”" in refused(few, machines.port, *words)
    only = with_token(machines.here, token(machines.away, "admin"))
    assert "lacks the permission “inference”" in refused(only, machines.port, "chat", "tiny-chat", "-p", "hi")


def test_a_server_that_asks_for_no_tokens_lets_nobody_in(fake_lms: Lms, machines: Machines) -> None:
    fake_lms("server", "start", "--port", "0")
    said = refused(machines.here, port_of(fake_lms))
    assert "lms server start --require-auth" in said


def test_where_nobody_listens_it_says_so_and_starts_nothing(machines: Machines) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for words in (("ps",), ("status",), ("load", "tiny-chat"), ("chat", "-p", "hi"), ("log", "stream")):
        assert f"Nobody answers at 127.0.0.1:{port}." in refused(machines.here, port, *words)


class Stranger(BaseHTTPRequestHandler):
    """Answers every path with what `answer` says, and notes which tokens it was shown."""

    answer = (404, b"404 page not found")
    shown: "list[str | None]" = []  # noqa: RUF012 - of this class alone

    def do_GET(self) -> None:
        self.shown.append(self.headers.get("Authorization"))
        status, body = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Studio(Stranger):
    """Greets as LM Studio does, and answers paths that it does not know as it does."""

    def do_GET(self) -> None:
        greets = self.path == "/lmstudio-greeting"
        self.answer = (200, b'{"lmstudio":true}' if greets else b'{"error":"Unexpected endpoint or method."}')
        super().do_GET()


@pytest.fixture(params=[Stranger, Studio])
def stranger(request: pytest.FixtureRequest) -> "Iterator[tuple[type[Stranger], int]]":
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield request.param, server.server_address[1]
        server.shutdown()
        thread.join()


def test_what_is_no_lms_server_is_told_from_one(stranger: tuple[type[Stranger], int], machines: Machines) -> None:
    kind, port = stranger
    said = refused(machines.here, port)
    assert "is no lms server" in said or "it is no lms server" in said
    assert kind is Studio or set(kind.shown) == {None}


def test_ctrl_c_cancels_a_load_over_there(fake_lms: Lms) -> None:
    slow = replace(fake_lms, environ=fake_lms.environ | {"LMS_FAKE_TOKEN_MS": "60000"})
    slow("server", "start", "--port", "0", "--require-auth")
    asking = with_token(slow, token(slow, "admin"))
    loading = asking.start("load", "tiny-chat", "--port", str(port_of(slow)))
    eventually(lambda: bool(fake_lms.client.instances()), WAIT_S)
    assert loading.poll() is None
    loading.send_signal(signal.SIGINT)
    _, err = loading.communicate(timeout=WAIT_S)
    assert loading.returncode == 130
    assert "Cancelled" in err
    eventually(lambda: not fake_lms.client.instances(), WAIT_S)


def test_a_download_is_that_machines_matter(fake_lms: Lms, tmp_path: Path) -> None:
    hub = HubProcess(tmp_path / "hub")
    try:
        hub.add(REPO, {"tiny-Q4_K_M.gguf": MODEL})
        there = replace(fake_lms, environ=fake_lms.environ | {"HF_ENDPOINT": hub.address})
        there("server", "start", "--port", "0", "--require-auth")
        here = with_token(fake_lms, token(there, "admin"))
        here = replace(here, environ=here.environ | {"HF_ENDPOINT": NO_HUB, "HF_TOKEN": TOKEN})
        done = here("get", REPO, "-y", "--json", "--port", str(port_of(there)))
        assert json.loads(done.stdout.splitlines()[-1])["status"] == "completed"
        assert (there.home.root / "models" / REPO / "tiny-Q4_K_M.gguf").read_bytes() == MODEL
        assert {"authorization" in asked["headers"] for asked in hub.asked()} == {False}
    finally:
        hub.close()


def test_what_is_only_for_its_own_machine_is_closed_to_every_token(machines: Machines) -> None:
    import httpx

    headers = {"Authorization": f"Bearer {token(machines.away, 'all')}"}
    for method, path in (("POST", "shutdown"), ("POST", "mcp"), ("POST", "server/stop"), ("GET", "metrics")):
        url = f"http://127.0.0.1:{machines.port}/internal/{path}"
        reply = httpx.request(method, url, headers=headers, content=b"false", trust_env=False)
        assert reply.status_code == 404, path


def test_what_is_asked_has_a_line_in_the_log_and_an_id(machines: Machines) -> None:
    import httpx

    headers = {"Authorization": machines.here.environ["LM_API_TOKEN"], "X-Request-Id": "mine"}
    headers["Authorization"] = f"Bearer {headers['Authorization']}"
    reply = httpx.get(f"http://127.0.0.1:{machines.port}/internal/models", headers=headers, trust_env=False)
    assert (reply.status_code, reply.headers["X-Request-Id"]) == (200, "mine")
    eventually(lambda: "GET /internal/models 200" in machines.away("log", "show", "-s", "server").stdout, WAIT_S)
