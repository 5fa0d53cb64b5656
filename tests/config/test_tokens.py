import re
import stat
import threading
from pathlib import Path

import pytest

from lms.config.tokens import PERMISSIONS, Token, TokenFile, new_token
from lms.errors import LmsError, TokenNotFound, Unauthorized

NOW_S = 1_790_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "tokens.json"


def made(path: Path, name: str = "laptop", **changes: float) -> tuple[str, Token]:
    whole, token = new_token(name, ("inference",), NOW_S, **changes)
    TokenFile(path).add(token)
    return whole, token


def test_a_token_has_the_form_that_lm_studios_sdks_insist_on() -> None:
    whole, token = new_token("laptop", PERMISSIONS, NOW_S)
    assert re.fullmatch(r"sk-lm-[A-Za-z0-9]{8}:[A-Za-z0-9]{20}", whole)
    assert whole.startswith(f"sk-lm-{token.id}:")


def test_a_token_is_known_after_it_was_added(path: Path) -> None:
    whole, token = made(path)
    assert TokenFile(path).check(whole) == token


def test_nothing_on_disk_says_what_the_token_is(path: Path) -> None:
    whole, _ = made(path)
    stored = path.read_text()
    assert whole not in stored
    assert whole.partition(":")[2] not in stored


def test_only_the_owner_may_read_the_file(path: Path) -> None:
    made(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: "",
        lambda whole: "lm-studio",
        lambda whole: whole[:-1],
        lambda whole: whole + "x",
        lambda whole: whole[:-1] + ("a" if whole[-1] != "a" else "b"),
        lambda whole: whole.replace("sk-lm-", "sk-xx-"),
        lambda whole: whole.partition(":")[0],
        lambda whole: "é\ud800",
    ],
)
def test_what_is_not_the_whole_token_is_refused(path: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    whole, _ = made(path)
    with pytest.raises(Unauthorized):
        TokenFile(path).check(spoil(whole))


def test_a_refusal_repeats_the_beginning_only(path: Path) -> None:
    with pytest.raises(Unauthorized, match=r"“sk-lm-1234\*\*\*”"):
        TokenFile(path).check("sk-lm-12345678:abcdefghijklmnopqrst")


def test_without_a_file_nobody_is_let_in(path: Path) -> None:
    assert TokenFile(path).tokens() == ()
    with pytest.raises(Unauthorized):
        TokenFile(path).check("sk-lm-12345678:abcdefghijklmnopqrst")


def test_a_revoked_token_counts_no_more_for_those_who_checked_it_before(path: Path) -> None:
    (whole, token), (other, _) = made(path), made(path)
    door = TokenFile(path)
    assert door.check(whole) == token
    assert TokenFile(path).remove(token.id) == token
    with pytest.raises(Unauthorized):
        door.check(whole)
    assert door.check(other)


def test_a_token_made_later_counts_for_those_who_looked_before(path: Path) -> None:
    door = TokenFile(path)
    with pytest.raises(Unauthorized):
        door.check("sk-lm-")
    whole, token = made(path)
    assert door.check(whole) == token


def test_a_token_that_is_not_there_cannot_be_revoked(path: Path) -> None:
    made(path)
    with pytest.raises(TokenNotFound, match="12345678"):
        TokenFile(path).remove("12345678")


def test_a_token_expires_at_its_time(path: Path) -> None:
    whole, token = made(path, expires_s=NOW_S + 10)
    door = TokenFile(path)
    assert door.check(whole, NOW_S + 9.9) == token
    with pytest.raises(Unauthorized, match="has expired"):
        door.check(whole, NOW_S + 10)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"tokens": [{}]}', b"\xff", b'{"tokens": "x"}'])
def test_a_broken_file_lets_nobody_in_and_is_not_overwritten(path: Path, content: bytes) -> None:
    whole, token = made(path)
    path.write_bytes(content)
    door = TokenFile(path)
    for attempt in (lambda: door.check(whole), lambda: door.add(token), lambda: door.remove(token.id)):
        with pytest.raises(LmsError, match="cannot be read"):
            attempt()
    assert path.read_bytes() == content


def test_no_token_is_lost_when_many_are_made_at_once(path: Path) -> None:
    threads = [threading.Thread(target=made, args=(path, str(number))) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(token.name) for token in TokenFile(path).tokens()) == list(range(16))
