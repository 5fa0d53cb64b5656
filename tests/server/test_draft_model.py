"""`draft_model` on its way from the body to the lease and the engine, and its figures on their way back."""

from typing import Any

import msgspec
import pytest

from lms.generation.events import Drafts, Finished, Stats, Usage
from lms.generation.request import DraftModel, GenerateRequest
from lms.server.answers import draft_stats, total
from tests.server.conftest import Site

CHAT = {"messages": [{"role": "user", "content": "Hi"}]}
BODIES: dict[str, dict[str, Any]] = {"chat/completions": CHAT, "completions": {"prompt": "Once"}}
FIGURES = Stats(50.0, 0.125, 0.04, Drafts(5, 2, 1), "small")


@pytest.mark.parametrize("base", ["/v1", "/api/v0"])
@pytest.mark.parametrize("path", BODIES)
def test_the_lease_is_asked_for_it_and_the_request_names_its_file(site: Site, base: str, path: str) -> None:
    site.post(f"{base}/{path}", model="tiny-chat", draft_model="small", **BODIES[path])
    assert site.backend.draft_models == ["small"]
    request = site.engine.calls[0].request
    assert isinstance(request, GenerateRequest)
    assert request.draft_model == DraftModel("small", "/models/small.gguf")


@pytest.mark.parametrize("value", [None, ""])
def test_none_means_the_one_that_the_model_was_loaded_with(site: Site, value: str | None) -> None:
    site.post("/v1/chat/completions", model="tiny-chat", draft_model=value, **CHAT)
    assert site.backend.draft_models == [None]


def test_a_draft_model_that_is_no_name_is_refused(site: Site) -> None:
    reply = site.post("/v1/chat/completions", model="tiny-chat", draft_model=7, **CHAT)
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "draft_model")


def test_the_figures_have_lm_studios_names_and_add_up() -> None:
    assert draft_stats(FIGURES) == {
        "draft_model": "small",
        "total_draft_tokens_count": 8,
        "accepted_draft_tokens_count": 5,
        "rejected_draft_tokens_count": 2,
        "ignored_draft_tokens_count": 1,
    }


def test_where_nothing_guesses_there_are_no_figures() -> None:
    assert draft_stats(Stats(50.0, 0.125, 0.04)) == {}


def test_guesses_without_a_draft_model_are_counted_too() -> None:
    assert draft_stats(msgspec.structs.replace(FIGURES, draft_model=None))["total_draft_tokens_count"] == 8


def test_the_figures_of_several_prompts_are_added_up() -> None:
    ends = [Finished("eosFound", Usage(1, 2), FIGURES)] * 2
    assert total(ends).stats.drafts == Drafts(10, 4, 2)
    assert total(ends).stats.draft_model == "small"
