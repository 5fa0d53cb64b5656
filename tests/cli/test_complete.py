from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon


def test_models_are_offered_with_their_variants(lms: Terminal) -> None:
    names = lms.type("complete", "models").out.split()
    assert {"tiny-chat", "qwen3-4b", "qwen3-4b@q8_0"} <= set(names)


def test_identifiers_are_those_of_loaded_models(lms: Terminal) -> None:
    lms.type("load", "tiny-chat", "--identifier", "mine")
    assert lms.type("complete", "identifiers").out == "mine\n"


def test_without_a_daemon_there_is_silence(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = lms.type("complete", "models")
    assert (ended.code, ended.out, ended.err, lms.started) == (0, "", "", 0)
