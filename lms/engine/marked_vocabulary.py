"""Control tokens that are read: markers of reasoning and of calls are tokens without a text in many vocabularies."""

from collections.abc import Iterable, Iterator

from lms.engine.model import Vocabulary


class MarkedVocabulary:
    """Implements `Vocabulary`: that of a model, where the control tokens that `markers` are written with have a text.

    What ends an answer has none all the same.
    """

    def __init__(self, vocabulary: Vocabulary, markers: Iterable[str]) -> None:
        self._vocabulary = vocabulary
        self._marked = dict(_control_tokens(vocabulary, markers))
        self.bos, self.eos = vocabulary.bos, vocabulary.eos
        self.longest_piece_bytes = vocabulary.longest_piece_bytes
        self.infill = vocabulary.infill

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool = True) -> list[int]:
        return self._vocabulary.tokenize(text, add_special=add_special, parse_special=parse_special)

    def piece(self, token: int) -> bytes:
        return self._marked.get(token) or self._vocabulary.piece(token)

    def spelling(self, token: int) -> bytes:
        return self._vocabulary.spelling(token)

    def is_end(self, token: int) -> bool:
        return self._vocabulary.is_end(token)

    def __len__(self) -> int:
        return len(self._vocabulary)


def _control_tokens(vocabulary: Vocabulary, markers: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    for marker in markers:
        for token in vocabulary.tokenize(marker, add_special=False):
            spelling = vocabulary.spelling(token)
            if not vocabulary.piece(token) and not vocabulary.is_end(token) and spelling in marker.encode():
                yield token, spelling
