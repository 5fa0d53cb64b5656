"""The tiers against naive twins that look at every stored sequence, token by token."""

import tempfile
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lms.engine.state_files import StateFiles
from lms.engine.state_key import state_key
from lms.engine.states import StateStore, StoredMatch

token_lists = st.lists(st.integers(0, 2), max_size=8)
KEY = state_key({})
LIMIT_BYTES = 30


def shared(left: list[int], right: list[int]) -> int:
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return length


def answers(held: list[int], wanted: list[int], *, divisible: bool) -> int:
    """How much of `wanted` a state of `held` answers."""
    length = shared(held, wanted)
    return length if divisible or length == len(held) else 0


def files(folder: Path, limit_bytes: int = 1 << 20, *, divisible: bool = True) -> StateFiles:
    said: list[str] = []
    made = StateFiles(folder, limit_bytes, KEY, lambda _, text: said.append(text), divisible=divisible)
    assert said == []
    return made


@dataclass
class Held:
    tokens: list[int]
    state: bytes


class RamAgainstTwin(RuleBasedStateMachine):
    """The twin numbers what it keeps as the store does, and keeps it in the order of use."""

    divisible = True

    def __init__(self) -> None:
        super().__init__()
        self.store = StateStore(LIMIT_BYTES, divisible=self.divisible)
        self.twin: OrderedDict[int, Held] = OrderedDict()
        self._numbers = count()
        self._contents = count(1)

    def found(self, wanted: list[int]) -> StoredMatch | None:
        """What the store finds, which is as good as anything in the twin."""
        found = self.store.longest(wanted)
        best = max((answers(held.tokens, wanted, divisible=self.divisible) for held in self.twin.values()), default=0)
        assert (found.length if found else 0) == best
        if found:
            held = self.twin[found.number]
            assert answers(held.tokens, wanted, divisible=self.divisible) == best
            assert (found.tokens, found.size_bytes) == (len(held.tokens), len(held.state))
        return found

    @rule(tokens=token_lists, size_bytes=st.integers(1, LIMIT_BYTES + 2))
    def put(self, tokens: list[int], size_bytes: int) -> None:
        state = next(self._contents).to_bytes(3, "little").ljust(size_bytes, b"\0")
        covering = self.found(tokens)
        self.store.put(tokens, state)
        if covering and covering.length == len(tokens):
            self.twin.move_to_end(covering.number)
        elif tokens and len(state) <= LIMIT_BYTES:
            self.keep(Held(tokens, state))

    def keep(self, new: Held) -> None:
        for number, held in list(self.twin.items()):
            if self.divisible and shared(held.tokens, new.tokens) == len(held.tokens):
                del self.twin[number]
        while sum(len(held.state) for held in self.twin.values()) + len(new.state) > LIMIT_BYTES:
            self.twin.popitem(last=False)
        self.twin[next(self._numbers)] = new

    @rule(wanted=token_lists)
    def get(self, wanted: list[int]) -> None:
        if found := self.found(wanted):
            assert self.store.get(found) == self.twin[found.number].state
            self.twin.move_to_end(found.number)

    @rule(tokens=token_lists, size_bytes=st.integers(1, LIMIT_BYTES + 2))
    def wants(self, tokens: list[int], size_bytes: int) -> None:
        covering = self.found(tokens)
        if covering and covering.length == len(tokens):
            assert not self.store.wants(tokens, size_bytes)
            self.twin.move_to_end(covering.number)
        else:
            assert self.store.wants(tokens, size_bytes) == (bool(tokens) and size_bytes <= LIMIT_BYTES)

    @rule(wanted=token_lists)
    def drop(self, wanted: list[int]) -> None:
        if found := self.found(wanted):
            self.store.drop(found)
            del self.twin[found.number]
            assert self.store.get(found) is None

    @rule()
    def clear(self) -> None:
        self.store.clear()
        self.twin.clear()

    @invariant()
    def agree(self) -> None:
        assert len(self.store) == len(self.twin)
        assert self.store.size_bytes == sum(len(held.state) for held in self.twin.values()) <= LIMIT_BYTES


class WholeRamAgainstTwin(RamAgainstTwin):
    divisible = False


class BothTiersAgainstTwin(RuleBasedStateMachine):
    """With room enough on disk nothing is ever lost, whatever falls out of RAM and however often all is closed."""

    divisible = True

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.put_before: list[list[int]] = []
        self.open()

    def open(self) -> None:
        opened = files(Path(self.folder.name), divisible=self.divisible)
        self.store = StateStore(LIMIT_BYTES, opened, divisible=self.divisible)

    @rule(tokens=token_lists, size_bytes=st.integers(8, LIMIT_BYTES + 2))
    def put(self, tokens: list[int], size_bytes: int) -> None:
        self.store.put(tokens, bytes(tokens).ljust(size_bytes, b"\xff"))
        self.put_before.append(tokens)

    @rule(wanted=token_lists)
    def get(self, wanted: list[int]) -> None:
        found = self.store.longest(wanted)
        best = max((answers(held, wanted, divisible=self.divisible) for held in self.put_before), default=0)
        assert (found.length if found else 0) == best
        if found:
            state = self.store.get(found)
            assert state is not None
            assert len(state) == found.size_bytes
            assert list(state[:best]) == wanted[:best]
            assert self.divisible or state[best:].strip(b"\xff") == b""

    @rule()
    def reopen(self) -> None:
        self.store.close(timeout_s=10)
        self.open()

    def teardown(self) -> None:
        self.store.close(timeout_s=10)
        self.folder.cleanup()


class WholeBothTiersAgainstTwin(BothTiersAgainstTwin):
    divisible = False


TestRamAgainstTwin = RamAgainstTwin.TestCase
TestWholeRamAgainstTwin = WholeRamAgainstTwin.TestCase
TestBothTiersAgainstTwin = BothTiersAgainstTwin.TestCase
TestWholeBothTiersAgainstTwin = WholeBothTiersAgainstTwin.TestCase
TestBothTiersAgainstTwin.settings = TestWholeBothTiersAgainstTwin.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None
)


def test_what_falls_out_of_ram_is_found_on_disk(tmp_path: Path) -> None:
    store = StateStore(10, files(tmp_path))
    store.put([1, 2, 3], b"a" * 10)
    store.put([4, 5, 6], b"b" * 10)
    assert store.longest([1, 2, 9]) == StoredMatch(0, 2, 3, 10, on_disk=True)
    assert store.get(StoredMatch(0, 2, 3, 10, on_disk=True)) == b"a" * 10
    assert store.longest([4, 5, 6]) == StoredMatch(1, 3, 3, 10, on_disk=False)
    store.close(timeout_s=10)


def test_of_two_tiers_that_answer_as_much_ram_is_asked(tmp_path: Path) -> None:
    store = StateStore(10, files(tmp_path))
    store.put([1, 2, 3], b"a" * 10)
    store.put([1, 2, 4], b"b" * 10)
    assert store.longest([1, 2, 5]) == StoredMatch(1, 2, 3, 10, on_disk=False)
    store.close(timeout_s=10)


def test_a_state_that_no_limit_has_room_for_is_not_wanted(tmp_path: Path) -> None:
    store = StateStore(10, files(tmp_path, limit_bytes=100))
    assert store.wants([1], 10)
    assert store.wants([1], 50)
    assert not store.wants([1], 100)  # the head of the file needs room too
    store.put([1], b"x" * 100)
    assert store.longest([1]) is None
    store.close(timeout_s=10)


def test_without_ram_all_goes_to_disk(tmp_path: Path) -> None:
    store = StateStore(0, files(tmp_path))
    store.put([1, 2], b"state")
    assert len(store) == 0
    assert not store.wants([1], 5)
    found = store.longest([1, 2, 3])
    assert found is not None
    assert store.get(found) == b"state"
    store.close(timeout_s=10)


def test_when_closed_for_a_small_disk_the_most_recently_used_states_are_kept(tmp_path: Path) -> None:
    store = StateStore(400, files(tmp_path, limit_bytes=300))
    for token in range(4):
        store.put([token], bytes([token]) * 100)
    used = store.longest([0])
    assert used is not None
    store.get(used)
    store.close(timeout_s=10)
    again = StateStore(400, files(tmp_path, limit_bytes=300))
    assert [token for token in range(4) if again.longest([token])] == [0, 3]


class FirstOnly(Executor):
    """A thread that has time for one thing only."""

    def __init__(self) -> None:
        self._has_time = True

    def submit(self, do: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future = Future[Any]()
        if self._has_time:
            self._has_time = False
            future.set_result(do(*arguments, **named))
        return future


def test_when_there_is_no_time_to_write_all_the_most_recently_used_state_is_written(tmp_path: Path) -> None:
    opened = StateFiles(tmp_path, 1 << 20, KEY, lambda _level, _text: None, thread=FirstOnly())
    store = StateStore(400, opened)
    for token in range(3):
        store.put([token], b"state")
    store.close(timeout_s=0)
    again = files(tmp_path)
    assert [token for token in range(3) if again.longest([token]).length] == [2]


def test_a_state_that_was_refused_is_forgotten_on_disk_too(tmp_path: Path) -> None:
    store = StateStore(0, files(tmp_path))
    store.put([1, 2], b"state")
    store.close(timeout_s=10)
    store = StateStore(0, files(tmp_path))
    found = store.longest([1, 2])
    assert found is not None
    store.drop(found)
    assert store.longest([1, 2]) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_state_that_has_gone_since_it_was_found_is_a_miss(tmp_path: Path, on_disk: bool) -> None:
    store = StateStore(0 if on_disk else 10, files(tmp_path))
    store.put([1, 2], b"state")
    found = store.longest([1, 2])
    assert found is not None
    assert found.on_disk == on_disk
    store.drop(found)
    assert store.get(found) is None
    store.drop(found)
    store.close(timeout_s=10)
