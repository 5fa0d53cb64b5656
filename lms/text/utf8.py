"""Characters from the bytes of tokens: a token may end in the middle of a character."""

import codecs


class TextAssembler:
    """Holds back the bytes of a character that is not complete. Bytes that are no UTF-8 become U+FFFD."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, received: bytes) -> str:
        """The characters that `received` completes."""
        return self._decoder.decode(received)

    def flush(self) -> str:
        """What is left at the end: U+FFFD for a character that was never completed."""
        return self._decoder.decode(b"", final=True)
