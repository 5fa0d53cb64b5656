"""MCP servers through the whole program: real ones, the daemon, the front, and the fake engine, which calls tools."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.processes import bundled
from tests.engine.projectors import plain
from tests.mcp.processes import HERE, eventually, serving
from tests.real.conftest import Lms, clean_up, new_lms, processes_of

pytestmark = pytest.mark.real

ADD = 'call add {"a": 1, "b": 2}'


def files(tool: str) -> dict[str, Any]:
    """One tool of the server in `mcp.json`: all of them are many tokens for a model whose tokens are bytes."""
    return {"type": "plugin", "id": "mcp/files", "allowed_tools": [tool]}


@dataclass(frozen=True)
class Site:
    lms: Lms
    port: int
    token: str

    @contextmanager
    def asking(self, path: str, body: dict[str, Any]) -> Iterator[HTTPConnection]:
        """A connection that has sent its request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            connection.request(
                "POST", path, json.dumps({"model": "tiny-chat", "max_output_tokens": 200} | body), headers
            )
            yield connection
        finally:
            connection.close()

    def chat(self, said: str, *integrations: Any, **fields: Any) -> Any:
        body = {"input": said, "integrations": list(integrations)} | fields
        with self.asking("/api/v1/chat", body) as connection:
            return json.loads(connection.getresponse().read())

    def server_pid(self) -> int:
        """The process of the server “files”, which is started if it does not run."""
        answer = self.chat("call pid {}", files("pid"))
        assert "output" in answer, answer
        (called, _) = answer["output"]
        return int(json.loads(called["output"])[0]["text"])


@contextmanager
def site_at(lms: Lms) -> Iterator[Site]:
    lms.home.settings.write_text('{"allow_ephemeral_mcp": true, "allow_mcp_json": true}', encoding="utf-8")
    lms.home.mcp_servers.write_text(json.dumps({"mcpServers": {"files": HERE}}), encoding="utf-8")
    token = json.loads(lms("token", "create", "--allow", "inference", "--allow", "mcp", "--json").stdout)
    lms("server", "start", "--port", "0", "--require-auth")
    yield Site(lms, int(json.loads(lms("server", "status", "--json").stdout)["port"]), token["token"])


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    lms = new_lms(fake_engine=True)
    with site_at(lms) as made:
        yield made
    clean_up(lms)


@pytest.fixture
def own_site(fake_lms: Lms) -> Iterator[Site]:
    """One whose daemon may be ended."""
    with site_at(fake_lms) as made:
        yield made


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with serving("http") as url:
        yield url


def test_a_server_of_mcp_json_answers_a_chat(site: Site) -> None:
    called, said = site.chat(ADD, files("add"))["output"]
    assert called["output"] == '[{"type":"text","text":"3"}]'
    assert called["provider_info"] == {"type": "plugin", "plugin_id": "mcp/files"}
    assert "3" in said["content"]


def test_a_server_of_the_request_answers_a_chat(site: Site, hub: str) -> None:
    ephemeral = {"type": "ephemeral_mcp", "server_label": "hub", "server_url": hub, "headers": {"x-name": "Ada"}}
    called, said = site.chat("call who {}", ephemeral | {"allowed_tools": ["who"]})["output"]
    assert called["output"] == '[{"type":"text","text":"Ada"}]'
    assert "Ada" in said["content"]


def test_the_official_client_streams_calls(site: Site, hub: str) -> None:
    from openai import DefaultHttpxClient, OpenAI

    tool: Any = {"type": "mcp", "server_label": "hub", "server_url": hub, "allowed_tools": ["add"]}
    http = DefaultHttpxClient(trust_env=False)
    address = f"http://127.0.0.1:{site.port}/v1"
    with (
        OpenAI(base_url=address, api_key=site.token, max_retries=0, http_client=http) as client,
        client.responses.stream(model="tiny-chat", input=ADD, tools=[tool]) as stream,
    ):
        kinds = [event.type for event in stream]
        response = stream.get_final_response()
    assert kinds.index("response.mcp_list_tools.completed") < kinds.index("response.mcp_call.in_progress")
    assert kinds.index("response.mcp_call_arguments.done") < kinds.index("response.mcp_call.completed")
    called = response.output[1]
    assert called.type == "mcp_call"
    assert (called.name, called.server_label, called.output, called.status) == ("add", "hub", "3", "completed")
    assert "3" in response.output_text


def test_a_model_with_a_projector_sees_the_picture_that_a_tool_returns(site: Site) -> None:
    """The fake model repeats what it was told: two digits for each token of a picture."""
    folder = site.lms.home.root / "models" / "test" / "tiny-vlm"
    folder.mkdir(parents=True)
    shutil.copy(bundled("tiny-chat"), folder / "tiny-vlm.gguf")
    plain(folder / "mmproj.gguf", 160)
    seen = site.chat("call picture {}", files("picture"), model="tiny-vlm")["output"][-1]["content"]
    told = site.chat("call picture {}", files("picture"))["output"][-1]["content"]
    assert "not shown" in told
    assert "not shown" not in seen
    assert "Look:" in seen


def test_a_client_that_leaves_cancels_the_call(site: Site, tmp_path: Path) -> None:
    note = tmp_path / "note"
    said = f"call slow {json.dumps({'note': str(note)})}"
    with site.asking("/api/v1/chat", {"input": said, "integrations": [files("slow")]}):
        eventually(note.exists)
    eventually(lambda: note.read_text(encoding="utf-8") == "cancelled")


def test_requests_share_a_server_which_outlives_the_front(own_site: Site) -> None:
    pid = own_site.server_pid()
    own_site.lms("server", "stop")
    own_site.lms("server", "start", "--port", str(own_site.port))
    assert own_site.server_pid() == pid


def test_the_end_of_the_daemon_is_the_end_of_its_servers(own_site: Site) -> None:
    pid = own_site.server_pid()
    own_site.lms("daemon", "down")
    assert not psutil.pid_exists(pid)


def test_a_daemon_that_is_killed_leaves_no_server_behind(own_site: Site) -> None:
    pid = own_site.server_pid()
    daemon = [process for process in processes_of(own_site.lms.home) if "lms.daemon" in process.cmdline()]
    for process in daemon:
        process.kill()
    eventually(lambda: not psutil.pid_exists(pid))
    eventually(lambda: not processes_of(own_site.lms.home))


def test_a_host_that_is_killed_is_started_again(own_site: Site) -> None:
    pid = own_site.server_pid()
    (host,) = [process for process in processes_of(own_site.lms.home) if "lms.mcp" in process.cmdline()]
    host.kill()
    assert own_site.server_pid() != pid
    eventually(lambda: not psutil.pid_exists(pid))
