import pytest

from lms.client.control import ServerStart, ServerStatus
from lms.errors import PortTaken
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon


def test_start_says_where_it_runs_on_stderr(lms: Terminal) -> None:
    ended = lms.type("server", "start")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "The server is running on port 1234: http://127.0.0.1:1234\n"


def test_start_leaves_port_and_address_to_the_daemon_when_no_flag_says(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("server", "start")
    assert daemon.starts == [ServerStart()]


def test_the_environment_says_where_too_and_flags_go_over_it(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.environ |= {"LMS_SERVER_PORT": "4321", "LMS_SERVER_HOST": "::"}
    lms.type("server", "start")
    lms.type("server", "start", "-p", "1", "--bind", "127.0.0.1")
    lms.type("server", "start", "--bind", "unix:/run/lms.sock")
    assert daemon.starts == [
        ServerStart(4321, "::"),
        ServerStart(1, "127.0.0.1"),
        ServerStart(None, "unix:/run/lms.sock"),
    ]
    lms.environ["LMS_SERVER_PORT"] = "many"
    ended = lms.type("server", "start")
    assert (ended.code, len(daemon.starts)) == (2, 3)
    assert "LMS_SERVER_PORT takes a number from 0 to 65535" in ended.err


def test_start_wakes_the_daemon(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    assert lms.type("server", "start").code == 0
    assert lms.started == 1


def test_start_passes_its_flags(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("server", "start", "-p", "8080", "--bind", "0.0.0.0", "--cors")
    assert daemon.starts == [ServerStart(8080, "0.0.0.0", ("*",))]


def test_start_passes_the_origins_that_are_listed_as_browsers_send_them(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("server", "start", "--cors-origin", "https://A.example/", "--cors-origin", "http://b:8080")
    assert daemon.starts == [ServerStart(origins=("https://a.example", "http://b:8080"))]


def test_no_cors_lets_no_page_in_and_goes_with_no_other(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("server", "start", "--no-cors")
    assert daemon.starts == [ServerStart(origins=())]
    assert lms.type("server", "start", "--no-cors", "--cors").code == 2
    assert lms.type("server", "start", "--no-cors", "--cors-origin", "https://a").code == 2
    assert daemon.starts == [ServerStart(origins=())]


def test_what_is_no_origin_is_a_usage_error(lms: Terminal, daemon: FakeDaemon) -> None:
    ended = lms.type("server", "start", "--cors-origin", "a.example")
    assert (ended.code, daemon.starts) == (2, [])
    assert "“a.example” is no origin" in ended.err


@pytest.mark.parametrize(("flag", "asked"), [("--require-auth", True), ("--no-require-auth", False)])
def test_start_passes_whether_tokens_are_asked_for(lms: Terminal, daemon: FakeDaemon, flag: str, asked: bool) -> None:
    lms.type("server", "start", flag)
    assert daemon.starts == [ServerStart(require_auth=asked)]


def test_asking_and_not_asking_for_tokens_exclude_each_other(lms: Terminal, daemon: FakeDaemon) -> None:
    assert lms.type("server", "start", "--require-auth", "--no-require-auth").code == 2
    assert daemon.starts == []


def test_a_server_that_asks_for_tokens_says_so(lms: Terminal) -> None:
    assert "(it asks for API tokens)" in lms.type("server", "start", "--require-auth").err
    assert "(it asks for API tokens)" in lms.type("server", "status").out
    assert lms.type("server", "status", "--json").json == {"running": True, "port": 1234, "requireAuth": True}


def test_a_server_that_asks_for_tokens_is_warned_of_only_when_there_are_none(lms: Terminal) -> None:
    flags = ("server", "start", "--require-auth", "--bind", "0.0.0.0", "--cors")
    assert "no API tokens yet" in lms.type(*flags).err
    lms.type("token", "create")
    assert "Warning" not in lms.type(*flags).err


def test_the_address_may_come_from_the_environment_and_a_flag_beats_it(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.environ["LMS_SERVER_HOST"] = "::"
    lms.type("server", "start")
    lms.type("server", "start", "--bind", "127.0.0.1")
    assert [start.host for start in daemon.starts] == ["::", "127.0.0.1"]


@pytest.mark.parametrize(
    ("flags", "moved"),
    [
        (["-p", "8081"], "127.0.0.1 port 8080 to 127.0.0.1 port 8081"),
        (["-p", "8080", "--bind", "::1"], "127.0.0.1 port 8080 to ::1 port 8080"),
    ],
)
def test_start_elsewhere_says_that_the_server_has_moved(lms: Terminal, flags: list[str], moved: str) -> None:
    lms.type("server", "start", "-p", "8080")
    ended = lms.type("server", "start", *flags)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith(f"The server has moved from {moved}.\n")


def test_start_again_or_after_a_stop_is_no_move(lms: Terminal) -> None:
    lms.type("server", "start", "-p", "8080")
    again = lms.type("server", "start", "-p", "8080")
    lms.type("server", "stop")
    assert "moved" not in again.err + lms.type("server", "start", "-p", "8081").err


@pytest.mark.parametrize(
    ("flags", "warned"),
    [
        (["--cors"], "every website"),
        (["--bind", "0.0.0.0"], "others in the network"),
        (["--bind", "127.0.0.2"], None),
        (["--bind", "::1"], None),
        (["--bind", "localhost"], None),
    ],
)
def test_an_open_server_is_warned_of(lms: Terminal, flags: list[str], warned: str | None) -> None:
    err = lms.type("server", "start", *flags).err
    assert ("Warning: " in err) == (warned is not None)
    assert (warned or "") in err


@pytest.mark.parametrize(("bind", "url"), [("0.0.0.0", "http://127.0.0.1:1234"), ("::1", "http://[::1]:1234")])
def test_the_url_is_one_that_a_client_can_use(lms: Terminal, bind: str, url: str) -> None:
    assert url in lms.type("server", "start", "--bind", bind).err


def test_a_unix_socket_has_no_port_and_exposes_nobody(lms: Terminal) -> None:
    where = "unix:/run/lms.sock"
    ended = lms.type("server", "start", "--bind", where)
    assert ended.err == f"The server is running on {where}\n"
    assert lms.type("server", "status").out == f"The server is running on {where}\n"
    assert lms.type("server", "status", "--json").json == {"running": True}
    assert where in lms.type("status").out
    assert f"from {where} to 127.0.0.1 port 1234" in lms.type("server", "start").err


class Taken(FakeDaemon):
    def start_server(self, start: ServerStart) -> ServerStatus:
        raise PortTaken("Port 1234 is taken by nginx.", hint="Choose another with --port.")


def test_a_taken_port_is_one_line_and_a_failure(lms: Terminal) -> None:
    lms.daemon = Taken()
    ended = lms.type("server", "start")
    assert (ended.code, ended.err) == (1, "Error: Port 1234 is taken by nginx.\nChoose another with --port.\n")


def test_status_is_data_and_ends_with_0(lms: Terminal) -> None:
    off = lms.type("server", "status")
    lms.type("server", "start", "-p", "8080")
    on = lms.type("server", "status")
    assert (off.code, off.out, off.err) == (0, "The server is not running.\n", "")
    assert (on.code, on.out, on.err) == (0, "The server is running on port 8080: http://127.0.0.1:8080\n", "")


def test_status_in_json_has_the_port_only_if_there_was_one(lms: Terminal) -> None:
    assert lms.type("server", "status", "--json").json == {"running": False}
    lms.type("server", "start", "-p", "8080")
    assert lms.type("server", "status", "--json").json == {"running": True, "port": 8080}
    lms.type("server", "stop")
    assert lms.type("server", "status", "--json").json == {"running": False, "port": 8080}


@pytest.mark.parametrize(
    ("stored", "port"),
    [('{"port": 8080, "cors": true}', {"port": 8080}), ("[]", {}), ("half", {}), ('{"port":"x"}', {})],
)
def test_status_without_a_daemon_remembers_the_last_port(
    lms: Terminal, daemon: FakeDaemon, stored: str, port: dict[str, int]
) -> None:
    daemon.on = False
    lms.home.server_state.write_text(stored)
    ended = lms.type("server", "status", "--json")
    assert (ended.code, ended.json, ended.err) == (0, {"running": False} | port, "")
    assert lms.started == 0


def test_stop_ends_the_server_and_says_so(lms: Terminal) -> None:
    lms.type("server", "start", "-p", "8080")
    ended = lms.type("server", "stop")
    assert (ended.code, ended.out, ended.err) == (0, "", "Stopped on port 8080.\n")


@pytest.mark.parametrize("daemon_on", [True, False])
def test_stopping_what_does_not_run_is_a_failure(lms: Terminal, daemon: FakeDaemon, daemon_on: bool) -> None:
    daemon.on = daemon_on
    ended = lms.type("server", "stop")
    assert (ended.code, lms.started) == (1, 0)
    assert "The server is not running." in ended.err


@pytest.mark.parametrize("words", [("start", "--json"), ("start", "-p", "1234", "--json")])
def test_start_and_stop_print_the_state_as_json(lms: Terminal, words: tuple[str, ...]) -> None:
    assert lms.type("server", *words).json == {"running": True, "port": 1234}
    assert lms.type("server", "stop", "--json").json == {"running": False, "port": 1234}
