"""Whose stored responses they are: those of the API token that asked."""

from pathlib import Path
from typing import Any

import pytest

from lms.config.tokens import Permission, TokenFile, new_token
from tests.server.conftest import MakeSite, Site

NATIVE, RESPONSES = "/api/v1/chat", "/v1/responses"


class Holder:
    """Somebody with a token for the site, or somebody without one."""

    def __init__(self, site: Site, token: str = "") -> None:
        self._client = site.client
        self._headers = {"x-api-key": token} if token else {}

    def ask(self, method: str, path: str, **fields: Any) -> Any:
        return self._client.open(path, method=method, json=fields or None, headers=self._headers)

    def say(self, path: str, **fields: Any) -> Any:
        return self.ask("POST", path, **{"model": "tiny-chat", "input": "Hi"} | fields)

    def new(self, path: str = RESPONSES, **fields: Any) -> str:
        """The id of a response to something new."""
        reply = self.say(path, **fields).json
        return str(reply["response_id" if path == NATIVE else "id"])


class Guarded:
    """A site that asks for tokens."""

    def __init__(self, make_site: MakeSite, folder: Path) -> None:
        self._file = TokenFile(folder / "tokens.json")
        self.site = make_site(tokens=self._file)

    def holder(self, *permissions: Permission) -> Holder:
        whole, token = new_token("laptop", permissions, 0)
        self._file.add(token)
        return Holder(self.site, whole)


@pytest.fixture
def guarded(make_site: MakeSite, tmp_path: Path) -> Guarded:
    return Guarded(make_site, tmp_path)


@pytest.fixture
def mine(guarded: Guarded) -> Holder:
    return guarded.holder("inference")


@pytest.fixture
def other(guarded: Guarded) -> Holder:
    return guarded.holder("inference")


@pytest.mark.parametrize(("method", "behind"), [("GET", ""), ("GET", "/input_items"), ("DELETE", "")])
def test_a_response_is_there_for_its_token_only(
    guarded: Guarded, mine: Holder, other: Holder, method: str, behind: str
) -> None:
    response_id = mine.new()
    path = f"{RESPONSES}/{response_id}{behind}"
    refused = other.ask(method, path)
    assert (refused.status_code, refused.json["error"]["code"]) == (404, "response_not_found")
    assert mine.ask(method, path).status_code == 200


@pytest.mark.parametrize("first", [NATIVE, RESPONSES])
@pytest.mark.parametrize("then", [NATIVE, RESPONSES])
def test_a_conversation_goes_on_for_its_token_only(mine: Holder, other: Holder, first: str, then: str) -> None:
    response_id = mine.new(first)
    refused = other.say(then, previous_response_id=response_id)
    assert (refused.status_code, refused.json["error"]["param"]) == (400, "previous_response_id")
    assert mine.say(then, previous_response_id=response_id).status_code == 200


def test_an_item_is_found_for_its_token_only(mine: Holder, other: Holder) -> None:
    item = mine.ask("GET", f"{RESPONSES}/{mine.new()}").json["output"][0]["id"]
    reference = [{"type": "item_reference", "id": item}, {"role": "user", "content": "Go on."}]
    assert other.say(RESPONSES, input=reference).status_code == 400
    assert mine.say(RESPONSES, input=reference).status_code == 200


def test_an_administrator_finds_all(guarded: Guarded, mine: Holder) -> None:
    administrator = guarded.holder("admin")
    path = f"{RESPONSES}/{mine.new()}"
    assert administrator.ask("GET", path).status_code == 200
    assert administrator.ask("GET", f"{path}/input_items").status_code == 200
    assert administrator.ask("DELETE", path).status_code == 200
    assert mine.ask("GET", path).status_code == 404


def test_without_tokens_everybody_finds_all(site: Site) -> None:
    path = f"{RESPONSES}/{Holder(site).new()}"
    assert Holder(site, "sk-lm-whatever").ask("GET", path).status_code == 200
