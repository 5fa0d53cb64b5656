"""Several answers to one prompt, and how likely their tokens were: the replies of both dialects."""

from typing import Any

import pytest

from lms.generation.events import Alternative, Finished, Stats, TextDelta, TokenLogprob, Usage
from lms.generation.request import GenerateRequest
from tests.server.conftest import MakeSite, Site, chunks_of

CHAT: dict[str, Any] = {"model": "tiny-chat", "messages": [{"role": "user", "content": "Hi"}]}
TEXT: dict[str, Any] = {"model": "tiny-chat", "prompt": "Once"}
EMOJI = "🙂".encode()
TOLD = (
    TokenLogprob(b"Hi ", -0.5, (Alternative(b"Hi ", -0.5), Alternative(b"\n", -1.0))),
    TokenLogprob(EMOJI[:2], -0.25),
    TokenLogprob(EMOJI[2:], -0.125),
)
END = TokenLogprob(b"", -2.0)
SCRIPT = (
    (TextDelta("Hi ", TOLD[:1]), TextDelta("🙂", TOLD[1:])),
    (TextDelta("", (END,)), Finished("eosFound", Usage(5, 3), Stats(1.0, 1.0, 1.0))),
)


def drawn(site: Site) -> list[int | None]:
    requests = [call.request for call in site.engine.calls]
    return sorted(request.sampling.seed or 0 for request in requests if isinstance(request, GenerateRequest))


@pytest.mark.parametrize("base", ["/v1", "/api/v0"])
@pytest.mark.parametrize(("path", "body"), [("chat/completions", CHAT), ("completions", TEXT)])
def test_each_answer_is_a_choice_and_the_prompt_counts_once(
    site: Site, base: str, path: str, body: dict[str, Any]
) -> None:
    reply = site.post(f"{base}/{path}", **body, n=3).json
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2]
    assert (reply["usage"]["prompt_tokens"], reply["usage"]["completion_tokens"]) == (7, 6)


@pytest.mark.parametrize("base", ["/v1", "/api/v0"])
@pytest.mark.parametrize(("path", "body"), [("chat/completions", CHAT), ("completions", TEXT)])
def test_each_streamed_answer_has_an_end_and_all_have_one_usage(
    site: Site, base: str, path: str, body: dict[str, Any]
) -> None:
    stream = site.post(f"{base}/{path}", **body, n=3, stream=True, stream_options={"include_usage": True})
    chunks = chunks_of(stream.data)
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    said = dict.fromkeys(range(3), "")
    for choice in choices:
        said[choice["index"]] += choice.get("text") or choice.get("delta", {}).get("content") or ""
    assert said == {0: "Hello", 1: "Hello", 2: "Hello"}
    assert sorted(choice["index"] for choice in choices if choice["finish_reason"]) == [0, 1, 2]
    assert [chunk["usage"]["prompt_tokens"] for chunk in chunks if chunk.get("usage")] == [7]


def test_answers_to_several_prompts_come_prompt_by_prompt(site: Site) -> None:
    reply = site.post("/v1/completions", **TEXT | {"prompt": ["a", "b"]}, n=2).json
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2, 3]
    assert reply["usage"]["prompt_tokens"] == 14


def test_a_seed_counts_up_and_no_seed_stays_none(site: Site) -> None:
    site.post("/v1/chat/completions", **CHAT, n=3, seed=5)
    assert drawn(site) == [5, 6, 7]
    site.engine.calls.clear()
    site.post("/v1/chat/completions", **CHAT, n=2)
    assert drawn(site) == [0, 0]


def test_the_largest_seed_counts_on(site: Site) -> None:
    site.post("/v1/chat/completions", **CHAT, n=2, seed=2**63 - 1)
    assert drawn(site) == [-(2**63), 2**63 - 1]


def test_each_answer_has_a_lease_of_its_own(site: Site) -> None:
    site.post("/v1/chat/completions", **CHAT, n=4)
    assert len(site.backend.asked) == 4


def test_an_engine_that_died_a_moment_ago_is_asked_again(site: Site) -> None:
    site.backend.stale = 2
    reply = site.post("/v1/chat/completions", **CHAT, n=2)
    assert [choice["message"]["content"] for choice in reply.json["choices"]] == ["Hello", "Hello"]


@pytest.mark.parametrize("base", ["/v1", "/api/v0"])
def test_a_chat_tells_about_the_tokens_that_are_text(make_site: MakeSite, base: str) -> None:
    (choice,) = (
        make_site(SCRIPT).post(f"{base}/chat/completions", **CHAT, logprobs=True, top_logprobs=2).json["choices"]
    )
    first, *halves = choice["logprobs"]["content"]
    assert first == {
        "token": "Hi ",
        "logprob": -0.5,
        "bytes": [72, 105, 32],
        "top_logprobs": [
            {"token": "Hi ", "logprob": -0.5, "bytes": [72, 105, 32]},
            {"token": "\n", "logprob": -1.0, "bytes": [10]},
        ],
    }
    assert [half["token"] for half in halves] == ["bytes:\\xf0\\x9f", "bytes:\\x99\\x82"]
    assert bytes(byte for half in halves for byte in half["bytes"]) == EMOJI


@pytest.mark.parametrize("base", ["/v1", "/api/v0"])
def test_a_streamed_chat_tells_it_with_each_piece(make_site: MakeSite, base: str) -> None:
    chunks = chunks_of(make_site(SCRIPT).post(f"{base}/chat/completions", **CHAT, logprobs=True, stream=True).data)
    told = [len(chunk["choices"][0]["logprobs"]["content"]) for chunk in chunks if chunk["choices"][0]["logprobs"]]
    assert told == [1, 2]
    assert len(chunks) == 3


@pytest.mark.parametrize("base", ["/v1", "/api/v0"])
def test_a_text_tells_where_each_token_begins_and_how_it_ended(make_site: MakeSite, base: str) -> None:
    (choice,) = make_site(SCRIPT).post(f"{base}/completions", **TEXT, logprobs=2).json["choices"]
    assert choice["logprobs"] == {
        "tokens": ["Hi ", "bytes:\\xf0\\x9f", "bytes:\\x99\\x82", ""],
        "token_logprobs": [-0.5, -0.25, -0.125, -2.0],
        "top_logprobs": [
            {"Hi ": -0.5, "\n": -1.0},
            {"bytes:\\xf0\\x9f": -0.25},
            {"bytes:\\x99\\x82": -0.125},
            {"": -2.0},
        ],
        "text_offset": [0, 3, 3, 4],
    }


def test_a_streamed_text_goes_on_counting(make_site: MakeSite) -> None:
    chunks = chunks_of(make_site(SCRIPT).post("/v1/completions", **TEXT, logprobs=0, stream=True).data)
    told = [chunk["choices"][0]["logprobs"] for chunk in chunks]
    assert [entry["text_offset"] for entry in told if entry] == [[0], [3, 3], [4]]


def test_the_first_token_of_an_echo_has_no_probability(make_site: MakeSite) -> None:
    script = ((TextDelta("Once", (TokenLogprob(b"On", None), TokenLogprob(b"ce", -1.0))),), *SCRIPT)
    (choice,) = make_site(script).post("/v1/completions", **TEXT, logprobs=0, echo=True).json["choices"]
    assert choice["text"] == "OnceHi 🙂"
    assert choice["logprobs"]["token_logprobs"][:2] == [None, -1.0]
    assert choice["logprobs"]["top_logprobs"][:2] == [None, {"ce": -1.0}]


@pytest.mark.parametrize("base", ["/v1", "/api/v0"])
def test_what_was_left_out_is_told(make_site: MakeSite, base: str) -> None:
    finished = Finished("eosFound", Usage(5, 1), Stats(1.0, 1.0, 1.0, truncated_tokens=40))
    site = make_site([(TextDelta("Hi"), finished)])
    assert site.post(f"{base}/chat/completions", **CHAT).json["stats"]["truncated_tokens"] == 40
