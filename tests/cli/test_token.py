import pytest

from lms.config.tokens import PERMISSIONS, TokenFile
from tests.cli.conftest import Terminal


def test_create_prints_the_token_alone_on_stdout(lms: Terminal) -> None:
    ended = lms.type("token", "create", "--name", "laptop")
    token = TokenFile(lms.home.tokens).check(ended.out.strip())
    assert (ended.code, token.name, token.permissions, token.expires_s) == (0, "laptop", ("inference",), None)
    assert "cannot be shown again" in ended.err


@pytest.mark.parametrize(
    ("flags", "permissions"),
    [
        (("--allow", "models", "--allow", "inference"), ("inference", "models")),
        (("--allow", "mcp"), ("mcp",)),
        (("--allow", "all"), PERMISSIONS),
    ],
)
def test_create_allows_what_is_asked_for(lms: Terminal, flags: tuple[str, ...], permissions: tuple[str, ...]) -> None:
    assert lms.type("token", "create", *flags, "--json").json["permissions"] == list(permissions)


def test_create_as_json_has_the_token_and_all_that_is_known_of_it(lms: Terminal) -> None:
    made = lms.type("token", "create", "--expires", "30", "--json").json
    token = TokenFile(lms.home.tokens).check(made["token"])
    assert made["expiresAt"] - made["createdAt"] == 30 * 24 * 3600
    assert (made["id"], made["createdAt"]) == (token.id, token.created_s)


@pytest.mark.parametrize("flags", [("--allow", "everything"), ("--expires", "0"), ("--expires", "soon")])
def test_a_wrong_value_makes_no_token(lms: Terminal, flags: tuple[str, ...]) -> None:
    assert lms.type("token", "create", *flags).code == 2
    assert TokenFile(lms.home.tokens).tokens() == ()


def test_list_shows_names_and_permissions_and_never_a_token(lms: Terminal) -> None:
    whole = lms.type("token", "create", "--name", "laptop").out.strip()
    text, rows = lms.type("token", "list").out, lms.type("token", "list", "--json")
    assert "laptop" in text
    assert [(row["name"], row["permissions"]) for row in rows.json] == [("laptop", ["inference"])]
    assert whole.partition(":")[2] not in text + rows.out


def test_a_list_of_none_says_how_to_make_one(lms: Terminal) -> None:
    ended = lms.type("token", "list")
    assert (ended.code, ended.out) == (0, "")
    assert "lms token create" in ended.err


def test_revoke_removes_it(lms: Terminal) -> None:
    token_id = lms.type("token", "create", "--name", "laptop", "--json").json["id"]
    ended = lms.type("token", "revoke", token_id)
    assert (ended.code, ended.err) == (0, f"Revoked “laptop” ({token_id}).\n")
    assert lms.type("token", "list", "--json").json == []


def test_what_is_not_there_cannot_be_revoked(lms: Terminal) -> None:
    ended = lms.type("token", "revoke", "12345678")
    assert (ended.code, ended.out) == (1, "")
    assert "“12345678”" in ended.err


def test_tokens_need_no_daemon(lms: Terminal) -> None:
    lms.daemon.on = False
    assert [lms.type("token", *words).code for words in (("create",), ("list",))] == [0, 0]
    assert lms.started == 0


def test_the_ids_are_offered_to_whoever_completes(lms: Terminal) -> None:
    token_id = lms.type("token", "create", "--json").json["id"]
    assert lms.type("complete", "tokens").out == f"{token_id}\n"
