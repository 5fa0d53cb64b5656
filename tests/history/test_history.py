import os
import sqlite3
import threading
from pathlib import Path

import pytest

from lms.errors import HistoryFailed, PreviousResponseNotFound, ResponseNotFound
from lms.generation.messages import Image, Message, Text, ToolCall
from lms.history.history import MEBIBYTE, History
from lms.history.turn import Turn, new_id
from tests.history.conftest import Shelf

PERFECT = Turn(
    new_id(),
    None,
    "lmstudio_v1",
    (
        Message("user", (Text("What is it?"), Image(b"\x89PNG\x00\xff"))),
        Message("assistant", "A dot.", (ToolCall("call_1", "look", '{"at": 1}'),), reasoning="Hm."),
        Message("tool", "seen", tool_call_id="call_1"),
    ),
    {"output": [{"type": "message", "content": "A dot – •"}], "nothing": None},
    1_700_000_000,
)


def rows(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM turn").fetchone()
    connection.close()
    return int(count)


def is_found(shelf: Shelf, turn: Turn) -> bool:
    try:
        return bool(shelf.history.turn(turn.id, "openai"))
    except ResponseNotFound:
        return False


def test_what_was_added_comes_back_as_it_was(shelf: Shelf) -> None:
    shelf.history.add(PERFECT)
    assert shelf.history.turn(PERFECT.id, "lmstudio_v1") == PERFECT


def test_an_id_is_lm_studios_and_never_the_same() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(each) == 53 and each.startswith("resp_") and int(each[5:], 16) for each in ids)


def test_a_conversation_is_everything_from_its_first_turn_on(shelf: Shelf) -> None:
    first = shelf.add("a")
    second = shelf.add("b", first)
    assert [message.content for message in shelf.history.conversation(second.id)] == ["a", "A", "b", "B"]


def test_branches_share_what_came_before_them_and_nothing_else(shelf: Shelf) -> None:
    root = shelf.add("root")
    left, right = shelf.add("left", root), shelf.add("right", root)
    leaf = shelf.add("leaf", left)
    assert shelf.said(leaf) == ["root", "left", "leaf"]
    assert shelf.said(right) == ["root", "right"]
    assert rows(shelf.path) == 4


def test_a_long_conversation_is_in_order(shelf: Shelf) -> None:
    turn = None
    for number in range(300):
        turn = shelf.add(str(number), turn)
    assert turn
    assert shelf.said(turn) == [str(number) for number in range(300)]


def test_another_process_finds_it_and_so_does_the_next_one(shelf: Shelf) -> None:
    turn, beside = shelf.add("a"), shelf.open()
    assert beside.turn(turn.id, "openai") == turn
    later = shelf.add("b", turn, beside)
    assert shelf.said(later) == ["a", "b"]
    beside.close()
    shelf.history.close()
    assert shelf.open().turn(later.id, "openai") == later


def test_many_writers_lose_nothing(shelf: Shelf) -> None:
    histories = [shelf.open() for _ in range(4)]
    together = threading.Barrier(len(histories))

    def write(history: History) -> None:
        together.wait()
        turn = None
        for number in range(20):
            turn = shelf.add(str(number), turn, history)
        lines.append(turn)

    lines: list[Turn | None] = []
    threads = [threading.Thread(target=write, args=(history,)) for history in histories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [shelf.said(turn) for turn in lines if turn] == [[str(number) for number in range(20)]] * 4


def test_nobody_else_may_read_the_file(shelf: Shelf) -> None:
    before = os.umask(0)
    try:
        shelf.add("a")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in shelf.path.parent.iterdir()}
    assert (modes, shelf.path.parent.stat().st_mode & 0o777) == ({0o600}, 0o700)


def test_an_unknown_id_is_not_found(shelf: Shelf) -> None:
    with pytest.raises(ResponseNotFound, match="resp_0"):
        shelf.history.turn("resp_0", "openai")
    with pytest.raises(ResponseNotFound, match="30 days"):
        shelf.history.remove("resp_0", "openai")
    with pytest.raises(PreviousResponseNotFound, match="resp_0") as caught:
        shelf.history.conversation("resp_0")
    assert caught.value.param == "previous_response_id"


def test_a_turn_is_shown_and_removed_only_as_what_it_is_but_anybody_may_go_on_from_it(shelf: Shelf) -> None:
    turn = shelf.add("a")
    with pytest.raises(ResponseNotFound):
        shelf.history.turn(turn.id, "lmstudio_v1")
    with pytest.raises(ResponseNotFound):
        shelf.history.remove(turn.id, "lmstudio_v1")
    assert shelf.said(turn) == ["a"]


def test_who_asks_for_an_owners_turns_finds_no_others(shelf: Shelf) -> None:
    mine, nobodys = shelf.add("a", items=("msg_1",), owner="me"), shelf.add("b")
    assert shelf.history.conversation(mine.id, "me")
    assert shelf.history.turn(mine.id, "openai", "me").id == mine.id
    assert shelf.history.turn_with("msg_1", "openai", "me")
    for turn, owner in ((mine, "you"), (nobodys, "me")):
        with pytest.raises(PreviousResponseNotFound):
            shelf.history.conversation(turn.id, owner)
        with pytest.raises(ResponseNotFound):
            shelf.history.turn(turn.id, "openai", owner)
        with pytest.raises(ResponseNotFound):
            shelf.history.remove(turn.id, "openai", owner)
    assert shelf.history.turn_with("msg_1", "openai", "you") is None
    assert is_found(shelf, mine)
    shelf.history.remove(mine.id, "openai", "me")
    assert not is_found(shelf, mine)


def test_who_goes_on_from_ones_own_turn_has_its_whole_past(shelf: Shelf) -> None:
    first = shelf.add("a")
    second = shelf.add("b", first, owner="me")
    assert [message.content for message in shelf.history.conversation(second.id, "me")] == ["a", "A", "b", "B"]


def test_a_turn_is_found_by_what_its_record_has(shelf: Shelf) -> None:
    turn = shelf.add("a", items=("msg_1", "fc_1"))
    found = shelf.history.turn_with("fc_1", "openai")
    assert found
    assert (found.id, found.record) == (turn.id, {"said": "a"})
    assert shelf.history.turn_with("fc_1", "lmstudio_v1") is None
    assert shelf.history.turn_with("fc_2", "openai") is None


def test_the_first_turn_with_an_item_has_it_until_it_is_removed(shelf: Shelf) -> None:
    first, second = shelf.add("a", items=("msg_1",)), shelf.add("b", items=("msg_1",))
    found = shelf.history.turn_with("msg_1", "openai")
    assert found
    assert found.id == first.id
    for turn in (first, second):
        shelf.history.remove(turn.id, "openai")
    assert shelf.history.turn_with("msg_1", "openai") is None


def test_a_removed_turn_is_gone(shelf: Shelf) -> None:
    turn = shelf.add("a")
    shelf.history.remove(turn.id, "openai")
    with pytest.raises(ResponseNotFound):
        shelf.history.turn(turn.id, "openai")
    with pytest.raises(PreviousResponseNotFound):
        shelf.history.conversation(turn.id)
    with pytest.raises(ResponseNotFound):
        shelf.history.remove(turn.id, "openai")
    assert rows(shelf.path) == 0


def test_nothing_of_a_removed_turn_is_left_in_the_file(shelf: Shelf) -> None:
    secret = shelf.add("swordfish " * 50)
    shelf.history.remove(secret.id, "openai")
    shelf.history.close()
    assert b"swordfish" not in shelf.path.read_bytes()


def test_what_goes_on_from_a_removed_turn_keeps_its_past(shelf: Shelf) -> None:
    root = shelf.add("root")
    middle = shelf.add("middle", root)
    leaf = shelf.add("leaf", middle)
    shelf.history.remove(root.id, "openai")
    shelf.history.remove(middle.id, "openai")
    assert shelf.said(leaf) == ["root", "middle", "leaf"]
    with pytest.raises(PreviousResponseNotFound):
        shelf.history.conversation(middle.id)


def test_the_past_goes_with_the_last_turn_that_needed_it(shelf: Shelf) -> None:
    root = shelf.add("root")
    left, right = shelf.add("left", root), shelf.add("right", root)
    for turn in (root, left):
        shelf.history.remove(turn.id, "openai")
    assert rows(shelf.path) == 2
    shelf.history.remove(right.id, "openai")
    assert rows(shelf.path) == 0


def test_nothing_goes_on_from_a_turn_that_is_gone(shelf: Shelf) -> None:
    gone = shelf.add("a")
    shelf.history.remove(gone.id, "openai")
    with pytest.raises(HistoryFailed):
        shelf.add("b", gone)
    assert rows(shelf.path) == 0


def test_after_thirty_days_a_turn_is_not_found(shelf: Shelf) -> None:
    turn = shelf.add("a")
    shelf.wait_days(29.9)
    assert shelf.said(turn) == ["a"]
    shelf.wait_days(0.2)
    with pytest.raises(ResponseNotFound, match="30 days"):
        shelf.history.turn(turn.id, "openai")
    with pytest.raises(PreviousResponseNotFound):
        shelf.history.conversation(turn.id)


def test_what_is_too_old_is_removed_as_new_turns_come_unless_they_need_it(shelf: Shelf) -> None:
    shelf.add("old")
    root = shelf.add("root")
    shelf.wait_days(20)
    leaf = shelf.add("leaf", root)
    shelf.wait_days(20)
    newest = shelf.add("newest", leaf)
    assert rows(shelf.path) == 3
    assert shelf.said(newest) == ["root", "leaf", "newest"]


def test_a_sweep_removes_what_is_too_old(shelf: Shelf) -> None:
    shelf.add("old")
    shelf.wait_days(31)
    shelf.open().sweep()
    assert rows(shelf.path) == 0


def test_a_history_that_keeps_nothing_any_more_sweeps_everything(shelf: Shelf) -> None:
    shelf.add("a")
    shelf.wait_days(0.001)
    shelf.open(days=0).sweep()
    assert rows(shelf.path) == 0


def test_a_sweep_makes_no_file(shelf: Shelf) -> None:
    shelf.history.sweep()
    assert not shelf.path.exists()


def test_the_oldest_make_room_for_the_newest(shelf: Shelf) -> None:
    turns = [shelf.add(f"{number} " * 50_000) for number in range(10, 22)]
    found = [is_found(shelf, turn) for turn in turns]
    assert found == [False] * found.count(False) + [True] * found.count(True)
    assert 2 <= found.count(True) <= 4
    assert shelf.path.stat().st_size < 2 * MEBIBYTE


def test_a_turn_too_large_for_the_limit_is_kept_alone(shelf: Shelf) -> None:
    before = shelf.add("before")
    large = shelf.add("x" * MEBIBYTE)
    assert (is_found(shelf, before), is_found(shelf, large)) == (False, True)
    assert is_found(shelf, shelf.add("after"))
    assert not is_found(shelf, large)


def test_a_long_conversation_that_makes_room_keeps_its_past(shelf: Shelf) -> None:
    turn = None
    for number in range(10, 22):
        turn = shelf.add(f"{number} " * 20_000, turn)
    assert turn
    assert len(shelf.said(turn)) == 12


def test_a_history_of_no_days_keeps_nothing(shelf: Shelf) -> None:
    assert shelf.history.keeps
    none = shelf.open(days=0)
    assert not none.keeps
    with pytest.raises(PreviousResponseNotFound, match="response_days"):
        none.conversation("resp_0")


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.write_text("My diary. " * 200, encoding="utf-8")
    with pytest.raises(HistoryFailed, match=r"history\.db"):
        History(path).conversation("resp_0")
    assert path.read_text(encoding="utf-8").startswith("My diary.")


def test_a_file_of_a_later_version_is_left_alone(shelf: Shelf) -> None:
    shelf.add("a")
    shelf.history.close()
    with sqlite3.connect(shelf.path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(HistoryFailed, match="later version"):
        shelf.add("b")


def test_a_file_of_the_first_version_goes_on(shelf: Shelf) -> None:
    """Its turns are nobody's, as tokens had none then."""
    turn = shelf.add("a")
    shelf.history.close()
    with sqlite3.connect(shelf.path) as connection:
        connection.execute("ALTER TABLE turn DROP COLUMN owner")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    later = shelf.add("b", turn, owner="me")
    assert shelf.said(later) == ["a", "b"]
    with pytest.raises(ResponseNotFound):
        shelf.history.turn(turn.id, "openai", "me")


def test_a_folder_that_cannot_be_written_to_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(HistoryFailed):
        History(tmp_path / "home" / "history.db").conversation("resp_0")
