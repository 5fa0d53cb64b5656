import pytest
from msgspec.structs import replace

from lms.cli.cancelling import outcome, verdict
from lms.client.control import InstanceRow, LoadRequest
from tests.cli.fake_daemon import QWEN, TINY, FakeDaemon

LOADED = InstanceRow("tiny-chat", TINY, "idle", 4096, 4)
LOADING = replace(LOADED, identifier="tiny-chat:2", state="loading")


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ([], "Cancelled: nothing was loaded."),
        ([LOADED], "Too late: it is loaded, as “tiny-chat”. lms unload tiny-chat unloads it."),
        ([LOADING, LOADED], "Too late: it is loaded, as “tiny-chat”. lms unload tiny-chat unloads it."),
        ([LOADING], "Cancelled, but “tiny-chat:2” is still loading: lms ps shows what becomes of it."),
        (
            [replace(LOADED, identifier="my bot")],
            "Too late: it is loaded, as “my bot”. lms unload 'my bot' unloads it.",
        ),
    ],
)
def test_what_is_left_decides_what_is_said(left: list[InstanceRow], said: str) -> None:
    assert verdict(left) == said


@pytest.mark.parametrize(
    ("there", "before"),
    [
        (LOADED, ["tiny-chat"]),
        (replace(LOADED, model=QWEN), []),
        (replace(LOADED, jit=True), []),
    ],
)
def test_what_was_there_or_is_not_ours_does_not_count(there: InstanceRow, before: list[str]) -> None:
    assert outcome(FakeDaemon(loaded=[there]), LoadRequest("tiny-chat"), before) == "Cancelled: nothing was loaded."


def test_a_load_under_a_name_of_its_own_is_known_by_it() -> None:
    daemon = FakeDaemon(loaded=[LOADED, replace(LOADED, identifier="mine")])
    assert "“mine”" in outcome(daemon, LoadRequest("tiny-chat", "mine"), [])


def test_a_daemon_that_has_gone_cannot_be_asked() -> None:
    assert "see lms ps" in outcome(FakeDaemon(on=False), LoadRequest("tiny-chat"), [])
