"""Positions behind pictures that move on by fewer positions than they have tokens."""

from lms.engine.llama_positions import Positions, Span

FIRST, SECOND = Span(3, 12, 4), Span(20, 6, 3)


def with_pictures() -> Positions:
    positions = Positions(3)
    positions.add(0, FIRST)
    positions.add(0, SECOND)
    return positions


def test_without_pictures_the_index_is_the_position() -> None:
    assert Positions(1).of(0, 7) == 7


def test_positions_go_on_behind_each_picture() -> None:
    positions = with_pictures()
    assert [positions.of(0, index) for index in (0, 3, 15, 20, 26, 30)] == [0, 3, 7, 12, 15, 19]


def test_a_cut_through_a_picture_is_seen() -> None:
    positions = with_pictures()
    assert [positions.divides(0, index) for index in (3, 4, 14, 15)] == [False, True, True, False]


def test_a_slot_that_was_cut_has_the_pictures_before_the_cut() -> None:
    positions = with_pictures()
    positions.cut(0, 18)
    assert positions.of(0, 30) == 22


def test_what_is_shared_moves_on_alone() -> None:
    positions = with_pictures()
    positions.share(0, 1, 18)
    positions.cut(0, 0)
    assert (positions.of(1, 18), positions.of(0, 18)) == (10, 18)


def test_a_saved_state_tells_its_pictures() -> None:
    positions = with_pictures()
    state = b"what llama.cpp saves" + positions.packed(0)
    assert positions.unpack(2, state) == len(b"what llama.cpp saves")
    assert positions.of(2, 26) == positions.of(0, 26)


def test_a_state_without_pictures_tells_none() -> None:
    positions = Positions(2)
    assert positions.unpack(1, b"saved" + positions.packed(0)) == len(b"saved")
    assert positions.of(1, 9) == 9
