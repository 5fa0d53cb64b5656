"""The examples of LM Studio's own two pages, run as written there: only the models' names and the port are ours.

The pages are "LM Studio REST API (beta)" and "OpenAI Compatibility API"; one of their curl commands lacks its closing
quote, which is put back here.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.real

TIMEOUT_S = 60

LIST_MODELS = "curl http://localhost:1234/api/v0/models"
ONE_MODEL = "curl http://localhost:1234/api/v0/models/qwen2-vl-7b-instruct"
CHAT = """curl http://localhost:1234/api/v0/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "granite-3.0-2b-instruct",
    "messages": [
      { "role": "system", "content": "Always answer in rhymes." },
      { "role": "user", "content": "Introduce yourself." }
    ],
    "temperature": 0.7,
    "max_tokens": -1,
    "stream": false
  }'"""
COMPLETION = """curl http://localhost:1234/api/v0/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "granite-3.0-2b-instruct",
    "prompt": "the meaning of life is",
    "temperature": 0.7,
    "max_tokens": 10,
    "stream": false,
    "stop": "\\n"
  }'"""
EMBEDDING = """curl http://127.0.0.1:1234/api/v0/embeddings \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "text-embedding-nomic-embed-text-v1.5",
    "input": "Some text to embed"
  }'"""
LIST_OPENAI_MODELS = "curl http://localhost:1234/v1/models"
OPENAI_CHAT = """curl http://localhost:1234/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
     "model": "use the model identifier from LM Studio here",
     "messages": [{"role": "user", "content": "Say this is a test!"}],
     "temperature": 0.7
   }'"""
PYTHON_CHAT = """
# Example: reuse your existing OpenAI setup
from openai import OpenAI

# Point to the local server
client = OpenAI(base_url="http://localhost:1234/v1", api_key="lm-studio")

completion = client.chat.completions.create(
  model="model-identifier",
  messages=[
    {"role": "system", "content": "Always answer in rhymes."},
    {"role": "user", "content": "Introduce yourself."}
  ],
  temperature=0.7,
)

print(completion.choices[0].message)
"""
PYTHON_EMBEDDING = """
# Make sure to `pip install openai` first
from openai import OpenAI
client = OpenAI(base_url="http://localhost:1234/v1", api_key="lm-studio")

def get_embedding(text, model="embedding-model-identifier"):
   text = text.replace("\\n", " ")
   return client.embeddings.create(input = [text], model=model).data[0].embedding

print(get_embedding("Once upon a time, there was a cat."))
"""

OUR_NAMES = {
    "qwen2-vl-7b-instruct": "tiny-chat",
    "granite-3.0-2b-instruct": "tiny-chat",
    "use the model identifier from LM Studio here": "tiny-chat",
    "text-embedding-nomic-embed-text-v1.5": "text-embedding-tiny",
    "embedding-model-identifier": "text-embedding-tiny",
    "model-identifier": "tiny-chat",
}


def ours(example: str, port: int) -> str:
    """The example with our models and our port."""
    for theirs, name in OUR_NAMES.items():
        example = example.replace(theirs, name)
    return example.replace(":1234", f":{port}")


def curl(example: str, port: int) -> Any:
    """What the command prints, which must be JSON."""
    command = ours(example, port).replace("curl ", "curl --silent --show-error --noproxy '*' ", 1)
    return json.loads(subprocess.run(command, shell=True, check=True, capture_output=True, timeout=TIMEOUT_S).stdout)


def python(example: str, port: int) -> str:
    """What the program prints."""
    environ = {**os.environ, "NO_PROXY": "*"}
    command = [sys.executable, "-c", ours(example, port)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_S, env=environ).stdout


def test_the_list_of_models_has_every_field_of_the_page(module_port: int) -> None:
    reply = curl(LIST_MODELS, module_port)
    fields = {"id", "object", "type", "publisher", "arch", "compatibility_type", "quantization", "state"}
    assert reply["object"] == "list"
    assert all(fields | {"max_context_length"} <= set(row) for row in reply["data"])
    assert {row["id"]: row["type"] for row in reply["data"]} == {
        "tiny-chat": "llm",
        "text-embedding-tiny": "embeddings",
    }


def test_one_model_is_a_row_of_the_list(module_port: int) -> None:
    row = curl(ONE_MODEL, module_port)
    assert (row["id"], row["object"], row["publisher"], row["arch"]) == ("tiny-chat", "model", "lms", "llama")
    assert row["max_context_length"] == 2048


def test_a_chat_is_answered_with_statistics(module_port: int) -> None:
    reply = curl(CHAT, module_port)
    (choice,) = reply["choices"]
    assert reply["id"].startswith("chatcmpl-")
    assert (reply["object"], reply["model"]) == ("chat.completion", "tiny-chat")
    assert (choice["index"], choice["logprobs"], choice["message"]["role"]) == (0, None, "assistant")
    assert choice["message"]["content"]
    assert_facts(reply)


def test_a_text_is_completed_with_statistics(module_port: int) -> None:
    reply = curl(COMPLETION, module_port)
    (choice,) = reply["choices"]
    assert reply["id"].startswith("cmpl-")
    assert (reply["object"], choice["index"], choice["logprobs"]) == ("text_completion", 0, None)
    assert "\n" not in choice["text"]
    assert 1 <= reply["usage"]["completion_tokens"] <= 10
    assert_facts(reply)


def assert_facts(reply: Any) -> None:
    """What the page shows under every reply of a model."""
    usage, stats = reply["usage"], reply["stats"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert min(stats["tokens_per_second"], stats["time_to_first_token"], stats["generation_time"]) > 0
    assert stats["stop_reason"] in {"eosFound", "stopStringFound", "maxPredictedTokensReached", "contextLengthReached"}
    assert reply["choices"][0]["finish_reason"] in {"stop", "length"}
    assert set(reply["model_info"]) == {"arch", "quant", "format", "context_length"}
    assert (reply["model_info"]["arch"], reply["model_info"]["format"]) == ("llama", "gguf")
    assert reply["runtime"]["name"].startswith("llama.cpp-")
    assert reply["runtime"]["supported_formats"] == ["gguf"]


def test_a_text_is_embedded(module_port: int) -> None:
    reply = curl(EMBEDDING, module_port)
    (row,) = reply["data"]
    assert (reply["object"], row["object"], row["index"]) == ("list", "embedding", 0)
    assert sum(value * value for value in row["embedding"]) == pytest.approx(1, abs=1e-3)
    assert reply["model"].startswith("text-embedding-tiny@")
    assert reply["usage"]["prompt_tokens"] == reply["usage"]["total_tokens"] > 0


def test_openais_list_has_the_same_models(module_port: int) -> None:
    assert {row["id"] for row in curl(LIST_OPENAI_MODELS, module_port)["data"]} == {"tiny-chat", "text-embedding-tiny"}


def test_openais_chat_is_answered(module_port: int) -> None:
    reply = curl(OPENAI_CHAT, module_port)
    assert (reply["object"], reply["model"]) == ("chat.completion", "tiny-chat")
    assert reply["choices"][0]["message"]["content"]


def test_the_python_chat_prints_a_message(module_port: int) -> None:
    assert python(PYTHON_CHAT, module_port).startswith("ChatCompletionMessage(content=")


def test_the_python_embedding_prints_a_vector(module_port: int) -> None:
    vector = json.loads(python(PYTHON_EMBEDDING, module_port))
    assert sum(value * value for value in vector) == pytest.approx(1, abs=1e-3)
