"""`make demo`: a server of its own, the bundled model, one question through each API, and everything stopped again."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx

from tools.installation import Installation, fresh_installation

MODEL = "tiny-chat"
QUESTION = "Say this is a test!"
RHYME = [
    {"role": "system", "content": "Always answer in rhymes."},
    {"role": "user", "content": "Introduce yourself."},
]


def main() -> None:
    started_s = time.perf_counter()
    with fresh_installation() as installation:
        base = start(installation)
        with httpx.Client(base_url=base, timeout=60) as client:
            ask_openai(client)
            ask_v0(client)
        print("\nStopping the server and the daemon …")
    print(f"Done in {time.perf_counter() - started_s:.1f} s. Nothing of it is left running.")


def start(installation: Installation) -> str:
    """Start the server, load the model, and return the server's address."""
    print(f"$ lms server start --port 0          (LMS_HOME={installation.home})", flush=True)
    port = installation.lms_json("server", "start", "--port", "0")["port"]
    print(f"$ lms load {MODEL}", flush=True)
    installation.lms("load", MODEL)
    return f"http://127.0.0.1:{port}"


def ask_openai(client: httpx.Client) -> None:
    """One streamed question; the figures are what the client sees."""
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": QUESTION}],
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    print(f"\nPOST /v1/chat/completions   “{QUESTION}”")
    asked_s, first_s, text, tokens = time.perf_counter(), 0.0, "", 0
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        for chunk in chunks(response):
            for choice in chunk["choices"]:
                text += choice["delta"].get("content") or ""
                first_s = first_s or (time.perf_counter() if text else 0.0)
            tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
    ended_s = time.perf_counter()
    show(text, tokens / (ended_s - first_s), first_s - asked_s, "as the client sees them")


def ask_v0(client: httpx.Client) -> None:
    """One question answered whole; the figures are the server's own."""
    print("\nPOST /api/v0/chat/completions   “Always answer in rhymes.” “Introduce yourself.”")
    body = {"model": MODEL, "messages": RHYME, "temperature": 0, "max_tokens": -1, "stream": False}
    reply = client.post("/api/v0/chat/completions", json=body).raise_for_status().json()
    stats = reply["stats"]
    text = reply["choices"][0]["message"]["content"]
    show(text, stats["tokens_per_second"], stats["time_to_first_token"], "as the engine measured them")


def chunks(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """The JSON of each server-sent event before `[DONE]`."""
    for line in response.iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))


def show(text: str, tokens_per_second: float, first_token_s: float, measured: str) -> None:
    print("  " + text.replace("\n", "\n  "))
    print(f"  {tokens_per_second:.0f} tokens per second, first token after {1000 * first_token_s:.1f} ms ({measured})")


if __name__ == "__main__":
    main()
