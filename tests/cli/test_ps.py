from msgspec.structs import replace

from lms.cli import shapes
from lms.client.control import Pace
from lms.config.load import LoadConfig
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon


def cells(out: str, identifier: str) -> list[str]:
    return next(line.split() for line in out.splitlines() if line.startswith(identifier))


def test_nothing_loaded_is_a_hint_on_stderr_and_an_empty_list(lms: Terminal) -> None:
    ended = lms.type("ps")
    assert (ended.code, ended.out) == (0, "")
    assert "lms load" in ended.err
    assert lms.type("ps", "--json").json == []


def test_the_table_has_lm_studios_columns_then_ours_sorted_by_identifier(lms: Terminal) -> None:
    lms.type("load", "tiny-chat", "--identifier", "b")
    lms.type("load", "text-embedding-tiny", "--identifier", "a")
    lines = [line.split() for line in lms.type("ps").out.splitlines() if line]
    assert lines == [
        "IDENTIFIER MODEL STATUS SIZE CONTEXT PARALLEL DEVICE TTL PINNED QUEUED TOK/S USED".split(),
        ["a", "text-embedding-tiny", "IDLE", "2.50", "MB", "4096", "-", "Local", "0", "-", "-"],
        ["b", "tiny-chat", "IDLE", "3.90", "MB", "4096", "4", "Local", "0", "-", "-"],
    ]


def test_ttl_shows_what_remains_and_the_whole(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat", "--ttl", "3600")
    assert cells(lms.type("ps").out, "tiny-chat")[-6:-3] == ["1h", "/", "1h"]
    daemon.loaded[0] = replace(daemon.loaded[0], remaining_ttl_s=3500.0)
    assert cells(lms.type("ps").out, "tiny-chat")[-6:-3] == ["58m", "/", "1h"]
    daemon.loaded[0] = replace(daemon.loaded[0], remaining_ttl_s=-2.0)
    assert cells(lms.type("ps").out, "tiny-chat")[-6:-3] == ["0s", "/", "1h"]


def test_what_is_pinned_is_shown_to_be(lms: Terminal) -> None:
    lms.type("load", "tiny-chat", "--pin")
    lms.type("load", "tiny-chat")
    header, pinned, other = [line for line in lms.type("ps").out.splitlines() if line]
    column = header.index("PINNED")
    assert (pinned[column : column + 3], other[column : column + 3]) == ("yes", "   ")
    assert [shape.get("pinned") for shape in lms.type("ps", "--json").json] == [True, None]


def test_a_busy_model_shows_its_state(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat")
    daemon.loaded[0] = replace(daemon.loaded[0], state="processingPrompt", running=1, queued=2, last_used_ms=1_790)
    assert cells(lms.type("ps").out, "tiny-chat")[2] == "PROCESSINGPROMPT"
    [shape] = lms.type("ps", "--json").json
    assert (shape["status"], shape["queued"], shape["lastUsedTime"]) == ("processingPrompt", 3, 1_790)


def test_what_the_last_answer_was_like_and_what_waits(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat")
    daemon.loaded[0] = replace(daemon.loaded[0], running=1, queued=2)
    daemon.pace = [Pace("tiny-chat", 3, 90, 51.55, 812), Pace("gone", 1, 9, 1.0, 9)]
    assert cells(lms.type("ps").out, "tiny-chat")[-3:] == ["2", "51.5", "812"]
    [shape] = lms.type("ps", "--json").json
    assert (shape["queued"], shape["waiting"]) == (3, 2)
    assert (shape["tokensPerSecond"], shape["contextUsed"]) == (51.55, 812)


def test_what_a_loading_model_will_have_is_not_known_yet(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat", "-c", "2147483647", "--parallel", "8")
    daemon.loaded[0] = replace(daemon.loaded[0], state="loading")
    assert cells(lms.type("ps").out, "tiny-chat")[:8] == (
        ["tiny-chat"] * 2 + ["LOADING", "3.90", "MB", "-", "-", "Local"]
    )


def test_json_is_the_model_with_the_keys_of_an_instance(lms: Terminal) -> None:
    lms.type("load", "tiny-chat", "--identifier", "mine")
    [model] = [model for model in lms.type("ls", "--json").json if model["modelKey"] == "tiny-chat"]
    [shape] = lms.type("ps", "--json").json
    assert shape == model | {
        "identifier": "mine",
        "ttlMs": None,
        "lastUsedTime": None,
        "contextLength": 4096,
        "status": "idle",
        "queued": 0,
        "waiting": 0,
        "parallel": 4,
        "loadConfig": {},
    }


def test_json_lists_embedding_models_last_and_without_parallel(lms: Terminal) -> None:
    lms.type("load", "text-embedding-tiny")
    lms.type("load", "tiny-chat")
    listed = lms.type("ps", "--json").json
    assert [row["identifier"] for row in listed] == ["tiny-chat", "text-embedding-tiny"]
    assert listed[1]["parallel"] is None


def test_json_shows_what_was_asked_for_at_load(lms: Terminal) -> None:
    lms.type("load", "tiny-chat", "-c", "1024", "--kv-cache-type", "q8_0,f16", "--mlock", "--no-mmap")
    [shape] = lms.type("ps", "--json").json
    assert shape["loadConfig"] == {
        "contextLength": 1024,
        "llamaKCacheQuantizationType": "q8_0",
        "keepModelInMemory": True,
        "tryMmap": False,
    }


def test_every_load_option_has_a_name_in_json() -> None:
    assert set(shapes.LOAD_CONFIG) == set(LoadConfig.__struct_fields__)
