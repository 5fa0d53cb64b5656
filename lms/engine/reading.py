"""Requests that need no pass through the model: what it sees of a prompt, and what tokens spell."""

from collections.abc import Iterator, Sequence

from lms.engine.model import Vocabulary
from lms.engine.picture_tokens import is_of_text
from lms.engine.prompts import PromptReader, Seen, check_tokens
from lms.errors import InvalidRequest, Unsupported
from lms.generation.events import Spelled, WasRead
from lms.generation.request import ReadRequest, SpellRequest, TextPrompt

# Characters of a text, or tokens, at once. They are read between two passes, and so many take half a second.
LIMIT = 1_000_000

# Stands for each token of a picture, as `WasRead` has it.
PICTURE = -1


class Reader:
    """Reads for one model. Without `prompts` it renders no conversations: a model that embeds has no template."""

    def __init__(self, vocabulary: Vocabulary, prompts: PromptReader | None = None) -> None:
        self._vocabulary = vocabulary
        self._prompts = prompts

    def read(self, request: ReadRequest) -> WasRead:
        """Raises InvalidRequest for a text that is too long, or for what `PromptReader` refuses; Unsupported for a
        conversation that the model cannot read."""
        seen = self._seen(request)
        pieces = tuple(self._pieces(seen.tokens)) if request.pieces else ()
        return WasRead(seen.text, tuple(max(token, PICTURE) for token in seen.tokens), pieces)

    def spell(self, request: SpellRequest) -> Spelled:
        """Raises InvalidRequest for an id that is no token of the model; bytes that are no UTF-8 become �."""
        _check_size(len(request.tokens), "tokens", "tokens")
        check_tokens(request.tokens, len(self._vocabulary), "tokens")
        return Spelled(b"".join(self._pieces(request.tokens)).decode(errors="replace"))

    def _pieces(self, tokens: Sequence[int]) -> Iterator[bytes]:
        """What each token is written as, asked once for each: a native call takes some 2 µs."""
        spelt = {token: self._vocabulary.spelling(token) if is_of_text(token) else b"" for token in set(tokens)}
        return map(spelt.__getitem__, tokens)

    def _seen(self, request: ReadRequest) -> Seen:
        match request.prompt:
            case TextPrompt(text):
                _check_size(len(text), "characters", "content")
                tokens = self._vocabulary.tokenize(
                    text, add_special=request.add_special, parse_special=request.parse_special
                )
                return Seen(text, tokens)
            case prompt if self._prompts:
                return self._prompts.read(prompt)
        raise Unsupported("This model embeds texts, and reads no conversations.", param="messages")


def _check_size(size: int, unit: str, param: str) -> None:
    if size > LIMIT:
        raise InvalidRequest(
            f"{LIMIT:,} {unit} are read at once, not {size:,}.", hint="Send them in parts.", param=param
        )
