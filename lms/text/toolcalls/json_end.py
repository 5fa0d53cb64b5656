"""Where a JSON value ends, told while it arrives: by its brackets and strings alone."""

OPENING, CLOSING = "{[", "}]"
LITERAL = "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class JsonEnd:
    """Follows one value. Line breaks and other control characters within strings, which JSON forbids and models write,
    become escapes.
    """

    def __init__(self) -> None:
        self.is_reached = False
        self._depth = 0
        self._in_string = False
        self._is_escaped = False
        self._in_literal = False

    @property
    def may_be_here(self) -> bool:
        """Whether the value is complete if nothing follows: a number or a word, which nothing closes."""
        return self._in_literal and not self._depth

    def feed(self, text: str) -> tuple[str, int]:
        """The text of the value in `text`, and how many characters of it that are."""
        written = list[str]()
        for position, character in enumerate(text):
            if self._in_literal and not self._depth and character not in LITERAL:
                self.is_reached = True
                return "".join(written), position
            written.append(self._step(character))
            if self.is_reached:
                return "".join(written), position + 1
        return "".join(written), len(text)

    def _step(self, character: str) -> str:
        if self._in_string:
            return self._step_in_string(character)
        if character == '"':
            self._in_string = True
        elif character in OPENING:
            self._depth += 1
        elif character in CLOSING:
            self._depth -= 1
            self.is_reached = self._depth <= 0
        elif not self._depth:
            self._in_literal = True
        return character

    def _step_in_string(self, character: str) -> str:
        if self._is_escaped:
            self._is_escaped = False
        elif character == "\\":
            self._is_escaped = True
        elif character == '"':
            self._in_string = False
            self.is_reached = not self._depth
        return character if character >= " " else f"\\u{ord(character):04x}"
