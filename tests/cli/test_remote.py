"""Which machine is meant, and what stays on this one."""

import pytest

from lms.cli.remote import place, token
from lms.errors import UsageError
from tests.cli.conftest import Terminal
from tests.cli.tree import COMMANDS

REMOTE = ["chat", "get", "load", "unload", "ls", "ps", "status", "log stream"]


@pytest.mark.parametrize(
    ("host", "port", "variable", "meant"),
    [
        (None, None, "", None),
        (None, "8080", "", "127.0.0.1:8080"),
        ("box", None, "", "box:1234"),
        ("box", "80", "", "box:80"),
        ("localhost", None, "", "localhost:1234"),
        ("127.0.0.1", None, "", None),
        ("127.0.0.1", None, "box", None),
        ("127.0.0.1", "80", "", "127.0.0.1:80"),
        (None, None, "box", "box:1234"),
        (None, None, " box:80 ", "box:80"),
        (None, None, "10.0.0.7:80", "10.0.0.7:80"),
        (None, None, "[::1]", "[::1]:1234"),
        (None, None, "[::1]:80", "[::1]:80"),
        (None, "81", "box:80", "box:81"),
        ("other", None, "box:80", "other:1234"),
    ],
)
def test_options_go_over_the_variable(host: str | None, port: str | None, variable: str, meant: str | None) -> None:
    found = place(host, port, {"LMS_HOST": variable})
    assert (found and str(found)) == meant


@pytest.mark.parametrize("host", ["", "http://box", "box:80", "::1", "a b", "box/x", "unix:/run/x"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    with pytest.raises(UsageError, match="--host takes a name or an address"):
        place(host, None, {})


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", ""])
def test_a_port_is_one_that_can_be_called(port: str) -> None:
    with pytest.raises(UsageError, match="--port takes a number from 1 to 65535"):
        place(None, port, {})


@pytest.mark.parametrize("value", ["http://box", "box:x", "box:80/v1", "me@box", ":80", "[::1", "a b", "box?x"])
def test_the_variable_is_a_host_and_perhaps_a_port(value: str) -> None:
    with pytest.raises(UsageError, match="LMS_HOST takes"):
        place(None, None, {"LMS_HOST": value})


def test_a_token_that_fits_in_no_header_is_refused_and_not_repeated() -> None:
    assert token({}) is token({"LM_API_TOKEN": " "}) is None
    assert token({"LM_API_TOKEN": " sk-lm-x\n"}) == "sk-lm-x"
    assert token({"LM_API_TOKEN": "", "LMSTUDIO_API_TOKEN": "sk-lm-y"}) == "sk-lm-y"
    with pytest.raises(UsageError) as refused:
        token({"LM_API_TOKEN": "geheim\u00fc"})
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("command", REMOTE)
def test_these_commands_take_a_host_and_refuse_a_wrong_one(lms: Terminal, command: str) -> None:
    done = lms.type(*command.split(), "--host", "http://box")
    assert (done.code, done.out) == (2, "")
    assert "--host takes a name or an address" in done.err


@pytest.mark.parametrize(
    "command", ["rm x", "show x", "daemon up", "server start", "import x", "version", "token list"]
)
def test_commands_about_this_machine_take_no_host(lms: Terminal, command: str) -> None:
    done = lms.type(*command.split(), "--host", "box")
    assert (done.code, "No such option: --host" in done.err) == (2, True)


def test_the_commands_that_are_named_here_exist() -> None:
    assert set(REMOTE) <= set(COMMANDS)


def test_the_port_to_serve_on_is_another_option(lms: Terminal) -> None:
    assert "takes a number from 0 to 65535" in lms.type("server", "start", "--port", "x").err


@pytest.mark.parametrize(
    "words", [("load", "tiny-chat", "--lora", __file__), ("chat", "tiny-chat", "-p", "hi", "--preset", "poet")]
)
def test_what_is_a_file_of_this_machine_goes_with_no_host(lms: Terminal, words: tuple[str, ...]) -> None:
    done = lms.type(*words, "--host", "box")
    assert (done.code, done.out) == (2, "")
    assert "only for models of this machine, not for those at box:1234" in done.err
    assert lms.started == 0
