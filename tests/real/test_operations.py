"""What whoever runs the server sees of it: tokens, figures and descriptions, over the real front and daemon."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx
import openai
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lms.client.control import ServerStart
from lms.logbus.records import LogData, PredictionOutput, ServerLog
from tests.real.conftest import Lms, clean_up, new_lms

MODEL = "tiny-chat"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "one two three"}], "max_tokens": 8}


@dataclass(frozen=True)
class Served:
    """A running server over the fake engine."""

    lms: Lms
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def heard(self, act: Callable[[], object], *wanted: Callable[[LogData], bool]) -> None:
        """Act, and return once the daemon has heard of each thing that is wanted."""
        left = list(wanted)
        with closing(self.lms.client.logs()) as records:
            act()
            for record in records:
                left = [each for each in left if not each(record.data)]
                if not left:
                    return

    def value(self, name: str, **labels: str) -> float:
        """A figure, 0 if there is none with these labels."""
        text = httpx.get(f"{self.url}/metrics").raise_for_status().text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return sum(sample.value for sample in samples if sample.name == name and sample.labels == labels)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    lms = new_lms(fake_engine=True)
    lms("daemon", "up")
    status = lms.client.start_server(ServerStart(0))
    lms("load", MODEL)
    yield Served(lms, status.port or 0)
    clean_up(lms)


def was_answered(data: LogData) -> bool:
    return isinstance(data, PredictionOutput)


def was_served(data: LogData) -> bool:
    return isinstance(data, ServerLog) and data.request is not None


def chat(served: Served, **fields: object) -> httpx.Response:
    return httpx.post(f"{served.url}/v1/chat/completions", json=CHAT | fields).raise_for_status()


class TestFigures:
    def test_an_answer_is_counted_by_its_model_and_its_endpoint(self, served: Served) -> None:
        endpoint = {"method": "POST", "endpoint": "/v1/chat/completions", "status": "200"}
        before = served.value("lms_generated_tokens_total", model=MODEL)
        requests = served.value("lms_http_requests_total", **endpoint)
        replies: list[httpx.Response] = []
        served.heard(lambda: replies.append(chat(served)), was_answered, was_served)
        tokens = replies[0].json()["usage"]["completion_tokens"]
        assert served.value("lms_generated_tokens_total", model=MODEL) == before + tokens > before
        assert served.value("lms_http_requests_total", **endpoint) == requests + 1
        assert served.value("lms_time_to_first_token_seconds_count", model=MODEL) >= 1

    def test_a_streamed_answer_is_counted_like_a_whole_one(self, served: Served) -> None:
        before = served.value("lms_answers_total", model=MODEL, reason="maxPredictedTokensReached")
        served.heard(lambda: chat(served, stream=True, max_tokens=2), was_answered)
        assert served.value("lms_answers_total", model=MODEL, reason="maxPredictedTokensReached") == before + 1

    def test_embeddings_are_counted(self, served: Served) -> None:
        body = {"model": "text-embedding-tiny", "input": ["one two", "three"]}
        served.heard(lambda: httpx.post(f"{served.url}/v1/embeddings", json=body).raise_for_status(), was_served)
        assert served.value("lms_prompt_tokens_total", model="text-embedding-tiny") > 0

    def test_what_is_loaded_is_shown(self, served: Served) -> None:
        assert served.value("lms_model_memory_bytes", model=MODEL) > 0

    def test_a_front_that_is_started_again_loses_nothing(self, served: Served) -> None:
        served.heard(lambda: chat(served), was_answered, was_served)
        before = served.value("lms_generated_tokens_total", model=MODEL)
        status = served.lms.client.server_status()
        assert status.pid
        children = psutil.Process(status.pid).children()
        for pid in (status.pid, *(child.pid for child in children)):
            os.kill(pid, signal.SIGKILL)
        psutil.wait_procs(children, timeout=10)
        assert served.value("lms_generated_tokens_total", model=MODEL) == before > 0


class TestDescriptions:
    def test_health_says_yes(self, served: Served) -> None:
        assert httpx.get(f"{served.url}/health").json() == {"status": "ok"}

    def test_the_description_and_its_page_are_served(self, served: Served) -> None:
        assert "/v1/chat/completions" in httpx.get(f"{served.url}/openapi.json").json()["paths"]
        assert "<title>" in httpx.get(f"{served.url}/docs").text

    @pytest.mark.parametrize("path", ["/v1/models", "/nowhere", "/health"])
    def test_every_answer_has_an_id(self, served: Served, path: str) -> None:
        assert httpx.get(f"{served.url}{path}").headers["x-request-id"].startswith("req_")

    def test_openais_client_finds_the_id(self, served: Served) -> None:
        with openai.OpenAI(base_url=f"{served.url}/v1", api_key="any") as client:
            assert (client.models.list()._request_id or "").startswith("req_")


def test_a_server_on_a_unix_socket_answers_there(fake_lms: Lms) -> None:
    path = fake_lms.home.root / "http.sock"
    fake_lms("server", "start", "--bind", f"unix:{path}")
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://lms") as client:
        assert client.get("/health").json() == {"status": "ok"}
        with client.stream("POST", "/v1/chat/completions", json=CHAT | {"stream": True}) as reply:
            assert list(reply.iter_lines())[-2] == "data: [DONE]"
    fake_lms("server", "stop")
    assert not path.exists()


class TestTokens:
    @pytest.fixture
    def guarded(self, fake_lms: Lms) -> Served:
        fake_lms("server", "start", "--port", "0", "--require-auth")
        return Served(fake_lms, json.loads(fake_lms("server", "status", "--json").stdout)["port"])

    def client(self, guarded: Served, token: str) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=token, max_retries=0)

    def test_openais_client_is_let_in_with_a_token_until_it_is_revoked(self, guarded: Served) -> None:
        made = json.loads(guarded.lms("token", "create", "--json").stdout)
        with self.client(guarded, "lm-studio") as stranger, self.client(guarded, made["token"]) as client:
            with pytest.raises(openai.AuthenticationError, match="lm-studio"):
                stranger.models.list()
            assert client.chat.completions.create(**CHAT).choices[0].message.content  # type: ignore[call-overload]
            guarded.lms("token", "revoke", made["id"])
            with pytest.raises(openai.AuthenticationError):
                client.models.list()

    @pytest.mark.parametrize("way", ["auth_token", "api_key"])
    def test_anthropics_client_is_let_in_however_it_is_given_the_token(self, guarded: Served, way: str) -> None:
        secret: dict[str, Any] = {way: guarded.lms("token", "create").stdout.strip()}
        with anthropic.Anthropic(base_url=guarded.url, **secret) as client:
            assert client.messages.create(**CHAT).content  # type: ignore[call-overload]

    def test_anthropics_client_understands_a_refusal(self, guarded: Served) -> None:
        with (
            anthropic.Anthropic(base_url=guarded.url, api_key="sk-ant-1") as stranger,
            pytest.raises(anthropic.AuthenticationError, match="sk-ant-1"),
        ):
            stranger.messages.create(**CHAT)  # type: ignore[call-overload]

    def test_a_token_without_the_permission_is_told_which(self, guarded: Served) -> None:
        token = guarded.lms("token", "create", "--allow", "models").stdout.strip()
        with self.client(guarded, token) as client:
            assert client.models.list().data
            with pytest.raises(openai.PermissionDeniedError, match="“inference”"):
                client.chat.completions.create(**CHAT)  # type: ignore[call-overload]

    def test_health_is_for_everybody_and_figures_are_not(self, guarded: Served) -> None:
        token = guarded.lms("token", "create", "--allow", "admin").stdout.strip()
        headers = {"x-api-key": token}
        assert httpx.get(f"{guarded.url}/health").status_code == 200
        assert httpx.get(f"{guarded.url}/metrics").status_code == 401
        assert httpx.get(f"{guarded.url}/metrics", headers=headers).status_code == 200

    def test_tokens_are_still_asked_for_after_a_stop_and_a_new_daemon(self, guarded: Served) -> None:
        guarded.lms("server", "stop")
        guarded.lms("daemon", "down")
        assert "(it asks for API tokens)" in guarded.lms("server", "start", "--port", "0").stderr
        port = json.loads(guarded.lms("server", "status", "--json").stdout)["port"]
        assert httpx.get(f"http://127.0.0.1:{port}/v1/models").status_code == 401

    def test_the_command_line_needs_no_token(self, guarded: Served) -> None:
        assert guarded.lms("load", MODEL).returncode == 0
