import re

import pytest

from lms.engine.fake import END, FakeVocabulary
from lms.engine.marked_vocabulary import MarkedVocabulary
from lms.generation.constraint import Grammar
from lms.text.constraints import Constraints

CALLS, ARGUMENTS, OTHER = END + 1, END + 2, END + 3
CONTROL = {"[CALLS]": CALLS, "[ARGS]": ARGUMENTS, "[OTHER]": OTHER, "[END]": END}


class ControlVocabulary(FakeVocabulary):
    """Bytes, and control tokens that have no text in answers."""

    def __len__(self) -> int:
        return OTHER + 1

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool = True) -> list[int]:
        parts = re.split(f"({'|'.join(map(re.escape, CONTROL))})", text)
        return [token for part in parts for token in ([CONTROL[part]] if part in CONTROL else part.encode())]

    def piece(self, token: int) -> bytes:
        return super().piece(token) if token <= END else b""

    def spelling(self, token: int) -> bytes:
        return next((text.encode() for text, number in CONTROL.items() if number == token), bytes([token % 256]))


@pytest.fixture
def marked() -> MarkedVocabulary:
    return MarkedVocabulary(ControlVocabulary(), ("[CALLS]f[ARGS]", "[END]"))


def test_control_tokens_that_markers_are_written_with_have_a_text(marked: MarkedVocabulary) -> None:
    assert [marked.piece(token) for token in (CALLS, ARGUMENTS, ord("f"))] == [b"[CALLS]", b"[ARGS]", b"f"]


def test_other_control_tokens_have_none_and_neither_has_the_end(marked: MarkedVocabulary) -> None:
    assert (marked.piece(OTHER), marked.piece(END)) == (b"", b"")
    assert marked.is_end(END)


def test_a_grammar_may_be_followed_with_these_tokens_and_others_are_forbidden(marked: MarkedVocabulary) -> None:
    constraints = Constraints(marked)
    guide = constraints.guide(Grammar('start: "[CALLS]" /[fg]/ "[ARGS]"'))
    for token in (CALLS, ord("f"), ARGUMENTS):
        forbidden = guide.forbidden()
        assert (forbidden[token], forbidden[OTHER]) == (False, True)
        guide.take(token)
    assert guide.is_over
    constraints.close()


def test_what_is_forced_is_guessed_as_the_model_would_write_it(marked: MarkedVocabulary) -> None:
    constraints = Constraints(marked)
    assert constraints.guide(Grammar('start: "[CALLS]f[ARGS]"')).guess(8) == (CALLS, ord("f"), ARGUMENTS)
    constraints.close()
