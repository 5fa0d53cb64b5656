from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import PID, FakeDaemon


def test_with_everything_off_nothing_is_started(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = lms.type("status")
    assert (ended.code, ended.err, lms.started) == (0, "", 0)
    assert "Daemon: OFF\nServer: OFF\n" in ended.out
    assert lms.type("status", "--json").json == {
        "daemon": {"running": False},
        "server": {"running": False},
        "models": [],
    }


def test_loaded_models_are_listed_while_the_server_is_off(lms: Terminal) -> None:
    lms.type("load", "tiny-chat")
    out = lms.type("status").out
    assert "Server: OFF" in out
    assert "  · tiny-chat - 3.90 MB\n" in out


def test_with_everything_on(lms: Terminal) -> None:
    lms.type("server", "start", "-p", "8080")
    lms.type("load", "tiny-chat")
    out = lms.type("status").out
    assert f"Daemon: ON (PID: {PID})\nServer: ON (port: 8080)\n" in out
    shape = lms.type("status", "--json").json
    assert shape["daemon"] == {"running": True, "pid": PID, "version": "0.1.0"}
    assert shape["server"] == {"running": True, "port": 8080}
    assert [row["identifier"] for row in shape["models"]] == ["tiny-chat"]
