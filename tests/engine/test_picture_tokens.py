"""Tokens that stand for pictures."""

from lms.engine.picture_tokens import is_text, tokens_for


def test_the_same_picture_has_the_same_tokens_and_another_has_others() -> None:
    assert tokens_for(b"one", 50) == tokens_for(b"one", 50)
    assert not set(tokens_for(b"one", 50)) & set(tokens_for(b"two", 50))


def test_they_are_negative_and_fit_in_32_bits() -> None:
    tokens = tokens_for(b"one", 1000)
    assert -(2**31) <= min(tokens) <= max(tokens) < 0
    assert len(set(tokens)) > 990


def test_text_has_none_of_them() -> None:
    assert is_text([0, 5])
    assert is_text([])
    assert not is_text([0, -5])
