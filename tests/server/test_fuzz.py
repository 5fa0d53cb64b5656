"""Whatever JSON comes, the server answers with a status below 500, and its engines live on."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from lms.history.history import History
from lms.server.app import create_app
from tests.server.fake_engines import fake_engines
from tests.server.test_refusals import ENDPOINTS, GOOD

BODIES = {path: next(body for name, body in GOOD.items() if path.endswith(name)) for path in ENDPOINTS}
MESSAGES = {"model": "tiny-chat", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
BODIES |= {
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": MESSAGES,
    "/apply-template": GOOD["chat/completions"],
    "/tokenize": {"model": "tiny-chat", "content": "Once"},
    "/detokenize": {"model": "text-embedding-tiny", "tokens": [1, 2]},
    "/api/v1/chat": {"model": "tiny-chat", "input": "Hi", "max_output_tokens": 5},
    "/api/v1/models/load": {"model": "tiny-chat"},
    "/api/v1/models/unload": {"instance_id": "tiny-chat"},
    "/v1/responses": {"model": "tiny-chat", "input": "Hi", "max_output_tokens": 5},
    "/v1/responses/input_tokens": {"model": "tiny-chat", "input": "Hi"},
    "/v1/rerank": {"model": "text-embedding-tiny", "query": "Once", "documents": ["a", "b"]},
}

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
FIELDS = sorted(
    {name for body in BODIES.values() for name in body}
    | {"temperature", "top_p", "top_k", "min_p", "max_tokens", "stop", "stream", "stream_options", "logit_bias", "seed"}
    | {"tools", "tool_choice", "chat_template_kwargs", "response_format", "ttl", "encoding_format", "dimensions", "n"}
    | {"system", "thinking", "output_config", "stop_sequences", "with_pieces", "add_special", "top_n"}
    | {"system_prompt", "integrations", "reasoning", "context_length", "store", "previous_response_id"}
    | {"instructions", "text", "include", "top_logprobs", "truncation", "metadata", "parallel_tool_calls"}
    | {"typical_p", "xtc_probability", "dry_multiplier", "dry_sequence_breakers", "regex", "grammar", "json_schema"}
    | {"logprobs", "echo", "suffix", "best_of", "reasoning_budget", "reasoning_format", "context_overflow_policy"}
    | {"eval_batch_size", "flash_attention", "num_experts", "parallel", "echo_load_config"}
)
TRIES = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    with TemporaryDirectory(prefix="lms") as folder, fake_engines(Path(folder)) as backend:
        yield create_app(backend, History(Path(folder) / "history.db"), log=lambda entry: None).test_client()


def status(client: FlaskClient, path: str, body: Any) -> int:
    with client.post(path, data=msgspec.json.encode(body)) as reply:
        assert reply.is_json or reply.mimetype == "text/event-stream"
        assert b'"server_error"' not in reply.data
        assert b'"api_error"' not in reply.data
        assert b'"internal_error"' not in reply.data
        return reply.status_code


@pytest.mark.parametrize("path", BODIES)
@TRIES
@given(body=JSON)
def test_any_json_is_answered(client: FlaskClient, path: str, body: Any) -> None:
    assert status(client, path, body) < 500


@pytest.mark.parametrize("path", BODIES)
@TRIES
@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3))
def test_any_value_of_a_known_field_is_answered(client: FlaskClient, path: str, changes: dict[str, Any]) -> None:
    assert status(client, path, BODIES[path] | changes) < 500
